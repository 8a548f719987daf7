"""A user who leaves for good: what our tables hold of that user goes, and all who got events are told."""

from trackside.django.retirement.retiring import EVENT, Retired, retire_user

__all__ = ["EVENT", "Retired", "retire_user"]

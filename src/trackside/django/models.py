"""The models of the app."""

from trackside.django.outbox.models import OutboxLock, OutboxRow, SetAsideRow

__all__ = ["OutboxLock", "OutboxRow", "SetAsideRow"]

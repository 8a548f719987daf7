"""The models of the app."""

from trackside.django.outbox.models import OutboxLock, OutboxRow, SetAsideRow
from trackside.django.state.models import TrackerState

__all__ = ["OutboxLock", "OutboxRow", "SetAsideRow", "TrackerState"]

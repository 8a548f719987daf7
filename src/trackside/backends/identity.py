"""Which id an event has on its way; see `trackside.emitted.identity`."""

from trackside.emitted.identity import SendingAs, event_id, sending_as

__all__ = ["SendingAs", "event_id", "sending_as"]

"""One webhook of openedx-webhooks → settings of a webhook here."""

from collections.abc import Iterator
from typing import Any

from trackside.openedx.importing.names import signal_type
from trackside.openedx.importing.notes import Note, form_of_old_releases, json_of_old_releases
from trackside.openedx.importing.tables import OldRow, sends_forms


def settings_of(old: OldRow) -> dict[str, Any] | None:
    """Return the settings of the webhook that sends the same; None for a signal that nobody knows."""
    event_type = signal_type(old.event)
    if event_type is None:
        return None
    return {
        **old.address,
        "events": [event_type],
        "format": "openedx_form" if old.use_www_form_encoding and sends_forms() is not False else "openedx",
        "enabled": old.enabled,
    }


def notes_of(old: OldRow) -> Iterator[Note]:
    """Yield what is different of this one."""
    if not old.enabled:
        yield Note("disabled", "It is not enabled there, nor here.")
    if old.use_www_form_encoding:
        sends = sends_forms()
        if sends is False:
            yield json_of_old_releases()
        elif sends is None:
            yield form_of_old_releases()

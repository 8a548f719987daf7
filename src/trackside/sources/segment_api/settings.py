"""What `[sources.NAME]` with `kind = "segment"` may say."""

from typing import Annotated, Literal

from msgspec import Struct

from trackside.config.settings import setting


class SegmentApiSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`kind = "segment"`: takes in the Segment HTTP API, for any unmodified SDK."""

    write_key: Annotated[
        str | tuple[str, ...],
        setting("The key clients send; several while one is being replaced by another.", secret=True),
    ]
    kind: Annotated[Literal["segment"], setting("The kind of source.")] = "segment"
    forwarder: Annotated[
        bool,
        setting(
            "Whether the platform's own trackers send with this key, which nobody else knows: their events are then"
            " written to the tracking log as the platform itself writes them, with the username, address and event"
            " source they say. Never set it for a key that pages or apps have."
        ),
    ] = False

    @property
    def write_keys(self) -> tuple[str, ...]:
        """The keys that name this source; an empty text is none."""
        keys = (self.write_key,) if isinstance(self.write_key, str) else self.write_key
        return tuple(key for key in keys if key)

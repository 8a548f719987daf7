"""The settings of a tracking log."""

from typing import Annotated

from msgspec import Meta

from trackside.destinations.base import DestinationSettings


class TrackingLogSettings(DestinationSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[destinations.NAME]` with `kind = "tracking_log"`: standard Open edX tracking log lines in a file."""

    kind: Annotated[str, Meta(description="tracking_log: standard Open edX lines in a file.")] = (
        "tracking_log"
    )
    path: Annotated[str, Meta(description="The file; relative to the data directory.", min_length=1)] = (
        "tracking.log"
    )
    max_bytes: Annotated[
        int,
        Meta(
            description="The file is renamed to `.1` before it grows larger; 0 leaves rotation to others.",
            ge=0,
            extra_json_schema={"unit": "bytes"},
        ),
    ] = 0
    backups: Annotated[
        int, Meta(description="How many renamed files are kept, where `max_bytes` is set.", ge=1, le=10_000)
    ] = 5
    fsync: Annotated[
        bool, Meta(description="Whether lines must survive a power cut, not only the end of the process.")
    ] = True

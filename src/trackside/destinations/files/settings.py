"""The settings of a destination that writes files."""

from typing import Annotated, Literal

from msgspec import Meta

from trackside.config.settings import setting
from trackside.destinations.base import DestinationSettings


class FilesSettings(DestinationSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[destinations.NAME]` with `kind = "files"`: files of events, one folder a day."""

    kind: Annotated[str, setting("files: JSON Lines or Parquet, one folder a day.")] = "files"
    path: Annotated[str, Meta(description="The folder; relative to the data directory.", min_length=1)] = (
        "events"
    )
    format: Annotated[
        Literal["json_lines", "parquet"],
        setting("json_lines: an event's JSON object a line. parquet: needs the extra `parquet`."),
    ] = "json_lines"
    compression: Annotated[
        Literal["none", "gzip", "zstd"], setting("How files are compressed; in Parquet each column is.")
    ] = "zstd"
    max_bytes: Annotated[
        int,
        setting(
            "A file is finished when it holds so much, before compression.",
            unit="bytes",
            low=4_096,
            high=4_294_967_296,
        ),
    ] = 67_108_864
    max_age_s: Annotated[
        float,
        setting(
            "A file is finished so long after its first event: readers see an event that late at the most.",
            unit="s",
            low=1,
            high=86_400,
        ),
    ] = 300.0

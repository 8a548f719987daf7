"""What `[sources.NAME]` with `kind = "browser"` may say."""

from typing import Annotated, Literal

from msgspec import Struct

from trackside.config.settings import setting
from trackside.sources.origins import check_origins


class BrowserSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`kind = "browser"`: takes in the events of pages, as the LMS takes them at /event."""

    kind: Annotated[Literal["browser"], setting("The kind of source.")] = "browser"
    path: Annotated[
        str, setting("Where pages send to; the same with a slash at its end is answered too.")
    ] = "/event"
    names: Annotated[
        tuple[str, ...],
        setting("Names of events that browsers may send, such as edx.ui.*; empty means all."),
    ] = ()
    origins: Annotated[
        tuple[str, ...],
        setting(
            "Origins besides this server's own whose pages may send: https://apps.example.org,"
            " https://*.example.org, or * for all."
        ),
    ] = ()
    body_bytes: Annotated[int, setting("Largest request body.", unit="bytes", low=1_024, high=16_777_216)] = (
        262_144
    )
    name_chars: Annotated[
        int, setting("Longest name of an event.", unit="characters", low=16, high=10_000)
    ] = 255
    users: Annotated[
        Literal["any", "table", "django"],
        setting("Who knows the id of a user that an event names: nobody, our table, or the site's database."),
    ] = "any"

    def __post_init__(self) -> None:
        check_origins(self.origins)

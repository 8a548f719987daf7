"""What `[sources.NAME]` with `kind = "apprtc"` may say."""

from typing import Annotated, Literal

from msgspec import Struct

from trackside.config.settings import setting
from trackside.sources.origins import check_origins


class AppRtcSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`kind = "apprtc"`: takes in what AppRTC's clients report, each with the time by its own clock."""

    kind: Annotated[Literal["apprtc"], setting("The kind of source.")] = "apprtc"
    path: Annotated[
        str, setting("Where clients post to; the same without the slash at its end is answered too.")
    ] = "/a/"
    origins: Annotated[
        tuple[str, ...],
        setting(
            "Origins whose pages may send, such as https://apprtc.example.org or https://*.example.org;"
            " empty means all. What names no origin is always taken."
        ),
    ] = ()

    def __post_init__(self) -> None:
        check_origins(self.origins)

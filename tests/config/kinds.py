"""Kinds of source and destination for tests of the configuration."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from trackside.config import setting


class Retrying(Struct, frozen=True, kw_only=True):
    """A table within a kind."""

    attempts: Annotated[int, setting("How often.", low=1, high=50)] = 20
    wait_s: Annotated[float, setting("How long.", unit="s", low=0.1, high=60)] = 5.0


class WebSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source."""

    write_key: Annotated[str, setting("The key.", secret=True)]
    source_map: Annotated[dict[str, str], setting("Library to source.")] = {}
    strict: Annotated[bool, setting("Whether to be strict.")] = False


class CrmSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A destination."""

    url: Annotated[str, setting("Where to.", form="url")] = ""
    events: Annotated[tuple[str, ...], Meta(description="Which.", min_length=1)] = ("*",)
    format: Annotated[Literal["json", "form"], setting("How.")] = "json"
    retry: Retrying = Retrying()

    def __post_init__(self) -> None:
        if self.format == "form" and not self.url:
            raise ValueError("format is 'form' without a url; want a url too")


SOURCES: dict[str, type[Struct]] = {"segment": WebSettings, "segment_webhook": WebSettings}
DESTINATIONS: dict[str, type[Struct]] = {"webhook": CrmSettings}

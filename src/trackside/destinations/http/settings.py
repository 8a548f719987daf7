"""The settings of a destination that posts batches."""

from typing import Annotated, ClassVar, Final

from trackside.config.settings import setting
from trackside.destinations.endpoint import EndpointSettings, Status

IDEMPOTENCY_KEY: Final = "idempotency-key"


class HttpSettings(EndpointSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[destinations.NAME]` with `kind = "http"`: batches of JSON Lines, posted to any URL."""

    reserved_headers: ClassVar[frozenset[str]] = EndpointSettings.reserved_headers | {
        IDEMPOTENCY_KEY,
        "content-encoding",
    }

    kind: Annotated[str, setting("http: batches of JSON Lines, posted to a URL.")] = "http"
    gzip: Annotated[bool, setting("Whether requests are compressed.")] = False
    batch_events: Annotated[int, setting("Most events in one request.", low=1, high=10_000)] = 500
    batch_bytes: Annotated[
        int,
        setting(
            "Largest request, before compression; a larger event goes alone.",
            unit="bytes",
            low=1_024,
            high=104_857_600,
        ),
    ] = 1_000_000
    concurrency: Annotated[int, setting("Most requests under way at a time.", low=1, high=64)] = 4
    refuse_statuses: Annotated[
        tuple[Status, ...],
        setting(
            "Answers after which a batch is halved, until the event that is not taken is alone: a dead letter. After"
            " any other failure the batch is tried again."
        ),
    ] = (400, 413)
    failures_until_probing: Annotated[
        int,
        setting(
            "After so many failures in a row one event at a time finds out whether the place is back.",
            low=1,
            high=10_000,
        ),
    ] = 3

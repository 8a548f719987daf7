"""The settings of a Segment destination."""

from typing import Annotated

from trackside.config.settings import setting
from trackside.destinations.base import DestinationSettings


class SegmentSettings(DestinationSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[destinations.NAME]` with `kind = "segment"`: Segment's HTTP API, or a server that speaks it."""

    kind: Annotated[str, setting("segment: calls of Segment's HTTP API.")] = "segment"
    write_key: Annotated[
        str, setting("The write key of the source in Segment that the events are for.", secret=True)
    ]
    host: Annotated[
        str,
        setting("Where Segment's API is, without /v1; Segment's servers in Europe have another.", form="url"),
    ] = "https://api.segment.io"
    gzip: Annotated[bool, setting("Whether requests are compressed.")] = False
    timeout_s: Annotated[
        float, setting("How long one request may take, its answer included.", unit="s", low=0.1, high=300)
    ] = 15.0
    batch_events: Annotated[int, setting("Most events in one request.", low=1, high=100)] = 100
    batch_bytes: Annotated[
        int, setting("Largest request, before compression.", unit="bytes", low=65_536, high=475_000)
    ] = 475_000
    event_bytes: Annotated[
        int,
        setting(
            "Largest event as a call in JSON; larger ones are dead letters, for Segment would drop them.",
            unit="bytes",
            low=1_024,
            high=32_768,
        ),
    ] = 32_768
    allow_private_networks: Annotated[
        bool, setting("Whether the host may be on this machine or in a private network.")
    ] = False
    allow: Annotated[
        tuple[str, ...],
        setting(
            "Networks (10.3.0.0/16), addresses and hosts that may be reached although they are not public."
        ),
    ] = ()
    proxy: Annotated[
        str,
        setting(
            "Proxy that requests go through: http://proxy.internal:3128, with user:password@ as needed.",
            secret=True,
        ),
    ] = ""
    max_attempts: Annotated[
        int,
        setting(
            "How often one event is tried before it is a dead letter; the default takes 12 hours.",
            low=1,
            high=1_000,
        ),
    ] = 727
    min_backoff_s: Annotated[
        float,
        setting(
            "Wait after the first failure; it doubles with each further one.", unit="s", low=0.1, high=86_400
        ),
    ] = 0.5
    max_backoff_s: Annotated[
        float, setting("Longest wait between attempts.", unit="s", low=0.1, high=604_800)
    ] = 60.0

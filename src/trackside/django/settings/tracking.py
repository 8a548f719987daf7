"""What becomes of the tracking that an Open edX platform does itself."""

from typing import Annotated, Literal

from msgspec import Struct

from trackside.config.settings import setting


class TrackingSettings(Struct, frozen=True, kw_only=True):
    """`tracking`: what of the platform's own tracking comes here (`trackside.openedx`)."""

    backend: Annotated[
        bool,
        setting(
            "Whether what the platform's tracker emits goes to `backends` too, beside the platform's own backends,"
            " which stay as they are. The signal that tells the same is no event then."
        ),
    ] = False
    event: Annotated[
        Literal["platform", "trackside"],
        setting("Who answers `/event`; its events go to the platform's tracker in either case."),
    ] = "platform"
    segmentio: Annotated[
        Literal["platform", "trackside"],
        setting("Who answers `/segmentio/event`; its events go to the platform's tracker in either case."),
    ] = "platform"

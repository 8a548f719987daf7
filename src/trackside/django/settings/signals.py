"""What becomes of the signals that Open edX sends."""

from typing import Annotated, Literal

from msgspec import Struct

from trackside.config.settings import setting


class SignalSettings(Struct, frozen=True, kw_only=True):
    """`signals`: which of Open edX's signals become events (`trackside.openedx`), and what they say of people."""

    names: Annotated[tuple[str, ...], setting("Types of signals that are taken, as globs.")] = ("*",)
    ignore: Annotated[tuple[str, ...], setting("Types that are not, whatever `names` says, as globs.")] = ()
    personal_data: Annotated[
        Literal["full", "ids_only", "none"],
        setting(
            "What events say of people: all that the signal does; no names, usernames, addresses, and of the request"
            " only user, course and host; or no ids of users either."
        ),
    ] = "full"
    ignore_actors: Annotated[
        tuple[str, ...],
        setting(
            "Usernames, as globs, whose requests' signals are no events: accounts of the systems that webhooks go to."
        ),
    ] = ()
    from_event_bus: Annotated[
        bool,
        setting("Whether signals are taken too that another service sent, and the event bus brought here."),
    ] = False
    on_commit: Annotated[
        Literal["memory", "outbox", "off"],
        setting(
            "Within a database transaction: kept in memory until the commit, without a query, and lost with the"
            " process; a row of it, sent after its commit whatever happens; or sent at once, also if it is rolled back."
        ),
    ] = "memory"
    data_bytes: Annotated[
        int,
        setting(
            "About the largest data of one event; what is beyond becomes `<omitted: size>`.",
            unit="bytes",
            low=1_024,
            high=1_000_000,
        ),
    ] = 60_000
    depth: Annotated[
        int,
        setting(
            "Deepest nesting of the data; what is deeper becomes `<omitted: depth>`.",
            unit="levels",
            low=2,
            high=60,
        ),
    ] = 20

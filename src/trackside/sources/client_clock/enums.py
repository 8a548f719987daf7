"""AppRTC's numbers for kinds of events and of clients.

Source: `src/app_engine/bigquery/enums.json` of AppRTC (commit 82157d6).
"""

from collections.abc import Mapping

from trackside.sources.refusal import RefusedError, invalid_field

EVENT_TYPES: Mapping[object, str] = {2: "ROOM_SIZE_2", 3: "ICE_CONNECTION_STATE_CONNECTED"}
CLIENT_TYPES: Mapping[object, str] = {0: "UNKNOWN", 1: "JS", 2: "DESKTOP", 3: "IOS", 4: "ANDROID"}


def name_of(value: object, names: Mapping[object, str], member: str) -> str:
    """Return the name behind a client's value of `member`; a value without one is kept as its text.

    It is looked up as Python does, so 2.0 is 2 and `true` is 1. Raises RefusedError for lists and objects.
    """
    try:
        name = names.get(value)
    except TypeError:
        raise RefusedError(invalid_field(member, "a number or a text")) from None
    if name is not None:
        return name
    # half of a surrogate pair is no character; it cannot be stored
    return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")

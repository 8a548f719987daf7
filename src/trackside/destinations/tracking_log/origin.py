"""Where an event came from: which kind of client, which host."""

from functools import lru_cache

from trackside.destinations.tracking_log.raw_json import Members
from trackside.destinations.tracking_log.seen import Seen
from trackside.libraries import BROWSER_LIBRARIES, MOBILE_LIBRARIES

LIBRARIES = dict.fromkeys(BROWSER_LIBRARIES, "browser") | dict.fromkeys(MOBILE_LIBRARIES, "mobile")
"""The kind of client a library runs in, where it says that by itself."""

_CHANNELS = {b'"browser"': "browser", b'"client"': "browser", b'"mobile"': "mobile", b'"server"': "server"}


def library_source(seen: Seen) -> str | None:
    """Return browser or mobile where the library says so by itself, else None."""
    library = seen.library
    return None if library is None or library.name is None else LIBRARIES.get(library.name)


def channel_source(extra: Members) -> str | None:
    """Return browser, mobile or server where the call names its channel, else None."""
    channel = extra.get("channel")
    return None if channel is None else _CHANNELS.get(bytes(channel).lower())


def host_of(url: str) -> str:
    """Return the host of `url` without its port; "" where there is none."""
    _, found, rest = url.partition("//")
    return _host(rest.partition("/")[0]) if found else ""


@lru_cache(maxsize=1_000)
def _host(authority: str) -> str:
    for end in "?#\\":
        authority = authority.partition(end)[0]
    authority = authority.rpartition("@")[2].lower()
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]

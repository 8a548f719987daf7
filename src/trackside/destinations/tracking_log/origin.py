"""Where an event came from: which kind of client, which host."""

from trackside.destinations.tracking_log.raw_json import Members
from trackside.destinations.tracking_log.seen import Seen

_BROWSER_LIBRARIES = ("analytics.js", "analytics-next", "RudderLabs JavaScript SDK")
_MOBILE_LIBRARIES = (
    "analytics-android",
    "analytics-flutter",
    "analytics-ios",
    "analytics-kotlin",
    "analytics-react-native",
    "analytics-swift",
    "analytics_flutter",
    "@segment/analytics-react-native",
    "com.rudderstack.android.sdk.core",
    "rudder-ios-library",
)
LIBRARIES = dict.fromkeys(_BROWSER_LIBRARIES, "browser") | dict.fromkeys(_MOBILE_LIBRARIES, "mobile")
"""The kind of client a library runs in, where it says that by itself."""

_CHANNELS = {b'"browser"': "browser", b'"client"': "browser", b'"mobile"': "mobile", b'"server"': "server"}
_HOSTS_KNOWN = 1_000

_hosts: dict[str, str] = {}


def event_source(seen: Seen, extra: Members) -> str:
    """Return browser, mobile or server: by the library, else the channel, else whether there is a device."""
    library = seen.library
    if library is not None and library.name is not None:
        source = LIBRARIES.get(library.name)
        if source is not None:
            return source
    channel = extra.get("channel")
    if channel is not None:
        source = _CHANNELS.get(bytes(channel).lower())
        if source is not None:
            return source
    return "mobile" if bytes(seen.device) not in {b"", b"null"} else "server"


def host_of(url: str) -> str:
    """Return the host of `url` without its port; "" where there is none."""
    start = url.find("//") + 2
    if start < 2:
        return ""
    end = url.find("/", start)
    origin = url[start:] if end < 0 else url[start:end]
    host = _hosts.get(origin)
    if host is None:
        if len(_hosts) >= _HOSTS_KNOWN:  # what clients say must not fill the memory
            _hosts.clear()
        host = _hosts[origin] = _host(origin)
    return host


def _host(authority: str) -> str:
    for end in "?#\\":
        authority = authority.partition(end)[0]
    authority = authority.rpartition("@")[2].lower()
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]

"""The paths of Segment's HTTP API, and RudderStack's beside them; each with and without a trailing slash."""

from enum import Enum, auto

from msgspec import Struct


class Kind(Enum):
    """What a path is for."""

    EVENT = auto()
    """One event, the body itself."""
    BATCH = auto()
    """`{"batch": [event, …]}`."""
    PIXEL = auto()
    """One event in the query of a GET; the answer is always a picture."""
    METRICS = auto()
    """What an SDK measures of itself; taken and thrown away."""
    SETTINGS = auto()
    """What a client SDK asks for before it sends anything."""
    SOURCE_CONFIG = auto()
    """The same for RudderStack's SDKs."""


class Route(Struct, frozen=True, gc=False):
    """What is done with the requests of one path."""

    kind: Kind
    methods: frozenset[str]
    type: str = ""
    """The event's type, where the path says it."""
    write_key: str = ""
    """The write key, where the path says it."""


_POST = frozenset({"POST"})
_GET = frozenset({"GET", "HEAD"})
_SHORT = {"t": "track", "i": "identify", "p": "page", "g": "group", "a": "alias", "s": "screen"}
_SETTINGS_PREFIX, _SETTINGS_SUFFIX = "/v1/projects/", "/settings"


def find_route(path: str) -> Route | None:
    """Return what `path` is for, or None where it is not one of this protocol's."""
    route = ROUTES.get(path)
    if route is not None or not path.startswith(_SETTINGS_PREFIX):
        return route
    bare = path.removesuffix("/")
    key = bare.removeprefix(_SETTINGS_PREFIX).removesuffix(_SETTINGS_SUFFIX)
    if bare.endswith(_SETTINGS_SUFFIX) and key and "/" not in key:
        return Route(Kind.SETTINGS, _GET, write_key=key)
    return None


def handles(path: str) -> bool:
    """Return whether `path` is one of this protocol's; cheap enough to ask for every request."""
    return find_route(path) is not None


def _table() -> dict[str, Route]:
    table = {
        "/v1/b": Route(Kind.BATCH, _POST),
        "/v1/batch": Route(Kind.BATCH, _POST),
        "/v1/import": Route(Kind.BATCH, _POST),
        "/beacon/v1/batch": Route(Kind.BATCH, _POST),
        "/v1/m": Route(Kind.METRICS, _POST),
        "/sourceConfig": Route(Kind.SOURCE_CONFIG, _GET),
    }
    for short, name in _SHORT.items():
        table[f"/v1/{short}"] = table[f"/v1/{name}"] = Route(Kind.EVENT, _POST, name)
        table[f"/v1/pixel/{name}"] = table[f"/pixel/v1/{name}"] = Route(Kind.PIXEL, _GET, name)
    return table | {f"{path}/": route for path, route in table.items()}


ROUTES = _table()
"""Every path without a variable part."""

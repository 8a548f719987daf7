"""Settings from the environment: `TRACKSIDE_LOG_DEDUP_WINDOW_S` is `log.dedup_window_s`."""

import re
from collections.abc import Iterable, Mapping

PREFIX = "TRACKSIDE_"

OTHER_VARIABLES: Mapping[str, str] = {
    "TRACKSIDE_CONFIG": "Path of the configuration file, as `--config`.",
    "TRACKSIDE_FORWARD_URL": "The server that `trackside forward` brings events to, as `--url`.",
    "TRACKSIDE_FORWARD_WRITE_KEY": "The key of a source of that server, as `--write-key`.",
    "TRACKSIDE_HTTP_CLIENT": "What sends requests: curl or aiohttp; by default curl where pycurl is installed.",
    "TRACKSIDE_HTTP2": "off keeps all requests to HTTP/1.1; by default receivers choose, with curl.",
    "TRACKSIDE_REQUIRE_SERVICES": "For the project's own tests: 1 makes a missing service fail them.",
    "TRACKSIDE_FUZZ_EXAMPLES": "For the project's own tests: how many examples a fuzz test tries.",
    "TRACKSIDE_KILL_ROUNDS": "For the project's own tests: how often a server is killed.",
    "TRACKSIDE_BENCH_DIR": "For the project's own benchmarks: where they keep their data.",
}
"""Variables that are no settings, and what they are for."""

_KIND = re.compile(r"TRACKSIDE_(SOURCES|DESTINATIONS)_([A-Z0-9_]+)_KIND")
# Kubernetes puts these into every container for a service called `trackside` or `trackside-…`.
_SERVICE_LINK = re.compile(
    r"TRACKSIDE_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)"
)
_SERVICE_ADDRESS = re.compile(r"(?:tcp|udp|sctp)://")


def variable(key: str) -> str:
    """Return the variable that sets `key`."""
    return PREFIX + re.sub(r"[.\-]", "_", key).upper()


def given(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that are meant for Trackside's settings; an empty one counts as not set."""
    return {
        name: value
        for name, value in environ.items()
        if name.startswith(PREFIX)
        and value
        and name not in OTHER_VARIABLES
        and not _SERVICE_LINK.fullmatch(name)
        and not (name.endswith("_PORT") and _SERVICE_ADDRESS.match(value))
    }


def declared_names(section: str, environ: Mapping[str, str], known: Iterable[str]) -> list[str]:
    """Return the names in `section` that only the environment declares, by a variable for their kind."""
    taken = {variable(f"{section}.{name}") for name in known}
    matches = (_KIND.fullmatch(name) for name in environ)
    names = (match[2] for match in matches if match and match[1] == section.upper())
    return [name.lower() for name in names if variable(f"{section}.{name}") not in taken]

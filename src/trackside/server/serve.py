"""`trackside serve`: opens the port, runs one process or several, says where to look, stops cleanly."""

import contextlib
import ctypes
import logging
import resource
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

from trackside import hub
from trackside.config.load import Loaded
from trackside.config.settings import Config
from trackside.console import login_link
from trackside.errors import ConfigurationError
from trackside.log_lines import log_to_stderr
from trackside.server import process, supervisor
from trackside.server.site import boot

LOGIN_FILE = Path("run") / "login"
_BACKLOG = 2_048
_M_ARENA_MAX = -8
"""From glibc's malloc.h."""


def run(loaded: Loaded) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status: 0 after a clean stop."""
    config = loaded.config
    _set_up_logging()
    _raise_file_limit()
    _share_heaps()
    hub.open_log(config).close()  # a data directory that cannot be used is refused before the port opens
    listener = _listen(config)
    boot.set_environment(config)
    address = _address(config, listener)
    _print_banner(config, address)
    if config.workers == 1:
        return process.run(config, listener, address, roles=frozenset(process.Role))
    return supervisor.run(config, listener, address)


def _listen(config: Config) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigurationError(
            f"cannot listen on {config.host} port {config.port}: {reason}; stop what uses it, or choose another --port"
        ) from error


def _address(config: Config, listener: socket.socket) -> str:
    """Return the URL people on this machine reach the server by, without a slash at its end."""
    if config.public_url:
        return config.public_url.rstrip("/")
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(config.host, config.host)  # noqa: S104
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"http://{host}:{listener.getsockname()[1]}"


def _print_banner(config: Config, address: str) -> None:
    token = login_link.issue(Path(config.data_dir) / LOGIN_FILE)
    curl = hub.example_curl(config, address)
    lines = [
        f"Trackside {hub.version()}",
        f"  log        {config.log.engine} in {Path(config.data_dir).resolve()}",
        f"  listening  {address}" + (f" ({config.workers} processes)" if config.workers > 1 else ""),
        f"  console    {address}/login/{token}   (works once, for an hour)",
    ]
    if curl:
        lines += ["", "Send a first event:", f"  {curl}"]
    if urlsplit(address).hostname == "127.0.0.1" and config.host == "0.0.0.0":  # noqa: S104
        lines += [
            "",
            "Listening on every address: set public_url so that browsers and SDKs are told the right one.",
        ]
    sys.stdout.write("\n".join(lines) + "\n\n")
    sys.stdout.flush()


def _set_up_logging() -> None:
    """Log to stderr what an operator can act on; what anybody can cause from outside is counted instead."""
    log_to_stderr()
    for name in ("uvicorn.error", "django.request", "django.security.DisallowedHost"):
        logging.getLogger(name).setLevel(logging.CRITICAL if "Disallowed" in name else logging.ERROR)


def _share_heaps() -> None:
    """Let the threads share two heaps: glibc would give each its own, which held 15 MB more under load."""
    with contextlib.suppress(OSError, AttributeError):  # another C library has no such thing
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _raise_file_limit() -> None:
    """Let the process hold as many connections as the system allows it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1_048_576 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

"""The port: free, ours, or somebody else's."""

import http.client
import json
import socket
from collections.abc import Iterator

from trackside.cli.doctor.finding import Finding, error, ok
from trackside.config.load import Loaded

_WAIT_S = 3.0


def check_port(loaded: Loaded) -> Iterator[Finding]:
    """Look who listens where the server is to listen."""
    host, port = loaded.config.host, loaded.config.port
    if port == 0:
        yield ok("port", "any free one")
        return
    place = f"{host} port {port}"
    called = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # what to call, not to bind
    try:
        served = _is_trackside(called, port)
    except ConnectionRefusedError:
        yield _bindable(host, port, place)
        return
    except OSError as problem:
        yield error(
            "port",
            f"{place} cannot be reached: {problem}",
            "Nobody can send events.",
            "Choose another --host.",
        )
        return
    if served:
        yield ok("port", f"Trackside answers on {place}")
    else:
        yield error(
            "port",
            f"another program listens on {place}",
            "The server cannot start there.",
            f"Stop it (ss -ltnp 'sport = :{port}' names it), or choose another --port.",
        )


def _is_trackside(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=_WAIT_S)
    try:
        connection.connect()
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        told = json.loads(answer.read(10_000))
        return (
            answer.status == 200
            and isinstance(told, dict)
            and told.get("status") == "ok"
            and "version" in told
        )
    except (ValueError, http.client.HTTPException, TimeoutError):
        return False
    finally:
        connection.close()


def _bindable(host: str, port: int, place: str) -> Finding:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as problem:
        return error(
            "port",
            f"{place} cannot be used: {problem.strerror}",
            "The server cannot start there.",
            "Choose another --host or --port.",
        )
    return ok("port", f"{place} is free")

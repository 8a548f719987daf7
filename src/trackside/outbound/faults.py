"""What an exception of aiohttp means for who sent."""

import errno
import logging
import os
import socket
import ssl
from http import HTTPStatus

import aiohttp

from trackside.outbound.base import Failed, Fault
from trackside.outbound.connections import Attempt, RefusedAddress

logger = logging.getLogger(__name__)

Finding = tuple[Fault, str]
_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
_TORN = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ESHUTDOWN, errno.ETIMEDOUT}
_NOT_PASSED_ON = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
_CLOSED = "the connection was closed without an answer"
_RESET = "the connection was torn down while the request was under way"
_NO_HANDSHAKE = "the connection was torn down instead of a TLS handshake"


def failed(error: Exception, attempt: Attempt, *, proxied: bool, duration_s: float) -> Failed:
    """Return what is to be told of `error`: no secret, no path."""
    fault, detail = _found(error, attempt, proxied=proxied)
    return Failed(fault=fault, detail=detail, maybe_sent=attempt.connected, duration_s=duration_s)


def is_stale(error: Exception, attempt: Attempt) -> bool:
    """Return whether a kept connection had been closed by the other side before it answered a byte."""
    if not attempt.kept or attempt.heard:
        return False
    return isinstance(error, aiohttp.ServerDisconnectedError | ConnectionError) or (
        isinstance(error, aiohttp.ClientOSError)
        and not isinstance(error, aiohttp.ClientConnectorError)
        and error.errno in _TORN
    )


def _found(error: Exception, attempt: Attempt, *, proxied: bool) -> Finding:
    match error:
        case aiohttp.ClientHttpProxyError():
            return _of_tunnel(error.status)
        case aiohttp.ClientConnectorError():
            return _of_connecting(error, attempt, proxied=proxied)
        case aiohttp.ServerTimeoutError() | TimeoutError():
            return _of_time(attempt, proxied=proxied)
        case aiohttp.ClientError() if proxied and attempt.secure and not attempt.connected:
            return Fault.PROXY, "the proxy did not open the way"
        case aiohttp.ServerDisconnectedError():
            return Fault.CLOSED, _CLOSED
        case aiohttp.ClientResponseError():
            return Fault.PROTOCOL, "what came is no HTTP, or its head is too large"
        case aiohttp.ClientPayloadError():
            return Fault.PROTOCOL, "what came is no HTTP"
        case OSError():
            return _of_system(error, attempt)
        case aiohttp.ClientConnectionError():
            return Fault.RESET, _RESET
        case RuntimeError() if not attempt.connected:
            return Fault.UNREACHABLE, "no connection"  # of uvloop, where it knows no better
    logger.error("a request failed in a way nobody foresaw", exc_info=error)
    return Fault.LOCAL, f"unforeseen: {type(error).__name__}"


def _of_time(attempt: Attempt, *, proxied: bool) -> Finding:
    if attempt.connected:
        return Fault.TIMEOUT, "no answer within the time"
    if proxied and not attempt.reached:
        return Fault.PROXY, "no connection to the proxy within the time"
    return Fault.TIMEOUT, "no connection within the time"


def _of_tunnel(status: int) -> Finding:
    if status in _NOT_PASSED_ON:  # the proxy is well, it speaks of the other side
        return Fault.UNREACHABLE, f"the proxy answered {status}"
    return Fault.PROXY, f"the proxy answered {status}"


def _of_connecting(error: aiohttp.ClientConnectorError, attempt: Attempt, *, proxied: bool) -> Finding:
    cause = error.os_error
    if isinstance(cause, RefusedAddress):
        return Fault.REFUSED_ADDRESS, str(cause)
    if cause.errno in _OURS:
        return Fault.LOCAL, _words(cause)
    if proxied and not attempt.reached:
        return Fault.PROXY, "no connection to the proxy"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return _of_name(cause)
    if isinstance(cause, ssl.SSLError):
        return Fault.TLS, _words(cause)
    if isinstance(cause, ConnectionResetError | ConnectionAbortedError | BrokenPipeError) and attempt.secure:
        return Fault.TLS, _NO_HANDSHAKE
    return Fault.UNREACHABLE, _words(cause)


def _of_name(cause: OSError) -> Finding:
    if isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_MEMORY:
        return Fault.LOCAL, _words(cause)
    return Fault.UNRESOLVED, "its host's name leads to no address"


def _of_system(error: OSError, attempt: Attempt) -> Finding:
    for cause in (error.__cause__, error, attempt.lost):
        if isinstance(cause, ssl.SSLError):  # TLS 1.3 refuses a client only after the handshake
            return Fault.TLS, _words(cause)
    if error.errno in _OURS:
        return Fault.LOCAL, _words(error)
    return Fault.RESET, _RESET


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not good: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {error.reason or 'the handshake broke off'}"
    if error.errno is not None and error.errno > 0:  # its own text would tell the addresses that were tried
        return os.strerror(error.errno)
    return "no connection"

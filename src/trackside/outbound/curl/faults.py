"""What the end of a transfer of curl means for who sent."""

import errno
import logging
import os
import re
import socket
from http import HTTPStatus
from typing import Final

import pycurl

from trackside.outbound.base import Answer, Failed, Fault
from trackside.outbound.curl.multi import Ended
from trackside.outbound.curl.streams import is_broken
from trackside.outbound.curl.transfer import Transfer, headers_of
from trackside.outbound.refusing import refusal

logger = logging.getLogger(__name__)

Finding = tuple[Fault, str]
_TOO_LARGE: Final = 100
"""pycurl has no name for it: of a line or a head."""
_STREAM: Final = 92
"""Neither for this: a stream of HTTP/2."""
_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
_OUR_FILES = {pycurl.E_SSL_CERTPROBLEM, pycurl.E_SSL_CACERT_BADFILE, pycurl.E_OUT_OF_MEMORY}
_TLS = {pycurl.E_SSL_CONNECT_ERROR, pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CIPHER}
_NAME = {pycurl.E_COULDNT_RESOLVE_HOST, pycurl.E_COULDNT_RESOLVE_PROXY}
_NO_HTTP = {
    *(pycurl.E_UNSUPPORTED_PROTOCOL, pycurl.E_FTP_WEIRD_SERVER_REPLY, pycurl.E_WRITE_ERROR),
    *(pycurl.E_PARTIAL_FILE, pycurl.E_HTTP2, _TOO_LARGE),
}
_NOT_PASSED_ON = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
_NO_CREDENTIALS: Final = 407
_CLOSED: Final = "the connection was closed without an answer"
_RESET_STREAM: Final = re.compile(r"reset by server \(error 0x[0-9a-f]+ (\w+)\)")
_NO_FRAMES: Final = "what came is no HTTP/2"
_VERIFYING: Final = re.compile(r"SSL certificate (?:OpenSSL )?(?:problem|verify result): (.*?)(?: \(\d+\))?$")


def outcome(ended: Ended, *, duration_s: float) -> Answer | Failed:
    """Return what a transfer came to: no secret, no path."""
    transfer = ended.transfer
    if transfer.status:
        return answered(transfer, cut=ended.code != 0, duration_s=duration_s)
    if transfer.refused and not transfer.maybe_sent:
        return refusal(f"its address is not to be reached: {transfer.refused}", duration_s=duration_s)
    fault, detail = _found(ended)
    return Failed(fault=fault, detail=detail, maybe_sent=transfer.maybe_sent, duration_s=duration_s)


def is_stale(ended: Ended) -> bool:
    """Return whether a kept connection had been closed by the other side before it answered a byte."""
    transfer = ended.transfer
    if transfer.is_stale:
        return True
    if not transfer.may_share or not transfer.connected or transfer.dialled or transfer.lines:
        return False
    # with HTTP/2 curl sees it only where it reads of a connection that is torn down
    return _is_closed(ended) or ended.code in {pycurl.E_SEND_ERROR, pycurl.E_RECV_ERROR}


def answered(transfer: Transfer, *, cut: bool, duration_s: float) -> Answer | Failed:
    """Return the answer of a transfer whose head is here; `cut` where its body may go on."""
    if transfer.status == _NO_CREDENTIALS and transfer.through_proxy:
        return Failed(
            fault=Fault.PROXY, detail="the proxy answered 407", maybe_sent=False, duration_s=duration_s
        )
    headers = headers_of(transfer.lines)
    if headers is None:
        return Failed(fault=Fault.PROTOCOL, detail="what came is no HTTP", duration_s=duration_s)
    return Answer(
        status=transfer.status,
        headers=headers,
        body=bytes(transfer.body),
        truncated=cut and transfer.status != HTTPStatus.RESET_CONTENT,
        duration_s=duration_s,
    )


def not_looked_up(error: OSError, *, through_proxy: bool) -> Finding:
    """Return what it means that the addresses to dial are not known."""
    if error.errno in _OURS:
        return Fault.LOCAL, _words(error.errno)
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_MEMORY:
        return Fault.LOCAL, "no memory"
    if through_proxy:
        return Fault.PROXY, "no connection to the proxy"
    if isinstance(error, TimeoutError):
        return Fault.TIMEOUT, "no connection within the time"
    return Fault.UNRESOLVED, "its host's name leads to no address"


def _found(ended: Ended) -> Finding:
    transfer, code = ended.transfer, ended.code
    if code in _OUR_FILES:
        return Fault.LOCAL, "the files of TLS cannot be used"
    number = transfer.local_error or transfer.curl.getinfo(pycurl.OS_ERRNO)
    if transfer.local_error or (number in _OURS and not transfer.connected):
        return Fault.LOCAL, _words(number)
    if not transfer.connected:
        return _of_connecting(ended, number)
    return _of_exchange(ended, number)


def _of_connecting(ended: Ended, number: int) -> Finding:
    transfer, code = ended.transfer, ended.code
    # the time may be that of an earlier connection
    refused = code == pycurl.E_COULDNT_CONNECT and not transfer.through_proxy
    reached = not refused and transfer.curl.getinfo(pycurl.CONNECT_TIME) > 0
    if transfer.through_proxy and not reached:
        if code == pycurl.E_OPERATION_TIMEDOUT:
            return Fault.PROXY, "no connection to the proxy within the time"
        return Fault.PROXY, "no connection to the proxy"
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return Fault.TIMEOUT, "no connection within the time"
    if code in _NAME:
        return Fault.UNRESOLVED, "its host's name leads to no address"
    if transfer.through_proxy and transfer.place.secure:
        status = transfer.curl.getinfo(pycurl.HTTP_CONNECTCODE)
        if status in _NOT_PASSED_ON:  # the proxy is well, it speaks of the other side
            return Fault.UNREACHABLE, f"the proxy answered {status}"
        if not HTTPStatus(200) <= status < HTTPStatus(300):
            return Fault.PROXY, f"the proxy answered {status}" if status else "the proxy did not open the way"
    if code in _TLS:
        return Fault.TLS, _of_certificate(ended.message)
    if reached and transfer.place.secure:
        return Fault.TLS, "the connection was torn down instead of a TLS handshake"
    if code in {pycurl.E_COULDNT_CONNECT, pycurl.E_SEND_ERROR, pycurl.E_RECV_ERROR}:
        return Fault.UNREACHABLE, _words(number)
    return _unforeseen(ended)


def _of_exchange(ended: Ended, number: int) -> Finding:
    transfer, code, message = ended.transfer, ended.code, ended.message
    if code == pycurl.E_OPERATION_TIMEDOUT:
        if is_broken(message):
            return Fault.PROTOCOL, _NO_FRAMES
        return Fault.TIMEOUT, "no answer within the time"
    if transfer.is_stale:  # and was sent again before
        return Fault.RESET, "the other side refused the request, and once more over a new connection"
    if code == _STREAM:
        return _of_stream(message)
    if _is_closed(ended):
        return Fault.CLOSED, _CLOSED
    if code in {0, pycurl.E_GOT_NOTHING}:  # 0: after some lines of a head, which for curl is an answer
        return Fault.CLOSED, _CLOSED
    if code in _NO_HTTP:
        return Fault.PROTOCOL, "what came is no HTTP, or its head is too large"
    if code in {pycurl.E_SEND_ERROR, pycurl.E_RECV_ERROR}:
        if "unexpected eof" in message:  # closed without TLS's own goodbye
            return Fault.CLOSED, _CLOSED
        if ":SSL routines:" in message:  # TLS 1.3 refuses a client only after the handshake
            return Fault.TLS, f"no TLS: {_reason(message)}"
        if number or ":" in message[:14] or "SSL" in message:
            return Fault.RESET, "the connection was torn down while the request was under way"
        return Fault.PROTOCOL, "what came is no HTTP"
    return _unforeseen(ended)


def _of_stream(message: str) -> Finding:
    if "closed cleanly" in message:
        return Fault.CLOSED, "the request's stream was closed without an answer"
    if found := _RESET_STREAM.search(message):
        return Fault.RESET, f"the other side ended the request's stream: {found[1]}"
    return Fault.PROTOCOL, _NO_FRAMES


def _is_closed(ended: Ended) -> bool:
    """Return whether the end of a connection of HTTP/2 came: for errors in what it says there is a message."""
    return ended.code == pycurl.E_HTTP2 and not ended.message


def _unforeseen(ended: Ended) -> Finding:
    logger.error("a request failed in a way nobody foresaw", extra={"curl_code": ended.code})
    return Fault.LOCAL, f"unforeseen: curl's error {ended.code}"


def _of_certificate(message: str) -> str:
    if found := _VERIFYING.search(message):
        return f"the certificate is not good: {found[1]}"
    if "subject name" in message:
        return "the certificate is not good: it is that of another host"
    return f"no TLS: {_reason(message)}"


def _reason(message: str) -> str:
    """Return what OpenSSL says, of `error:0A000438:SSL routines::tlsv1 alert internal error`."""
    return message.rpartition("::")[2] if "::" in message else "the handshake broke off"


def _words(number: int) -> str:
    return os.strerror(number) if number else "no connection"

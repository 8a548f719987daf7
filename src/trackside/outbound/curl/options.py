"""What every request of one client has in common, as curl's options."""

import math
import os
import ssl
from typing import Final

import pycurl
from msgspec import Struct

from trackside.errors import ConfigurationError
from trackside.outbound.base import default_headers
from trackside.outbound.policy import OPEN, AddressPolicy
from trackside.outbound.proxy import Proxy
from trackside.outbound.tls import MACHINE_S, TlsFiles

HTTP2_VARIABLE: Final = "TRACKSIDE_HTTP2"
NEVER_MS = 2**31 - 1


class CurlOptions(Struct, frozen=True):
    """Whom to reach, how to be sure of it, and how long to keep a connection."""

    policy: AddressPolicy
    """Judges each address that is dialled: behind a proxy, that of the proxy."""
    tls: TlsFiles
    proxy: Proxy | None
    keepalive_s: float
    headers: tuple[tuple[str, str], ...]
    """Names in lower case, and whole lines: sent where a request has none of that name."""
    http2: bool
    """Whether HTTP/2 is spoken with receivers that offer it in the handshake of TLS."""

    def put_on(self, curl: pycurl.Curl) -> None:
        """Set on a new handle what stays the same for all of its requests."""
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        self.put_version(curl)
        curl.setopt(pycurl.PIPEWAIT, 0)  # nobody waits for the handshake of another request
        curl.setopt(pycurl.HTTP09_ALLOWED, 0)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.PATH_AS_IS, 1)
        curl.setopt(pycurl.NETRC, pycurl.NETRC_IGNORED)
        curl.setopt(pycurl.HTTP_CONTENT_DECODING, 0)
        curl.setopt(pycurl.ACCEPT_ENCODING, "identity")
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, NEVER_MS)  # the deadline of the whole bounds it
        curl.setopt(pycurl.MAXAGE_CONN, max(math.ceil(self.keepalive_s), 1))
        self._put_proxy(curl)
        self._put_tls(curl)

    def put_version(self, curl: pycurl.Curl, *, plain: bool = False) -> None:
        """Let HTTP/2 be spoken where that is wanted, and with `plain` HTTP/1.1 alone."""
        spoken = pycurl.CURL_HTTP_VERSION_2TLS if self.http2 and not plain else pycurl.CURL_HTTP_VERSION_1_1
        curl.setopt(pycurl.HTTP_VERSION, spoken)

    def _put_proxy(self, curl: pycurl.Curl) -> None:
        curl.setopt(pycurl.NOPROXY, "")  # without these two the environment's are taken
        curl.setopt(pycurl.PROXY, "")
        if self.proxy is None:
            return
        host = f"[{self.proxy.host}]" if ":" in self.proxy.host else self.proxy.host
        curl.setopt(pycurl.PROXY, f"{self.proxy.scheme}://{host}:{self.proxy.port}")
        curl.setopt(pycurl.PROXYAUTH, pycurl.HTTPAUTH_BASIC)
        if self.proxy.user or self.proxy.password:
            curl.setopt(pycurl.PROXYUSERNAME, self.proxy.user.encode())
            curl.setopt(pycurl.PROXYPASSWORD, self.proxy.password.encode())

    def _put_tls(self, curl: pycurl.Curl) -> None:
        ca_file, ca_path = authorities(self.tls)
        curl.setopt(pycurl.SSL_VERIFYPEER, 1)
        curl.setopt(pycurl.SSL_VERIFYHOST, 2)
        curl.setopt(pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
        for option, value in ((pycurl.CAINFO, ca_file), (pycurl.CAPATH, ca_path)):
            _put_file(curl, option, value)
        if self.proxy is not None and self.proxy.scheme == "https":
            curl.setopt(pycurl.PROXY_SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
            for option, value in ((pycurl.PROXY_CAINFO, ca_file), (pycurl.PROXY_CAPATH, ca_path)):
                _put_file(curl, option, value)
        if self.tls.certificate_file:
            curl.setopt(pycurl.SSLCERT, self.tls.certificate_file)
            curl.setopt(pycurl.SSLKEY, self.tls.key_file or self.tls.certificate_file)
            curl.setopt(pycurl.KEYPASSWD, "")  # a key with a password fails; it must not ask a terminal


def curl_options(
    *,
    policy: AddressPolicy,
    tls: TlsFiles,
    proxy: Proxy | None,
    keepalive_s: float,
    user_agent: str,
    http2: bool = True,
) -> CurlOptions:
    """Return the options of a client. Raises ConfigurationError for files of TLS that cannot be used."""
    if tls != MACHINE_S:
        tls.context()  # curl would tell it of each request instead
    # the others are curl's own, which take no time: Accept: */*, and what is set for Accept-Encoding
    ours = [
        (name.lower(), f"{name}: {value}")
        for name, value in default_headers(user_agent).items()
        if not name.startswith("Accept")
    ]
    ours.append(("content-type", "Content-Type:"))  # its own would be that of a form
    if proxy is not None:
        ours.append(("proxy-connection", "Proxy-Connection:"))
    policy = policy if proxy is None else OPEN  # the proxy is the operator's, wherever it is
    return CurlOptions(
        policy, tls, proxy, keepalive_s, tuple(ours), http2 and http2_allowed() and _has_http2()
    )


def authorities(tls: TlsFiles) -> tuple[str | None, str | None]:
    """Return the file and the folder of those who are trusted: the machine's own as the ssl module finds them.

    curl's own idea of them is that of the machine its wheel was built on.
    """
    if tls.ca_file:
        return tls.ca_file, None
    paths = ssl.get_default_verify_paths()
    return paths.cafile, paths.capath


def http2_allowed() -> bool:
    """Return whether `TRACKSIDE_HTTP2` lets clients speak HTTP/2. Raises ConfigurationError for another word."""
    said = os.environ.get(HTTP2_VARIABLE, "")
    if said not in {"", "on", "off"}:
        raise ConfigurationError(f"{HTTP2_VARIABLE} is {said!r}; want on or off")
    return said != "off"


def _has_http2() -> bool:
    """Return whether this libcurl was built with HTTP/2."""
    return bool(pycurl.version_info()[4] & pycurl.VERSION_HTTP2)


def _put_file(curl: pycurl.Curl, option: int, value: str | None) -> None:
    if value is None:
        curl.unsetopt(option)
    else:
        curl.setopt(option, value)

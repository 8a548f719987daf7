"""What a TLS connection must prove, and what we prove of ourselves."""

import ssl
from functools import cache

from msgspec import Struct

from trackside.errors import ConfigurationError


class TlsFiles(Struct, frozen=True, kw_only=True):
    """Whom to trust, and who we are, as PEM files; each client makes of them what its own library wants."""

    ca_file: str = ""
    """Takes the place of the authorities the machine trusts."""
    certificate_file: str = ""
    """The chain that identifies us to those who ask for it."""
    key_file: str = ""
    """Empty where the certificate's file holds the key as well."""

    def context(self) -> ssl.SSLContext:
        """Return what the ssl module makes of them. Raises ConfigurationError for files that cannot be used."""
        return tls_context(
            ca_file=self.ca_file, certificate_file=self.certificate_file, key_file=self.key_file
        )


MACHINE_S = TlsFiles()
"""The authorities the machine trusts, and no certificate of ours."""


@cache
def system_tls() -> ssl.SSLContext:
    """Return the context that trusts what this machine trusts: one for all, it costs megabytes."""
    return _context(ca_file=None)


def tls_context(*, ca_file: str = "", certificate_file: str = "", key_file: str = "") -> ssl.SSLContext:
    """Return a context that verifies the other side, in TLS 1.2 or newer.

    `ca_file` (PEM) takes the place of the authorities the machine trusts. `certificate_file` (PEM, the chain) and
    `key_file` (PEM; empty where the certificate's file holds the key as well) identify us to those who ask for it.
    Raises ConfigurationError.
    """
    if not (ca_file or certificate_file):
        return system_tls()
    try:
        context = _context(ca_file=ca_file or None)
    except OSError as error:
        raise ConfigurationError(
            f"ca_file {ca_file!r} cannot be used ({_why(error)}); want certificates in PEM"
        ) from error
    if certificate_file:
        try:
            # an encrypted key must fail here, not ask a terminal for its password
            context.load_cert_chain(certificate_file, key_file or None, password=lambda: b"")
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"certificate_file {certificate_file!r} cannot be used ({_why(error)});"
                " want a certificate and its key in PEM, without a password"
            ) from error
    return context


def _context(*, ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _why(error: Exception) -> str:
    strerror = getattr(error, "strerror", None)
    return str(strerror or getattr(error, "reason", None) or type(error).__name__)

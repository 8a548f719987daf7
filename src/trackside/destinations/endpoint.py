"""The settings of a destination that makes requests to somebody's URL: where to, who we are, how patiently."""

from typing import Annotated, ClassVar

from msgspec import field

from trackside.config.credentials import (
    BasicPassword,
    BasicUsername,
    BearerToken,
    OAuthClientId,
    OAuthClientSecret,
    OAuthScope,
    OAuthTokenUrl,
)
from trackside.config.settings import setting
from trackside.destinations.base import DestinationSettings
from trackside.outbound.signing import ID, SIGNATURE, TIMESTAMP

Status = Annotated[int, setting("", low=300, high=599)]


class EndpointSettings(DestinationSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every destination with a URL can be told; a kind's own declaration inherits from this one."""

    reserved_headers: ClassVar[frozenset[str]] = frozenset({ID, TIMESTAMP, SIGNATURE, "content-type"})
    """Headers that settings cannot give, in lower case: receivers rely on them."""

    url: Annotated[str, setting("Where events are sent: https://crm.example.org/events.", form="url")]
    secret: Annotated[
        str | tuple[str, ...],
        setting(
            "Key that requests are signed with: whsec_… (shared) or whsk_… (private, ed25519). Several while"
            " one is being replaced: all of them sign. Empty: no signature.",
            secret=True,
        ),
    ] = ()
    headers: Annotated[
        dict[str, str],
        setting("Further headers of each request; the signature's cannot be changed.", secret=True),
    ] = field(default_factory=dict)
    bearer_token: BearerToken = ""
    basic_username: BasicUsername = ""
    basic_password: BasicPassword = ""
    oauth_token_url: OAuthTokenUrl = ""
    oauth_client_id: OAuthClientId = ""
    oauth_client_secret: OAuthClientSecret = ""
    oauth_scope: OAuthScope = ""
    timeout_s: Annotated[
        float, setting("Longest time of one request, its answer included.", unit="s", low=0.1, high=300)
    ] = 15.0
    longest_retry_after_s: Annotated[
        float,
        setting(
            "Longest time that an endpoint is left alone because its Retry-After asks for it.",
            unit="s",
            low=0,
            high=86_400,
        ),
    ] = 3_600.0
    failures_until_probing: Annotated[
        int,
        setting(
            "After so many failures in a row one request at a time finds out whether the endpoint is back.",
            low=1,
            high=10_000,
        ),
    ] = 10
    allow_private_networks: Annotated[
        bool, setting("Whether the URL may lead into private networks, and to this machine.")
    ] = False
    allow: Annotated[
        tuple[str, ...],
        setting("Networks (10.3.0.0/16), addresses and hosts that may be reached although they are private."),
    ] = ()
    proxy: Annotated[
        str,
        setting(
            "Proxy that requests go through: http://proxy.internal:3128, with user:password@ as needed. It has"
            " to keep them from leading into private networks, for it resolves the names.",
            secret=True,
        ),
    ] = ""
    tls_ca_file: Annotated[
        str,
        setting("Certificates (PEM) that are trusted in place of the machine's own; relative to data_dir."),
    ] = ""
    tls_certificate_file: Annotated[
        str, setting("Certificate (PEM) that we identify ourselves with; relative to data_dir.")
    ] = ""
    tls_key_file: Annotated[
        str, setting("Its key (PEM), where it is in a file of its own; relative to data_dir.")
    ] = ""

    http2: Annotated[
        bool,
        setting(
            "Whether HTTP/2 is spoken where the host offers it and curl is there; false where it is broken."
        ),
    ] = True

    @property
    def secrets(self) -> tuple[str, ...]:
        """The keys that sign; an empty text is none."""
        keys = (self.secret,) if isinstance(self.secret, str) else self.secret
        return tuple(key for key in keys if key)

"""The client of a destination with a URL: its policy, its certificates, its credentials; what is wrong with them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from trackside.destinations.endpoint import EndpointSettings
from trackside.errors import ConfigurationError
from trackside.outbound.auth import Credentials, FixedHeaders, WithCredentials, basic, bearer, check_ways
from trackside.outbound.base import Client, Failed, Fault, Outgoing
from trackside.outbound.oauth2 import ClientCredentials
from trackside.outbound.opening import open_client
from trackside.outbound.policy import AddressPolicy
from trackside.outbound.proxy import parse_proxy
from trackside.outbound.signing import Signer
from trackside.outbound.tls import TlsFiles
from trackside.outbound.url import parse_url

Connect = Callable[[], Client]


class _Nobody:
    """Stands for a client where credentials are only checked."""

    async def send(self, request: Outgoing) -> Failed:  # noqa: ARG002  # the contract's
        """Return that nobody is there."""
        return Failed(fault=Fault.LOCAL, detail="not open", maybe_sent=False)

    async def close(self) -> None:
        """Do nothing."""


def policy_of(settings: EndpointSettings) -> AddressPolicy:
    """Return who may be asked. Raises ConfigurationError."""
    return AddressPolicy(allow=settings.allow, allow_private_networks=settings.allow_private_networks)


def url_problems(settings: EndpointSettings) -> Iterator[str]:
    """Return one sentence for each thing that is wrong with URL, signature, policy, proxy and credentials."""
    if isinstance(reason := parse_url(settings.url), str):
        yield f"url cannot be asked: {reason}"
    checks: tuple[tuple[str, Callable[[], object]], ...] = (
        ("secret", lambda: Signer(settings.secrets) if settings.secrets else None),
        ("allow", lambda: policy_of(settings)),
        ("proxy", lambda: parse_proxy(settings.proxy) if settings.proxy else None),
        ("headers", lambda: check_credentials(settings)),
    )
    for setting, check in checks:
        try:
            check()
        except ConfigurationError as error:
            yield f"{setting}: {error}"


def connector(
    settings: EndpointSettings,
    data_dir: Path,
    *,
    user_agent: str,
    open_client: Callable[..., Client] = open_client,
) -> Connect:
    """Return what opens a client as the settings say. Raises ConfigurationError."""
    policy = policy_of(settings)
    tls = TlsFiles(
        ca_file=_path(data_dir, settings.tls_ca_file),
        certificate_file=_path(data_dir, settings.tls_certificate_file),
        key_file=_path(data_dir, settings.tls_key_file),
    )
    tls.context()  # what cannot be used is told now
    check_credentials(settings)
    if settings.proxy:
        parse_proxy(settings.proxy)

    def connect() -> Client:
        client: Client = open_client(
            policy=policy, tls=tls, proxy=settings.proxy, user_agent=user_agent, http2=settings.http2
        )
        for credentials in _credentials(settings, client):
            client = WithCredentials(client, credentials)
        return client

    return connect


def check_credentials(settings: EndpointSettings) -> None:
    """Raise ConfigurationError where headers or credentials cannot be used; nothing secret is in its message."""
    for name in settings.headers:
        if name.lower() in settings.reserved_headers:
            raise ConfigurationError(f"headers has {name}, which receivers rely on; leave it out")
    ways = {
        "bearer_token": settings.bearer_token,
        "basic_username": settings.basic_username or settings.basic_password,
        "oauth_token_url": settings.oauth_token_url or settings.oauth_client_id,
    }
    check_ways(ways, settings.headers)
    _credentials(settings, _Nobody())


def _credentials(settings: EndpointSettings, client: Client) -> Sequence[Credentials]:
    found: list[Credentials] = []
    if settings.headers:
        found.append(FixedHeaders(settings.headers.items()))
    if settings.bearer_token:
        found.append(bearer(settings.bearer_token))
    if settings.basic_username or settings.basic_password:
        found.append(basic(settings.basic_username, settings.basic_password))
    if settings.oauth_token_url or settings.oauth_client_id:
        found.append(
            ClientCredentials(
                client,
                token_url=settings.oauth_token_url,
                client_id=settings.oauth_client_id,
                client_secret=settings.oauth_client_secret,
                scope=settings.oauth_scope,
            )
        )
    return found


def _path(data_dir: Path, text: str) -> str:
    return str(data_dir / text) if text else ""

"""The headers by which a receiver knows who asks."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from trackside.errors import ConfigurationError
from trackside.outbound.auth import FixedHeaders, basic, bearer, check_ways
from trackside.outbound.base import Outgoing
from trackside.outbound.oauth2 import token_question
from trackside.outbound.signing import ID, SIGNATURE, TIMESTAMP
from trackside.webfilters.hook import Hook

RESERVED: Final = frozenset({ID, TIMESTAMP, SIGNATURE, "accept", "accept-encoding", "content-type"})
"""Headers that settings cannot give: receivers rely on them, or the reading of the answer does."""


def credentials_of(hook: Hook) -> Sequence[tuple[str, str]]:
    """Return the headers of the hook's settings. Raises ConfigurationError; nothing secret is in its message."""
    for name in hook.headers:
        if name.lower() in RESERVED:
            raise ConfigurationError(f"headers has {name}, which receivers rely on; leave it out")
    ways = {
        "bearer_token": hook.bearer_token,
        "basic_username": hook.basic_username or hook.basic_password,
        "oauth_token_url": hook.oauth_token_url or hook.oauth_client_id,
    }
    check_ways(ways, hook.headers)
    found = [*FixedHeaders(hook.headers.items()).fixed]
    if hook.bearer_token:
        found += bearer(hook.bearer_token).fixed
    if hook.basic_username or hook.basic_password:
        found += basic(hook.basic_username, hook.basic_password).fixed
    return found


def token_question_of(hook: Hook) -> Outgoing | None:
    """Return the request for the token that the hook's settings want. Raises ConfigurationError."""
    if not (hook.oauth_token_url or hook.oauth_client_id):
        return None
    asked = token_question(
        token_url=hook.oauth_token_url,
        client_id=hook.oauth_client_id,
        client_secret=hook.oauth_client_secret,
        scope=hook.oauth_scope,
    )
    return replace(asked, tls=hook.tls)

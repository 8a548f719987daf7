"""How we say who we are to somebody's URL: what destinations and webfilters can be told alike."""

from typing import Annotated

from trackside.config.settings import setting

BearerToken = Annotated[str, setting("Sent as Authorization: Bearer.", secret=True)]
BasicUsername = Annotated[str, setting("Sent with `basic_password` as Authorization: Basic.")]
BasicPassword = Annotated[str, setting("See `basic_username`.", secret=True)]
OAuthTokenUrl = Annotated[
    str, setting("Where an OAuth 2 access token is asked for, by client credentials.", form="url")
]
OAuthClientId = Annotated[str, setting("See `oauth_token_url`.")]
OAuthClientSecret = Annotated[str, setting("See `oauth_token_url`.", secret=True)]
OAuthScope = Annotated[str, setting("The scope asked for; empty: the server's default.")]

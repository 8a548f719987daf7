"""The settings of a webhook."""

from typing import Annotated, ClassVar, Literal

from msgspec import field

from trackside.config.settings import setting
from trackside.destinations.base import DestinationSettings

Format = Literal["json", "cloudevents", "form", "openedx", "openedx_form"]
Seconds = Annotated[float, setting("", low=0.1, high=604_800)]
Status = Annotated[int, setting("", low=300, high=599)]


class WebhookSettings(DestinationSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[destinations.NAME]` with `kind = "webhook"`: each event as a signed request to somebody's URL."""

    many: ClassVar[bool] = True

    url: Annotated[str, setting("Where events are sent: https://crm.example.org/events.", form="url")]
    kind: Annotated[str, setting("webhook: each event as a signed request to a URL.")] = "webhook"
    method: Annotated[Literal["POST", "PUT", "PATCH"], setting("The request's method.")] = "POST"
    format: Annotated[
        Format,
        setting("How the body is made: see the reference of webhook requests. openedx is for old receivers."),
    ] = "json"
    secret: Annotated[
        str | tuple[str, ...],
        setting(
            "Key that requests are signed with: whsec_… (shared) or whsk_… (private, ed25519). Several while"
            " one is being replaced: all of them sign. Empty: no signature.",
            secret=True,
        ),
    ] = ()
    where: Annotated[
        dict[str, str | tuple[str, ...]],
        setting(
            "Only events whose fields are like this: path of the JSON body → globs, one of which matches, as"
            ' { "context.course_id" = "course-v1:edX+*" }; one that begins with ! must not.'
        ),
    ] = field(default_factory=dict)
    fields: Annotated[
        tuple[str, ...],
        setting(
            "Paths of the JSON body that are sent (data.course_id); empty: all. id, name and timestamp always are."
        ),
    ] = ()
    redact: Annotated[
        tuple[str, ...],
        setting("Texts that are replaced: regular expressions, or the words email and card."),
    ] = ()
    redact_fields: Annotated[
        tuple[str, ...],
        setting("Globs of field names at any depth, without _ and -, whose values are replaced."),
    ] = ()
    headers: Annotated[
        dict[str, str],
        setting("Further headers of each request; the signature's cannot be changed.", secret=True),
    ] = field(default_factory=dict)
    bearer_token: Annotated[str, setting("Sent as Authorization: Bearer.", secret=True)] = ""
    basic_username: Annotated[str, setting("Sent with `basic_password` as Authorization: Basic.")] = ""
    basic_password: Annotated[str, setting("See `basic_username`.", secret=True)] = ""
    oauth_token_url: Annotated[
        str, setting("Where an OAuth 2 access token is asked for, by client credentials.", form="url")
    ] = ""
    oauth_client_id: Annotated[str, setting("See `oauth_token_url`.")] = ""
    oauth_client_secret: Annotated[str, setting("See `oauth_token_url`.", secret=True)] = ""
    oauth_scope: Annotated[str, setting("The scope asked for; empty: the server's default.")] = ""
    timeout_s: Annotated[
        float, setting("Longest time of one request, its answer included.", unit="s", low=0.1, high=300)
    ] = 15.0
    concurrency: Annotated[int, setting("Most requests under way at a time.", low=1, high=256)] = 8
    rate_per_s: Annotated[
        float, setting("Most requests in a second, on average; 0 is no limit.", low=0, high=100_000)
    ] = 0.0
    ordering: Annotated[
        Literal["none", "user"],
        setting(
            "user: the events of one user go one after the other, and one that waits holds those behind it."
        ),
    ] = "none"
    retry_schedule_s: Annotated[
        tuple[Seconds, ...],
        setting(
            "Waits after the first, second, … failure of an event; empty: as `max_attempts` and the backoffs say.",
            unit="s",
        ),
    ] = ()
    refuse_statuses: Annotated[
        tuple[Status, ...],
        setting(
            "Answers after which an event is a dead letter at once; after any other failure it is tried again."
        ),
    ] = (413,)
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
    disable_after_s: Annotated[
        float,
        setting(
            "After so long without one success the destination is paused, as after a 410, and its operator told;"
            " 0: never.",
            unit="s",
            low=0,
            high=31_536_000,
        ),
    ] = 432_000.0
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

    @property
    def secrets(self) -> tuple[str, ...]:
        """The keys that sign; an empty text is none."""
        keys = (self.secret,) if isinstance(self.secret, str) else self.secret
        return tuple(key for key in keys if key)

    def delays_s(self) -> tuple[float, ...]:
        """Return the waits after the first, second, … failure of an event; it gets one attempt more."""
        return self.retry_schedule_s or super().delays_s()

"""Every setting of Trackside's own parts, declared once: default, range, unit and a sentence.

Documentation, command line help, checks and error messages are made from these declarations.
The settings of a kind of source or destination stand beside that kind, declared in the same way.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

Form = Literal["", "network", "url"]
"""What a text must look like: an IP address or network, an http(s) URL; the default is always good."""


def setting(
    sentence: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    secret: bool = False,
    form: Form = "",
) -> Meta:
    """Return what stands beside a setting's type, from which its documentation and its checks are made.

    A `secret` setting's value appears in no message and no listing.
    """
    extra: dict[str, Any] = {"unit": unit, "secret": secret, "form": form}
    return Meta(
        description=sentence,
        ge=low,
        le=high,
        extra_json_schema={key: value for key, value in extra.items() if value},
    )


class LogSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[log]`: how events are kept."""

    engine: Annotated[
        Literal["sqlite", "memory"],
        setting("Where the log is kept; memory is for tests and forgets all at the end."),
    ] = "sqlite"
    dedup_window_s: Annotated[
        int,
        setting(
            "How long a message id is remembered, so that a repeated event is stored once.",
            unit="s",
            low=0,
            high=31_536_000,
        ),
    ] = 86_400
    dedup_max_ids: Annotated[
        int,
        setting(
            "How many message ids are remembered at least, should the window hold so many; a million take 20 MB.",
            low=1_000,
            high=200_000_000,
        ),
    ] = 2_000_000
    retention_s: Annotated[
        int,
        setting(
            "Older events are removed once every destination has passed them; 0 keeps them for ever.",
            unit="s",
            low=0,
        ),
    ] = 2_592_000
    retention_bytes: Annotated[
        int,
        setting(
            "Above this size of the log its oldest events are removed once every destination has passed them;"
            " 0 is no limit.",
            unit="bytes",
            low=0,
        ),
    ] = 10_737_418_240
    rejects_kept: Annotated[
        int, setting("How many rejected items are kept, the newest.", low=0, high=10_000_000)
    ] = 10_000
    queue_bytes: Annotated[
        int,
        setting(
            "How many bytes may wait for a commit before clients are told to come back later.",
            unit="bytes",
            low=1_048_576,
        ),
    ] = 33_554_432


class AttemptSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[attempts]`: what is kept of the requests of webhooks and their answers, to be looked at."""

    keep_s: Annotated[
        int, setting("Older attempts are removed; 0 keeps none at all.", unit="s", low=0, high=31_536_000)
    ] = 604_800
    max_bytes: Annotated[
        int,
        setting(
            "Above this size the oldest attempts are removed.",
            unit="bytes",
            low=4_194_304,
        ),
    ] = 268_435_456
    bodies: Annotated[
        bool,
        setting("Whether the bodies of requests and answers are kept; without, only what is around them."),
    ] = True


class LimitSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[limits]`: what one request may cost."""

    body_bytes: Annotated[
        int, setting("Largest request body after decompression.", unit="bytes", low=1_024, high=1_073_741_824)
    ] = 5_242_880
    event_bytes: Annotated[
        int,
        setting("Largest event; a larger one is rejected alone.", unit="bytes", low=1_024, high=16_777_216),
    ] = 65_536
    batch_events: Annotated[
        int, setting("Most events in one batch; those beyond are rejected.", low=1, high=1_000_000)
    ] = 10_000
    depth: Annotated[int, setting("Deepest nesting of an event's JSON.", unit="levels", low=8, high=400)] = (
        100
    )
    request_s: Annotated[
        float, setting("Longest time from a request's first byte to its last.", unit="s", low=0.1, high=3_600)
    ] = 30.0
    idle_s: Annotated[
        float, setting("How long a connection may stay open without a request.", unit="s", low=1, high=86_400)
    ] = 75.0
    connections: Annotated[int, setting("Most open connections of one process.", low=16, high=1_000_000)] = (
        20_000
    )


class WebhookRowSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[webhooks]`: what holds for all webhooks that are rows of the database."""

    database: Annotated[
        str,
        setting(
            "Database of a site whose webhooks this server delivers: mysql://user:password@host:3306/name,"
            " postgresql://… or sqlite:///file. Empty: the server's own. It needs the site's encryption_keys.",
            secret=True,
        ),
    ] = ""
    allow_private_networks: Annotated[
        bool, setting("Whether their URLs may lead into private networks, and to this machine.")
    ] = False
    allow: Annotated[
        tuple[str, ...],
        setting("Networks (10.3.0.0/16), addresses and hosts that they may reach although they are private."),
    ] = ()
    proxy: Annotated[
        str,
        setting(
            "Proxy that their requests go through: http://proxy.internal:3128, with user:password@ as needed. It has"
            " to keep them from leading into private networks, for it resolves the names.",
            secret=True,
        ),
    ] = ""
    http2: Annotated[
        bool, setting("Whether HTTP/2 is spoken with those of their receivers that offer it.")
    ] = True
    encryption_keys: Annotated[
        tuple[str, ...],
        setting(
            "Texts of your choice that their secrets are encrypted with: the first one encrypts, all can be read."
            " Empty: the SECRET_KEY of the Django project.",
            secret=True,
        ),
    ] = ()
    overlap_s: Annotated[
        float,
        setting(
            "How long the old secret of a webhook still signs beside the new one after a rotation.",
            unit="s",
            low=0,
            high=31_536_000,
        ),
    ] = 86_400.0


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration, validated, passed explicitly to whoever needs it."""

    data_dir: Annotated[
        str,
        setting(
            "Where everything is kept. In the file a relative path counts from the file's folder,"
            " elsewhere from the working directory."
        ),
    ] = "data"
    host: Annotated[str, setting("Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, setting("Port to listen on; 0 takes any free one.", low=0, high=65_535)] = 8000
    workers: Annotated[int, setting("How many processes collect events.", low=1, high=256)] = 1
    public_url: Annotated[
        str,
        setting(
            "How clients reach this server (https://events.example.org); empty: as each request says.",
            form="url",
        ),
    ] = ""
    allowed_hosts: Annotated[
        tuple[str, ...],
        setting(
            "Names people may reach the console by, besides localhost and those of `host` and `public_url`;"
            " .example.org means its subdomains too."
        ),
    ] = ()
    trusted_proxies: Annotated[
        tuple[str, ...],
        setting(
            "Addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed.", form="network"
        ),
    ] = ("127.0.0.1", "::1")
    shutdown_grace_s: Annotated[
        float,
        setting("How long a stop waits for requests and deliveries under way.", unit="s", low=0, high=600),
    ] = 10.0
    log: LogSettings = field(default_factory=LogSettings)
    attempts: AttemptSettings = field(default_factory=AttemptSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    webhooks: WebhookRowSettings = field(default_factory=WebhookRowSettings)
    sources: dict[str, Any] = field(default_factory=dict)
    """Name → the settings of its kind, validated by that kind's own declaration."""
    destinations: dict[str, Any] = field(default_factory=dict)
    """Name → the settings of its kind, validated by that kind's own declaration."""

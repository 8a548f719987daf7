"""A hook: whom one filter point asks, and what happens with the answer."""

from typing import Annotated, Literal

from msgspec import Struct, field

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
from trackside.outbound.tls import TlsFiles
from trackside.processors.redaction import SECRET_KEYS

Kind = Literal["changer", "decider"]
Mode = Literal["off", "shadow", "enforce"]
OnFailure = Literal["fail_open", "fail_closed"]
Layout = Literal["plain", "openedx"]


class Hook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One receiver of one point's questions, or of those of several points."""

    name: Annotated[str, setting("What the hook is called in the audit, in logs and in metrics.")]
    point: Annotated[
        str, setting("Which question is asked: the name of a filter point, or a glob of names: enrollment.*.")
    ]
    url: Annotated[str, setting("Where it is asked.", form="url")]
    description: Annotated[str, setting("What the hook is for, for people.")] = ""
    enabled: Annotated[bool, setting("Whether it is asked.")] = True
    mode: Annotated[
        Mode,
        setting("off: not asked. shadow: asked and recorded, not obeyed. enforce: obeyed."),
    ] = "enforce"
    kind: Annotated[
        Kind,
        setting(
            "changer: asked in its order, its changes seen by those behind it. decider: asked after all changers,"
            " side by side with the others; it may stop, and changes nothing."
        ),
    ] = "changer"
    order: Annotated[
        int,
        setting(
            "Lower ones are asked first, and of two changes to one field the later one stays.",
            low=-9999,
            high=9999,
        ),
    ] = 0
    timeout_s: Annotated[
        float,
        setting(
            "Longest time for its answer; never more than what is left of the question's budget.",
            unit="s",
            low=0.01,
            high=30,
        ),
    ] = 0.5
    on_failure: Annotated[
        OnFailure,
        setting(
            "What happens without a usable answer, where no halt below says more. fail_open: the platform goes on."
            " fail_closed: it halts."
        ),
    ] = "fail_open"
    disable_filtering: Annotated[bool, setting("Whether data in the answer is ignored.")] = False
    disable_halting: Annotated[
        bool, setting("Whether an exception in the answer is ignored; the halts below are not touched by it.")
    ] = False
    halt_on_4xx: Annotated[bool, setting("Whether an answer with a status of 400 to 499 halts.")] = False
    redirect_on_4xx: Annotated[
        str, setting("Where the user is sent after it, where the point can send him.")
    ] = ""
    halt_on_5xx: Annotated[bool, setting("Whether an answer with a status of 500 to 599 halts.")] = False
    redirect_on_5xx: Annotated[
        str, setting("Where the user is sent after it, where the point can send him.")
    ] = ""
    halt_on_request_exception: Annotated[
        bool,
        setting(
            "Whether it halts that there is no answer: not reachable, too late, left alone after failures."
        ),
    ] = False
    redirect_on_request_exception: Annotated[
        str, setting("Where the user is sent after it, where the point can send him.")
    ] = ""
    message: Annotated[
        str, setting("What a user reads where a failure of the hook halts; empty: a neutral sentence.")
    ] = ""
    form_encoding: Annotated[
        bool, setting("Whether the data goes as form-encoded pairs, nested names joined by _; else as JSON.")
    ] = False
    layout: Annotated[
        Layout,
        setting(
            "plain: the point's fields under their own names. openedx: as openedx-webhooks sends them, for receivers"
            " that were written for it."
        ),
    ] = "plain"
    event_type: Annotated[
        str, setting("What is sent as event_metadata.event_type; empty: the name of the point.")
    ] = ""
    sample_share: Annotated[float, setting("The share of questions it is asked.", low=0, high=1)] = 1.0
    where: Annotated[
        dict[str, str | tuple[str, ...]],
        setting(
            "Only questions whose data is like this: path → globs, one of which matches, as"
            ' { "course_id" = "course-v1:edX+*" }; one that begins with ! must not.'
        ),
    ] = field(default_factory=dict)
    fields: Annotated[
        tuple[str, ...], setting("Paths that are sent (user.email); empty: all that the point sends.")
    ] = ()
    may_change: Annotated[
        tuple[str, ...],
        setting("Paths that its answers may change; empty: all that the point lets be changed."),
    ] = ()
    redact_fields: Annotated[
        tuple[str, ...],
        setting("Globs of field names at any depth, without _ and -, whose values are replaced."),
    ] = SECRET_KEYS
    redact: Annotated[
        tuple[str, ...],
        setting("Texts that are replaced: regular expressions, or the words email and card."),
    ] = ()
    secret: Annotated[
        str | tuple[str, ...],
        setting("Key that questions are signed with: whsec_… or whsk_…; several: all sign.", secret=True),
    ] = ()
    headers: Annotated[
        dict[str, str],
        setting("Further headers of each question; the signature's cannot be changed.", secret=True),
    ] = field(default_factory=dict)
    bearer_token: BearerToken = ""
    basic_username: BasicUsername = ""
    basic_password: BasicPassword = ""
    oauth_token_url: OAuthTokenUrl = ""
    oauth_client_id: OAuthClientId = ""
    oauth_client_secret: OAuthClientSecret = ""
    oauth_scope: OAuthScope = ""
    tls_ca_file: Annotated[
        str,
        setting(
            "Certificates (PEM) that are trusted in place of the machine's own. Of a webfilter of the database: in the"
            " folder tls of data_dir, as tls/ca.pem."
        ),
    ] = ""
    tls_certificate_file: Annotated[
        str, setting("Certificate (PEM) that we identify ourselves with; where it is, as `tls_ca_file` says.")
    ] = ""
    tls_key_file: Annotated[
        str,
        setting("Its key (PEM), where it is in a file of its own; where it is, as `tls_ca_file` says."),
    ] = ""
    signed_replies: Annotated[
        bool,
        setting(
            "Whether only an answer counts that is signed with `secret`, its webhook-id that of the question."
        ),
    ] = False
    cache_s: Annotated[
        float,
        setting(
            "How long an answer counts for the same question (the same data); 0: each is asked.",
            unit="s",
            low=0,
            high=86_400,
        ),
    ] = 0.0
    failure_cache_s: Annotated[
        float,
        setting(
            "How long the same question is not asked again after it had no answer; 0: at once.",
            unit="s",
            low=0,
            high=60,
        ),
    ] = 2.0

    @property
    def secrets(self) -> tuple[str, ...]:
        """The keys that sign; an empty text is none."""
        keys = (self.secret,) if isinstance(self.secret, str) else self.secret
        return tuple(key for key in keys if key)

    @property
    def tls(self) -> TlsFiles | None:
        """Whom to trust and who we are, where the hook says so itself."""
        if not (self.tls_ca_file or self.tls_certificate_file):
            return None
        return TlsFiles(
            ca_file=self.tls_ca_file, certificate_file=self.tls_certificate_file, key_file=self.tls_key_file
        )

    def __repr__(self) -> str:
        """Return what the hook is called: its settings hold secrets."""
        return f"Hook({self.name!r})"


class Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the questions of all points are asked, or those of one."""

    budget_s: Annotated[
        float,
        setting("Longest time of a question, all its hooks together.", unit="s", low=0.01, high=30),
    ] = 0.8
    chained: Annotated[
        bool,
        setting(
            "Whether a changer sees what those before it changed; else all see the data as it was, side by side."
        ),
    ] = True
    ask_in_transaction: Annotated[
        bool | None,
        setting(
            "Whether it is asked while the caller holds a database transaction open; else nobody is, and each hook"
            " fails by its policy. Not said: as the call, the point's declaration or the rules of all points say."
        ),
    ] = None

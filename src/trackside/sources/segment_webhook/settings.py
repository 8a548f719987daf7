"""What `[sources.NAME]` with `kind = "segment_webhook"` may say; in Django the table `segment_webhook`."""

from typing import Annotated, Literal

from msgspec import Struct, field

from trackside.config.settings import setting

Generation = Literal["current", "2014"]
Texts = str | tuple[str, ...] | None
"""None, as Django's settings have it, means none."""


class WebhookRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is taken from Segment's servers, and what is made of it; the same in a server and in Django."""

    generation: Annotated[
        Generation,
        setting(
            "How the events are made: current has types, a map of libraries and an empty answer;"
            " 2014 has channels, actions and answers in JSON."
        ),
    ] = "current"
    secret: Annotated[
        Texts,
        setting(
            "What Segment sends as `?key=` of the URL; several while one is being replaced. Without it, and"
            " without a shared secret, nothing is taken.",
            secret=True,
        ),
    ] = ()
    shared_secret: Annotated[
        Texts,
        setting(
            "The shared secret of Segment's webhook settings: every request must then have its X-Signature.",
            secret=True,
        ),
    ] = ()
    signed_batches: Annotated[
        bool,
        setting(
            "Whether all events of a signed batch are taken; Segment's signature covers only the first of them,"
            " the others could be anybody's."
        ),
    ] = False
    allowed_types: Annotated[
        tuple[str, ...], setting("Types of calls that are taken, whatever the case.")
    ] = ("track",)
    source_map: Annotated[
        dict[str, str],
        setting("Library of Segment's that sent the event → its event_source; other libraries are ignored."),
    ] = field(default_factory=lambda: {"analytics-android": "mobile", "analytics-ios": "mobile"})
    disallowed_substring_names: Annotated[
        tuple[str, ...],
        setting("Events whose name holds one of these, whatever the case, are ignored (.bi.)."),
    ] = ()
    allowed_channels: Annotated[
        tuple[str, ...], setting("Generation 2014: channels that are taken, whatever the case.")
    ] = ("mobile",)
    allowed_actions: Annotated[
        tuple[str, ...], setting("Generation 2014: actions that are taken, whatever the case.")
    ] = ("Track", "Screen")
    trust_client_context: Annotated[
        bool,
        setting(
            "Whether what a client puts into its context may take the place of event_source, session, host and"
            " org_id, as in Open edX: any user can then have events look as if the platform itself had seen them."
        ),
    ] = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """The keys of the URL that are taken."""
        return _texts(self.secret)

    @property
    def shared_secrets(self) -> tuple[str, ...]:
        """The secrets a signature may be made with."""
        return _texts(self.shared_secret)


class SegmentWebhookSettings(WebhookRules, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`kind = "segment_webhook"`: takes in what Segment's servers post, in both generations."""

    kind: Annotated[Literal["segment_webhook"], setting("The kind of source.")] = "segment_webhook"
    path: Annotated[str, setting("The path Segment posts to.")] = "/segmentio/event"
    users: Annotated[
        Literal["table", "django", "any"],
        setting(
            "Whose account a userId is: in the table that `trackside users import` fills, one of this server's own"
            " Django project, or believed as it is."
        ),
    ] = "table"


def _texts(given: Texts) -> tuple[str, ...]:
    texts = (given,) if isinstance(given, str) else given or ()
    return tuple(text for text in texts if text)

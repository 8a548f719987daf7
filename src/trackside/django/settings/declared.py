"""Every setting of the Django side, declared once: default, range, unit and a sentence.

They are keys of `settings.TRACKSIDE`, beside those that the configuration file of a server has.
"""

from typing import Annotated, Any, Literal

from msgspec import Struct, field

from trackside.config.settings import setting
from trackside.django.settings.filters import FilterSettings
from trackside.django.settings.signals import SignalSettings
from trackside.django.settings.tracking import TrackingSettings
from trackside.sources.segment_webhook.settings import WebhookRules

REDACTED_NAMES = (
    "pass(word|wd|phrase|code)",
    "secret",
    "token",
    r"\bpwd\b",
    "api[_-]?key",
    "private[_-]?key",
    "authorization",
    "credential",
    r"^(otp|pin|cvv|cvc|ssn)$",
    "card[_-]?number",
)
"""Parts of the names of request parameters whose values go into no event."""


class TrackerSettings(Struct, frozen=True, kw_only=True):
    """`tracker`: the tracker that `emit` uses."""

    enabled: Annotated[
        bool, setting("Whether events go anywhere; off, `emit` accepts them and forgets them.")
    ] = True
    durable_timeout_s: Annotated[
        float,
        setting(
            "How long `emit(…, durable=True)` waits for the disk before it answers False.",
            unit="s",
            low=0.001,
            high=600,
        ),
    ] = 5.0
    max_event_chars: Annotated[
        int,
        setting(
            "Longest line a logger of TRACKING_BACKENDS writes; a longer event keeps its frame and loses its payload.",
            unit="characters",
            low=1,
        ),
    ] = 50_000


class RequestSettings(Struct, frozen=True, kw_only=True):
    """`requests`: what the middleware makes of each request."""

    emit: Annotated[bool, setting("Whether each request that is not ignored is itself an event.")] = True
    ignore_url_patterns: Annotated[
        tuple[str, ...],
        setting("Regular expressions; a request whose path begins like one of them is no event by itself."),
    ] = (r"^/event", r"^/login", r"^/heartbeat", r"^/segmentio/event", r"^/performance")
    payload_chars: Annotated[
        int,
        setting(
            "Longest JSON text of a request's parameters in its event; longer ones are shortened and stay JSON.",
            unit="characters",
            low=64,
            high=1_000_000,
        ),
    ] = 512
    redact: Annotated[
        tuple[str, ...],
        setting(
            "Regular expressions, whatever the case; a parameter whose name holds one of them is shown as `********`."
        ),
    ] = REDACTED_NAMES
    multipart: Annotated[
        bool,
        setting(
            "Whether forms with files are read for the event; the view can then no longer read the request's body."
        ),
    ] = False
    forwarded_from: Annotated[
        tuple[str, ...],
        setting(
            "Addresses or networks whose X-Forwarded-For is believed; everybody by default, as Open edX has it.",
            form="network",
        ),
    ] = ("0.0.0.0/0", "::/0")


class BrowserEventSettings(Struct, frozen=True, kw_only=True):
    """`browser_events`: what `/event` takes."""

    names: Annotated[
        tuple[str, ...],
        setting("Names of events that browsers may send, such as edx.ui.*; empty means all."),
    ] = ()
    body_bytes: Annotated[int, setting("Largest request body.", unit="bytes", low=1_024, high=16_777_216)] = (
        262_144
    )
    name_chars: Annotated[
        int, setting("Longest name of an event.", unit="characters", low=16, high=10_000)
    ] = 255


class SegmentSettings(Struct, frozen=True, kw_only=True):
    """`segment`: calls that go straight to Segment (`trackside.django.segment`)."""

    write_key: Annotated[
        str | None, setting("The write key of the Segment source; without it nothing is sent.", secret=True)
    ] = None


class WebhookViewSettings(WebhookRules, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`segment_webhook`: what `/segmentio/event` takes of what Segment's servers post."""

    users: Annotated[
        Literal["django", "any"],
        setting("Whose account a userId is: one of this site's users, or believed as it is."),
    ] = "django"
    dedup_cache: Annotated[
        str,
        setting(
            "Name of the cache (CACHES) that remembers message ids for a day, so that a repeated event is emitted"
            " once; empty, only a log among the backends knows them."
        ),
    ] = ""


class DjangoSettings(Struct, frozen=True, kw_only=True):
    """What is in effect in this Django project, validated."""

    tracker: TrackerSettings = field(default_factory=TrackerSettings)
    requests: RequestSettings = field(default_factory=RequestSettings)
    browser_events: BrowserEventSettings = field(default_factory=BrowserEventSettings)
    segment: SegmentSettings = field(default_factory=SegmentSettings)
    segment_webhook: WebhookViewSettings = field(default_factory=WebhookViewSettings)
    signals: SignalSettings = field(default_factory=SignalSettings)
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    filters: FilterSettings = field(default_factory=FilterSettings)
    backends: dict[str, Any] | None = None
    """Name → {"ENGINE": dotted path, "OPTIONS": {…}}; None where the project names none."""
    processors: list[Any] = field(default_factory=list)
    """The same, in order; they run before all backends."""
    server: dict[str, Any] = field(default_factory=dict)
    """The keys of the configuration file (`data_dir`, `destinations`, …), checked when they are used."""


class LegacyName(Struct, frozen=True):
    """A name of a Django setting that Open edX sites already have."""

    key: str
    """Our key that it sets, where `settings.TRACKSIDE` does not; "" where it has none."""
    sentence: str


LEGACY_NAMES: dict[str, LegacyName] = {
    "EVENT_TRACKING_ENABLED": LegacyName("tracker.enabled", "Whether events go anywhere."),
    "EVENT_TRACKING_BACKENDS": LegacyName("backends", "The tree of backends."),
    "EVENT_TRACKING_PROCESSORS": LegacyName("processors", "The processors in front of all backends."),
    "TRACK_MAX_EVENT": LegacyName(
        "tracker.max_event_chars", "Longest line of the tracker of TRACKING_BACKENDS."
    ),
    "TRACKING_BACKENDS": LegacyName("", "The backends of `trackside.django.legacy_tracker`."),
    "TRACKING_IGNORE_URL_PATTERNS": LegacyName(
        "requests.ignore_url_patterns", "Paths that are no events by themselves."
    ),
    "LMS_SEGMENT_KEY": LegacyName("segment.write_key", "The write key of the Segment source."),
    "TRACKING_SEGMENTIO_WEBHOOK_SECRET": LegacyName(
        "segment_webhook.secret", "What Segment sends as `?key=`."
    ),
    "TRACKING_SEGMENTIO_ALLOWED_TYPES": LegacyName(
        "segment_webhook.allowed_types", "Types of Segment's calls that are taken."
    ),
    "TRACKING_SEGMENTIO_DISALLOWED_SUBSTRING_NAMES": LegacyName(
        "segment_webhook.disallowed_substring_names", "Parts of names whose events are ignored."
    ),
    "TRACKING_SEGMENTIO_SOURCE_MAP": LegacyName(
        "segment_webhook.source_map", "Segment's libraries and their event_source."
    ),
    "TRACKING_SEGMENTIO_ALLOWED_CHANNELS": LegacyName(
        "segment_webhook.allowed_channels", "Generation 2014: channels that are taken."
    ),
    "TRACKING_SEGMENTIO_ALLOWED_ACTIONS": LegacyName(
        "segment_webhook.allowed_actions", "Generation 2014: actions that are taken."
    ),
}
"""Settings that are read where `settings.TRACKSIDE` does not say otherwise."""

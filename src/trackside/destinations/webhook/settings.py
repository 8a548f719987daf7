"""The settings of a webhook."""

from typing import Annotated, ClassVar, Final, Literal

from msgspec import field

from trackside.config.settings import setting
from trackside.destinations.endpoint import EndpointSettings, Status

ATTEMPT: Final = "trackside-attempt"

Format = Literal["json", "cloudevents", "form", "openedx", "openedx_form"]
Seconds = Annotated[float, setting("", low=0.1, high=604_800)]


class WebhookSettings(EndpointSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[destinations.NAME]` with `kind = "webhook"`: each event as a signed request to somebody's URL."""

    many: ClassVar[bool] = True
    reserved_headers: ClassVar[frozenset[str]] = EndpointSettings.reserved_headers | {ATTEMPT}

    kind: Annotated[str, setting("webhook: each event as a signed request to a URL.")] = "webhook"
    method: Annotated[Literal["POST", "PUT", "PATCH"], setting("The request's method.")] = "POST"
    format: Annotated[
        Format,
        setting("How the body is made: see the reference of webhook requests. openedx is for old receivers."),
    ] = "json"
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
    personal_data: Annotated[
        Literal["full", "ids_only", "none"],
        setting(
            "What is sent of people: all that the event says; no names, usernames, addresses, and of the request only"
            " user, course and host; or no ids of users either."
        ),
    ] = "full"
    redact: Annotated[
        tuple[str, ...],
        setting("Texts that are replaced: regular expressions, or the words email and card."),
    ] = ()
    redact_fields: Annotated[
        tuple[str, ...],
        setting("Globs of field names at any depth, without _ and -, whose values are replaced."),
    ] = ()
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
    refuse_statuses: Annotated[
        tuple[Status, ...],
        setting(
            "Answers after which an event is a dead letter at once; after any other failure it is tried again."
        ),
    ] = (413,)
    retry_schedule_s: Annotated[
        tuple[Seconds, ...],
        setting(
            "Waits after the first, second, … failure of an event; empty: as `max_attempts` and the backoffs say.",
            unit="s",
        ),
    ] = ()
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

    def delays_s(self) -> tuple[float, ...]:
        """Return the waits after the first, second, … failure of an event; it gets one attempt more."""
        return self.retry_schedule_s or super().delays_s()

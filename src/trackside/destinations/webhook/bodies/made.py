"""The body of an event's requests: the same bytes at each attempt, as long as the settings are the same."""

from typing import assert_never

from msgspec import Struct

from trackside.destinations.event_json import ALWAYS_SENT, document, encodable, json_body
from trackside.destinations.webhook.bodies import cloud_event
from trackside.destinations.webhook.bodies.form import form_body
from trackside.destinations.webhook.bodies.openedx import openedx_body, openedx_form_body
from trackside.destinations.webhook.bodies.personal import PersonalData
from trackside.destinations.webhook.settings import WebhookSettings
from trackside.document import form
from trackside.document.encoding import Document, encode
from trackside.document.paths import Selection, Where
from trackside.event import Event
from trackside.processors.redaction import RedactionProcessor

_REDACTED = ("user_id", "anonymous_id", "data", "context", "extra")
"""Where texts are looked for. Not in the event's id, name and times: they tell receivers which event it is."""


class Body(Struct, frozen=True, gc=False):
    """What is sent, and what it is."""

    content_type: str
    content: bytes


class Bodies:
    """Makes bodies as the settings of one webhook say."""

    def __init__(self, settings: WebhookSettings) -> None:
        """Raises ConfigurationError for a pattern that is no regular expression."""
        self._format = settings.format
        self._where = Where(settings.where)
        self._selection = Selection([*ALWAYS_SENT, *settings.fields]) if settings.fields else None
        self._redaction = (
            RedactionProcessor(keys=settings.redact_fields, patterns=settings.redact)
            if settings.redact or settings.redact_fields
            else None
        )
        self._personal = PersonalData(settings.personal_data) if settings.personal_data != "full" else None
        changes = any(each is not None for each in (self._selection, self._redaction, self._personal))
        self._as_it_is = settings.format in {"json", "cloudevents"} and not changes

    def make(self, event: Event) -> Body | None:
        """Return the body; None where the settings do not ask for the event.

        Raises ValueError or RecursionError where the event cannot be looked into, and what the redaction raises:
        an event that could not be redacted is not sent.
        """
        try:
            return self._make(event)
        except UnicodeEncodeError:
            return self._make(encodable(event))

    def _make(self, event: Event) -> Body | None:
        if self._as_it_is and not self._where:
            return self._body(event, json_body(event), event.user_id)
        whole = document(event)
        if self._where and not self._where.matches(whole):
            return None
        if self._as_it_is:
            return self._body(event, json_body(event), event.user_id)
        return self._laid_out(event, self._cut(whole))

    def _cut(self, whole: Document) -> Document:
        cut = whole if self._personal is None else self._personal(whole)
        cut = cut if self._selection is None else self._selection.of(cut)
        if self._redaction is None:
            return cut
        redacted: Document = self._redaction({name: cut[name] for name in _REDACTED if name in cut})
        return cut | redacted

    def _laid_out(self, event: Event, shown: Document) -> Body:
        match self._format:
            case "json" | "cloudevents":
                return self._body(event, encode(shown), shown.get("user_id"))
            case "form":
                return Body(form.CONTENT_TYPE, form_body(shown))
            case "openedx":
                return Body("application/json", openedx_body(event, shown))
            case "openedx_form":
                return Body(form.CONTENT_TYPE, openedx_form_body(event, shown))
            case never:
                assert_never(never)

    def _body(self, event: Event, content: bytes, user_id: str | None) -> Body:
        if self._format == "json":
            return Body("application/json", content)
        enveloped = cloud_event.cloud_event_body(event, content, user_id=user_id)
        return Body(cloud_event.CONTENT_TYPE, enveloped)

"""The generation of 2014: a call says its channel and its action; each answer says whether it was kept, and why not.

Source: the platform's `track_segmentio_event` of August 2014, its order of checks and its sentences.
"""

from msgspec import Raw

from trackside.courses import parse
from trackside.sources.refusal import RefusedError, invalid_field
from trackside.sources.segment_webhook import errors
from trackside.sources.segment_webhook.call import (
    ABSENT,
    NULL,
    SERVERS_OWN,
    Call,
    Members,
    envelope_of,
    is_object,
    members_of,
    text_of,
    user_of,
    value_of,
)
from trackside.sources.segment_webhook.event import WebhookEvent
from trackside.sources.segment_webhook.settings import WebhookRules
from trackside.users.base import Directory

_NOTHING = Raw(b"{}")
_EMPTY_TEXT = Raw(b'""')


class Reader2014:
    """Makes events of calls by these rules."""

    __slots__ = ("_actions", "_channels", "_rules")

    def __init__(self, rules: WebhookRules) -> None:
        self._rules = rules
        self._channels = frozenset(allowed.lower() for allowed in rules.allowed_channels)
        self._actions = frozenset(allowed.lower() for allowed in rules.allowed_actions)

    def read(self, call: Call, users: Directory) -> WebhookEvent | str:
        """Return the event, or one word why the call is none of ours. Raises RefusedError and NotLoadedError."""
        channel = _word(call.channel, "channel")
        if channel.lower() not in self._channels or not channel:
            return errors.CHANNEL_IGNORED
        action = _word(call.action, "action")
        if action.lower() not in self._actions or not action:
            return errors.ACTION_IGNORED
        properties = _object(call.properties, "properties")
        context = self._context(call, properties)
        user = user_of(call.user_id, users)
        # as it was sent, a text stays one; the username is the server's all the same
        context["user_id"] = call.user_id
        context["username"] = user.username
        self._add_course(context)
        envelope = envelope_of(call)
        if "event_type" not in properties:
            raise RefusedError(errors.MISSING_EVENT_TYPE)
        name = text_of(properties["event_type"])
        if not name:
            raise RefusedError(invalid_field("properties.event_type", "a text that is not empty"))
        context["event_source"] = channel
        context["event_type"] = name
        context["page"] = properties.get("page", NULL)
        context["ip"] = properties.get("ip", _EMPTY_TEXT)
        context["agent"] = ""
        return WebhookEvent(
            name=name,
            data=properties.get("event", _NOTHING),
            context=context,
            user_id=user.id,
            **envelope,
        )

    def _context(self, call: Call, properties: Members) -> dict[str, object]:
        context: dict[str, object] = {}
        if value_of(call.context):
            context["client"] = call.context
        context.update(_object(properties.get("context", ABSENT), "properties.context"))
        for key in ("user_id", "username", "timestamp", "received_at", "event_type", "page", "ip", "agent"):
            context.pop(key, None)
        if not self._rules.trust_client_context:
            for key in SERVERS_OWN:
                context.pop(key, None)
        return context

    def _add_course(self, context: dict[str, object]) -> None:
        raw = context.get("course_id")
        if not isinstance(raw, Raw) or not value_of(raw):
            return
        text = text_of(raw)
        if text is None:
            raise RefusedError(invalid_field("properties.context.course_id", "a text"))
        course = parse(text)
        if course is not None:
            context["org_id"] = course.org_id
        elif not self._rules.trust_client_context:
            context["org_id"] = ""


def _word(raw: Raw, name: str) -> str:
    word = text_of(raw)
    if word is None and value_of(raw):
        raise RefusedError(invalid_field(name, "a text"))
    return word or ""


def _object(raw: Raw, name: str) -> Members:
    """Return the members of an object, none where it is absent. Raises RefusedError for anything else."""
    if raw and not is_object(raw):
        raise RefusedError(invalid_field(name, "an object"))
    return members_of(raw, name)

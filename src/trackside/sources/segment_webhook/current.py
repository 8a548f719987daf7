"""The current generation: a call says its type, the library that sent it, and an event of the platform's by name.

Source: the platform's `segmentio.py` of 2025, its order of checks and its sentences; where it would have failed
with a status of 500 the call is refused here, and what a client says of itself cannot take the place of what the
server knows (docs/decisions/0009).
"""

from typing import Final

import msgspec
from msgspec import Raw

from trackside.clock import parse_timestamp
from trackside.courses import parse
from trackside.sources.message_id import MAX_CHARACTERS
from trackside.sources.refusal import RefusedError, invalid_field
from trackside.sources.segment_webhook import errors
from trackside.sources.segment_webhook.call import (
    ABSENT,
    LIBRARY,
    SERVERS_OWN,
    USUAL_CALL,
    Call,
    Members,
    UsualCall,
    envelope_of,
    id_of,
    is_object,
    members_of,
    moment_of,
    text_of,
    user_of,
    value_of,
)
from trackside.sources.segment_webhook.event import WebhookEvent
from trackside.sources.segment_webhook.settings import WebhookRules
from trackside.users.base import Directory, InvalidUserIdError

FORUM_THREAD_VIEWED_EVENT_LABEL: Final = "Forum: View Thread"
BI_SCREEN_VIEWED_EVENT_NAME: Final = "edx.bi.app.navigation.screen"
ALWAYS_SERVERS_OWN: Final = ("user_id", "username", "timestamp", "received_at")
"""What a client's context may never say: the call itself does."""

_NOT_KEPT = ("traits", "integrations", "userAgent")
_EMPTY_TEXT = Raw(b'""')


class CurrentReader:
    """Makes events of calls by these rules."""

    __slots__ = ("_disallowed", "_rules", "_sources", "_types")

    def __init__(self, rules: WebhookRules) -> None:
        self._rules = rules
        self._sources = dict(rules.source_map)
        self._types = frozenset(allowed.lower() for allowed in rules.allowed_types)
        self._disallowed = tuple(part.lower() for part in rules.disallowed_substring_names)

    def read(self, call: Call, users: Directory) -> WebhookEvent | str:
        """Return the event, or one word why the call is none of ours. Raises RefusedError and NotLoadedError."""
        if "delete" in self._types and text_of(call.type) == "delete":
            return _deletion(call)
        said = members_of(call.context, "context")
        source = self._source(said)
        if not source:
            return errors.LIBRARY_IGNORED
        kind = self._kind(call.type)
        if kind is None:
            return errors.TYPE_IGNORED
        properties = members_of(call.properties, "properties")
        name = _name(properties)
        lower = name.lower()
        if any(part in lower for part in self._disallowed):
            return errors.NAME_IGNORED
        data, app = _data(properties), _own_context(properties)
        context = self._context(source, said, app)
        user = user_of(call.user_id, users)
        context["user_id"] = user.id
        context["username"] = user.username
        self._add_course(context, properties.get("course_id", ABSENT))
        envelope = envelope_of(call)
        context["ip"] = app.get("ip", _EMPTY_TEXT)
        if "label" in properties:
            context["label"] = properties["label"]
        return WebhookEvent(
            name=name or "unknown",
            data=data,
            context=context,
            user_id=user.id,
            type=kind,
            **envelope,
        )

    def read_quickly(self, text: bytes, users: Directory) -> WebhookEvent | None:
        """Return the event, or None where anything about the call needs the closer look of `read`.

        Raises NotLoadedError.
        """
        call = _usual_call(text)
        if call is None or not self._is_usual(call):
            return None
        properties = call.properties
        timestamp, received_at = parse_timestamp(call.timestamp), parse_timestamp(call.received_at)
        try:
            source = self._sources[LIBRARY.decode(call.context["library"]).name]
            user = users.user(call.user_id)
            if user is None or timestamp is None or received_at is None or not source:
                return None
            context = self._context(source, call.context, properties.context)
            self._add_course(context, properties.course_id)
        except (msgspec.MsgspecError, KeyError, InvalidUserIdError, RefusedError):
            return None
        context["user_id"], context["username"] = user.id, user.username
        context["ip"] = properties.context.get("ip", _EMPTY_TEXT)
        if properties.label:
            context["label"] = properties.label
        return WebhookEvent(
            name=properties.name,
            data=properties.data,
            context=context,
            user_id=user.id,
            timestamp_text=call.timestamp,
            timestamp=timestamp,
            upstream_received_at=received_at,
            type=call.type.lower(),
            id=call.message_id,
            anonymous_id=call.anonymous_id,
            original_timestamp=call.original_timestamp,
            sent_at=call.sent_at,
        )

    def _is_usual(self, call: UsualCall) -> bool:
        name, kind = call.properties.name, call.type.lower()
        if not (name and call.user_id and 0 < len(call.message_id) <= MAX_CHARACTERS):
            return False
        if kind not in self._types or kind == "delete" or not is_object(call.properties.data):
            return False
        lower = name.lower()
        return not any(part in lower for part in self._disallowed)

    def _source(self, said: Members) -> str | None:
        library = members_of(said.get("library", ABSENT), "context.library")
        raw = library.get("name", ABSENT)
        name = text_of(raw)
        if name is None and isinstance(value_of(raw), list | dict):
            raise RefusedError(invalid_field("context.library.name", "a text"))
        return self._sources.get(name) if name is not None else None

    def _kind(self, raw: Raw) -> str | None:
        """Return the call's type in lower case where it is taken."""
        kind = text_of(raw)
        if kind is None and value_of(raw):
            raise RefusedError(invalid_field("type", "a text"))
        kind = (kind or "").lower()
        return kind if kind in self._types else None

    def _context(self, source: str, said: Members, app: Members) -> dict[str, object]:
        context: dict[str, object] = {"event_source": source}
        if "application" not in app:
            context["application"] = {
                "name": app.get("app_name", _EMPTY_TEXT),
                "version": members_of(said.get("app", ABSENT), "context.app").get("version", _EMPTY_TEXT),
            }
        if said:
            context["client"] = client = said.copy()
            for key in _NOT_KEPT:
                client.pop(key, None)
            context["agent"] = said.get("userAgent", _EMPTY_TEXT)
        context.update(app)
        context.pop("app_name", None)
        if not self._rules.trust_client_context:
            for key in SERVERS_OWN:
                context.pop(key, None)
            context["event_source"] = source
        for key in ALWAYS_SERVERS_OWN:
            context.pop(key, None)
        return context

    def _add_course(self, context: dict[str, object], named_last: Raw) -> None:
        """Add who runs the course; `named_last` is where business events of the Android app name theirs."""
        trusting = self._rules.trust_client_context
        org_id = _organisation(context.get("course_id"), "properties.context.course_id")
        if named_last:
            context["course_id"] = named_last
            if not trusting:
                org_id = _organisation(named_last, "properties.course_id")
        if org_id or ("course_id" in context and not trusting):
            context["org_id"] = org_id


def _usual_call(text: bytes) -> UsualCall | None:
    try:
        return USUAL_CALL.decode(text)
    except msgspec.MsgspecError:
        return None


def _organisation(course_id: object, name: str) -> str:
    """Return who runs the course, "" where that cannot be understood. Raises RefusedError for what is no text."""
    if not isinstance(course_id, Raw):
        return ""
    text = text_of(course_id)
    if text is None:
        if value_of(course_id):
            raise RefusedError(invalid_field(name, "a text"))
        return ""
    course = parse(text) if text else None
    return course.org_id if course else ""


def _name(properties: Members) -> str:
    if "name" in properties:
        name = text_of(properties["name"])
        if name is None:
            raise RefusedError(invalid_field("properties.name", "a text"))
        return name
    if text_of(properties.get("label", ABSENT)) == FORUM_THREAD_VIEWED_EVENT_LABEL:
        return BI_SCREEN_VIEWED_EVENT_NAME
    raise RefusedError(errors.MISSING_NAME)


def _data(properties: Members) -> Raw:
    if "data" not in properties:
        raise RefusedError(errors.MISSING_DATA)
    if not is_object(properties["data"]):
        raise RefusedError(errors.INVALID_DATA)
    return properties["data"]


def _own_context(properties: Members) -> Members:
    own = properties.get("context", ABSENT)
    if own and not is_object(own):
        raise RefusedError(errors.INVALID_CONTEXT)
    return members_of(own, "properties.context")


def _deletion(call: Call) -> WebhookEvent:
    """Return that a user asked for the deletion of what is known of them; the account may be gone already.

    Source: Segment's classic webhooks: `{"type": "delete", "userId": …, "timestamp": …}`.
    """
    user_id = value_of(call.user_id)
    if not user_id:
        raise RefusedError(errors.MISSING_USER_ID)
    if isinstance(user_id, bool) or not isinstance(user_id, int | str):
        raise RefusedError(errors.INVALID_USER_ID)
    timestamp_text, timestamp = moment_of(call.timestamp, "timestamp", errors.MISSING_TIMESTAMP)
    return WebhookEvent(
        name="delete",
        data=Raw(b"{}"),
        context={"event_source": "server", "user_id": user_id},
        user_id=user_id,
        timestamp_text=timestamp_text,
        timestamp=timestamp,
        upstream_received_at=None,
        type="delete",
        id=id_of(call.message_id),
    )

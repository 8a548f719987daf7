"""What a request of Segment's servers means, written a second time: plainly, slowly, with dicts.

Written from the platform's two listings (2014 and 2025), from docs/decisions/0009 and 0005 and the recipe for the
webhook; nothing of the source's own code is used. Sizes are left out: they are looked at elsewhere.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_to_bytes

DEPTH = 100
MISSING_USER_ID = "Required user_id missing from context"
USER_NOT_EXIST = "Specified user does not exist"
INVALID_USER_ID = "Unable to parse userId as an integer"
INVALID_CONTEXT = "The properties.context field is not a dict."
INVALID_DATA = "The properties.data field is not a dict."
MISSING_DATA = "The data field must be specified in the properties dictionary"
MISSING_NAME = "The name field must be specified in the properties dictionary"
MISSING_TIMESTAMP = "Required timestamp field not found"
MISSING_RECEIVED_AT = "Required receivedAt field not found"
MISSING_EVENT_TYPE = "The event_type field must be specified in the properties dictionary"
JSON_TYPE, HTML_TYPE = b"application/json", b"text/html; charset=utf-8"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The settings, by the platform's names where it has them."""

    old: bool = False
    secrets: Sequence[str] = ("anything",)
    shared_secrets: Sequence[str] = ()
    signed_batches: bool = False
    types: Sequence[str] = ("track",)
    source_map: Mapping[str, str] = field(
        default_factory=lambda: {"analytics-android": "mobile", "analytics-ios": "mobile"}
    )
    disallowed: Sequence[str] = ()
    channels: Sequence[str] = ("mobile",)
    actions: Sequence[str] = ("Track", "Screen")
    trust: bool = False


@dataclass(kw_only=True)
class Meaning:
    """What a request leads to. A reject is its sentence, or the beginning of it."""

    status: int = 200
    body: bytes | None = b""
    """None where the words are not laid down."""
    content_type: bytes = HTML_TYPE
    events: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


class Refused(Exception):  # noqa: N818
    """The call cannot be an event; why is the beginning of the reject's sentence."""


class Ignored(Exception):  # noqa: N818
    """The call is none of ours; the text is the word it is counted under."""


class NotJson(Exception):  # noqa: N818
    """The body is no JSON, not even nearly."""


def interpret(
    method: str,
    query: bytes,
    headers: Mapping[bytes, bytes],
    body: bytes,
    *,
    users: Mapping[int, str],
    rules: Rules,
    around: Mapping[str, Any],
) -> Meaning:
    """Return what the request means; `around` is the context of the request that the server knows itself."""
    if method not in ("POST", "PUT", "PATCH"):
        return Meaning(status=405)
    if not _has_key(query, rules):
        return _nothing(rules, 401, "Unauthorized")
    if rules.shared_secrets and not _is_signed(headers.get(b"x-signature", b""), body, rules.shared_secrets):
        return _nothing(rules, 401, "X-Signature is missing, or is not that of the body")
    if b"application/json" not in headers.get(b"content-type", b"").lower():
        return _nothing(rules, 200, "Content-Type is not application/json")
    if not body:
        return _nothing(rules, 200, "the body is empty")
    try:
        said = loads(body)
    except NotJson as error:
        return _nothing(rules, 400, str(error))
    except RecursionError:
        return _nothing(rules, 200, "the JSON is nested too deeply")
    return _taken(said, users, rules, around)


def _nothing(rules: Rules, status: int, why: str) -> Meaning:
    """Return that nothing is taken of a request. In 2014 every refusal was told, and was 400 or 401."""
    if rules.old:
        return Meaning(status=max(status, 400), body=None, content_type=JSON_TYPE, rejects=[why])
    if status == 400:
        return Meaning(status=400, body=b'{"error": "Invalid JSON"}', content_type=JSON_TYPE, rejects=[why])
    return Meaning(status=status, rejects=[why])


def _taken(said: Any, users: Mapping[int, str], rules: Rules, around: Mapping[str, Any]) -> Meaning:
    meaning = Meaning()
    if said == []:
        meaning.rejects.append("the batch holds no event")
    for number, call in enumerate(said if isinstance(said, list) else [said]):
        try:
            if number and rules.shared_secrets and not rules.signed_batches:
                raise Refused("Segment signs only the first event of a batch")
            if depth_of(call) > DEPTH:
                raise Refused("the JSON is nested too deeply")
            if not isinstance(call, dict):
                raise Refused("an event must be a JSON object")
            meaning.events.append((event_2014 if rules.old else event_now)(call, users, rules, around))
        except Refused as error:
            meaning.rejects.append(str(error))
        except Ignored as error:
            meaning.ignored.append(str(error))
    if rules.old:
        _tell_what_became_of_it(meaning)
    return meaning


def _tell_what_became_of_it(meaning: Meaning) -> None:
    meaning.content_type = JSON_TYPE
    if meaning.events:
        meaning.body = json.dumps({"committed": True}, indent=2).encode()
        return
    if meaning.rejects:
        meaning.status, meaning.body = 400, None
        return
    message = {"channel_not_allowed": "Channel ignored", "action_not_allowed": "Action ignored"}
    told = {"committed": False, "message": message[meaning.ignored[0]]}
    meaning.body = json.dumps(told, indent=2).encode()


def _has_key(query: bytes, rules: Rules) -> bool:
    """Return whether the last `key` opens; a webhook without any secret opens to nobody."""
    if not rules.secrets:
        return bool(rules.shared_secrets)
    members = [part.replace(b"+", b" ").partition(b"=")[::2] for part in query.split(b"&") if part.strip()]
    keys = [unquote_to_bytes(value) for name, value in members if unquote_to_bytes(name) == b"key"]
    return bool(keys) and keys[-1] in [secret.encode() for secret in rules.secrets]


def _is_signed(signature: bytes, body: bytes, secrets: Sequence[str]) -> bool:
    signed = first_item(body) or body
    made = [hmac.new(secret.encode(), signed, hashlib.sha1).hexdigest() for secret in secrets]
    return signature.strip().lower() in [each.encode() for each in made]


def first_item(body: bytes) -> bytes | None:
    """Return the text of the first value of a batch, None where there is none or it is not UTF-8."""
    if not body.startswith(b"[") or body.decode(errors="replace").encode() != body:
        return None
    scalar = re.match(
        rb"-?Infinity|NaN|null|true|false|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", body[1:]
    )
    if scalar:
        return scalar[0]
    closing = {b"{": b"}", b"[": b"]", b'"': b'"'}.get(body[1:2])
    for end in range(2, len(body) + 1):
        if body[end - 1 : end] == closing and end > 2:
            try:
                json.loads(body[1:end].decode(), strict=False)
            except (ValueError, RecursionError):
                continue
            return body[1:end]
    return None


def loads(body: bytes) -> Any:
    """Return the JSON of a body: NaN and Infinity are null, half a character is U+FFFD. Raises NotJson."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise NotJson("the body is not UTF-8") from None
    too_long: list[str] = []

    def reading(read: Any) -> Any:
        def number(digits: str) -> Any:
            if any(len(run) > 4_300 for run in re.split("[^0-9]", digits)):
                too_long.append(digits)
                return 0
            return read(digits)

        return number

    try:
        found = json.loads(
            text.removeprefix("\ufeff"),
            parse_constant=lambda _: None,
            parse_int=reading(int),
            parse_float=reading(float),
        )
    except ValueError:
        raise NotJson("the body is not JSON") from None
    if too_long:
        raise NotJson("a number has more than 4300 digits")
    return well_formed(found)


def well_formed(value: Any) -> Any:
    """Return the value with U+FFFD for each half of a surrogate pair."""
    match value:
        case str():
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case list():
            return [well_formed(each) for each in value]
        case dict():
            return {well_formed(name): well_formed(each) for name, each in value.items()}
        case _:
            return value


def depth_of(value: Any) -> int:
    """Return how many arrays and objects lie within each other."""
    deepest, level = 0, [value]
    while level := [each for each in level if isinstance(each, dict | list)]:
        deepest += 1
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return deepest


def event_now(
    call: dict[str, Any], users: Mapping[int, str], rules: Rules, around: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the event of a call of the current generation. Raises Refused and Ignored."""
    types = [each.lower() for each in rules.types]
    if "delete" in types and call.get("type") == "delete":
        return _deletion(call, around)
    said = _object(call.get("context"), "context")
    library = _object(said.get("library"), "context.library").get("name")
    if isinstance(library, list | dict):
        raise Refused("context.library.name must be ")
    source = rules.source_map.get(library) if isinstance(library, str) else None
    if not source:
        raise Ignored("library_not_allowed")
    if not call.get("type"):
        raise Ignored("type_not_allowed")
    if _text(call["type"], "type").lower() not in types:
        raise Ignored("type_not_allowed")
    properties = _object(call.get("properties"), "properties")
    name = _name(properties)
    if any(part.lower() in name.lower() for part in rules.disallowed):
        raise Ignored("name_not_allowed")
    if "data" not in properties:
        raise Refused(MISSING_DATA)
    if not isinstance(properties["data"], dict):
        raise Refused(INVALID_DATA)
    app = properties.get("context", {})
    if not isinstance(app, dict):
        raise Refused(INVALID_CONTEXT)
    context: dict[str, Any] = {**around, "event_source": source}
    if "application" not in app:
        version = _object(said.get("app"), "context.app").get("version", "")
        context["application"] = {"name": app.get("app_name", ""), "version": version}
    dropped = ("traits", "integrations", "userAgent")
    context["client"] = {key: value for key, value in said.items() if key not in dropped}
    context["agent"] = said.get("userAgent", "")
    context.update(_believed(app, rules, ("app_name",)))
    user_id, username = _user(call.get("userId"), users)
    context.update(user_id=user_id, username=username)
    _say_who_runs_the_course(context, app, properties, rules, around)
    times = _times(call, context)
    context["ip"] = app.get("ip", "")
    if "label" in properties:
        context["label"] = properties["label"]
    kind = call["type"].lower()
    return _event(call, name or "unknown", properties["data"], context, user_id, times, kind)


def _deletion(call: dict[str, Any], around: Mapping[str, Any]) -> dict[str, Any]:
    """Return the wish to be forgotten, which needs no account any more."""
    user_id = call.get("userId")
    if not user_id:
        raise Refused(MISSING_USER_ID)
    if isinstance(user_id, bool) or not isinstance(user_id, int | str):
        raise Refused(INVALID_USER_ID)
    if "timestamp" not in call:
        raise Refused(MISSING_TIMESTAMP)
    at = _time(call["timestamp"], "timestamp")
    context = {**around, "event_source": "server", "user_id": user_id, "timestamp": at.isoformat()}
    event = _event(call, "delete", {}, context, user_id, at, "delete")
    return {**event, "anonymous_id": None, "original_timestamp": call["timestamp"], "sent_at": None}


def _name(properties: dict[str, Any]) -> str:
    if "name" in properties:
        return _text(properties["name"], "properties.name")
    if properties.get("label") == "Forum: View Thread":
        return "edx.bi.app.navigation.screen"
    raise Refused(MISSING_NAME)


def _believed(app: dict[str, Any], rules: Rules, others: Sequence[str]) -> dict[str, Any]:
    """Return what of the client's own context goes over the server's (docs/decisions/0009)."""
    servers = ["user_id", "username", "timestamp", "received_at", *others]
    if not rules.trust:
        servers += ["event_source", "session", "host", "org_id"]
    return {key: value for key, value in app.items() if key not in servers}


def _say_who_runs_the_course(
    context: dict[str, Any],
    app: dict[str, Any],
    properties: dict[str, Any],
    rules: Rules,
    around: Mapping[str, Any],
) -> None:
    """The organisation is that of the course named last; a trusted client may say another."""
    org_id = organisation_of(app.get("course_id"), "properties.context.course_id")
    if "course_id" in properties:
        context["course_id"] = properties["course_id"]
        if not rules.trust:
            org_id = organisation_of(properties["course_id"], "properties.course_id")
    if not rules.trust or org_id:
        context["org_id"] = org_id
    else:
        context["org_id"] = app.get("org_id", around["org_id"])


def event_2014(
    call: dict[str, Any], users: Mapping[int, str], rules: Rules, around: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the event of a call of 2014. Raises Refused and Ignored."""
    for name, allowed in (("channel", rules.channels), ("action", rules.actions)):
        word = call.get(name) or ""
        if _text(word, name).lower() not in [each.lower() for each in allowed] or not word:
            raise Ignored(f"{name}_not_allowed")
    properties = call.get("properties", {})
    if not isinstance(properties, dict):
        raise Refused("properties must be ")
    app = properties.get("context", {})
    if not isinstance(app, dict):
        raise Refused("properties.context must be ")
    context: dict[str, Any] = {**around, "event_source": call["channel"]}
    if call.get("context"):
        context["client"] = call["context"]
    context.update(_believed(app, rules, ("event_type", "page", "ip", "agent", "event_source")))
    user_id, username = _user(call.get("userId"), users)
    context.update(user_id=call["userId"], username=username)
    org_id = organisation_of(app.get("course_id"), "properties.context.course_id")
    if not rules.trust or org_id:
        context["org_id"] = org_id
    times = _times(call, context)
    if "event_type" not in properties:
        raise Refused(MISSING_EVENT_TYPE)
    event_type = properties["event_type"]
    if not isinstance(event_type, str) or not event_type:
        raise Refused("properties.event_type must be ")
    context.update(event_type=event_type, page=properties.get("page"), ip=properties.get("ip", ""), agent="")
    return _event(call, event_type, properties.get("event", {}), context, user_id, times, "track")


def _event(
    call: dict[str, Any],
    name: str,
    data: Any,
    context: dict[str, Any],
    user_id: Any,
    at: datetime,
    kind: str,
) -> dict[str, Any]:
    def text(member: str) -> str | None:
        value = call.get(member)
        return value if isinstance(value, str) else None

    original = text("originalTimestamp")
    return {
        "name": name,
        "type": kind,
        "data": data,
        "context": context,
        "user_id": str(user_id),
        "id": call.get("messageId"),
        "at": at,
        "anonymous_id": text("anonymousId"),
        "original_timestamp": original or call["timestamp"],
        "sent_at": text("sentAt"),
    }


def _times(call: dict[str, Any], context: dict[str, Any]) -> datetime:
    """Write the times of a call into the context of its event; return when it happened."""
    if "timestamp" not in call:
        raise Refused(MISSING_TIMESTAMP)
    at = _time(call["timestamp"], "timestamp")
    if "receivedAt" not in call:
        raise Refused(MISSING_RECEIVED_AT)
    received = _time(call["receivedAt"], "receivedAt")
    context.update(timestamp=at.isoformat(), received_at=received.isoformat())
    return at


def _time(value: Any, name: str) -> datetime:
    """Return a time of ISO 8601, in UTC where it says no zone."""
    if not isinstance(value, str):
        raise Refused(f"{name} must be a time")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Refused(f"{name} must be a time") from None
    if not 1970 <= moment.year <= 2100:
        raise Refused(f"{name} must be a time")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _user(user_id: Any, users: Mapping[int, str]) -> tuple[int, str]:
    """Return the account as Django looks one up: `int()` of whatever the client says."""
    if not user_id:
        raise Refused(MISSING_USER_ID)
    try:
        key = int(user_id)
    except (TypeError, ValueError, OverflowError):
        raise Refused(INVALID_USER_ID) from None
    if key not in users:
        raise Refused(USER_NOT_EXIST)
    return key, users[key]


def organisation_of(course_id: Any, name: str) -> str:
    """Return who runs the course, by the three kinds of ids that the tests use; "" for what is none of them."""
    if not course_id:
        return ""
    text = _text(course_id, name)
    kind, colon, key = text.partition(":")
    parts = key.split("+") if colon else text.split("/")
    count = {"course-v1": 3, "library-v1": 2}.get(kind, 0) if colon else 3
    plain = all(part and all(each.isalnum() or each in "_-.~" for each in part) for part in parts)
    return parts[0] if plain and len(parts) == count else ""


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise Refused(f"{name} must be a text")
    return value


def _object(value: Any, name: str) -> dict[str, Any]:
    """Return a member that must be an object; what is empty in any way counts as absent."""
    if not value:
        return {}
    if not isinstance(value, dict):
        raise Refused(f"{name} must be an object")
    return value

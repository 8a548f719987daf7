"""What an item means, written a second time: plainly, slowly, with dicts and the standard library."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from trackside.clock import correct, parse_timestamp
from trackside.event import Event
from trackside.sources.segment_api.context import CLIENT_CHANNELS, CLIENT_LIBRARIES

TYPES = ("track", "identify", "page", "screen", "group", "alias")
ENVELOPE = (
    "type",
    "messageId",
    "userId",
    "anonymousId",
    "writeKey",
    "sentAt",
    "originalTimestamp",
    "context",
)
TIMES = ("timestamp", "sentAt", "originalTimestamp", "receivedAt")
DEPTH = 100


class Number(str):
    """A number as it is written."""

    __slots__ = ()


class Rejected(Exception):  # noqa: N818
    """The item cannot be an event."""


def loads(text: str | bytes) -> Any:
    """Return JSON as the server understands it: NaN null, half a surrogate pair U+FFFD, numbers as text."""
    decoded = json.loads(text, parse_constant=lambda _: None, parse_int=Number, parse_float=Number)
    return _well_formed(decoded)


def _well_formed(value: Any) -> Any:
    match value:
        case Number():
            return value
        case str():
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case list():
            return [_well_formed(each) for each in value]
        case dict():
            return {_well_formed(name): _well_formed(each) for name, each in value.items()}
        case _:
            return value


def depth_of(value: Any) -> int:
    """Return how many arrays and objects lie within each other."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, dict | list) + max(map(depth_of, inner), default=0)


def text_or_none(item: Mapping[str, Any], name: str) -> str | None:
    """Return a member that must be a text or a number, if there is one."""
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise Rejected(name)
    return value


def object_or_empty(value: Any) -> dict[str, Any]:
    """Return a member that must be an object, if there is one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Rejected
    return value


def interpret(
    item: Any, shared: Mapping[str, Any], received_at: datetime, client_ip: str | None, default_type: str = ""
) -> dict[str, Any]:
    """Return the fields of the event that `item` is; raises Rejected."""
    if not isinstance(item, dict) or depth_of(item) > DEPTH:
        raise Rejected
    known = {
        name: text_or_none(item, name)
        for name in ("type", "userId", "anonymousId", "event", "groupId", "previousId")
    }
    kind = known["type"] or default_type
    required = {"track": ["event"], "group": ["groupId"], "alias": ["previousId", "userId"]}
    if kind not in TYPES or not all(known[name] for name in required.get(kind, ())):
        raise Rejected
    if not known["userId"] and not known["anonymousId"]:
        raise Rejected
    context = {**object_or_empty(shared.get("context")), **object_or_empty(item.get("context"))}
    _add_ip(context, item, client_ip)
    payload = "properties" if kind in ("track", "page", "screen") else "traits"
    data = dict(object_or_empty(item.get(payload)))
    if kind == "identify" and item.get("traits") is None and isinstance(context.get("traits"), dict):
        data = context["traits"]
    extra = _extra(item, kind, payload, data)
    _merge_integrations(extra, item, shared)
    original = item.get("originalTimestamp")
    original = item.get("timestamp") if original is None else original
    return {
        "name": known["event"] if kind == "track" else kind,
        "type": kind,
        "user_id": known["userId"] or None,
        "anonymous_id": known["anonymousId"] or None,
        "data": data,
        "context": context,
        "extra": extra,
        "timestamp": _timestamp(item, original, shared, received_at),
        "original_timestamp": original
        if isinstance(original, str)
        else ...
        if original is not None
        else None,
    }


def _add_ip(context: dict[str, Any], item: Mapping[str, Any], client_ip: str | None) -> None:
    library = context.get("library")
    name = library.get("name") if isinstance(library, dict) else None
    readable = library is None or (isinstance(library, dict) and (name is None or type(name) is str))
    readable = readable and context.get("direct") in (None, True, False)
    on_device = readable and (name in tuple(CLIENT_LIBRARIES) or context.get("direct") is True)
    if (
        client_ip is not None
        and context.get("ip") is None
        and (on_device or item.get("channel") in tuple(CLIENT_CHANNELS))
    ):
        context["ip"] = client_ip


def _extra(item: Mapping[str, Any], kind: str, payload: str, data: dict[str, Any]) -> dict[str, Any]:
    protocol = (
        *TIMES,
        "event",
        "groupId",
        "previousId",
        "name",
        "category",
        "channel",
        "integrations",
        "_metadata",
        "origin",
        "data",
    )
    known = {*ENVELOPE, *protocol, "properties", "traits", "version"}
    gone = {*ENVELOPE, payload, *(("event",) if kind == "track" else ())}
    if item.get("originalTimestamp") is None:
        gone.add("timestamp")
    extra = {
        name: value
        for name, value in item.items()
        if name not in gone and (value is not None or name not in known)
    }
    if "origin" in extra:
        extra["clientOrigin"] = extra.pop("origin")
    message_id = item.get("messageId")
    if message_id is not None and not (isinstance(message_id, str) and len(message_id) <= 100):
        extra["messageId"] = message_id
    for time in TIMES:
        if time in extra and not isinstance(extra[time], str):
            extra[time] = ...
    if kind in ("page", "screen"):
        for label in ("name", "category"):
            value = extra.pop(label, None)
            if value is None:
                continue
            if not isinstance(value, str):
                extra[label] = value
            elif data.get(label) is None:
                data[label] = value
            elif data[label] != value:
                extra[label] = value
    return extra


def _merge_integrations(extra: dict[str, Any], item: Mapping[str, Any], shared: Mapping[str, Any]) -> None:
    own, base = item.get("integrations"), object_or_empty(shared.get("integrations"))
    if own is None or isinstance(own, dict):
        extra["integrations"] = {**base, **(own or {})}
    if extra.get("integrations") in ({}, None):
        extra.pop("integrations", None)


def _timestamp(
    item: Mapping[str, Any], original: Any, shared: Mapping[str, Any], received_at: datetime
) -> datetime:
    def moment(value: Any) -> datetime | None:
        return parse_timestamp(value) if isinstance(value, str) else None

    if all(item.get(name) is not None for name in ("originalTimestamp", "timestamp", "receivedAt")):
        return correct(moment(item["timestamp"]), None, received_at).timestamp
    sent = item.get("sentAt")
    sent = shared.get("sentAt") if sent is None or sent == "" else sent
    return correct(moment(original), moment(sent), received_at).timestamp


def assert_same(event: Event, expected: Mapping[str, Any], item: Mapping[str, Any]) -> None:
    """Assert that `event` says what `expected` does; an Ellipsis there stands for any text."""
    for name in ("name", "type", "user_id", "anonymous_id", "timestamp"):
        assert getattr(event, name) == expected[name], name
    if expected["original_timestamp"] is not ...:
        assert event.original_timestamp == expected["original_timestamp"]
    assert loads(bytes(event.data)) == expected["data"]
    assert loads(bytes(event.context)) == expected["context"]
    extra = loads(bytes(event.extra))
    assert extra.keys() == expected["extra"].keys()
    for name, value in expected["extra"].items():
        assert value is ... or extra[name] == value, name
    message_id = item.get("messageId")
    if isinstance(message_id, str) and 1 <= len(message_id) <= 100:
        assert event.id == message_id
    elif message_id not in (None, ""):
        assert event.id.startswith("hash-")

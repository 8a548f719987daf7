"""Whose an event is, for who has to be forgotten: a person by ids and names, and how they are found quickly."""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from trackside.event import ERASED, Event, Reject, decode_object

_ESCAPED: Final = frozenset('"\\/') | frozenset(map(chr, range(32)))
"""What JSON can write with a backslash and a letter, beside the four digits that any character may have."""
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_LONGEST_ID_BITS: Final = 512
_IDS: Final = frozenset({"userId", "user_id", "previousId"})
_NAMES: Final = frozenset({"username"})
_ANONYMOUS: Final = frozenset({"anonymousId", "anonymous_id", "previousId"})


class Person(Struct, frozen=True, kw_only=True):
    """One person, by all that is known: each text is compared as a whole."""

    user_ids: frozenset[str] = frozenset()
    usernames: frozenset[str] = frozenset()
    anonymous_ids: frozenset[str] = frozenset()

    @property
    def texts(self) -> frozenset[str]:
        """All ids and names."""
        return self.user_ids | self.usernames | self.anonymous_ids


class Finder:
    """Finds what names a person. What is kept compressed is asked for by the page before anything is decoded."""

    def __init__(self, person: Person) -> None:
        """Raises ValueError where an id or a name is no text that JSON can hold."""
        self._person = person
        # an id that is a number may stand without quotes, in the context that an application gave
        numbers = {text for text in person.user_ids if _NUMBER.fullmatch(text)}
        try:
            self._quoted = tuple(msgspec.json.encode(text) for text in sorted(person.texts - numbers))
        except UnicodeEncodeError:
            raise ValueError("want ids and names in UTF-8") from None
        self._numbers = tuple(
            (text.encode(), re.compile(rb'[\s:"]%s(?![\d.eE])' % text.encode())) for text in sorted(numbers)
        )
        self._in_quotes = (*self._quoted, *(b'"%b"' % digits for digits, _ in self._numbers))
        self._escape = b"\\" if any(_ESCAPED & set(text) for text in person.texts) else b"\\u"

    def may_be_in(self, written: bytes | Raw) -> bool:
        """Return False where nothing in this JSON can be an id or a name of the person."""
        text = bytes(written)
        return (
            any(quoted in text for quoted in self._quoted)
            or any(digits in text and number.search(text) is not None for digits, number in self._numbers)
            or (b"\\" in text and self._escape in text)  # the first look takes no time where there is none
        )

    def is_named_by(self, event: Event) -> bool:
        """Return whether an event is the person's, or says about whom it tells that it is this person.

        By `user_id`, `anonymous_id`, and the members user_id and username of its context and of its data, and the
        id that an `alias` does away with.
        """
        person = self._person
        if event.type == ERASED:
            return False
        if event.user_id in person.user_ids or event.anonymous_id in person.anonymous_ids:
            return True
        return any(
            self.may_be_in(raw) and self._is_in_object(raw)
            for raw in (event.context, event.data, event.extra)
        )

    def _is_in_object(self, raw: Raw) -> bool:
        try:
            return self._is_in(decode_object(raw))
        except (ValueError, RecursionError):
            # nobody can look into it: rather one event too many
            return any(quoted in bytes(raw) for quoted in self._in_quotes)

    def _is_in(self, members: dict[str, Any]) -> bool:
        person = self._person
        return (
            any(_text(members.get(name)) in person.user_ids for name in _IDS)
            or any(_text(members.get(name)) in person.usernames for name in _NAMES)
            or any(_text(members.get(name)) in person.anonymous_ids for name in _ANONYMOUS)
        )

    def is_in_reject(self, reject: Reject) -> bool:
        """Return whether a reject names the person.

        Of one whose body is no JSON (it may have been cut) nobody can say which member a text is: then it does where
        an id or a name stands in it in quotes.
        """
        if not self.may_be_in(reject.body):
            return False
        try:
            decoded = msgspec.json.decode(reject.body)
        except msgspec.MsgspecError:
            return any(quoted in reject.body for quoted in self._in_quotes)
        return any(self._is_in(members) for members in _objects(decoded))


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Return the objects in a value, from the outside in; JSON that was decoded nests no deeper than the stack."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    whole = isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= _LONGEST_ID_BITS
    return str(value) if whole else None

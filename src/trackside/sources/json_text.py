"""What is done to JSON as text, so that what is stored is RFC 8259 on one line and any reader can read it."""

import re
from itertools import accumulate

import msgspec

_BOM = b"\xef\xbb\xbf"
_STRING = (
    rb'"(?:[^"\\]++|\\.)*+"?'  # the closing quote may be missing: the match still moves on, in linear time
)
_NOT_A_NUMBER = re.compile(
    rb"((?:" + _STRING + rb"|[^\"NI\-]++|N(?!aN)|I(?!nfinity)|-(?!Infinity))*+)(NaN|-?Infinity|\Z)", re.DOTALL
)
_PAIR = rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF = rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
_HALF_PAIR = re.compile(
    rb"((?:[^\\]++|" + _PAIR + rb"|(?!" + _HALF + rb")\\.?)*+)(" + _HALF + rb"|\Z)", re.DOTALL
)
"""Both match from where the last match ended to the next fault or the end, so they never look twice."""
_STRINGS = re.compile(_STRING, re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_STEPS = [1 if byte in b"{[" else -1 if byte in b"}]" else 0 for byte in range(256)]
MOST_VALUES = 500_000
"""Values in one body; each item of a list costs memory even if it is only a digit."""
LONGEST_NUMBER = 4_300
"""Digits of the longest whole number that Python's own `json` reads."""
_LONG_NUMBER = re.compile(rb"[0-9]{%d}" % (LONGEST_NUMBER + 1))
_DIGIT = re.compile(rb"[0-9]")
_SAMPLE_BYTES = 4_096
_LINE_FEED, _CARRIAGE_RETURN, _OPEN_LIST = b"\n\r["


def clean(body: bytes) -> bytes | None:
    """Return `body` without a byte order mark, or None where it is not UTF-8."""
    if body.isascii():
        return body
    try:
        body.decode()
    except UnicodeDecodeError:
        return None
    return body.removeprefix(_BOM)


def repair(body: bytes) -> bytes:
    """Return `body` with what some clients write although it is not JSON made JSON.

    NaN and Infinity (Python's `json.dumps`) become null. A surrogate without its pair (JavaScript's strings
    cut in the middle of a character) becomes U+FFFD: it is no character, and databases refuse it.
    """
    if b"NaN" in body or b"Infinity" in body:
        body = _NOT_A_NUMBER.sub(lambda found: found[1] + b"null" if found[2] else found[1], body)
    if b"\\ud" in body or b"\\uD" in body:
        body = _HALF_PAIR.sub(lambda found: found[1] + b"\\ufffd" if found[2] else found[1], body)
    return body


def is_deeper(text: bytes, levels: int) -> bool:
    """Return whether the valid JSON `text` nests arrays and objects in more than `levels` levels."""
    if len(text) <= 2 * levels:
        return False  # a level takes two brackets
    # replace() looks for one byte at the speed of memchr; count() does not, and this runs for every event
    opening = len(text) - len(text.replace(b"{", b""))
    if _OPEN_LIST in text:  # as a number: bytes in bytes is ten times slower
        opening += len(text) - len(text.replace(b"[", b""))
    if opening <= levels:
        return False
    brackets = _STRINGS.sub(b"", text).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > levels


def has_unreadable_number(text: bytes) -> bool:
    """Return whether a number in `text` has more digits than `LONGEST_NUMBER`."""
    if not _DIGIT.search(text[_SAMPLE_BYTES::_SAMPLE_BYTES]):
        return False  # a run that long covers one of the bytes looked at
    return bool(_LONG_NUMBER.search(text) and _LONG_NUMBER.search(_STRINGS.sub(b'""', text)))


def has_too_many_values(text: bytes) -> bool:
    """Return whether `text` holds more than `MOST_VALUES` values, by its commas."""
    return text.count(b",") > MOST_VALUES


def has_lines(text: bytes) -> bool:
    """Return whether `text` has line breaks."""
    return _LINE_FEED in text or _CARRIAGE_RETURN in text  # as numbers: bytes in bytes is ten times slower


def one_line(text: bytes) -> bytes:
    """Return the valid JSON `text` without white space between its tokens."""
    return msgspec.json.format(text, indent=-1)

"""What a Retry-After header asks for. Source: RFC 9110, section 10.2.3."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_S: Final = 86_400.0
_DIGITS: Final = 15
_DATE_CHARACTERS: Final = 64


def retry_after_s(value: str | None, *, now: datetime, longest_s: float = LONGEST_S) -> float | None:
    """Return for how many seconds to wait, from 0 to `longest_s`; None where the header is absent or nonsense.

    A date that is past, and a negative number, is 0: come back at once. `now` is an aware UTC datetime.
    """
    text = (value or "").strip()
    number = text.removeprefix("-")
    whole, _, fraction = number.partition(".")  # not of the standard, but sent
    if whole.isascii() and whole.isdigit() and (not fraction or (fraction.isascii() and fraction.isdigit())):
        if len(whole) > _DIGITS:
            return 0.0 if number != text else longest_s
        return min(max(float(text), 0.0), longest_s)
    if not text or len(text) > _DATE_CHARACTERS:
        return None
    try:
        moment = parsedate_to_datetime(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return min(max((aware - now).total_seconds(), 0.0), longest_s)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None

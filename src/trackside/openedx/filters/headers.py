"""Headers that an answer may give a response: such as change neither who sees it nor where it comes from."""

import re
from typing import Final

from trackside.webfilters.points import Unfit

# Not all of X-…: X-Accel-Redirect and X-Sendfile make a proxy send files, others take protection away.
_NAMES: Final = re.compile(
    r"Cache-Control|Content-Language|Expires|Retry-After|Vary|X-Robots-Tag|X-Webfilter(?:-[A-Za-z0-9-]{1,60})?",
    re.IGNORECASE,
)

_DIRECTIVE: Final = r"(?:no-store|no-cache|private|must-revalidate|no-transform|max-age=\d{1,9})"
_OF_ONE_BROWSER: Final = re.compile(
    rf"(?=.*(?:no-store|no-cache|private)){_DIRECTIVE}(?: *, *{_DIRECTIVE})*", re.IGNORECASE
)


def check_header(name: str, value: str) -> None:
    """Raise Unfit, if a response may not have this header, or not this value."""
    if not _NAMES.fullmatch(name):
        raise Unfit(f"the header {name[:60]!r} may not be set")
    kept_by_all = name.lower() == "cache-control" and not _OF_ONE_BROWSER.fullmatch(value)
    if kept_by_all or (name.lower() == "expires" and value not in {"0", "-1"}):
        # what is said to one user must not come out of a proxy's cache to all others
        raise Unfit(f"the header {name[:60]!r} would let a cache give the response to others; want private")
    if len(value) > 1_000 or not value.isascii() or not value.isprintable():
        raise Unfit(f"the header {name[:60]!r} has a value that cannot be sent")

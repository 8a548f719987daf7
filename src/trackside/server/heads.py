"""Heads of requests that were parsed before: a client sends the same bytes with each of its requests.

To parse a head takes a callback for each header; to find it again takes a look into a table, with the head itself
for a key. Only the digits of Content-Length are left out of it: they differ from request to request.
"""

from collections.abc import Mapping

from msgspec import Struct

MOST_HEADS = 512
LONGEST_HEAD_BYTES = 2_048
_END = b"\r\n\r\n"
_LENGTH = b"ength: "
_LENGTH_LINE = b"\r\ncontent-length: "
_LONGEST_LENGTH = 9
_CHANGES_THE_BODY = frozenset({b"content-encoding", b"transfer-encoding", b"expect", b"upgrade"})


class Head(Struct, frozen=True, kw_only=True, gc=False):
    """What a request says before its body."""

    method: str
    path: str
    """Percent-decoded."""
    query: bytes
    headers: Mapping[bytes, bytes]
    """Names in lower case; of a repeated header the last one. Without Content-Length, which is the body's.

    Shared by requests with the same head: nobody changes it.
    """
    scheme: str


class KnownHeads:
    """A bounded table of heads. What is found in it says nothing of who sent it: that is the connection's to know."""

    def __init__(self) -> None:
        self._heads: dict[bytes, Head] = {}

    def find(self, data: bytes) -> tuple[Head, bytes] | None:
        """Return head and body where `data` is exactly one request, and its head is known."""
        end = data.find(_END) + len(_END)
        start = data.find(_LENGTH, 0, end) + len(_LENGTH)
        stop = data.find(b"\r", start, end)
        head = self._heads.get(data[:start] + data[stop:end])
        if head is None:
            return None
        digits = data[start:stop]
        if len(digits) > _LONGEST_LENGTH or not digits.isdigit() or int(digits) != len(data) - end:
            return None
        return head, data[end:]

    def learn(self, data: bytes, head: Head) -> None:
        """Remember the head of `data`, which was parsed as one whole request on a connection that stays open."""
        end = data.find(_END) + len(_END)
        start = data.find(_LENGTH, 0, end) + len(_LENGTH)
        stop = data.find(b"\r", start, end)
        # A key ends its first part with this very line, so what is found by it has its digits there as well.
        if end > LONGEST_HEAD_BYTES or data[:start][-len(_LENGTH_LINE) :].lower() != _LENGTH_LINE:
            return
        if not _CHANGES_THE_BODY.isdisjoint(head.headers) or data[start:stop] != b"%d" % (len(data) - end):
            return
        if len(self._heads) >= MOST_HEADS:
            self._heads.clear()
        self._heads[data[:start] + data[stop:end]] = head

"""The event in form encoding, as openedx-webhooks describes it."""

from trackside.document.encoding import Document
from trackside.document.form import encode_pairs, pairs, plain


def form_body(document: Document) -> bytes:
    """Return the members of `data` as the topmost names, then `context_…` and `event_metadata_…`.

    Raises ValueError for a number that JSON does not have.
    """
    about = {name: value for name, value in document.items() if name not in _ELSEWHERE}
    metadata = {"event_type": document["name"], "id": document["id"], "time": document["timestamp"], **about}
    return encode_pairs(
        [
            *pairs(document.get("data", {}), plain),
            *pairs({"context": document.get("context", {})}, plain),
            *pairs({"event_metadata": metadata}, plain),
        ]
    )


_ELSEWHERE = frozenset({"id", "name", "timestamp", "data", "context"})

"""A hook made ready for one point: what is asked of its data, what is sent, and who sends."""

from hashlib import sha256
from typing import Any, Final

import msgspec

from trackside.document import form
from trackside.document.encoding import encode
from trackside.document.openedx import form_pairs
from trackside.document.paths import Selection, Where
from trackside.errors import ConfigurationError
from trackside.outbound.auth import Headers
from trackside.outbound.base import USER_AGENT, Outgoing
from trackside.outbound.signing import ID, TIMESTAMP, Signer
from trackside.processors.redaction import RedactionProcessor
from trackside.webfilters.checks import hook_problems
from trackside.webfilters.credentials import credentials_of, token_question_of
from trackside.webfilters.hook import Hook
from trackside.webfilters.layout import known_payload
from trackside.webfilters.points import METADATA, FilterPoint, Path
from trackside.webfilters.snapshot import Snapshot

_ENCODER: Final = msgspec.json.Encoder()
VERSION: Final = 1
"""The version of what is sent."""


class Prepared:
    """A hook of a point. One that cannot be used is there as well: its failure follows its policy, unasked."""

    def __init__(self, hook: Hook, point: FilterPoint, *, user_agent: str = USER_AGENT) -> None:
        self.hook = hook
        self.point = point
        self.obeyed = hook.mode == "enforce"
        """Whether its answer counts."""
        self.changes = hook.kind == "changer" and not hook.disable_filtering
        """Whether its answer may change data."""
        self.broken: str | None = None
        """Why the hook cannot be asked at all."""
        self.fingerprint = sha256(msgspec.json.encode(hook)).hexdigest()[:16]
        """Changes with every setting: what was remembered for others does not count."""
        self.may_change: tuple[Path, ...] = tuple(tuple(path.split(".")) for path in hook.may_change)
        self.token_question: Outgoing | None = None
        """What a token is asked for with, where the receiver wants one."""
        self._where = Where(hook.where) if hook.where else None
        self._selection = Selection(hook.fields) if hook.fields else None
        self._redaction: RedactionProcessor | None = None
        self._signer: Signer | None = None
        self._tls = hook.tls
        self._event_type = hook.event_type or point.name
        known = _ENCODER.encode({"event_type": self._event_type}).replace(b"%", b"%%")[:-1]
        self._around = b'%%b%%b"%b":%b,"time":"%%b","id":"%%b","version":%d}}' % (
            METADATA.encode(),
            known,
            VERSION,
        )
        """The body of a question as JSON, with places for the data, a comma, the time and the id."""
        self._headers: tuple[tuple[str, str], ...] = ()
        self.broken = next(hook_problems(hook), None)
        if self.broken is None:
            self._make_ready(user_agent)

    def matches(self, seen: Snapshot) -> bool:
        """Return whether it is asked about this data."""
        return self._where is None or self._where.matches(seen.document)

    def shown(self, seen: Snapshot) -> Snapshot:
        """Return what of the data it is sent. Raises what the redaction raises."""
        kept = seen.document if self._selection is None else self._selection.of(seen.document)
        if self._redaction is not None:
            kept = self._redaction.value(kept)
        return seen if kept is seen.document else Snapshot(kept)

    def request(
        self,
        shown: Snapshot,
        question_id: str,
        *,
        at: str,
        at_s: int,
        timeout_s: float,
        more: Headers = (),
    ) -> Outgoing:
        """Return the request: `at` is the time as text, `at_s` in seconds since 1970 (UTC), `more` further headers."""
        body = self._body(shown, question_id, at)
        signed = (
            ((ID, question_id), (TIMESTAMP, str(at_s)))
            if self._signer is None
            else self._signer.headers(question_id, body, at_s=at_s)
        )
        return Outgoing(
            url=self.hook.url,
            body=body,
            timeout_s=timeout_s,
            headers=(*self._headers, *more, *signed),
            tls=self._tls,
        )

    def _body(self, shown: Snapshot, question_id: str, at: str) -> bytes:
        if not (self.hook.form_encoding or self.hook.layout == "openedx"):
            comma = b"," if shown.document else b""
            return self._around % (shown.text[:-1], comma, at.encode(), question_id.encode())
        metadata: dict[str, Any] = {"event_type": self._event_type, "time": at}
        if self.hook.layout == "openedx":
            payload = known_payload(self.point.name, shown.document) | {METADATA: metadata}
            return form.encode_pairs(form_pairs(payload)) if self.hook.form_encoding else encode(payload)
        metadata |= {"id": question_id, "version": VERSION}
        return form.encode_pairs([*form.pairs(shown.document | {METADATA: metadata}, form.plain)])

    def _make_ready(self, user_agent: str) -> None:
        hook = self.hook
        try:
            if hook.redact or hook.redact_fields:
                self._redaction = RedactionProcessor(keys=hook.redact_fields, patterns=hook.redact)
            self._signer = Signer(hook.secrets) if hook.secrets else None
            own = credentials_of(hook)
            self.token_question = token_question_of(hook)
        except ConfigurationError as error:
            self.broken = str(error)
            return
        names = {name.lower() for name, _ in own}
        self._headers = (
            *(() if "user-agent" in names else (("User-Agent", user_agent),)),
            ("Accept", "text/plain" if hook.layout == "openedx" else "application/json"),
            ("Content-Type", form.CONTENT_TYPE if hook.form_encoding else "application/json"),
            *own,
        )

"""What is wrong with a hook beyond what each setting says alone: the same when it is saved and when it is used."""

from collections.abc import Callable, Iterator

import msgspec

from trackside.errors import ConfigurationError
from trackside.outbound.signing import Signer
from trackside.outbound.url import parse_url
from trackside.processors.redaction import RedactionProcessor
from trackside.webfilters.credentials import credentials_of, token_question_of
from trackside.webfilters.hook import Hook
from trackside.webfilters.points import FilterPoint, Path, RedirectUrl

_HALTS = ("4xx", "5xx", "request_exception")


def problems(hook: Hook, point: FilterPoint) -> Iterator[str]:
    """Return one sentence for each thing that is wrong; it begins with the setting's name."""
    yield from hook_problems(hook)
    for setting, names in (("fields", hook.fields), ("where", hook.where)):
        for path in names:
            if path.partition(".")[0] not in point.sends:
                yield f"{setting} has the path {path!r}; {point.name} sends {_listed(point.sends)}"
    for path in hook.may_change:
        if not _touches(point, tuple(path.split("."))):
            changed = _listed(".".join(each) for each in point.changes)
            yield f"may_change has the path {path!r}; of {point.name} may be changed: {changed}"
    yield from _halt_problems(hook, point)


def hook_problems(hook: Hook) -> Iterator[str]:
    """Return what is wrong whatever the point is."""
    if not hook.name.strip():
        yield "name is empty; want a name that people know it by"
    if isinstance(reason := parse_url(hook.url), str):
        yield f"url cannot be asked: {reason}"
    if hook.signed_replies and not hook.secrets:
        yield "signed_replies is on and there is no secret; want the key that answers are signed with"
    if hook.tls_key_file and not hook.tls_certificate_file:
        yield "tls_key_file is given without tls_certificate_file, whose key it would be"
    for setting, check in _checks(hook):
        try:
            check()
        except ConfigurationError as error:
            yield f"{setting}: {error}"
    for what in _HALTS:
        if url := getattr(hook, f"redirect_on_{what}"):
            try:
                msgspec.convert(url, RedirectUrl)
            except msgspec.ValidationError:
                yield f"redirect_on_{what} is nowhere to be sent; want an http(s) URL, or a path that begins with /"


def _halt_problems(hook: Hook, point: FilterPoint) -> Iterator[str]:
    stop = point.default_stop
    for what in _HALTS:
        if getattr(hook, f"halt_on_{what}") and stop is None:
            yield f"halt_on_{what} is on; {point.name} cannot halt"
        if getattr(hook, f"redirect_on_{what}") and (stop is None or not point.exceptions[stop].redirects):
            yield f"redirect_on_{what} is given; {point.name} cannot send a user elsewhere"
    if hook.on_failure == "fail_closed" and stop is None:
        yield f"on_failure is fail_closed; {point.name} cannot halt, want fail_open"


def _checks(hook: Hook) -> Iterator[tuple[str, Callable[[], object]]]:
    if hook.secrets:
        yield "secret", lambda: Signer(hook.secrets)
    yield "redact", lambda: RedactionProcessor(keys=hook.redact_fields, patterns=hook.redact)
    yield "headers", lambda: credentials_of(hook)
    yield "oauth", lambda: token_question_of(hook)
    if (tls := hook.tls) is not None:
        yield "tls_certificate_file" if hook.tls_certificate_file else "tls_ca_file", tls.context


def _touches(point: FilterPoint, path: Path) -> bool:
    return any(path[: len(each)] == each[: len(path)] for each in point.changes)


def _listed(names: object) -> str:
    return ", ".join(sorted(names)) or "nothing"  # type: ignore[call-overload]

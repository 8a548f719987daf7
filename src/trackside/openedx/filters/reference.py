"""The reference page of filters, made from the table of those that are known."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from trackside.openedx.filters.known import KNOWN, Parts
from trackside.openedx.filters.parts.pages import FORM_FIELDS, Form
from trackside.openedx.filters.parts.rows import PROFILE_CHANGED, PROFILE_SENT, USER_CHANGED, USER_SENT

_HEAD = """\
# Filters of Open edX

<!-- Made by `trackside config reference`; changes belong into the declarations in the source. -->

What the [plugin](../howto/open-edx.md) sends about each filter, and what an answer may change. The exceptions that an
answer may name are those of the filter's class, read from it, with the fields that its `__init__` has. A filter that
is not in the table is asked about as well: what is plain in its arguments is sent, and may be changed within its kind.

A path within what may be changed is merged: `{"data": {"context": {"title": "…"}}}` changes one value of the context.
"""
_RULES = """\
## What holds everywhere

- Fields with the names of secrets are never sent and never changed: passwords, hashes, tokens, keys, cookies, sessions,
  links that activate accounts.
- Within mappings, fields that say who somebody is or what they may do are not changed: `username`, `email`, `id`,
  `user_id`, `is_active`, `is_staff`, `groups`, `role`, …
- A value is replaced by one of its own kind: a text by a text, a time by ISO 8601, a key by a key. What is no plain
  value, such as an object of the platform's, stays.
- A field that is called like a URL takes http, https or a path. Texts that would run a script are refused, and so are
  texts with markup, those of a fragment too, unless `trusted_html` is on. Templates are those that the platform has.
- Of a queryset only its model is sent. `filter` narrows it and `exclude` takes rows out, by fields of its own table and
  a few of the platform's that belong to it, with `exact`, `in`, `gt`, `gte`, `lt`, `lte`, `isnull`, `iexact` and
  `startswith`: `{"data": {"filter": {"mode__in": ["audit"]}}}`.
- To `readonly_fields` names are added, and none is taken out.
- An answer that breaks one of these rules is no usable answer, as a whole: what happens then, its hook says.
- Fields of `user` and of `profile` are saved, once everybody has answered and nobody has stopped; no other row is.
"""
_FIELDS_HEAD = """\
## Users, profiles and forms

| | sent | may be changed |
|---|---|---|
"""
_EXCEPTIONS = """\
## Exceptions

| field | |
|---|---|
| `message` | what the user reads; markup is taken out of it |
| `redirect_to` | http, https or a path; an exception that leads elsewhere has to have one |
| `status_code` | 400 to 599; `PreventRegistration` has 403 without one |
| `…_template`, `template_name` | a template of the platform's; an exception that renders one has to have it |
| `template_context`, `context`, `tabs` | plain values, by the rules above but for names |
| `content`, `content_type`, `status`, `reason`, `headers` | of `RenderCustomResponse`, there or within `response` |

The content of a custom response is HTML, unless its type says text, CSV, CSS, XML or JSON; a text in the place of the
object is shown as text. The response has `Content-Security-Policy: sandbox`, so that its HTML runs no script and sees
no cookie, unless `trusted_html` is on.

Where a hook fails and that halts, the filter's first exception is raised; if it would lead
elsewhere and no hook says where, a page with the hook's message takes its place.
"""
_ROW: Final = "| `{}` | {} | {} |"


def page() -> str:
    """Return the page in Markdown."""
    return "\n".join([_HEAD, *_filters(), _RULES, _FIELDS_HEAD + "\n".join(_fields()) + "\n", _EXCEPTIONS])


def _filters() -> Iterator[str]:
    yield "| filter | sent | may be changed |\n|---|---|---|"
    for filter_type, parts in sorted(KNOWN.items()):
        yield _ROW.format(filter_type, _sent(parts), _changed(parts))
    yield ""


def _sent(parts: Parts) -> str:
    names = [name for part in parts for name in ([part.name] if isinstance(part, Form) else part.sends)]
    offered = [name for part in parts for name in part.offered]
    allowed = f"; where `also_send` says so {_listed(offered)}" if offered else ""
    return _listed(name for name in names if name not in offered) + allowed


def _changed(parts: Parts) -> str:
    paths = dict.fromkeys(_shortened(path) for part in parts for path in part.changes)
    optional = dict.fromkeys(path for part in parts for path in part.optional)
    allowed = f"; where `may_change` says so {_listed(optional)}" if optional else ""
    return (_listed(paths) + allowed).lstrip("; ")


def _shortened(path: str) -> str:
    """Return `user.*` for one of the fields of users."""
    first, _, field = path.partition(".")
    known = {"user": USER_CHANGED, "profile": PROFILE_CHANGED, "user_profile": PROFILE_CHANGED}
    return f"{first}.*" if field in known.get(first, ()) else path


def _fields() -> Iterator[str]:
    said: Mapping[str, tuple[Iterable[str], Iterable[str]]] = {
        "user": (USER_SENT, USER_CHANGED),
        "profile": (PROFILE_SENT, PROFILE_CHANGED),
    }
    for name, (sent, changed) in said.items():
        yield _ROW.format(name, _listed(sent), _listed(changed))
    yield _ROW.format(
        "form_data",
        f"all; besides it, as keys of their own, {_listed(FORM_FIELDS)}",
        "what does not say who somebody is",
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)

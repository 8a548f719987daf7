"""The reference page of the Django settings, made from the declarations."""

from collections.abc import Iterable

from msgspec import Struct

from trackside.config.declarations import Setting, describe, tables
from trackside.django.checks import CHECKS
from trackside.django.engines import ENGINES
from trackside.django.outbox.settings import OutboxSettings
from trackside.django.settings.declared import LEGACY_NAMES, DjangoSettings
from trackside.django.webfilters.settings import WebfilterSettings

_HEAD = """\
# Django settings

<!-- Made by `trackside config reference`; changes belong into the declarations in the source. -->

A Django project says what it wants in the dict `TRACKSIDE` of its settings:

```python
TRACKSIDE = {
    "data_dir": "/var/lib/trackside",
    "requests": {"ignore_url_patterns": [r"^/heartbeat"]},
}
```

Its keys are the tables below, `backends` and `processors`, and the keys of the
[configuration file](configuration.md) (`data_dir`, `log`, `destinations`, …), which the verbs of
`manage.py trackside` read. Each setting has one value, decided by the first of these that says something: `TRACKSIDE`,
the [name Open edX has for it](#names-of-open-edx), the default. The settings are read once, when the process starts;
a key that is no setting and a value that cannot be used keep it from starting, and all are told at once.

## `backends` and `processors`

`backends` is a dict: a name of your choice → `{"ENGINE": dotted class, "OPTIONS": its keyword arguments}`; options may
hold further backends and processors in the same form. Events go to the backends in the order of their names.
`processors` is a list of the same; they run before all backends. Where neither `backends` nor
`EVENT_TRACKING_BACKENDS` is given, events go to the log in `data_dir`; a log without OPTIONS is that one too.
"""
_WEBFILTERS = """\
Besides these, `hooks` is a dict: a name of your choice → the settings of a [hook](webfilter-hook.md); `points` is a
dict: the name of a filter point → `budget_s`, `chained` and `ask_in_transaction` of its questions.
"""
_LEGACY_HEAD = """\
## Names of Open edX

These settings are read as they are, where `TRACKSIDE` does not say otherwise.

| setting | key of `TRACKSIDE` | |
|---|---|---|
"""
_CHECKS_HEAD = """\
## Checks

What `manage.py check` may say; each message has a remedy with it.

| id | |
|---|---|
"""
_ENGINES_HEAD = """\
## Classes of Open edX

An `ENGINE` with one of these names is the class beside it.

| name | class |
|---|---|
"""


def page() -> str:
    """Return the page in Markdown."""
    parts = [_HEAD]
    declarations: dict[str, type[Struct]] = {**tables(DjangoSettings), "outbox": OutboxSettings}
    declarations["webfilters"] = WebfilterSettings
    for name, declaration in declarations.items():
        parts += [f"## `{name}`\n", _sentence(declaration), _table(describe(declaration))]
    parts.append(_WEBFILTERS)
    parts.append(_CHECKS_HEAD + "\n".join(f"| `{id_}` | {says} |" for id_, says in CHECKS.items()) + "\n")
    parts.append(_LEGACY_HEAD + "\n".join(_legacy_rows()) + "\n")
    rows = (f"| `{theirs}` | `{ours}` |" for theirs, ours in sorted(ENGINES.items()))
    parts.append(_ENGINES_HEAD + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _sentence(declaration: type[Struct]) -> str:
    sentence = (declaration.__doc__ or "").partition(": ")[2].strip()
    return f"{sentence[:1].upper()}{sentence[1:]}\n"


def _table(rows: Iterable[Setting]) -> str:
    lines = ["| setting | type | range | unit | default | |", "|---|---|---|---|---|---|"]
    for row in rows:
        cells = (f"`{row.key}`", row.type, row.range, row.unit, f"`{row.default_text}`", row.sentence)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _legacy_rows() -> Iterable[str]:
    for name, about in LEGACY_NAMES.items():
        yield f"| `{name}` | {f'`{about.key}`' if about.key else ''} | {about.sentence} |"

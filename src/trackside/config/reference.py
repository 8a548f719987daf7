"""The reference page of the configuration, made from the declarations."""

from collections.abc import Iterable, Mapping
from itertools import groupby

from msgspec import NODEFAULT, Struct

from trackside.config.declarations import Setting, describe
from trackside.config.environment import OTHER_VARIABLES, variable
from trackside.config.reading import Kinds
from trackside.config.settings import Config

_HEAD = """\
# Configuration

<!-- Made by `trackside config reference`; changes belong into the declarations in the source. -->

Each setting has one value, decided by the first of these that says something:

1. a flag of the command line (`--host`, `--port`, `--workers`, `--data-dir`);
2. an environment variable: the setting's name in capitals after `TRACKSIDE_`, with `_` for each dot, such as
   `TRACKSIDE_LOG_DEDUP_WINDOW_S` for `log.dedup_window_s`; lists are separated by commas, an empty variable
   counts as not set;
3. the file: the one of `--config` or `TRACKSIDE_CONFIG`, else `trackside.toml` in the working directory, else
   `trackside.toml` in the data directory, where the first start writes one;
4. the default.

`trackside config` shows what is in effect and where it comes from. A name that is no setting and a value that
cannot be used are errors that name the line and what is wanted; all are told at once.
"""


def page(source_kinds: Kinds, destination_kinds: Kinds) -> str:
    """Return the page in Markdown."""
    parts = [_HEAD]
    for table, rows in groupby(describe(Config), key=lambda setting: setting.key.rpartition(".")[0]):
        parts += [f"## `[{table}]`\n" if table else "## Top level\n", settings_table(rows)]
    parts += _kinds("sources", "web", source_kinds)
    parts += _kinds("destinations", "crm", destination_kinds)
    parts += ["## Other environment variables\n", _variables(OTHER_VARIABLES)]
    return "\n".join(parts)


def _kinds(section: str, example: str, kinds: Mapping[str, type[Struct]]) -> list[str]:
    example_variable = variable(f"{section}.{example}.kind")
    parts = [
        f"## `[{section}.NAME]`\n",
        "Each has a name of its own and a `kind`. The name stands in the log, in metrics and in variables:",
        f"`{example_variable}`.\n",
    ]
    for kind, declaration in sorted(kinds.items()):
        rows = [setting for setting in describe(declaration) if setting.key != "kind"]
        parts += [f'### `kind = "{kind}"`\n', settings_table(rows)]
    return parts


def settings_table(rows: Iterable[Setting]) -> str:
    """Return settings as a table in Markdown."""
    lines = ["| setting | type | range | unit | default | |", "|---|---|---|---|---|---|"]
    for row in rows:
        name = row.key.rpartition(".")[2]
        cells = (f"`{name}`", row.type, row.range, row.unit, _default(row), row.sentence)
        lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    return "\n".join(lines) + "\n"


def _default(row: Setting) -> str:
    return row.default_text if row.default is NODEFAULT else f"`{row.default_text}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _variables(variables: Mapping[str, str]) -> str:
    lines = [
        "| variable | |",
        "|---|---|",
        *(f"| `{name}` | {sentence} |" for name, sentence in variables.items()),
    ]
    return "\n".join(lines) + "\n"

"""One reading of all layers: what was given for which setting, and everything that is wrong with it."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import NODEFAULT, Struct

from trackside.config import environment
from trackside.config.declarations import Setting, describe, tables
from trackside.config.settings import Config
from trackside.config.toml_file import TomlFile

Origin = Literal["flag", "environment", "file", "default"]
Kinds = Mapping[str, type[Struct]]

SECTIONS = ("sources", "destinations")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,63}")


class Given(Struct, frozen=True):
    """A value as one layer has it; `where` is what a person would have to change."""

    value: Any
    origin: Origin
    where: str


class Reading:
    """Collects what is given and what is wrong, so that all problems are told at once."""

    def __init__(self, file: TomlFile | None, variables: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self.known: dict[str, Setting] = {setting.key: setting for setting in describe(Config)}
        self.given: dict[str, Given] = {}
        self.kinds: dict[str, str] = {}
        """`sources.web` → `segment`."""
        self._declared: dict[str, type[Struct]] = {}
        self._broken: set[str] = set()
        """Parts of unknown kind: what is inside them cannot be judged."""
        self._file = file
        self._variables = variables

    def declare(self, section: str, kinds: Kinds) -> None:
        """Find the parts of `section` (`sources`, `destinations`) and what each of them may be given."""
        table = self._file.table.get(section, {}) if self._file else {}
        if not isinstance(table, Mapping):
            return  # told by `take_file`
        for name in [*table, *environment.declared_names(section, self._variables, table)]:
            part = f"{section}.{name}"
            content = table.get(name, {})
            if isinstance(content, Mapping) and (kind := self._kind(part, content, kinds)):
                self.kinds[part] = kind
                self._declared[part] = kinds[kind]
                settings = describe(kinds[kind], f"{part}.")
                self.known |= {setting.key: setting for setting in (*settings, _kind_setting(part, kinds))}
            else:
                self._broken.add(part)
                if not isinstance(content, Mapping):
                    self._problem(f"{part} is {_shown(content)}; want a table [{part}]", self._line(part))

    def take_file(self) -> None:
        """Take what the file gives."""
        if self._file:
            self._walk(self._file.table, "")

    def take_environment(self) -> None:
        """Take what the environment gives."""
        keys = {environment.variable(key): key for key in self.known}
        broken = tuple(environment.variable(part) + "_" for part in self._broken)
        for name, value in self._variables.items():
            if name in keys:
                self.given[keys[name]] = Given(value, "environment", name)
            elif not (broken and name.startswith(broken)):
                close = _closest(name, [*keys, *environment.OTHER_VARIABLES])
                self._problem(
                    f"{name} is not a setting" + (f"; did you mean {close}?" if close else ""), "environment"
                )

    def take_flags(self, flags: Mapping[str, object]) -> None:
        """Take what the command line gives, by dotted key."""
        for key, value in flags.items():
            self.given[key] = Given(value, "flag", "--" + key.replace("_", "-"))

    def build(self) -> Config | None:
        """Return the whole configuration, or None where there are problems."""
        parts: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
        for part, declaration in self._declared.items():
            section, _, name = part.partition(".")
            parts[section][name] = self._build(declaration, f"{part}.")
        config = self._build(Config, "", **parts)
        return config if isinstance(config, Config) and not self.problems else None

    def origin(self, key: str) -> Origin:
        """Return which layer decided about `key`."""
        given = self.given.get(key)
        return given.origin if given else "default"

    def _build(self, declaration: type[Struct], prefix: str, **values: object) -> Struct | None:
        complete = True
        for name, declared in tables(declaration).items():
            values[name] = self._build(declared, f"{prefix}{name}.")
            complete = complete and values[name] is not None
        for name in declaration.__struct_fields__:
            setting = self.known.get(prefix + name)
            if name in values or setting is None:
                continue
            if given := self.given.get(setting.key):
                values[name] = self._converted(setting, given)
                complete = complete and values[name] is not NODEFAULT
            elif setting.default is NODEFAULT:
                self._problem(
                    f"{setting.key} is missing; want {setting.want}", self._line(prefix.rstrip("."))
                )
                complete = False
        if not complete:
            return None
        try:
            return declaration(**values)
        except (TypeError, ValueError) as error:  # what only the declaration's own __post_init__ can tell
            self._problem(f"{prefix.rstrip('.') or 'configuration'}: {error}", self._line(prefix.rstrip(".")))
            return None

    def _converted(self, setting: Setting, given: Given) -> Any:
        try:
            value = given.value
            if isinstance(value, str) and given.origin != "file":
                value = from_text(setting, value)
            return converted(setting, value, strict=given.origin == "file")
        except (msgspec.MsgspecError, ValueError):
            self._problem(f"{setting.key} {_is_what(setting, given.value)}; want {setting.want}", given.where)
            return NODEFAULT

    def _kind(self, part: str, content: Mapping[str, Any], kinds: Kinds) -> str | None:
        if not _NAME.fullmatch(part.partition(".")[2]):
            self._problem(f"{part} is no good name; want up to 64 letters, digits, _ and -", self._line(part))
            return None
        variable = environment.variable(f"{part}.kind")
        kind = self._variables.get(variable, content.get("kind"))
        if isinstance(kind, str) and kind in kinds:
            return kind
        where = variable if variable in self._variables else self._line(f"{part}.kind")
        what = "is missing" if kind is None else f"is {_shown(kind)}"
        close = _closest(kind, kinds) if isinstance(kind, str) else None
        hint = f"did you mean {close!r}? There are " if close else "want one of "
        self._problem(f"{part}.kind {what}; {hint}{', '.join(sorted(kinds))}", where)
        return None

    def _walk(self, table: Mapping[str, Any], at: str) -> None:
        inner = {key.removeprefix(at).partition(".")[0] for key in self.known if key.startswith(at)} | set(
            () if at else SECTIONS
        )
        for name, value in table.items():
            key = at + name
            if key in self.known:
                self.given[key] = Given(value, "file", self._line(key))
            elif key in self._broken:
                continue
            elif name not in inner:
                self._problem(f"{key} is not a setting{self._hint(name, at, inner)}", self._line(key))
            elif isinstance(value, Mapping):
                self._walk(value, f"{key}.")
            else:
                self._problem(f"{key} is {_shown(value)}; want a table [{key}]", self._line(key))

    def _hint(self, name: str, at: str, inner: Iterable[str]) -> str:
        if close := _closest(name, inner):
            return f"; did you mean {close}?"
        elsewhere = [
            key for key in self.known if key.rpartition(".")[2] == name and not key.startswith(at or "-")
        ]
        return f"; did you mean {elsewhere[0]}?" if elsewhere else ""

    def _line(self, key: str) -> str:
        return self._file.where(key) if self._file else "environment"

    def _problem(self, sentence: str, where: str) -> None:
        self.problems.append(f"{sentence} ({where})")


def read_part(
    declaration: type[Struct], table: Mapping[str, Any], *, strict: bool = True
) -> Struct | dict[str, list[str]]:
    """Return the settings that one part's table holds, or what is wrong with it: name → sentences, as of a file.

    Without `strict` a text may stand for a number or a truth, as in a variable of the environment.
    """
    known = {setting.key: setting for setting in describe(declaration)}
    problems: dict[str, list[str]] = {}
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name not in known:
            close = _closest(name, known)
            problems[name] = [f"{name} is not a setting" + (f"; did you mean {close}?" if close else "")]
            continue
        try:
            values[name] = converted(known[name], value, strict=strict)
        except (msgspec.MsgspecError, ValueError):
            setting = known[name]
            problems[name] = [f"{name} {_is_what(setting, value)}; want {setting.want}"]
    for name, setting in known.items():
        if setting.default is NODEFAULT and name not in table:
            problems[name] = [f"{name} is missing; want {setting.want}"]
    return problems or declaration(**values)


def converted(setting: Setting, value: object, *, strict: bool) -> Any:
    """Return `value` as its declaration wants it. Raises ValueError or MsgspecError where it cannot be that."""
    made = msgspec.convert(value, setting.annotation, strict=strict)
    if not setting.check_form(made):
        raise ValueError(setting.want)
    return made


def _is_what(setting: Setting, value: object) -> str:
    return "has a value that cannot be used" if setting.secret else f"is {_shown(value)}"


def _kind_setting(part: str, kinds: Kinds) -> Setting:
    return Setting(
        key=f"{part}.kind",
        annotation=str,
        type="text",
        range=" or ".join(f'"{kind}"' for kind in sorted(kinds)),
        unit="",
        default=NODEFAULT,
        sentence="What it is.",
        secret=False,
        form="",
    )


def from_text(setting: Setting, text: str) -> Any:
    """Return what a variable of the environment says: lists by commas or as JSON, tables as JSON.

    Raises MsgspecError.
    """
    if setting.type.startswith("table"):
        return msgspec.json.decode(text)
    if setting.type.startswith("list") and not text.lstrip().startswith("["):
        return [each.strip() for each in text.split(",") if each.strip()]
    return msgspec.json.decode(text) if setting.type.startswith("list") else text


def _closest(name: str, names: Iterable[str]) -> str | None:
    plain = {re.sub(r"[_\-]", "", each).lower(): each for each in names}
    found = difflib.get_close_matches(re.sub(r"[_\-]", "", name).lower(), plain, n=1, cutoff=0.7)
    return plain[found[0]] if found else None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"

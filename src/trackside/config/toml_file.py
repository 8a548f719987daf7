"""The configuration file: where it is, what it holds, and on which line."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from trackside.errors import ConfigurationError

FILE_NAME = "trackside.toml"

_HEADER = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"""\s*([\w\-."']+)\s*=""")


class TomlFile(Struct, frozen=True, kw_only=True):
    """A configuration file as read."""

    path: Path
    table: Mapping[str, Any]
    lines: Mapping[str, int]
    """Dotted key → number of its line, as far as a glance can tell; for messages only."""

    def where(self, key: str) -> str:
        """Return `trackside.toml:12` for a key, or for the nearest table around it."""
        while key and key not in self.lines:
            key = key.rpartition(".")[0]
        return f"{self.path}:{self.lines[key]}" if key else str(self.path)


def find(explicit: Path | None, data_dir: Path, *, data_dir_given: bool = False) -> Path | None:
    """Return the file to read: the one asked for, ./trackside.toml, the data directory's, or None.

    The data directory's comes before ./trackside.toml where somebody named that directory.

    Raises ConfigurationError where the one asked for does not exist.
    """
    if explicit is not None:
        if not explicit.is_file():
            raise ConfigurationError(
                f"the configuration file {explicit} does not exist; check --config or TRACKSIDE_CONFIG"
            )
        return explicit
    places = [Path(FILE_NAME), data_dir / FILE_NAME]
    return next((path for path in (reversed(places) if data_dir_given else places) if path.is_file()), None)


def read(path: Path) -> TomlFile:
    """Return what the file holds. Raises ConfigurationError where it cannot be read or is no TOML."""
    try:
        text = path.read_text("utf-8-sig")
        return TomlFile(path=path, table=tomllib.loads(text), lines=_lines(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None


def _lines(text: str) -> dict[str, int]:
    table = ""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if match := _HEADER.match(line):
            table = _bare(match[1])
            found.setdefault(table, number)
        elif match := _KEY.match(line):
            found.setdefault(f"{table}.{_bare(match[1])}".lstrip("."), number)
    return found


def _bare(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))

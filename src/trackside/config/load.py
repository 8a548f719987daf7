"""Loading: flag over environment over file over default, checked as a whole."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from trackside.config import environment, toml_file
from trackside.config.declarations import Setting
from trackside.config.reading import Kinds, Origin, Reading
from trackside.config.settings import Config
from trackside.errors import ConfigurationError


class Loaded(Struct, frozen=True, kw_only=True):
    """The configuration, and where each part of it comes from."""

    config: Config
    """Valid; `data_dir` is absolute, `sources` and `destinations` hold what their kinds declare."""
    origin: Mapping[str, Origin]
    """Dotted key → which layer decided."""
    path: Path | None
    """The file that was read, if any."""
    kinds: Mapping[str, str]
    """`sources.web` → `segment`."""
    settings: Mapping[str, Setting]
    """Dotted key → its declaration."""


def load(
    path: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, object],
    *,
    source_kinds: Kinds,
    destination_kinds: Kinds,
    instead: toml_file.TomlFile | None = None,
) -> Loaded:
    """Return the effective configuration.

    The file is `path`, else `TRACKSIDE_CONFIG`, else ./trackside.toml, else the one in the data directory.
    `instead` is what a Django project says in its settings: it is used where no `path` is given, and no file
    is looked for.
    `flags` are by dotted key; None is a flag not given. Raises ConfigurationError, whose message has one line
    for each problem of all layers.
    """
    given_flags = {key: value for key, value in flags.items() if value is not None}
    variables = environment.given(environ)
    asked = given_flags.get("data_dir") or variables.get("TRACKSIDE_DATA_DIR")
    data_dir = Path(str(asked or Config().data_dir)).expanduser()
    found = None if instead and not path else _find(path, environ, data_dir, named=asked is not None)
    file = toml_file.read(found) if found else instead
    reading = Reading(file, variables)
    reading.declare("sources", source_kinds)
    reading.declare("destinations", destination_kinds)
    reading.take_file()
    reading.take_environment()
    reading.take_flags(given_flags)
    config = reading.build()
    if config is None:
        raise ConfigurationError("\n".join(reading.problems))
    return Loaded(
        config=msgspec.structs.replace(config, data_dir=str(_data_dir(config, reading, found, data_dir))),
        origin={key: reading.origin(key) for key in reading.known},
        path=found,
        kinds=reading.kinds,
        settings=reading.known,
    )


def _find(path: Path | None, environ: Mapping[str, str], data_dir: Path, *, named: bool) -> Path | None:
    explicit = path or (Path(environ["TRACKSIDE_CONFIG"]) if environ.get("TRACKSIDE_CONFIG") else None)
    return toml_file.find(explicit, data_dir, data_dir_given=named)


def _data_dir(config: Config, reading: Reading, file: Path | None, searched: Path) -> Path:
    chosen = Path(config.data_dir).expanduser()
    if file is None or reading.origin("data_dir") != "file":
        return chosen.absolute()
    chosen = file.absolute().parent / chosen
    inside = searched.absolute()
    if (
        file.absolute().parent == inside
        and chosen.resolve() != inside.resolve()
        and file != Path(toml_file.FILE_NAME)
    ):
        raise ConfigurationError(
            f"data_dir is {config.data_dir!r} in a file that is itself in the data directory {inside};"
            f" remove that line, or pass --config ({file})"
        )
    return chosen

"""The configuration of all parts, read and checked as a whole."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trackside.config.load import Loaded, load
from trackside.config.toml_file import TomlFile
from trackside.errors import ConfigurationError
from trackside.hub.checks import problems_between
from trackside.hub.kinds import DESTINATION_KINDS, SOURCE_KINDS


def load_config(
    path: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    instead: TomlFile | None = None,
) -> Loaded:
    """Return the validated configuration; raises ConfigurationError naming all that is wrong with it.

    `instead` takes the place of the file where no `path` is given.
    """
    loaded = load(
        path,
        os.environ if environ is None else environ,
        flags or {},
        source_kinds=SOURCE_KINDS,
        destination_kinds=DESTINATION_KINDS,
        instead=instead,
    )
    problems = list(problems_between(loaded.config))
    if problems:
        raise ConfigurationError("\n".join(problems))
    return loaded

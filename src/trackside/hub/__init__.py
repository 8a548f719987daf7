"""The composition root: the one package that names the parts of every stage and puts them together."""

from trackside.hub.configuration import load_config
from trackside.hub.destinations import build_destination
from trackside.hub.kinds import DESTINATION_KINDS, SOURCE_KINDS
from trackside.hub.sources import build_sources, directory_for, example_curl
from trackside.hub.stages import (
    build_delivery,
    build_pipeline,
    kept_attempts,
    log_problem,
    open_attempts,
    open_log,
)
from trackside.hub.version import version

__all__ = [
    "DESTINATION_KINDS",
    "SOURCE_KINDS",
    "build_delivery",
    "build_destination",
    "build_pipeline",
    "build_sources",
    "directory_for",
    "example_curl",
    "kept_attempts",
    "load_config",
    "log_problem",
    "open_attempts",
    "open_log",
    "version",
]

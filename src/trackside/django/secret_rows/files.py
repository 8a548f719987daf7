"""Files of TLS that rows name: in one folder of the data directory, where an operator put them."""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from trackside.django.webhooks import surroundings
from trackside.errors import ConfigurationError
from trackside.outbound.tls import tls_context

FILES: Final = ("tls_ca_file", "tls_certificate_file", "tls_key_file")
"""The settings that name one."""


def named(settings: object) -> dict[str, str]:
    """Return the files that settings name, by setting."""
    return {name: getattr(settings, name) for name in FILES if getattr(settings, name)}


def misplaced(files: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is outside the folder: whoever edits rows must not probe the machine's disk."""
    for name, text in files.items():
        path = PurePosixPath(str(text))
        if path.is_absolute() or ".." in path.parts or path.parts[:1] != ("tls",):
            yield (
                name,
                f"{name} is {text!r}; want a file in the folder tls of the data directory, as tls/ca.pem",
            )


def whole_paths(files: Mapping[str, str]) -> dict[str, str]:
    """Return where the files are."""
    data_dir = Path(surroundings.current().config.data_dir)
    return {name: str(data_dir / text) for name, text in files.items()}


def wrong_files(settings: object) -> Iterator[tuple[str, str]]:
    """Yield the settings whose files cannot be used, with a sentence each."""
    files = named(settings)
    told = list(misplaced(files))
    if told or not files:
        yield from told[:1]
        return
    paths = whole_paths(files)
    try:
        tls_context(
            ca_file=paths.get("tls_ca_file", ""),
            certificate_file=paths.get("tls_certificate_file", ""),
            key_file=paths.get("tls_key_file", ""),
        )
    except ConfigurationError as error:
        yield next(iter(files)), f"{next(iter(files))}: {error}"

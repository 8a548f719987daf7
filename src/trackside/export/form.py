"""What the name of a file says of how it is written. Loaded with every help page: it imports next to nothing."""

from pathlib import PurePath
from typing import Final, Literal, get_args

from msgspec import Struct

from trackside.destinations.compression import Compression

Format = Literal["jsonl", "parquet", "tracking-log"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

_FORMATS: Final[dict[str, Format]] = {".jsonl": "jsonl", ".parquet": "parquet", ".log": "tracking-log"}
_COMPRESSIONS: Final[dict[str, Compression]] = {".gz": "gzip", ".zst": "zstd"}


class UnknownFormatError(ValueError):
    """A name does not say how the file is to be written; the message says which names do."""


class Form(Struct, frozen=True):
    """How events are written."""

    format: Format
    compression: Compression = "none"
    """Of the whole file; a Parquet file is compressed within."""


def form_of(name: str | None, format_: Format | None = None) -> Form:
    """Return how to write a file of that name, None being the standard output. Raises UnknownFormatError.

    `format_` is what was asked for by hand; the name says the compression then.
    """
    if name is None:
        return Form(format_ or "jsonl")
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes]
    compression = _COMPRESSIONS.get(suffixes[-1], "none") if suffixes else "none"
    kind = suffixes[-2:-1] if compression != "none" else suffixes[-1:]
    found = format_ or (_FORMATS.get(kind[0]) if kind else None)
    if found is None:
        raise UnknownFormatError(
            f"{name!r} does not end in .jsonl, .parquet or .log (with .gz or .zst behind .jsonl and .log);"
            f" choose with --format: {', '.join(FORMATS)}"
        )
    if found == "parquet" and compression != "none":
        raise UnknownFormatError(f"{name!r}: a Parquet file is compressed within; leave out {suffixes[-1]}")
    return Form(found, compression)

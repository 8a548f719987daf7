"""What readers find below a folder of files."""

import gzip
import io
from pathlib import Path

import pyarrow.parquet as pq
import zstandard

from trackside.destinations.files.layout import OPEN


def files_in(folder: Path) -> list[Path]:
    """Return the finished files, oldest first within each day."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and OPEN not in path.parts and path.name[0] != "."
    )


def lines_of(path: Path) -> list[bytes]:
    """Return the lines of a file of JSON Lines; a half one is an error."""
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    elif path.suffix == ".zst":
        raw = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(raw)).read()
    assert raw.endswith(b"\n")
    return raw.split(b"\n")[:-1]


def ids_of(path: Path) -> list[str]:
    """Return the ids in a file, in order."""
    if path.suffix == ".parquet":
        ids: list[str] = pq.ParquetFile(path).read(columns=["id"])["id"].to_pylist()
        return ids
    return [line.split(b'"', 4)[3].decode() for line in lines_of(path)]


def ids_in(folder: Path) -> list[str]:
    """Return the ids in all finished files."""
    return [each for path in files_in(folder) for each in ids_of(path)]

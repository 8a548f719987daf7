"""The data directory: may it be used, by whom, how fast is it, and how much is left."""

import os
import shutil
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from trackside.cli.doctor.finding import Finding, error, ok, warning
from trackside.cli.printing import size_text
from trackside.config.first_start import SECRET_FILE
from trackside.config.load import Loaded
from trackside.config.toml_file import FILE_NAME

_PRIVATE = (SECRET_FILE, FILE_NAME, "log.db", "delivery.db", "site.db", "users.db", "attempts.db")
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "glusterfs", "ceph"})
_FLEETING = frozenset({"tmpfs", "ramfs"})
_SAMPLES = 15
_SLOW_S = 0.02
_IMPOSSIBLE_S = 15e-6
"""No disk is that fast; a program or a volume that ignores syncs is."""
_LOW_BYTES = 1_000_000_000
_EMPTY_BYTES = 100_000_000


def check_permissions(loaded: Loaded) -> Iterator[Finding]:
    """Look whether the data directory can be written, and whether others can read what is secret."""
    folder = Path(loaded.config.data_dir)
    if not folder.is_dir():
        yield warning(
            "data",
            f"there is no data directory {folder}",
            "Nothing was stored here yet.",
            "Start the server once: trackside serve",
        )
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield error(
            "data",
            f"{folder} cannot be written by this user",
            "Nothing can be stored.",
            f"chown -R {os.getuid()} '{folder}', or run as its owner",
        )
        return
    open_to_others = [folder] if folder.stat().st_mode & 0o077 else []
    if open_to_others:  # behind a closed folder nobody reaches the files
        open_to_others += [
            path
            for path in (folder / name for name in _PRIVATE)
            if path.exists() and path.stat().st_mode & 0o077
        ]
    if len(open_to_others) > 1:
        names = " ".join(f"'{path}'" for path in open_to_others)
        yield warning(
            "data",
            f"other users of this machine can reach {names}",
            "Events and keys are private.",
            f"chmod go-rwx {names}",
        )
    else:
        yield ok(
            "data",
            f"{folder} belongs to this user alone" if not open_to_others else f"{folder} keeps its secrets",
        )


def check_file_system(loaded: Loaded) -> Iterator[Finding]:
    """Look at what kind of file system the data directory is on."""
    kind = file_system(Path(loaded.config.data_dir))
    if kind in _REMOTE:
        yield error(
            "file system",
            f"the data directory is on {kind}",
            "SQLite's write-ahead log and its locks do not work over a network.",
            "Choose a local folder with --data-dir.",
        )
    elif kind in _FLEETING:
        yield warning(
            "file system",
            f"the data directory is on {kind}, in memory",
            "A restart of the machine loses every event.",
            "Choose a folder on a disk with --data-dir.",
        )
    else:
        yield ok("file system", kind or "of unknown kind")


def file_system(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Return the kind of file system `folder` is on, or "" where the system does not say."""
    found, longest = "", -1
    try:
        lines = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    place = str(folder.resolve())
    for line in lines:
        _, at, kind, *_ = line.split(" ")
        at = at.replace("\\040", " ")
        inside = place == at or place.startswith(at.rstrip("/") + "/")
        if inside and len(at) >= longest:
            found, longest = kind, len(at)
    return found


def check_free_space(loaded: Loaded) -> Iterator[Finding]:
    """Look how much room is left."""
    folder = _existing(Path(loaded.config.data_dir))
    free = shutil.disk_usage(folder).free
    what = f"{size_text(free)} free"
    why = "A full disk makes the server answer 503 until there is room again."
    fix = "Make room, or lower log.retention_s or log.retention_bytes."
    if free < _EMPTY_BYTES:
        yield error("disk", what, why, fix)
    elif free < _LOW_BYTES:
        yield warning("disk", what, why, fix)
    else:
        yield ok("disk", what)


def check_sync_time(loaded: Loaded) -> Iterator[Finding]:
    """Measure how long it takes until written bytes are safe: every commit waits for that."""
    folder = Path(loaded.config.data_dir)
    if not folder.is_dir():
        return
    probe = folder / f".doctor-{os.getpid()}"
    try:
        taken = sorted(_sync_times(probe))
    except OSError as problem:
        yield error(
            "fsync",
            f"cannot be measured: {problem.strerror}",
            "Nothing can be stored.",
            "See the findings above.",
        )
        return
    finally:
        probe.unlink(missing_ok=True)
    median = statistics.median(taken)
    what = f"median {median * 1000:.2f} ms, slowest of {len(taken)} {taken[-1] * 1000:.2f} ms"
    if median > _SLOW_S:
        yield warning(
            "fsync",
            what,
            "Every answer waits for one; the events of one moment share it.",
            "Use a faster disk, best an SSD with power-loss protection.",
        )
    elif median < _IMPOSSIBLE_S:
        yield warning(
            "fsync",
            f"{what}: no disk is that fast",
            "Something ignores syncs: what was answered with 200 may be lost when the machine stops.",
            "Look for eatmydata, a volume mounted without barriers, or a folder in memory.",
        )
    else:
        yield ok("fsync", what)


def _sync_times(probe: Path) -> Iterator[float]:
    with probe.open("wb", buffering=0) as file:
        for _ in range(_SAMPLES):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fsync(file.fileno())
            yield time.perf_counter() - began


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    return next(each for each in (folder, *folder.parents) if each.is_dir())

"""CPU time and memory of a server: of its process and of all that it started, as the kernel counts them."""

import os
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the command's name; the first is the state, field 3."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()


def tree(pid: int) -> list[int]:
    """Return `pid` and all living descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
            except OSError:  # it ended while we looked
                continue
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found


def cpu_s(pid: int) -> float:
    """Return the CPU seconds, user and system, of the tree so far, ended children included."""
    ticks = 0
    for member in tree(pid):
        try:
            ticks += sum(int(field) for field in _stat(member)[11:15])  # utime, stime, cutime, cstime
        except OSError:
            continue
    return ticks / TICKS_PER_S


def rss_bytes(pid: int) -> int:
    """Return the resident memory of the tree now; what processes share is counted in each."""
    pages = 0
    for member in tree(pid):
        try:
            pages += int(_stat(member)[21])
        except OSError:
            continue
    return pages * PAGE_BYTES


def own_rss_bytes() -> int:
    """Return the resident memory of this process alone."""
    return int(_stat(os.getpid())[21]) * PAGE_BYTES


def host_busy_s() -> float:
    """Return the CPU seconds the whole machine has spent working since it started."""
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(field) for field in fields[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_S

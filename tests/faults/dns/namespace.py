"""A process with a loopback and a resolver of its own (Linux: user, network and mount namespaces)."""

import fcntl
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
_ENTER = ("unshare", "--user", "--map-root-user", "--net", "--mount")


def why_not() -> str | None:
    """Return why this machine has no such place for a process, or None where it has."""
    if shutil.which("unshare") is None:
        return "the program unshare (util-linux)"
    tried = subprocess.run([*_ENTER, "true"], capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else f"the right to make namespaces ({tried.stderr.strip()})"


def run(module: str, arguments: Sequence[str], *, folder: Path, timeout_s: float) -> str:
    """Run a module in a place where names are asked of 127.0.0.1; return what it printed."""
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (folder / "nsswitch.conf").write_text("hosts: files dns\n")
    mounts = [
        f"mount --bind '{folder / name}' /etc/{name}"
        for name in ("resolv.conf", "nsswitch.conf")
        if Path("/etc", name).exists()
    ]
    script = " && ".join([*mounts, 'exec "$@"'])
    command = [*_ENTER, "sh", "-c", script, "sh", sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s)
    assert done.returncode == 0, done.stderr
    return done.stdout


def bring_loopback_up() -> None:
    """Let 127.0.0.1 be reached in a new network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        _, flags = struct.unpack("16sH14x", fcntl.ioctl(control, _GET_FLAGS, request))
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sH14x", b"lo", flags | _UP))

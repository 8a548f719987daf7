"""Links that log the administrator in once, so that a new installation needs no password to start with."""

import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path

LIFETIME_S = 3_600


def issue(path: Path) -> str:
    """Return a new token that `redeem` takes once within the hour; earlier ones are void. `path` keeps its digest."""
    token = secrets.token_urlsafe(24)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(f"{_digest(token)} {time.time() + LIFETIME_S:.0f}")
    fresh.replace(path)
    return token


def redeem(path: Path, token: str) -> bool:
    """Return whether `token` is the one last issued, not used and not too old; it is used by this."""
    try:
        digest, _, expires = path.read_text().partition(" ")
    except OSError:
        return False
    if not hmac.compare_digest(digest, _digest(token)):
        return False
    try:
        path.unlink()  # of two requests at once only one gets past this line
    except OSError:
        return False
    return time.time() < float(expires)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

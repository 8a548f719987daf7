"""A login link works once, for an hour, and only the newest one does."""

import os
from pathlib import Path

import pytest

from trackside.console import login_link


def test_it_works_once(tmp_path: Path) -> None:
    """The second use of a link is refused."""
    path = tmp_path / "run" / "login"
    token = login_link.issue(path)
    assert login_link.redeem(path, token)
    assert not login_link.redeem(path, token)


def test_only_the_newest_works(tmp_path: Path) -> None:
    """A server that starts again voids the link of the time before."""
    path = tmp_path / "login"
    old, new = login_link.issue(path), login_link.issue(path)
    assert not login_link.redeem(path, old)
    assert login_link.redeem(path, new)


def test_it_expires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour later it is void."""
    path = tmp_path / "login"
    monkeypatch.setattr("trackside.console.login_link.time.time", lambda: 1_000.0)
    token = login_link.issue(path)
    monkeypatch.setattr("trackside.console.login_link.time.time", lambda: 1_000.0 + login_link.LIFETIME_S)
    assert not login_link.redeem(path, token)


@pytest.mark.parametrize("token", ["", "x", "é", "\ud800"])
def test_a_wrong_one_does_not_use_it_up(tmp_path: Path, token: str) -> None:
    """A guess is refused and leaves the right one as it was."""
    path = tmp_path / "login"
    right = login_link.issue(path)
    assert not login_link.redeem(path, token)
    assert login_link.redeem(path, right)


def test_the_file_gives_nothing_away(tmp_path: Path) -> None:
    """Only the owner reads it, and it holds a digest, not the token."""
    path = tmp_path / "login"
    token = login_link.issue(path)
    assert token not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert path.stat().st_uid == os.getuid()

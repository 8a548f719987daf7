"""A file is there whole or not at all."""

import os
import stat
from pathlib import Path
from unittest import mock

import pytest

from trackside.export.whole_file import whole_file


class Halted(BaseException):
    """What ends a block, as Ctrl-C does."""


def write_half(path: Path, *, replace: bool) -> None:
    with whole_file(path, replace=replace) as file:
        file.write(b"half")
        raise Halted


def write_while_another_comes(path: Path) -> None:
    with whole_file(path, replace=False) as file:
        path.write_bytes(b"theirs")
        file.write(b"ours")


def test_it_has_its_name_when_it_is_whole(tmp_path: Path) -> None:
    """Others on the machine cannot read it, whatever the umask allows."""
    path = tmp_path / "a.jsonl"
    before = os.umask(0)
    try:
        with whole_file(path, replace=False) as file:
            file.write(b"half")
            assert not path.exists()
            file.write(b" and whole")
    finally:
        os.umask(before)
    assert path.read_bytes() == b"half and whole"
    assert list(tmp_path.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("replace", [False, True])
def test_nothing_is_left_of_one_that_failed(tmp_path: Path, replace: bool) -> None:
    path = tmp_path / "a.jsonl"
    if replace:
        path.write_bytes(b"old")
    with pytest.raises(Halted):
        write_half(path, replace=replace)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"old"] * replace


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_came_meanwhile_stays(tmp_path: Path, links: bool) -> None:
    """Also where the file system has no hard links."""
    path = tmp_path / "a.jsonl"
    linked = {"wraps": os.link} if links else {"side_effect": PermissionError}
    with mock.patch("os.link", **linked), pytest.raises(FileExistsError):
        write_while_another_comes(path)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"theirs"]


def test_without_hard_links(tmp_path: Path) -> None:
    with (
        mock.patch("os.link", side_effect=PermissionError),
        whole_file(tmp_path / "a", replace=False) as file,
    ):
        file.write(b"whole")
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"whole"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    """What it points to is replaced."""
    (tmp_path / "there").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "there" / "a")
    for text in (b"one", b"two"):
        with whole_file(link, replace=True) as file:
            file.write(text)
        assert link.is_symlink()
        assert [each.read_bytes() for each in (tmp_path / "there").iterdir()] == [text]

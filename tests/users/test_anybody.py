"""Whoever the client says it is."""

from collections.abc import Sequence

import pytest

from trackside.testing.directory_contract import DirectoryContract
from trackside.users.anybody import Anybody
from trackside.users.base import Directory, InvalidUserIdError, User


class TestContract(DirectoryContract):
    """It is a directory like the others."""

    believes_everybody = True

    def make_directory(self, users: Sequence[User]) -> Directory:
        """Return the directory under test."""
        return Anybody()


@pytest.mark.parametrize("user_id", [True, 1.5, "x" * 256])
def test_what_is_no_id(user_id: object) -> None:
    """Text of a bounded length and whole numbers are ids, nothing else."""
    with pytest.raises(InvalidUserIdError):
        Anybody().user(user_id)

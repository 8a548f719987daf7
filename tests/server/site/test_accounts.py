"""The accounts of the server's Django project, while it starts and afterwards."""

import pytest
from django.contrib.auth import get_user_model

from trackside.server.site.accounts import SiteUsers
from trackside.testing.directory_contract import find, find_named
from trackside.users.base import NotLoadedError, User, UsersUnavailable, Wanted


class Project:
    """A Django project that stands once it has no problem."""

    trouble: str | None = "it is starting"

    def problem(self) -> str | None:
        """Return why it does not stand."""
        return self.trouble


@pytest.mark.parametrize("user_id", [7, "7", "x" * 1_000, None, 7.5, [1]])
def test_a_project_that_is_starting(user_id: object) -> None:
    """Nobody can be looked up: senders come later."""
    users = SiteUsers(Project().problem)
    with pytest.raises(NotLoadedError) as needed:
        users.user(user_id)
    with pytest.raises(UsersUnavailable, match="it is starting"):
        users.load([needed.value.wanted])
    with pytest.raises(NotLoadedError):
        users.named("honor")


@pytest.mark.django_db(transaction=True)
def test_a_project_that_stands() -> None:
    """Its users are found, also those who were asked for before; no connection is left open."""
    project = Project()
    users = SiteUsers(project.problem)
    account = get_user_model().objects.create(username="honor")
    with pytest.raises(NotLoadedError) as needed:
        users.user(account.pk)
    project.trouble = None
    users.load([needed.value.wanted, Wanted("id", "x" * 255)])
    assert users.user(account.pk) == find_named(users, "honor") == User(account.pk, "honor")
    assert find(users, account.pk + 1) is None

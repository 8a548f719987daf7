"""The accounts of the server's own Django project, which may still be starting."""

from collections.abc import Callable, Collection
from functools import cached_property

from trackside.users.base import Directory, NotLoadedError, User, UsersUnavailable, Wanted
from trackside.users.ids import LONGEST_TEXT


class SiteUsers:
    """Knows the project's users once it stands; until then nobody can be looked up."""

    def __init__(self, problem: Callable[[], str | None]) -> None:
        """`problem` says why the project does not stand, or None where it does."""
        self._problem = problem

    def user(self, user_id: object) -> User | None:
        """Return the user with this primary key. Raises InvalidUserIdError and NotLoadedError."""
        if self._problem() is not None:
            raise NotLoadedError(Wanted("id", str(user_id)[:LONGEST_TEXT]))
        return self._users.user(user_id)

    def named(self, username: str) -> User | None:
        """Return the user of exactly this name. Raises NotLoadedError."""
        if self._problem() is not None:
            raise NotLoadedError(Wanted("username", username[:LONGEST_TEXT]))
        return self._users.named(username)

    def load(self, wanted: Collection[Wanted]) -> None:
        """Look users up. Raises UsersUnavailable, also while the project does not stand."""
        problem = self._problem()
        if problem is not None:
            raise UsersUnavailable(f"the server's Django project has the users, and {problem}")
        self._users.load(wanted)

    @cached_property
    def _users(self) -> Directory:
        from trackside.django.user_directory import DjangoUsers

        return DjangoUsers(keeps_connection=False)

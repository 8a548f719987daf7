"""`users = "any"`: whoever the client says it is, is believed."""

from collections.abc import Collection

from trackside.users.base import InvalidUserIdError, User, Wanted

_LONGEST_ID = 255


class Anybody:
    """Takes every id for a user's, who has no name. For senders that are trusted to know their users."""

    def user(self, user_id: object) -> User:
        """Return a user with this id. Raises InvalidUserIdError where it is no text and no whole number."""
        if isinstance(user_id, bool) or not isinstance(user_id, int | str):
            raise InvalidUserIdError(f"an id is a text or a whole number, not {type(user_id).__name__}")
        if isinstance(user_id, str) and len(user_id) > _LONGEST_ID:
            raise InvalidUserIdError(f"an id has at most {_LONGEST_ID} characters")
        return User(user_id, "")

    def named(self, username: str) -> None:
        """Return None: nobody's name is known."""

    def load(self, wanted: Collection[Wanted]) -> None:
        """Do nothing: there is nothing to look up."""

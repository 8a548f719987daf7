"""Why something that was asked for was not done: the admin, the API and the command line tell it, each in its way."""

from collections.abc import Mapping

from trackside.errors import TracksideError


class Refusal(TracksideError):  # noqa: N818  # named as what the caller is told
    """Nothing was changed."""

    @property
    def errors(self) -> dict[str, list[str]]:
        """What is wrong, by setting; `webhook` for the whole."""
        return {"webhook": [str(self)]}


class WrongSettings(Refusal):
    """The settings cannot be used."""

    def __init__(self, problems: Mapping[str, list[str]]) -> None:
        self._problems = {name: list(told) for name, told in problems.items()}
        super().__init__("\n".join(each for told in self._problems.values() for each in told))

    @property
    def errors(self) -> dict[str, list[str]]:
        """What is wrong, by setting."""
        return self._problems


class NotTheCase(Refusal):
    """What is there stands against it: another row, a newer change, the configuration."""


class NotReachable(Refusal):
    """Something that is needed cannot be reached from this process: the log, a library."""

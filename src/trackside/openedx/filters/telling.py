"""Arguments as plain values: bounded, without secrets, never following what would ask the database."""

from trackside.openedx.filters.names import is_secret
from trackside.openedx.plain import PlainMaker
from trackside.processors.personal import Treatment

_MOST_NAMES = 10_000


class Teller(PlainMaker):
    """Makes values plain; fields with the names of secrets are null, at any depth."""

    def __init__(self, *, max_bytes: int, depth: int) -> None:
        super().__init__(max_bytes=max_bytes, depth=depth)
        self._known: dict[str, Treatment] = {}

    def plan(self, kind: type, names: tuple[str, ...]) -> tuple[tuple[str, Treatment], ...]:
        """Return what becomes of the fields of a class."""
        found = self.plans[kind] = tuple((name, self.of_name(name)) for name in names)
        return found

    def of_name(self, name: str) -> Treatment:
        """Return what becomes of a member of a mapping."""
        known = self._known.get(name)
        if known is None:
            if len(self._known) > _MOST_NAMES:  # they come from outside
                self._known.clear()
            known = self._known[name] = Treatment.HIDE if is_secret(name) else Treatment.KEEP
        return known

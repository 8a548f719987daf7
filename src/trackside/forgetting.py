"""Forgetting a person: what a data directory holds of them is erased, store by store.

What hangs on an event goes before the event itself: a run that is killed is finished by the next one.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from trackside.attempts.base import AttemptStore
from trackside.event import Event
from trackside.log.base import Log, Page
from trackside.log.person import Finder, Person
from trackside.users.base import Wanted

if TYPE_CHECKING:
    from trackside.users.file import UserFile  # loads SQLite, which no help page needs

SEEN_BESIDE: Final = 20
"""So many anonymous ids are told of."""
_REJECTS: Final = 500


class Forgotten(Struct, kw_only=True):
    """How much there was of the person, and is no more; with a dry run, how much there is."""

    events: int = 0
    """Of the log."""
    waiting: int = 0
    """Deliveries that would have been tried again."""
    dead_letters: int = 0
    attempts: int = 0
    """Of webhooks, whose bodies were emptied."""
    rejects: int = 0
    users: int = 0
    """Rows of the table of users."""
    through: int = 0
    """The position up to which the log was looked through."""
    anonymous_ids: tuple[str, ...] = ()
    """Ids that devices had before they were known to be the person's: what they did as these is another question."""
    scrubbed: bool = True
    """Whether the files hold nothing any more of what was erased."""

    @property
    def total(self) -> int:
        """How much it was, altogether."""
        return self.events + self.waiting + self.dead_letters + self.attempts + self.rejects + self.users


def forget(
    person: Person,
    log: Log,
    attempts: AttemptStore | None = None,
    table: "UserFile | None" = None,
    *,
    dry_run: bool = False,
) -> Forgotten:
    """Erase what a log, and the attempts and users beside it, hold of a person, as of now.

    A server may be at work meanwhile. Raises StorageError and UsersUnavailable where something cannot be read or
    written, and ValueError as `Finder` does.
    """
    finder, found = Finder(person), Forgotten()
    beside: set[str] = set()
    for page in _pages(log, finder):
        if not dry_run:
            if attempts is not None:
                found.attempts += attempts.empty_bodies({event.id for event in page.events})
            log.erase(page.positions)
        found.events += len(page.events)
        found.through = page.through
        beside.update(_anonymous_ids(page.events, person))
    for name in log.subscriptions():
        held = log.subscription(name).erase_of(finder, dry_run=dry_run)
        found.waiting += held.waiting
        found.dead_letters += held.dead
        if attempts is not None and not dry_run:
            found.attempts += attempts.empty_bodies(held.event_ids)
    if attempts is not None and not dry_run:
        found.attempts += attempts.empty_bodies(_ids_erased_lately(log))
    found.rejects = _forget_rejects(log, finder, dry_run=dry_run)
    if table is not None:
        found.users = _forget_users(table, person, dry_run=dry_run)
    found.anonymous_ids = tuple(sorted(beside)[:SEEN_BESIDE])
    if not dry_run:
        found.scrubbed = log.scrub() and (attempts is None or attempts.scrub())
    return found


def _pages(log: Log, finder: Finder) -> Iterator[Page]:
    after, end = 0, log.bounds().last
    while after < end:
        page = log.find_of(finder, after)
        yield page
        if page.through <= after:
            return
        after = page.through


def _ids_erased_lately(log: Log) -> set[str]:
    """Return the ids of events whose attempts may have been under way when they were erased: these kept a body."""
    ids: set[str] = set()
    for position in log.erased_lately():
        page = log.read(position - 1, limit=1)
        ids.update(event.id for at, event in zip(page.positions, page.events, strict=True) if at == position)
    return ids


def _anonymous_ids(events: Sequence[Event], person: Person) -> Iterator[str]:
    for event in events:
        if event.anonymous_id is not None and event.anonymous_id not in person.anonymous_ids:
            yield event.anonymous_id


def _forget_users(table: "UserFile", person: Person, *, dry_run: bool) -> int:
    wanted = [Wanted("id", each) for each in person.user_ids]
    wanted += [Wanted("username", each) for each in person.usernames]
    ids = {user.id for user in table.look_up(wanted).users}
    return len(ids) if dry_run else table.remove(ids)


def _forget_rejects(log: Log, finder: Finder, *, dry_run: bool) -> int:
    count, before = 0, None
    while page := log.rejects(limit=_REJECTS, before=before):
        numbers = [each.number for each in page if finder.is_in_reject(each.reject)]
        count += len(numbers) if dry_run else log.remove_rejects(numbers) if numbers else 0
        before = page[-1].number
    return count

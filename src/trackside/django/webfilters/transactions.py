"""Whether a transaction is open: one that waits for an outside answer holds its locks for as long.

Webfilters(hooks, asker=BlockingClient(), in_transaction=in_transaction)
"""

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from trackside.django.webfilters.settings import Given
from trackside.event import NameFilter
from trackside.webfilters import POINTS
from trackside.webfilters.transactions import may_ask


def in_transaction() -> bool:
    """Return whether any connection of this thread has a transaction open; that of a test case is none."""
    return any(map(_is_open, connections.all(initialized_only=True)))


def requests_are_transactions() -> bool:
    """Return whether Django opens a transaction for each request."""
    return any(each.get("ATOMIC_REQUESTS") for each in connections.settings.values())


def unasked_points(asked: str, given: Given) -> list[str]:
    """Return the points of a name or glob at which nobody is asked in a transaction, unless a call says so."""
    matching = NameFilter([asked])
    return [
        name
        for name, point in sorted(POINTS.items())
        if matching.matches(name) and not may_ask(point, given.settings.rules, given.rules_of)
    ]


def transaction_of_test_case(using: str) -> object:
    """Return the transaction of a Django test case that this thread's connection is in, or None.

    What such a transaction holds nobody else sees, and it is taken back at the end.
    """
    connection = connections[using]
    if not connection.in_atomic_block:
        return None
    found = (block for block in connection.atomic_blocks if getattr(block, "_from_testcase", False))
    return next(found, None)


def _is_open(connection: BaseDatabaseWrapper) -> bool:
    if connection.in_atomic_block:
        return any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)
    return connection.connection is not None and not connection.autocommit

"""Ids that are made here."""

from datetime import UTC, datetime, timedelta
from secrets import randbits
from uuid import RFC_4122, UUID

from trackside.sources.message_id import hashed_id, new_id

AT = datetime(2026, 11, 20, 19, 24, 55, 219_999, tzinfo=UTC)


def test_a_new_id_is_a_uuid_of_version_7() -> None:
    for random_bits in (randbits, lambda bits: 0, lambda bits: (1 << bits) - 1):
        made = UUID(new_id(AT, random_bits))
        assert (made.version, made.variant) == (7, RFC_4122)
        assert made.int >> 80 == 1795202695219


def test_ids_sort_by_time_and_differ() -> None:
    assert new_id(AT, lambda bits: (1 << bits) - 1) < new_id(AT + timedelta(milliseconds=1), lambda bits: 0)
    assert len({new_id(AT, randbits) for _ in range(1_000)}) == 1_000


def test_what_is_too_long_has_the_same_id_every_time() -> None:
    assert hashed_id(b"x" * 1_000) == hashed_id(b"x" * 1_000)
    assert hashed_id(b"x") != hashed_id(b"y")

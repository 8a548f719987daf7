"""rejects shows what could not become an event."""

from datetime import timedelta

import pytest

from tests.cli.conftest import NOW, Place
from trackside.event import Reject


@pytest.fixture
def rejected(place: Place) -> None:
    made = [
        Reject(
            source=f"s{number % 2}",
            received_at=NOW + timedelta(seconds=number),
            reason="unknown_user" if number % 3 else "invalid_json",
            detail=f"sentence {number}",
            body=b'{"n": %d}\x1b[31m\xff' % number,
        )
        for number in range(1_200)
    ]
    place.append([], made)


@pytest.mark.usefixtures("rejected")
def test_newest_first(place: Place) -> None:
    """For people the newest twenty; --json has them all, with their bodies as text."""
    told = place.run("rejects").output
    assert "sentence 1199" in told
    assert "sentence 1180" in told
    assert "sentence 1179" not in told
    assert "\x1b" not in told
    every = place.lines("rejects")
    assert [each["detail"] for each in every] == [f"sentence {number}" for number in reversed(range(1_200))]
    assert every[0]["body"] == '{"n": 1199}\x1b[31m�'


@pytest.mark.usefixtures("rejected")
def test_chosen_by_source_and_reason(place: Place) -> None:
    """Both together, and at most so many."""
    chosen = place.lines("rejects", "--source", "s1", "--reason", "invalid_json", "-n", "3")
    assert [each["detail"] for each in chosen] == ["sentence 1197", "sentence 1191", "sentence 1185"]
    assert place.run("rejects", "--reason", "other").output == "there are no such rejects\n"


def test_none(place: Place) -> None:
    """Said in words."""
    assert place.run("rejects").output == "there are no rejects\n"
    assert place.run("rejects", "--json").output == ""

"""Filters by name: what they let through, and that they fail closed."""

from typing import Any

import pytest

from trackside.errors import ConfigurationError
from trackside.processors.exceptions import EventEmissionExit
from trackside.processors.regex_filter import ALLOWLIST, BLOCKLIST, RegexFilter
from trackside.processors.whitelist import NameWhitelistProcessor
from trackside.routing import Processor, RoutingBackend
from trackside.telemetry import catalogue


def passes(processor: Processor, name: object) -> bool:
    event = {"name": name, "data": {}}
    try:
        assert processor(event) is event
    except EventEmissionExit:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "expressions", "name", "want"),
    [
        (ALLOWLIST, [r"edx\.course\."], "edx.course.enrollment", True),
        (ALLOWLIST, [r"edx\.course\."], "other.edx.course.x", False),
        (ALLOWLIST, ["edx.a"], "edxXa.b.c", True),
        (ALLOWLIST, ["no", "edx"], "edx.a", True),
        (ALLOWLIST, [], "edx.a", False),
        (ALLOWLIST, None, "edx.a", False),
        (ALLOWLIST, [""], "anything", True),
        (BLOCKLIST, ["edx"], "edx.a", False),
        (BLOCKLIST, ["edx"], "other", True),
        (BLOCKLIST, [], "edx.a", True),
        (BLOCKLIST, [""], "anything", False),
    ],
)
def test_expressions_match_from_the_beginning_of_a_name(
    kind: str, expressions: list[str] | None, name: str, want: bool
) -> None:
    assert passes(RegexFilter(kind, expressions), name) is want


@pytest.mark.parametrize(
    ("kind", "expressions"),
    [("allow", []), ("", []), (ALLOWLIST, ["("]), (BLOCKLIST, [5]), (ALLOWLIST, "edx")],
)
def test_wrong_settings_are_refused(kind: str, expressions: Any) -> None:
    with pytest.raises(ConfigurationError):
        RegexFilter(kind, expressions)


def test_the_list_holds_whole_names() -> None:
    processor = NameWhitelistProcessor(whitelist=["a", "b.c"])
    assert [name for name in ("a", "b.c", "b", "b.c.d", "") if passes(processor, name)] == ["a", "b.c"]
    assert not passes(NameWhitelistProcessor([]), "a")


def test_of_many_events_those_listed_are_kept() -> None:
    processor = NameWhitelistProcessor(["a"], unknown_option=True)
    assert processor([{"name": "a"}, {"name": "b"}, {"name": "a"}]) == [{"name": "a"}, {"name": "a"}]
    assert processor([{"name": "b"}]) == []


@pytest.mark.parametrize("names", [None, "edx.a", 5])
def test_what_is_no_collection_of_names_is_refused(names: object) -> None:
    with pytest.raises(TypeError, match='must be passed a collection of allowed names using the "whitelist"'):
        NameWhitelistProcessor(names)  # type: ignore[arg-type]  # what settings may hold


@pytest.mark.parametrize("name", [5, None, ["a"], {}])
@pytest.mark.parametrize(
    "processor", [RegexFilter(ALLOWLIST, [""]), RegexFilter(BLOCKLIST, []), NameWhitelistProcessor(["a"])]
)
def test_an_event_whose_name_is_no_text_does_not_slip_through(processor: Processor, name: object) -> None:
    """A block-list without expressions looks at no name."""
    sent: list[object] = []

    class Memory:
        send = sent.append

    router = RoutingBackend({"m": Memory()}, [processor])
    before = sum(catalogue.EMITTED_DROPPED.values().values())
    router.send({"name": name})
    looks = not (isinstance(processor, RegexFilter) and not processor.expressions)
    assert len(sent) == (0 if looks else 1)
    assert sum(catalogue.EMITTED_DROPPED.values().values()) == before + (1 if looks else 0)

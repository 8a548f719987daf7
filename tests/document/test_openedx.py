"""Objects and forms as openedx-webhooks makes them."""

from typing import Any

import pytest

from trackside.document.openedx import OF_EVENTS, OF_QUESTIONS, as_known, form_pairs


@pytest.mark.parametrize(
    ("payload", "pairs"),
    [
        ({"user": {"name": "a", "active": True}}, [("user_name", "a"), ("user_active", "True")]),
        (
            {"l": [1, {"x": 2}], "n": None, "e": {}, "t": True},
            [("l", "[1, {'x': 2}]"), ("n", "None"), ("t", "True")],
        ),
        ({"a": {"b_c": 1}, "x": 0, "a_b": {"c": 2}}, [("a_b_c", "2"), ("x", "0")]),
        ({"a": {"b": {"c": {}}}}, []),
        ({}, []),
    ],
)
def test_forms(payload: dict[str, Any], pairs: list[tuple[str, str]]) -> None:
    """Texts are Python's; an object without members has no pair; of two of one name the later value stays."""
    assert form_pairs(payload) == pairs


@pytest.mark.parametrize(
    ("text", "of_events", "of_questions"),
    [
        ("2026-01-02T03:04:05+00:00", "2026-01-02 03:04:05+00:00", "2026-01-02 03:04:05+00:00"),
        ("2026-01-02T03:04:05.678901Z", "2026-01-02T03:04:05.678901Z", "2026-01-02 03:04:05.678901+00:00"),
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05", "2026-01-02T03:04:05"),
        ("on 2026-01-02T03:04:05Z", "on 2026-01-02T03:04:05Z", "on 2026-01-02T03:04:05Z"),
    ],
)
def test_times(text: str, of_events: str, of_questions: str) -> None:
    """At any depth they look as Python shows them, and no other text is touched."""
    value = {"a": [text, {"b": text}], "c": 1, "d": None}
    assert as_known(value, OF_EVENTS) == {"a": [of_events, {"b": of_events}], "c": 1, "d": None}
    assert as_known(value, OF_QUESTIONS) == {"a": [of_questions, {"b": of_questions}], "c": 1, "d": None}

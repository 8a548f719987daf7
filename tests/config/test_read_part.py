"""One part's settings from a table that is no file."""

import pytest

from trackside.config.reading import read_part
from trackside.destinations.webhook import WebhookSettings

URL = "https://crm.example.org/"


def test_a_good_table_becomes_settings() -> None:
    made = read_part(WebhookSettings, {"url": URL, "timeout_s": 3, "events": ["page"]})
    assert made == WebhookSettings(url=URL, timeout_s=3.0, events=("page",))


def test_texts_stand_for_numbers_only_where_that_is_asked_for() -> None:
    table = {"url": URL, "timeout_s": "3", "refuse_statuses": ["400"]}
    made = read_part(WebhookSettings, table, strict=False)
    assert made == WebhookSettings(url=URL, timeout_s=3.0, refuse_statuses=(400,))
    problems = read_part(WebhookSettings, table)
    assert isinstance(problems, dict)
    assert sorted(problems) == ["refuse_statuses", "timeout_s"]


@pytest.mark.parametrize(
    ("table", "problems"),
    [
        ({}, {"url": ["url is missing; want an http or https URL such as https://events.example.org"]}),
        (
            {"url": "x", "concurrency": 0, "tiemout_s": 1},
            {
                "url": ["url is 'x'; want an http or https URL such as https://events.example.org"],
                "concurrency": ["concurrency is 0; want a whole number, 1 to 256"],
                "tiemout_s": ["tiemout_s is not a setting; did you mean timeout_s?"],
            },
        ),
        (
            {"url": URL, "bearer_token": 7},
            {"bearer_token": ["bearer_token has a value that cannot be used; want text"]},
        ),
    ],
)
def test_all_that_is_wrong_is_told_by_name(table: dict[str, object], problems: dict[str, list[str]]) -> None:
    assert read_part(WebhookSettings, table) == problems

"""The tracker before `emit`: TRACKING_BACKENDS."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from trackside.django import legacy_tracker
from trackside.django.legacy_tracker.base import BaseBackend
from trackside.django.legacy_tracker.logger import LoggerBackend
from trackside.telemetry import catalogue

HERE = "tests.django.test_legacy_tracker"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Counting(BaseBackend):
    """Counts what it gets."""

    def __init__(self, flag: bool = False) -> None:
        super().__init__()
        self.count = 0
        self.flag = flag

    def send(self, event: Any) -> None:
        """Count."""
        self.count += 1


class Failing(BaseBackend):
    """Takes nothing."""

    def send(self, event: Any) -> None:
        """Fail."""
        raise ConnectionError("with data of users")


@pytest.fixture(autouse=True)
def _as_before(settings: Settings) -> Iterator[None]:
    yield
    settings.TRACKING_BACKENDS = {}
    legacy_tracker.reload_backends()


def reload(settings: Settings, **about: Any) -> dict[str, Any]:
    settings.TRACKING_BACKENDS = about
    return dict(legacy_tracker.reload_backends())


def test_one_backend(settings: Settings) -> None:
    backends = reload(settings, first={"ENGINE": f"{HERE}.Counting"})
    legacy_tracker.send({})
    assert [each.count for each in backends.values()] == [1]


def test_two_backends_each_count_every_event(settings: Settings) -> None:
    backends = reload(
        settings,
        first={"ENGINE": f"{HERE}.Counting"},
        second={"ENGINE": f"{HERE}.Counting", "OPTIONS": {"flag": True}},
    )
    for _ in range(10):
        legacy_tracker.send({})
    assert [each.count for each in backends.values()] == [10, 10]
    assert backends["second"].flag is True


def test_a_failing_backend_harms_no_other(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    backends = reload(settings, a={"ENGINE": f"{HERE}.Failing"}, b={"ENGINE": f"{HERE}.Counting"})
    before = catalogue.LEGACY_BACKEND_FAILURES.value("a")
    legacy_tracker.send({"a": 1})
    assert backends["b"].count == 1
    assert catalogue.LEGACY_BACKEND_FAILURES.value("a") == before + 1
    assert "with data of users" not in caplog.text


def test_an_empty_value_switches_off(settings: Settings) -> None:
    assert reload(settings, a=None, b={}, c={"ENGINE": f"{HERE}.Counting"}).keys() == {"c"}


@pytest.mark.parametrize("path", ["no.such.Backend", "json.JSONEncoder", f"{HERE}.reload"])
def test_what_is_no_backend(path: str, settings: Settings) -> None:
    """And the backends stay as they were."""
    reload(settings, c={"ENGINE": f"{HERE}.Counting"})
    with pytest.raises(ValueError, match=f"^Cannot find event track backend {path}$"):
        reload(settings, a={"ENGINE": path})
    assert set(legacy_tracker.backends) == {"c"}


def test_it_is_deprecated(settings: Settings) -> None:
    reload(settings)
    with pytest.warns(DeprecationWarning, match="use trackside.tracker.emit"):
        legacy_tracker.send({})


def test_the_platforms_logger(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """By the name that settings of Open edX have; one line of JSON an event."""
    caplog.set_level(logging.INFO, "tracking")
    reload(
        settings,
        logger={
            "ENGINE": "common.djangoapps.track.backends.logger.LoggerBackend",
            "OPTIONS": {"name": "tracking"},
        },
    )
    legacy_tracker.send({"event": {"a": "100 %s é"}, "time": 1})
    assert [record.name for record in caplog.records] == ["tracking"]
    assert caplog.messages == ['{"event": {"a": "100 %s \\u00e9"}, "time": 1}']


def test_a_long_event_stays_json(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """It loses its payload and says so; where even that is too long it is dropped and counted."""
    caplog.set_level(logging.INFO, "tracking")
    settings.TRACK_MAX_EVENT = 100
    backend = LoggerBackend(name="tracking")
    backend.send({"event": "x" * 200, "name": "n"})
    assert [json.loads(line) for line in caplog.messages] == [{"event": "", "name": "n", "truncated": True}]
    before = catalogue.BACKEND_DROPPED.value("logger", "oversize")
    backend.send({"event": "", "name": "n" * 200})
    backend.send("x" * 200)
    assert catalogue.BACKEND_DROPPED.value("logger", "oversize") == before + 2
    assert len(caplog.messages) == 1


def test_the_platforms_mongodb(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name, in the database it always had."""
    made: list[dict[str, Any]] = []

    class Mongo:
        def __init__(self, **options: Any) -> None:
            made.append(options)
            self.sent: list[Any] = []

        def send(self, event: Any) -> None:
            self.sent.append(event)

    monkeypatch.setattr("trackside.backends.mongodb.MongoBackend", Mongo)
    backends = reload(
        settings, mongo={"ENGINE": "track.backends.mongodb.MongoBackend", "OPTIONS": {"host": "h"}}
    )
    legacy_tracker.send({"a": 1})
    assert made == [{"database": "track", "host": "h"}]
    assert backends["mongo"].backend.sent == [{"a": 1}]

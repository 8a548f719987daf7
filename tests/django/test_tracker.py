"""The tracker a project's settings describe."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from trackside import tracker as tracking
from trackside.backends.log import LogBackend
from trackside.backends.logger import LoggerBackend
from trackside.django import engines
from trackside.django.analytics_service import AnalyticsService
from trackside.django.apps import TracksideConfig
from trackside.django.engines import ENGINES, engine, instantiate
from trackside.django.eventtracking_app import EventTrackingConfig
from trackside.django.tracker import (
    LOG_BACKEND,
    DjangoTracker,
    override_default_tracker,
    tracker_from_settings,
)
from trackside.errors import ConfigurationError
from trackside.routing import RoutingBackend

HERE = "tests.django.test_tracker"


class Trivial:
    """A backend that keeps its options."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.sent: list[Any] = []

    def send(self, event: Any) -> None:
        """Keep `event`."""
        self.sent.append(event)


class NoBackend:
    """Cannot send."""


def processor(event: Any) -> Any:
    """Change the event as processors do."""
    event["data"]["processed"] = True


def make_processor() -> Any:
    """Return what is a processor, as a class would."""
    return processor


@pytest.fixture(autouse=True)
def _trackers() -> Any:
    before, on_commit = dict(tracking.TRACKERS), tracking._on_commit
    tracking.TRACKERS.clear()
    yield
    tracking.set_on_commit(on_commit)
    tracking.TRACKERS.clear()
    tracking.TRACKERS.update(before)


def test_backends_and_processors_of_settings(settings: Settings) -> None:
    settings.EVENT_TRACKING_BACKENDS = {
        "second": {"ENGINE": f"{HERE}.Trivial", "OPTIONS": {"a": 1}},
        "first": {"ENGINE": f"{HERE}.Trivial"},
    }
    settings.EVENT_TRACKING_PROCESSORS = [{"ENGINE": f"{HERE}.make_processor"}]
    tracker = DjangoTracker()
    assert list(tracker.backends) == ["first", "second"]
    second = tracker.get_backend("second")
    assert isinstance(second, Trivial)
    assert second.options == {"a": 1}
    tracker.emit("x", {"b": 2})
    assert second.sent[0]["data"] == {"b": 2, "processed": True}


def test_other_settings_may_be_named(settings: Settings) -> None:
    settings.MINE = {"x": {"ENGINE": f"{HERE}.Trivial"}}
    assert list(DjangoTracker("MINE", "NOT_THERE").backends) == ["x"]
    assert dict(DjangoTracker("NOT_THERE").backends) == {}


def test_options_are_made_first_and_other_values_pass() -> None:
    """Dicts and lists are looked into; tuples are not."""
    inner = {"ENGINE": f"{HERE}.Trivial", "OPTIONS": {"n": 1}}
    made = instantiate(
        {
            "ENGINE": f"{HERE}.Trivial",
            "OPTIONS": {"d": {"k": inner}, "l": [inner, 5], "t": (inner,), "s": "x"},
        }
    )
    assert isinstance(made.options["d"]["k"], Trivial)
    assert isinstance(made.options["l"][0], Trivial)
    assert made.options["l"][1] == 5
    assert made.options["t"] == (inner,)
    assert made.options["s"] == "x"


@pytest.mark.parametrize("path", ["no.such.Class", f"{HERE}.NoSuchClass", "Class", "", ".x", None, 7, "a..b"])
def test_a_class_that_cannot_be_found(path: object) -> None:
    with pytest.raises(ValueError, match=r"^Cannot find class "):
        engine(path)


def test_what_cannot_send_is_no_backend(settings: Settings) -> None:
    wrong_ones: tuple[Any, ...] = ({"ENGINE": f"{HERE}.NoBackend"}, {"OPTIONS": {}}, "text", None)
    for wrong in wrong_ones:
        settings.EVENT_TRACKING_BACKENDS = {"x": wrong}
        with pytest.raises(ValueError, match=r'^Backend x does not have a callable "send" method.$'):
            DjangoTracker()


def test_what_cannot_be_called_is_no_processor(settings: Settings) -> None:
    settings.EVENT_TRACKING_PROCESSORS = [{"ENGINE": f"{HERE}.NoBackend"}]
    with pytest.raises(ValueError, match=r"^Processor .* is not callable.$"):
        DjangoTracker()


def test_what_a_constructor_raises_comes_through(settings: Settings) -> None:
    settings.EVENT_TRACKING_BACKENDS = {
        "x": {"ENGINE": "eventtracking.backends.logger.LoggerBackend", "OPTIONS": {"level": "nonsense"}}
    }
    with pytest.raises(AttributeError):
        DjangoTracker()


def test_names_of_open_edx_are_ours() -> None:
    """In both spellings of the platform's package, and each of them exists."""
    assert engine("eventtracking.backends.logger.LoggerBackend") is LoggerBackend
    assert engine("eventtracking.backends.routing.RoutingBackend") is RoutingBackend
    assert engine("track.shim.PrefixedEventProcessor") is engine(
        "common.djangoapps.track.shim.PrefixedEventProcessor"
    )
    for path in ENGINES:
        assert callable(engine(path)), path


def test_the_lms_tree(settings: Settings) -> None:
    """The tree of backends an LMS has, as it stands in its settings."""
    settings.EVENT_TRACKING_BACKENDS = LMS_BACKENDS
    tree = DjangoTracker().backends
    logs, segment = tree["tracking_logs"], tree["segmentio"]
    assert isinstance(logs, RoutingBackend)
    assert isinstance(segment, RoutingBackend)
    assert isinstance(logs.backends["logger"], LoggerBackend)
    assert [type(each).__name__ for each in logs.processors] == [
        "LegacyFieldMappingProcessor",
        "PrefixedEventProcessor",
    ]


LMS_BACKENDS = {
    "tracking_logs": {
        "ENGINE": "eventtracking.backends.routing.RoutingBackend",
        "OPTIONS": {
            "backends": {
                "logger": {
                    "ENGINE": "eventtracking.backends.logger.LoggerBackend",
                    "OPTIONS": {"name": "tracking", "max_event_size": 50_000},
                }
            },
            "processors": [
                {"ENGINE": "common.djangoapps.track.shim.LegacyFieldMappingProcessor"},
                {"ENGINE": "common.djangoapps.track.shim.PrefixedEventProcessor"},
            ],
        },
    },
    "segmentio": {
        "ENGINE": "eventtracking.backends.routing.RoutingBackend",
        "OPTIONS": {
            "backends": {"segment": {"ENGINE": "eventtracking.backends.segment.SegmentBackend"}},
            "processors": [
                {
                    "ENGINE": "eventtracking.processors.whitelist.NameWhitelistProcessor",
                    "OPTIONS": {"whitelist": []},
                },
                {"ENGINE": "common.djangoapps.track.shim.GoogleAnalyticsProcessor"},
            ],
        },
    },
}


def test_without_backends_events_go_to_the_log(settings: Settings, tmp_path: Path) -> None:
    """And nothing is opened before the first one."""
    settings.TRACKSIDE = {"data_dir": str(tmp_path / "data")}
    backend = tracker_from_settings().get_backend("log")
    assert isinstance(backend, LogBackend)
    assert backend.data_dir == tmp_path / "data"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("environment", [None, "env"])
def test_a_log_without_options_is_the_projects(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: str | None
) -> None:
    """It is in `data_dir`, where the command line looks; the environment says so first, as it does everywhere."""
    folder = tmp_path / (environment or "data")
    if environment:
        monkeypatch.setenv("TRACKSIDE_DATA_DIR", str(folder))
    tree = {"log": {"ENGINE": LOG_BACKEND}, "other": {"ENGINE": f"{HERE}.Trivial"}}
    settings.TRACKSIDE = {"data_dir": str(tmp_path / "data"), "log": {"max_age_s": "x"}, "backends": tree}
    with pytest.raises(ConfigurationError, match="log"):  # the settings of the log are the project's too
        tracker_from_settings()
    settings.TRACKSIDE = {"data_dir": str(tmp_path / "data"), "backends": tree}
    tracker = tracker_from_settings()
    backend = tracker.get_backend("log")
    assert isinstance(backend, LogBackend)
    assert backend.data_dir == folder
    assert list(tracker.backends) == ["log", "other"]


def test_switched_off_events_go_nowhere(settings: Settings) -> None:
    settings.TRACKSIDE = {"tracker": {"enabled": False}, "backends": {"x": {"ENGINE": f"{HERE}.Trivial"}}}
    assert dict(tracker_from_settings().backends) == {}


def app_config() -> TracksideConfig:
    config = apps.get_app_config("trackside")
    assert isinstance(config, TracksideConfig)
    return config


def test_the_app_registers_the_tracker(settings: Settings) -> None:
    settings.TRACKSIDE = {
        "backends": {"x": {"ENGINE": f"{HERE}.Trivial"}},
        "tracker": {"durable_timeout_s": 0.5},
    }
    app_config().ready()
    tracker = tracking.get_tracker()
    assert list(tracker.backends) == ["x"]
    assert tracker.durable_timeout_s == 0.5


@pytest.mark.parametrize(
    "said", [{"backendss": {}}, {"backends": {"x": {"ENGINE": "no.such"}}}, {"processors": [5]}]
)
def test_no_process_starts_with_wrong_settings(said: Any, settings: Settings) -> None:
    settings.TRACKSIDE = said
    with pytest.raises(ImproperlyConfigured):
        app_config().ready()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("trackside.backends.logger.LoggerBackend", {"nme": "x"}),
        ("trackside.backends.logger.LoggerBackend", {"level": "loud"}),
        ("trackside.backends.logger.LoggerBackend", None),
        ("trackside.backends.log.LogBackend", {"data_dir": 5}),
    ],
)
def test_wrong_options_are_said_with_the_class_they_are_for(
    kind: str, options: Any, settings: Settings
) -> None:
    settings.TRACKSIDE = {"backends": {"x": {"ENGINE": kind, "OPTIONS": options}}}
    with pytest.raises(ImproperlyConfigured, match=kind.replace(".", r"\.")):
        app_config().ready()


def test_the_other_app_registers_it_where_it_is_enabled(settings: Settings) -> None:
    override_default_tracker()
    assert tracking.TRACKERS == {}
    settings.EVENT_TRACKING_ENABLED = True
    override_default_tracker()
    assert isinstance(tracking.get_tracker(), DjangoTracker)


def test_the_other_app_has_its_names() -> None:
    assert (EventTrackingConfig.name, EventTrackingConfig.label) == (
        "eventtracking.django",
        "eventtracking_django",
    )


def test_every_engine_of_the_table_says_what_it_replaces() -> None:
    assert all(ours.startswith("trackside.") for ours in engines.ENGINES.values())


def test_starting_opens_nothing(tmp_path: Path) -> None:
    """No thread, no socket and no file: servers fork after this. Emitting then works in parent and child."""
    script = (
        "import os, threading\n"
        "from django.conf import settings\n"
        "settings.configure(INSTALLED_APPS=['trackside.django'], TRACKSIDE={'data_dir': 'data'})\n"
        "before = set(os.listdir('/proc/self/fd'))\n"
        "import django; django.setup()\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        "opened = set(os.listdir('/proc/self/fd')) - before\n"
        "assert not [fd for fd in opened if os.path.exists(f'/proc/self/fd/{fd}')], opened\n"
        "assert os.listdir() == []\n"
        "from trackside import tracker\n"
        "assert tracker.emit('before', durable=True)\n"
        "child = os.fork()\n"
        "assert tracker.emit('after', durable=True)\n"
        "if not child: os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "assert tracker.get_tracker().get_backend('log').log.bounds().events == 3\n"
    )
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr


def test_components_emit_in_their_own_context() -> None:
    kept = Trivial()
    tracking.register_tracker(tracking.Tracker({"kept": kept}))
    AnalyticsService().emit_event("edx.component", {"course_id": "c"}, {"a": 1})
    tracking.emit("after")
    assert [event["context"] for event in kept.sent] == [{"course_id": "c"}, {}]

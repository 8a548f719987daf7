"""The plugin inside a platform: its loader, databases, transactions, the event bus, signals of others."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import missing
from tests.django.outbox import databases
from tests.openedx.conftest import Host
from tests.openedx.settings.test_merging import OWN_LOG

SEND = """
from django.db import transaction
from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED as SIGNAL
from tests.openedx.generated import arguments
def send(**kwargs):
    return SIGNAL.send_event(**kwargs, **arguments(SIGNAL))
def finish():
    from trackside.openedx.tracker import signal_tracker
    for backend in signal_tracker().backends.values():
        assert backend.flush(20)
"""

PLATFORMS = [f"django.contrib.{name}" for name in ("admin", "auth", "contenttypes", "messages", "sessions")]


def names(host: Host) -> list[str]:
    """Return the names of the events of its log."""
    return [event.name for event in host.events()]


@pytest.mark.parametrize("service", ["lms", "cms"])
def test_loaded_by_the_platform(host: Host, service: str) -> None:
    """Both get the apps in their order, the middleware behind the one that knows the user, a place for events."""
    shown = host.but(service=service).run(
        code="import json; from django.conf import settings as s; at = s.INSTALLED_APPS.index('trackside.django');"
        "print(json.dumps([s.INSTALLED_APPS[at:at + 2], s.MIDDLEWARE[1:3], s.TRACKSIDE]))"
    )
    assert json.loads(shown) == [
        ["trackside.django", "trackside.openedx.apps.TracksideOpenedxConfig"],
        [
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "trackside.django.middleware.TrackMiddleware",
        ],
        {"data_dir": str(host.data_dir), **OWN_LOG},
    ]


@pytest.mark.slow
def test_the_operators_file_wins(host: Host) -> None:
    """A TRACKSIDE in lms.yml replaces that of `common`; its values stay, what it does not say is there again."""
    host = host.but(yaml={"TRACKSIDE": {"signals": {"ignore": ["*.enrollment.created.v1"]}}})
    shown = host.run(
        code="from django.conf import settings as s; import json; print(json.dumps(s.TRACKSIDE))"
    )
    assert json.loads(shown) == {
        "data_dir": str(host.data_dir),
        "signals": {"ignore": ["*.enrollment.created.v1"]},
        **OWN_LOG,
    }
    host.run(
        code=SEND + "from openedx_events.learning.signals import COURSE_ENROLLMENT_CHANGED as OTHER\n"
        "send(); OTHER.send_event(**arguments(OTHER)); finish()"
    )
    assert names(host) == ["org.openedx.learning.course.enrollment.changed.v1"]


def test_the_start_is_quiet(host: Host) -> None:
    """No thread, no folder, no connection: servers fork after it. A backend of the platform's own is not made again."""
    broken = {"x": {"ENGINE": "event_routing_backends.backends.sync_events_router.SyncEventsRouter"}}
    shown = host.but(yaml={"EVENT_TRACKING_BACKENDS": broken}).run(
        code="import threading; from django.db import connection\n"
        "print(threading.active_count(), connection.connection)"
    )
    assert shown.split() == ["1", "None"]
    assert not host.data_dir.exists()


def test_checks_are_clean(host: Host) -> None:
    """A fresh installation has nothing to be warned of."""
    host.run("django", "check", "--fail-level", "WARNING")


@pytest.mark.parametrize(
    ("yaml", "id_"),
    [
        ({"TRACKSIDE": {"signals": {"names": ["org.openedx.lerning.*"]}}}, "trackside.openedx.W002"),
        ({"EVENT_TRACKING_ENABLED": False}, "trackside.openedx.W003"),
        (
            {"INSTALLED_APPS": [*PLATFORMS, "trackside.openedx", "trackside.django"]},
            "trackside.openedx.E001",
        ),
    ],
)
def test_checks_tell(host: Host, yaml: dict[str, object], id_: str) -> None:
    """What keeps signals from being events is told with a remedy."""
    shown = host.but(yaml=yaml).run(
        code="from django.core.checks import run_checks\n"
        "for each in run_checks(tags=['trackside']):\n    if each.hint: print(each.id)"
    )
    assert id_ in shown.split()


def test_admin(host: Host) -> None:
    """It has a page of Trackside, which shows the events of signals."""
    host.run("django", "migrate")
    shown = host.run(
        code=SEND + "send(); finish()\n"
        "from django.contrib.auth.models import User; from django.test import Client\n"
        "client = Client(); client.force_login(User.objects.create_superuser('root'))\n"
        "index = client.get('/admin/'); page = client.get('/admin/trackside/trackerstate/', follow=True)\n"
        "print(index.status_code, b'Trackside' in index.content, page.status_code)\n"
        "print(b'enrollment.created' in page.content)"
    )
    assert shown.split() == ["200", "True", "200", "True"]


@pytest.fixture(params=databases.VENDORS)
def database(request: pytest.FixtureRequest, tmp_path: Path, django_db_blocker: Any) -> Iterator[Any]:
    """An empty database of each kind."""
    with django_db_blocker.unblock(), ExitStack() as stack:
        try:
            made = stack.enter_context(databases.empty(request.param, tmp_path))
        except Exception as error:  # whatever the driver raises
            missing(f"{request.param} ({type(error).__name__})")
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("on_commit", ["memory", "outbox"])
def test_transactions(host: Host, database: Any, on_commit: str) -> None:
    """What is rolled back never was; what commits is there, under the signal's own id and about its user."""
    host = host.but(database=database, yaml={"TRACKSIDE": {"signals": {"on_commit": on_commit}}})
    host.run("django", "migrate")
    ids = host.run(
        code=SEND + "ids = []\nSIGNAL.connect(lambda **kw: ids.append(str(kw['metadata'].id)), weak=False)\n"
        "try:\n    with transaction.atomic():\n        send(); raise KeyError\nexcept KeyError: pass\n"
        "with transaction.atomic():\n    send()\n    try:\n        with transaction.atomic():\n"
        "            send(); raise KeyError\n    except KeyError: pass\n"
        "print(*ids)"
    ).split()
    host.run("tests.openedx.host.relay")
    (event,) = host.events()
    assert len(ids) == 3
    assert (event.id, event.user_id) == (ids[1], "7")
    assert event.decoded_extra()["event_metadata"]["id"] == event.id


def test_in_memory_until_the_commit(host: Host) -> None:
    """No query is made where nothing is set, and what is rolled back goes nowhere."""
    queries = host.run(  # there are no tables: a query would fail
        code=SEND + "from django.db import connection\n"
        "from django.test.utils import CaptureQueriesContext\n"
        "with CaptureQueriesContext(connection) as seen:\n"
        "    with transaction.atomic():\n        send()\n"
        "    try:\n        with transaction.atomic():\n            send(); raise KeyError\n    except KeyError: pass\n"
        "    send()\nfinish()\n"
        "print([q['sql'] for q in seen.captured_queries if 'trackside' in q['sql']])"
    )
    assert queries.strip() == "[]"
    assert len(host.events()) == 2


def test_a_transaction_of_many_signals(host: Host) -> None:
    """So many wait in memory and no more; the rest are its rows. None is lost, none is there twice."""
    host.run("django", "migrate")
    shown = host.run(
        code=SEND + "from django.db import connection\n"
        "with transaction.atomic():\n"
        "    for _ in range(1_500): send()\n"
        "    print(len(connection.run_on_commit))\n"
        "try:\n"
        "    with transaction.atomic():\n"
        "        for _ in range(1_500): send()\n"
        "        raise KeyError\n"
        "except KeyError: pass\n"
        "finish()"
    )
    host.run("tests.openedx.host.relay")
    assert 1_000 <= int(shown) <= 1_010
    ids = [event.id for event in host.events()]
    assert len(ids) == len(set(ids)) == 1_500


def test_in_memory_where_somebody_commits_by_hand(host: Host) -> None:
    """Django tells nobody of such a commit: there the outbox holds the signal."""
    host.run("django", "migrate")
    ids = host.run(
        code=SEND + "ids = []\nSIGNAL.connect(lambda **kw: ids.append(str(kw['metadata'].id)), weak=False)\n"
        "transaction.set_autocommit(False)\nsend(); transaction.rollback()\nsend(); transaction.commit()\n"
        "transaction.set_autocommit(True)\nprint(*ids)"
    ).split()
    host.run("tests.openedx.host.relay")
    assert [event.id for event in host.events()] == ids[1:]


BACKENDS = (
    "from trackside.openedx.tracker import signal_tracker; from trackside.tracker import get_tracker\n"
    "print([type(b).__name__ for b in signal_tracker().backends.values()],"
    " [type(p).__name__ for p in signal_tracker().processors])\n"
)


def test_to_logs_only(host: Host) -> None:
    """The tracking log of the platform's own settings gets no signal; the project's processors see each."""
    logger = {"ENGINE": "eventtracking.backends.logger.LoggerBackend", "OPTIONS": {"name": "tracking"}}
    routed = {
        "ENGINE": "eventtracking.backends.routing.RoutingBackend",
        "OPTIONS": {"backends": {"logger": logger}},
    }
    redaction = {"ENGINE": "trackside.processors.redaction.RedactionProcessor", "OPTIONS": {"keys": ["pii"]}}
    host = host.but(
        yaml={"EVENT_TRACKING_BACKENDS": {"tracking_logs": routed}, "TRACKSIDE": {"processors": [redaction]}}
    )
    shown = host.run(
        code="import io, logging; kept = io.StringIO(); logging.getLogger('tracking').setLevel(logging.INFO)\n"
        "logging.getLogger('tracking').addHandler(logging.StreamHandler(kept))\n"
        + BACKENDS
        + SEND
        + "send(); finish(); print(kept.getvalue())"
    )
    assert shown.strip() == "['LogBackend'] ['RedactionProcessor']"
    (event,) = host.events()
    assert "zoe" not in bytes(event.data).decode()


def test_to_a_server(host: Host) -> None:
    """Where the project's tracker forwards to a server, so do signals; a log of their own is not made."""
    forward = {
        "ENGINE": "trackside.backends.forward.ForwardBackend",
        "OPTIONS": {
            "url": "http://127.0.0.1:9",
            "write_key": "k",
            "data_dir": str(host.folder / "out"),
            "forwards": False,
        },
    }
    host = host.but(yaml={"TRACKSIDE": {"backends": {"server": forward}}})
    assert host.run(code=BACKENDS + SEND + "send(); finish()").strip() == "['ForwardBackend'] []"
    assert (host.folder / "out").is_dir()
    assert not host.data_dir.exists()


def test_signals_of_others(host: Host) -> None:
    """One that an app defines after the start is followed too; where classes differ, their fields are told."""
    host.run(
        code=SEND + "import attr\nfrom openedx_events.tooling import OpenEdxPublicSignal\n"
        "@attr.s(frozen=True)\nclass Novelty:\n    user_id = attr.ib()\n    unknown = attr.ib()\n"
        "LATE = OpenEdxPublicSignal('org.example.novelty.v1', {'novelty': Novelty})\n"
        "LATE.send_event(novelty=Novelty(9, object())); finish()"
    )
    (event,) = host.events()
    assert (event.name, event.user_id) == ("org.example.novelty.v1", "9")
    assert event.decoded_data() == {"novelty": {"user_id": 9, "unknown": "<omitted: object>"}}


def test_a_broken_module_of_signals(host: Host) -> None:
    """A release whose signals cannot all be imported starts, and the others are followed."""
    host.run(
        code="from openedx_events import tooling\n"
        "def broken(): raise ImportError('a release')\n"
        "tooling.load_all_signals = broken\n"
        "from trackside.openedx.signals import follow_signals; follow_signals()\n" + SEND + "send(); finish()"
    )
    assert len(host.events()) == 1


@pytest.mark.parametrize("arguments", ["", "send_robust=False"])
@pytest.mark.parametrize("debug", [False, True])
def test_nothing_is_raised_into_the_platform(host: Host, arguments: str, *, debug: bool) -> None:
    """Not where openedx-events lets receivers fail either: the event is counted as dropped."""
    shown = host.but(yaml={"DEBUG": debug}).run(
        code=SEND + "SIGNAL.allow_send_event_failure()\n"
        "from trackside.openedx import plain\nfrom trackside.telemetry import catalogue\n"
        "def fail(*args): raise RuntimeError\n"
        f"plain.PlainMaker.plain = fail\nsend({arguments})\n"
        "print(catalogue.EMITTED_DROPPED.values())"
    )
    assert shown.strip() == "{('signal_failed',): 1}"


BUS = SEND + (
    "metadata = SIGNAL.generate_signal_metadata()\n"
    "SIGNAL.send_event_with_custom_metadata(metadata, **arguments(SIGNAL)); finish(); print(metadata.id)"
)


def test_the_bus_is_no_echo(host: Host) -> None:
    """What another service sent has its event there; here it is none."""
    host.run(code=BUS + "\nsend(); finish()")
    assert len(host.events()) == 1
    assert "from_event_bus" not in host.events()[0].decoded_extra()


def test_the_bus_when_wanted(host: Host) -> None:
    """Then it is marked, has the id that it has everywhere, and comes twice as one event."""
    host = host.but(yaml={"TRACKSIDE": {"signals": {"from_event_bus": True}}})
    id_ = host.run(
        code=BUS + "\nSIGNAL.send_event_with_custom_metadata(metadata, **arguments(SIGNAL)); finish()"
    )
    (event,) = host.events()
    assert event.id == id_.strip()
    assert event.decoded_extra()["from_event_bus"] is True


def test_our_own_events_on_the_bus_are_no_loop(host: Host) -> None:
    """The signal by which we put a tracker's event on the bus is not another event."""
    host = host.but(
        yaml={
            "SEND_TRACKING_EVENT_EMITTED_SIGNAL": True,
            "EVENT_BUS_TRACKING_LOGS": ["a.b"],
            "TRACKSIDE": {
                "backends": {
                    "bus": {"ENGINE": "trackside.backends.event_bus.EventBusRoutingBackend"},
                    "log": {
                        "ENGINE": "trackside.backends.log.LogBackend",
                        "OPTIONS": {"data_dir": str(host.data_dir)},
                    },
                }
            },
        }
    )
    host.run(
        code=SEND + "from openedx_events.analytics.signals import TRACKING_EVENT_EMITTED\nseen = []\n"
        "TRACKING_EVENT_EMITTED.connect(lambda **kw: seen.append(1), weak=False)\n"
        "from trackside import tracker; tracker.emit('a.b', {'c': 1}); finish(); assert seen == [1]"
    )
    assert names(host) == ["a.b"]


def test_without_open_edx(host: Host) -> None:
    """The app loads where nothing of the platform is installed, and a check says so."""
    code = (
        "from django.conf import settings\n"
        f"settings.configure(INSTALLED_APPS=['trackside.django', 'trackside.openedx'],"
        f" TRACKSIDE={{'data_dir': {str(host.data_dir)!r}}})\n"
        "import django, sys; django.setup()\n"
        "assert 'edx_django_utils' not in sys.modules and 'openedx_events' not in sys.modules\n"
        "from django.core.checks import run_checks\n"
        "print(sorted(each.id for each in run_checks(tags=['trackside']) if 'openedx' in each.id))"
    )
    if find_spec("openedx_events") is not None:
        pytest.skip("openedx-events is installed here")
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.stdout.strip() == "['trackside.openedx.W001', 'trackside.openedx.W007']", finished.stderr


def test_loops_of_an_api_are_cut(host: Host) -> None:
    """An account that shows a token, which no middleware reads, is who acts: by its name no event comes of it."""
    host.run("django", "migrate")
    settings = {"signals": {"ignore_actors": ["crm_*"]}, "requests": {"emit": False}}
    host.but(yaml={"TRACKSIDE": settings}).run(
        code=SEND + "from django.contrib.auth.models import User; from django.test import Client\n"
        "from django.http import HttpResponse; from tests.openedx.host import urls; from django.urls import path\n"
        "def view(request, name):\n"
        "    request.user = User.objects.get_or_create(username=name)[0]; send(); return HttpResponse()\n"
        "urls.urlpatterns.append(path('as/<str:name>', view))\n"
        "for name in ('crm_service', 'zoe'): assert Client().get(f'/as/{name}').status_code == 200\n"
        "finish()"
    )
    assert [json.loads(bytes(event.context))["username"] for event in host.events()] == ["zoe"]


@pytest.mark.parametrize("after", ["", "plugin_settings"])
def test_a_python_file_that_moves_the_data(host: Host, tmp_path: Path, after: str) -> None:
    """The folder that a later settings file names has the events, where the command line looks for them."""
    (tmp_path / "moved.py").write_text(
        "from tests.openedx.host.settings import *\n"
        f"TRACKSIDE['data_dir'] = {str(tmp_path / 'elsewhere')!r}\n"
        "import sys; from trackside.openedx.settings.base import plugin_settings\n"
        + (f"{after}(sys.modules[__name__])\n" if after else "")
    )
    host.but(path=str(tmp_path)).run(
        code=SEND + "send(); finish()\n"
        "from django.core.management import call_command; call_command('trackside', 'status')",
        settings="moved",
    )
    assert (tmp_path / "elsewhere").exists()
    assert not host.data_dir.exists()


def test_a_new_table_is_told(host: Host, tmp_path: Path) -> None:
    """One that a later file sets is without the plugin's defaults; one that it changes has them."""
    begin = (
        "from tests.openedx.host.settings import *\n"
        "EVENT_TRACKING_BACKENDS = {'logger': {'ENGINE': 'eventtracking.backends.logger.LoggerBackend'}}\n"
    )
    (tmp_path / "anew.py").write_text(begin + "TRACKSIDE = {'signals': {'ignore': []}}\n")
    (tmp_path / "changed.py").write_text(begin + "TRACKSIDE['signals'] = {'ignore': []}\n")
    code = (
        "from django.core.checks import run_checks\n"
        "print([each.id for each in run_checks(tags=['trackside']) if 'openedx' in each.id])"
    )
    there = host.but(path=str(tmp_path))
    assert there.run(code=code, settings="anew").strip() == "['trackside.openedx.W010']"
    assert there.run(code=code, settings="changed").strip() == "[]"

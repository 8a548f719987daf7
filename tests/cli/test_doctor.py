"""doctor finds what is wrong, says why it matters and what to do."""

import json
import shutil
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.cli.conftest import NOW, Place, event
from trackside.cli.doctor import network, storage, system
from trackside.cli.doctor import users as users_check
from trackside.log.base import LogStats
from trackside.log.sqlite import SQLiteLog
from trackside.log.subscription import DeadLetter, Progress


@pytest.fixture(autouse=True)
def port(monkeypatch: pytest.MonkeyPatch, place: Place, free_port: int) -> int:
    monkeypatch.setenv("TRACKSIDE_PORT", str(free_port))
    monkeypatch.setattr(system, "_CLOCK_S", 0.001)
    return free_port


def findings(place: Place) -> dict[str, dict[str, Any]]:
    """Return the worst finding of each check."""
    result = place.run("doctor", "--json")
    told: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (1 if told["worst"] == "error" else 0)
    order = ("ok", "warning", "error")
    found: dict[str, dict[str, Any]] = {}
    for each in sorted(told["findings"], key=lambda each: order.index(each["level"])):
        assert bool(each["why"]) == bool(each["fix"]) == (each["level"] != "ok")
        found[each["check"]] = each
    return found


def level(place: Place, check: str) -> str:
    return str(findings(place)[check]["level"])


def test_all_is_well(place: Place) -> None:
    """A fresh data directory has no error, and every part was looked at."""
    found = findings(place)
    assert {name for name, each in found.items() if each["level"] == "error"} == set()
    assert set(found) == {
        *("python", "sqlite", "clock", "data", "file system", "disk", "fsync"),
        *("log.db", "delivery.db", "log", "deduplication", "tracking_log", "port"),
    }
    assert not list(place.data_dir.glob(".doctor-*"))


def test_for_people(place: Place) -> None:
    """Each finding is a line; what is wrong has its reason and its remedy below."""
    place.log.subscription("tracking_log").pause(True)
    lines = place.run("doctor").output.splitlines()
    (at,) = (number for number, line in enumerate(lines) if "is paused" in line)
    assert lines[at].startswith("warning  tracking_log")
    assert lines[at + 1].strip() == "why: 0 events wait for it."
    assert lines[at + 2].strip() == "fix: trackside resume --destination tracking_log"


def test_configuration_problems(place: Place) -> None:
    """Every problem of the configuration is a finding, and the status is 1."""
    (place.data_dir / "trackside.toml").write_text("prot = 1\nworkers = 0\n")
    result = place.run("doctor")
    assert result.exit_code == 1
    assert result.output.count("error    configuration") == 2


def test_permissions(place: Place) -> None:
    """Secrets other users can read are a warning with the command that closes them."""
    place.data_dir.chmod(0o755)
    (place.data_dir / "secret_key").chmod(0o644)
    found = findings(place)["data"]
    assert found["level"] == "warning"
    assert str(place.data_dir / "secret_key") in found["fix"]
    place.data_dir.chmod(0o700)
    assert level(place, "data") == "ok"


class Usage(NamedTuple):
    """What shutil.disk_usage returns."""

    total: int
    used: int
    free: int


@pytest.mark.parametrize(
    ("free", "expected"), [(50_000_000, "error"), (500_000_000, "warning"), (5_000_000_000, "ok")]
)
def test_disk(place: Place, monkeypatch: pytest.MonkeyPatch, free: int, expected: str) -> None:
    """Little room is a warning, none an error."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, free))
    assert level(place, "disk") == expected


def test_slow_disk(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk whose sync takes long is told, with the times."""
    monkeypatch.setattr(storage, "_sync_times", lambda probe: iter([0.03, 0.05, 0.04]))
    found = findings(place)["fsync"]
    assert (found["level"], found["what"]) == ("warning", "median 40.00 ms, slowest of 3 50.00 ms")
    monkeypatch.setattr(storage, "_sync_times", lambda probe: iter([1e-6, 2e-6, 3e-6]))
    assert findings(place)["fsync"]["what"].endswith("no disk is that fast")


def test_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    """The innermost mount counts; a network's is an error, memory a warning."""
    mounts = tmp_path / "mounts"
    mounts.write_text(
        f"/dev/a / ext4 rw 0 0\nhost:/x {tmp_path}/shared nfs4 rw 0 0\nn {tmp_path}/a\\040b tmpfs rw 0 0\n"
    )
    for name, kind in (("shared/data", "nfs4"), ("a b", "tmpfs"), ("sharedness", "ext4")):
        (tmp_path / name).mkdir(parents=True)
        assert storage.file_system(tmp_path / name, mounts) == kind
    assert storage.file_system(tmp_path, tmp_path / "nothing") == ""
    for kind, expected in (("nfs4", "error"), ("tmpfs", "warning"), ("ext4", "ok"), ("", "ok")):
        monkeypatch.setattr(storage, "file_system", lambda folder, kind=kind: kind)
        assert level(place, "file system") == expected


def test_clock_behind_the_log(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that was set back below what is written is an error."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 7_200)
    found = findings(place)["clock"]
    assert (found["level"], "behind the log" in found["what"]) == ("error", True)


def test_clock_in_an_impossible_year(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that woke up in 1970 is told so."""
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert findings(place)["clock"]["what"] == "the clock says 1970-01-01 00:00 UTC"


def test_damaged_database(place: Place) -> None:
    """A page that was overwritten is found, and the log is not opened on it as if nothing were."""
    place.append([event(number) for number in range(1, 500)])
    place.log.close()
    path = place.data_dir / "log.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    content = bytearray(path.read_bytes())
    content[4096 : 4096 + 2000] = b"\xff" * 2000
    path.write_bytes(content)
    found = findings(place)["log.db"]
    assert (found["level"], ".recover" in found["fix"]) == ("error", True)


def test_not_a_database(place: Place) -> None:
    """Another file under the name is told, by the file and by the log."""
    place.log.close()
    for path in place.data_dir.glob("log.db*"):
        path.unlink()
    (place.data_dir / "log.db").write_bytes(b"something else" * 1_000)
    found = findings(place)
    assert (found["log.db"]["level"], found["log"]["level"]) == ("error", "error")


def test_deduplication_shortfall(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory of ids that is too small for the window is told in hours."""
    stats = LogStats(
        engine="sqlite",
        size_bytes=1,
        event_bytes=1,
        queued_events=0,
        rejects=0,
        dedup_ids=1_000,
        dedup_since=datetime.now(UTC) - timedelta(hours=6),
    )
    monkeypatch.setattr(SQLiteLog, "stats", lambda self: stats)
    found = findings(place)["deduplication"]
    assert (found["level"], found["what"]) == (
        "warning",
        "remembers 1,000 ids, the last 6.0 h of the 24.0 h wanted",
    )


def test_destinations(place: Place) -> None:
    """A destination that fails, has dead letters, or cannot write its file."""
    subscription = place.log.subscription("tracking_log")
    subscription.report_failure("permission denied", now=datetime.now(UTC))
    assert "takes nothing since 0 s ago: permission denied" in findings(place)["tracking_log"]["what"]
    subscription.report_failure(None, now=datetime.now(UTC))
    place.append([event(1)])
    dead = DeadLetter(position=1, event=event(1), attempts=1, died_at=NOW, reason="refused")
    subscription.advance(Progress(position=1, dead=[dead]), now=NOW)
    assert findings(place)["tracking_log"]["fix"] == "trackside dead-letters list --destination tracking_log"
    (place.data_dir / "tracking.log").mkdir()
    assert level(place, "tracking_log") == "error"
    config = place.data_dir / "trackside.toml"
    config.write_text(config.read_text().replace('"tracking.log"', '"nowhere/tracking.log"'))
    assert findings(place)["tracking_log"]["fix"] == f"mkdir -p '{place.data_dir}/nowhere'"


def test_a_removed_destination_with_events(place: Place) -> None:
    """What will be removed without having been delivered is told."""
    place.log.subscription("old")
    place.append([event(1)])
    assert findings(place)["old"]["what"] == "is configured no longer, with 1 events waiting for it"


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", port)) as listener:
        yield listener


def test_port_of_another_program(place: Place, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who listens and does not answer as Trackside does is in the way."""
    monkeypatch.setattr(network, "_WAIT_S", 0.05)
    with listening(port):
        assert level(place, "port") == "error"


@pytest.mark.parametrize(
    ("body", "expected"), [(b'{"status":"ok","version":"1"}', "ok"), (b"[]", "error"), (b"hello", "error")]
)
def test_port_that_answers(place: Place, port: int, body: bytes, expected: str) -> None:
    """The answer on /healthz tells whose port it is."""
    import threading

    def answer(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(10_000)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    with listening(port) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        assert level(place, "port") == expected
        thread.join()


def test_an_address_that_is_not_ours(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that cannot be bound is an error."""
    monkeypatch.setenv("TRACKSIDE_HOST", "host.invalid")
    assert level(place, "port") == "error"


def test_users(place: Place) -> None:
    """A source that asks the table is of no use while that is empty; without such a source it does not matter."""

    def told(users: str) -> list[tuple[str, str]]:
        config = msgspec.structs.replace(
            place.loaded.config, sources={"web": object(), "mobile": SimpleNamespace(users=users)}
        )
        loaded = msgspec.structs.replace(place.loaded, config=config)
        return [(each.level, each.what) for each in users_check.check_users(loaded)]

    assert told("any") == []
    ((level, what),) = told("table")
    assert (level, "sources.mobile has users" in what) == ("warning", True)
    place.run("users", "import", "-", stdin="id,username\n7,honor\n")
    assert told("table") == [("ok", "1 in the table of sources.mobile")]
    (place.data_dir / "users.db").write_bytes(b"something else" * 1_000)
    assert [level for level, _ in told("table")] == ["error"]


@pytest.mark.parametrize(
    ("settings", "expected", "what"),
    [
        (
            "url = 'https://x.org/'\nsecret = '{secret}'",
            "ok",
            "its url may be asked, its requests are signed",
        ),
        ("url = 'https://x.org/'", "warning", "its requests are not signed"),
        ("url = 'http://x.org/'\nsecret = '{secret}'", "warning", "its requests are not encrypted"),
        ("url = 'http://10.0.0.1/'", "error", "its url must not be asked: "),
        ("url = 'http://10.0.0.1/'\nsecret = '{secret}'\nallow = ['10.0.0.0/8']", "ok", "its url"),
    ],
)
def test_webhooks(place: Place, settings: str, expected: str, what: str) -> None:
    """A webhook's URL, signature and encryption are looked at, without asking anybody."""
    with (place.data_dir / "trackside.toml").open("a") as file:
        given = settings.format(secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        file.write(f"\n[destinations.crm]\nkind = 'webhook'\n{given}\n")
    found = findings(place)["crm"]
    assert found["level"] == expected
    assert found["what"].startswith(what)


@pytest.mark.parametrize(
    ("settings", "expected", "what"),
    [
        (
            "url = 'https://x.org/'\nsecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'",
            "ok",
            "its url may be asked, its requests are signed",
        ),
        (
            "url = 'https://x.org/'\nbearer_token = 't'",
            "ok",
            "its url may be asked, its requests say who sends them",
        ),
        ("url = 'https://x.org/'", "warning", "its requests are not signed"),
        ("url = 'http://10.0.0.1/'", "error", "its url must not be asked: "),
    ],
)
def test_batches_over_http(place: Place, settings: str, expected: str, what: str) -> None:
    """A place that takes batches may know us by a token instead of a signature."""
    found = configured(place, "http", settings)
    assert (found["level"], found["what"].startswith(what)) == (expected, True)


def test_folders(place: Place) -> None:
    """A folder need not be there yet; a file in its place is an error."""
    assert configured(place, "files", "path = 'not/yet/there'")["level"] == "ok"
    (place.data_dir / "taken").write_text("")
    found = configured(place, "files", "path = 'taken'")
    assert (found["level"], "is no folder" in found["what"]) == ("error", True)


def test_tables(place: Place) -> None:
    """The database is asked whether the table takes events; one that is not there is made."""
    found = configured(place, "sql", "url = 'sqlite:///shop.db'")
    assert (found["level"], found["what"]) == ("ok", "its table events takes events")
    with sqlite3.connect(place.data_dir / "shop.db") as shop:
        assert shop.execute("SELECT count(*) FROM events").fetchone() == (0,)
        shop.execute("CREATE TABLE others (id TEXT)")
    shop.close()
    found = configured(place, "sql", "url = 'sqlite:///shop.db'\ntable = 'others'")
    assert (found["level"], "has no column name, type" in found["what"]) == ("error", True)
    found = configured(place, "sql", "url = 'postgresql://me:hunter2@127.0.0.1:1/x'\ntimeout_s = 1")
    assert (found["level"], "PostgreSQL takes nothing" in found["what"]) == ("error", True)
    assert "hunter2" not in json.dumps(found)


def configured(place: Place, kind: str, settings: str) -> dict[str, Any]:
    """Return the worst finding about a destination with these settings."""
    file = place.data_dir / "trackside.toml"
    before = file.read_text()
    file.write_text(f"{before}\n[destinations.lake]\nkind = '{kind}'\n{settings}\n")
    try:
        return findings(place)["lake"]
    finally:
        file.write_text(before)

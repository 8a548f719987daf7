"""Parts of a configuration that are right by themselves are also checked against each other."""

from pathlib import Path

import pytest

from trackside import hub
from trackside.config.settings import Config
from trackside.errors import ConfigurationError
from trackside.hub.destinations import build_destination
from trackside.sources.segment_api import SegmentApiSettings
from trackside.users.anybody import Anybody
from trackside.users.table import UserTable

SOURCE = '[sources.web]\nkind = "segment"\nwrite_key = "k"\n'


def load(folder: Path, text: str) -> None:
    (folder / "trackside.toml").write_text(SOURCE + text)
    hub.load_config(None, {"data_dir": str(folder)}, {})


def destination(name: str, path: str, more: str = "") -> str:
    return f'[destinations.{name}]\nkind = "tracking_log"\npath = "{path}"\n{more}\n'


def problem(folder: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as raised:
        load(folder, text)
    return str(raised.value)


def test_two_sources_with_one_key(tmp_path: Path) -> None:
    """Whose event it is would depend on the order; the key itself is not shown."""
    text = '[sources.app]\nkind = "segment"\nwrite_key = ["secret-1", "k"]\n'
    message = problem(tmp_path, text)
    assert message == "sources.app.write_key is also that of sources.web; give each source a key of its own"


def test_the_command_to_try() -> None:
    """It has the key of a source that anybody may send with, and never a forwarder's."""
    ours = SegmentApiSettings(write_key="ours", forwarder=True)
    config = Config(sources={"platform": ours, "web": SegmentApiSettings(write_key="theirs")})
    assert hub.example_curl(config, "http://h").startswith("curl -u theirs: http://h/v1/track -d ")
    assert hub.example_curl(Config(sources={"platform": ours}), "http://h") == ""


@pytest.mark.parametrize("key", ['""', "[]", '[""]'])
def test_a_source_without_a_key(tmp_path: Path, key: str) -> None:
    """It would refuse everything."""
    text = f'[sources.app]\nkind = "segment"\nwrite_key = {key}\n'
    assert problem(tmp_path, text).startswith("sources.app.write_key is empty;")


@pytest.mark.parametrize("path", ["a.log", "./a.log", "x/../a.log"])
def test_two_destinations_with_one_file(tmp_path: Path, path: str) -> None:
    """Neither could tell which lines are its own."""
    text = destination("one", "a.log") + destination("two", path)
    assert problem(tmp_path, text).startswith("destinations.two.path is also that of destinations.one;")


def test_a_destination_that_rests_shares_nothing(tmp_path: Path) -> None:
    """A destination that was renamed may stay in the file, switched off."""
    load(tmp_path, destination("old", "a.log", "enabled = false") + destination("new", "a.log"))


@pytest.mark.parametrize(
    "name", ["log.db", "delivery.db", "site.db", "users.db", "log.db-wal", "secret_key", "trackside.toml"]
)
def test_a_file_of_the_servers_own(tmp_path: Path, name: str) -> None:
    """Lines in a database would destroy it."""
    for path in (name, str(tmp_path / name)):
        assert "a file of the server's own" in problem(tmp_path, destination("one", path))


def test_no_path_at_all(tmp_path: Path) -> None:
    """No file system has a name with NUL in it."""
    assert "want the path of a file" in problem(tmp_path, destination("one", "a\\u0000b"))


RTC = '[sources.rtc]\nkind = "apprtc"\n'
PAGES = '[sources.pages]\nkind = "browser"\n'


def test_sources_of_all_kinds(tmp_path: Path) -> None:
    """Each is asked about its own path; the Segment API about what is nobody's."""
    (tmp_path / "trackside.toml").write_text(SOURCE + RTC + PAGES)
    config = hub.load_config(None, {"data_dir": str(tmp_path)}, {}).config
    source = hub.build_sources(config)
    paths = ("/a/", "/a", "/event", "/event/", "/v1/t", "/b")
    assert [source.handles(path) for path in paths] == [True, True, True, True, True, False]


@pytest.mark.parametrize("path", ["/a/", "/a"])
def test_two_sources_with_one_path(tmp_path: Path, path: str) -> None:
    """Only the first would ever be asked."""
    text = RTC + f'[sources.rtc2]\nkind = "apprtc"\npath = "{path}"\n'
    message = "sources.rtc2.path is also that of sources.rtc; give each source a path of its own"
    assert problem(tmp_path, text) == message


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/",
            "//a",
            "/v1/track",
            "/v1",
            "/healthz",
            "/readyz/",
            "/metrics",
            "/admin/x",
            "/login",
            "/static/",
        ),
        *("/pixel/v1/track", "/beacon/v1/batch", "/sourceConfig"),
    ],
)
def test_a_path_of_the_servers_own(tmp_path: Path, path: str) -> None:
    assert "which the server answers itself" in problem(tmp_path, RTC + f'path = "{path}"\n')


@pytest.mark.parametrize("path", ["", "a/", "https://example.org/a", "/a?b", "/a#b", "/a b", "/%61"])
def test_a_path_that_is_none(tmp_path: Path, path: str) -> None:
    assert "want one like /event" in problem(tmp_path, RTC + f'path = "{path}"\n')


def test_origins_that_are_none(tmp_path: Path) -> None:
    assert "want https://apps.example.org" in problem(tmp_path, RTC + 'origins = ["https://a.org/"]\n')


def config_in(folder: Path) -> Config:
    return hub.load_config(None, {"data_dir": str(folder)}, {}).config


def test_who_knows_the_users(tmp_path: Path) -> None:
    """Each kind has its directory; the sources of one data directory share a table."""
    config, given = config_in(tmp_path), Anybody()
    assert isinstance(hub.directory_for("any", config, None), Anybody)
    table = hub.directory_for("table", config, None)
    assert isinstance(table, UserTable)
    assert hub.directory_for("table", config, given) is table
    assert hub.directory_for("table", config_in(tmp_path / "other"), None) is not table
    assert hub.directory_for("django", config, given) is given


@pytest.mark.parametrize("kind", ["django", "ldap"])
def test_nobody_knows_the_users(tmp_path: Path, kind: str) -> None:
    """What is not there is told with what else there is."""
    with pytest.raises(ConfigurationError, match=f"^users is .{kind}.*want .*table or any$"):
        hub.directory_for(kind, config_in(tmp_path), None)


def test_a_webhook_without_a_secret(tmp_path: Path) -> None:
    """Nothing could ever come in."""
    for text in ("", 'secret = ""\n', "secret = []\n"):
        told = problem(tmp_path, '[sources.mobile]\nkind = "segment_webhook"\n' + text)
        assert (
            told == "sources.mobile.secret is empty; want a text of your choice, which Segment sends as ?key="
        )


SEGMENT = '[destinations.segment]\nkind = "segment"\n'


def test_a_segment_destination(tmp_path: Path) -> None:
    """A key is all it needs; a host of one's own has to be allowed where it is not public."""
    load(tmp_path, SEGMENT + 'write_key = "k"\n')
    for more in ("allow_private_networks = true\n", 'allow = ["10.3.0.0/16"]\n'):
        load(tmp_path, SEGMENT + 'write_key = "k"\nhost = "http://10.3.0.1:8000"\n' + more)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "destinations.segment.write_key is missing"),
        ('write_key = ""\n', "destinations.segment.write_key is empty"),
        (
            'write_key = "k"\nhost = "http://10.3.0.1"\n',
            "and its address is not to be reached: it is not public",
        ),
        ('write_key = "k"\nhost = "https://a:b@example.org"\n', "and it holds a user name or a password"),
        ('write_key = "k"\nhost = "api.segment.io"\n', "want an http or https URL"),
        ('write_key = "k"\nproxy = "proxy:3128"\n', "destinations.segment.proxy: the proxy's URL is none"),
        ('write_key = "k"\nallow = ["a/b"]\n', "destinations.segment.allow: 'a/b' is not to be allowed"),
        ('write_key = "k"\nbatch_events = 101\n', "want a whole number, 1 to 100"),
    ],
)
def test_a_segment_destination_that_could_send_nothing(tmp_path: Path, text: str, sentence: str) -> None:
    """It is told when the server starts, and not by events that wait."""
    assert sentence in problem(tmp_path, SEGMENT + text)


def test_what_rows_of_webhooks_may_reach_is_checked(tmp_path: Path) -> None:
    """Like what one of the file may."""
    assert problem(tmp_path, '[webhooks]\nallow = ["a b"]').startswith(
        "webhooks.allow: 'a b' is not to be allowed;"
    )
    load(tmp_path, '[webhooks]\nallow = ["10.3.0.0/16", "crm.internal"]')


def test_the_path_of_the_api_is_the_server_s_own(tmp_path: Path) -> None:
    text = '[sources.b]\nkind = "browser"\npath = "/api/event"'
    assert "which the server answers itself" in problem(tmp_path, text)


def test_two_destinations_with_one_folder(tmp_path: Path) -> None:
    """Neither could tell which files are its own; nor whose a file is that lies where a folder should be."""
    text = '[destinations.one]\nkind = "files"\n[destinations.two]\nkind = "files"\npath = "x/../events"\n'
    told = problem(tmp_path, text)
    assert told == "destinations.two.path is also that of destinations.one; give each a folder of its own"
    text = '[destinations.one]\nkind = "files"\npath = "log.db"\n'
    assert "a file of the server's own" in problem(tmp_path, text)
    text = '[destinations.one]\nkind = "files"\npath = "."\n'
    assert "is the data directory itself; want a folder within it" in problem(tmp_path, text)


SQL = '[destinations.{}]\nkind = "sql"\nurl = "{}"\n'


def test_two_destinations_with_one_table(tmp_path: Path) -> None:
    """Each would take the other's events for its own; another table, or a destination that rests, is fine."""
    one, two = SQL.format("one", "sqlite:///events.db"), SQL.format("two", f"sqlite:///{tmp_path}/events.db")
    told = problem(tmp_path, one + two)
    assert told == "destinations.two.table is also that of destinations.one; give each a table of its own"
    load(tmp_path, one + two + 'table = "others"\n')
    load(tmp_path, one + two + "enabled = false\n")


def test_a_database_that_is_none(tmp_path: Path) -> None:
    """Its password is in no message."""
    told = problem(tmp_path, SQL.format("lake", "oracle://me:hunter2@db/x"))
    assert told.startswith("destinations.lake.url is of no database that is known here; want postgresql://")
    assert "hunter2" not in told
    told = problem(tmp_path, SQL.format("lake", "sqlite:///log.db"))
    assert told == "destinations.lake.url leads to a file of the server's own; want another name"


def test_a_url_for_batches_that_cannot_be_asked(tmp_path: Path) -> None:
    """It is found before the first event."""
    text = '[destinations.lake]\nkind = "http"\nurl = "https://lake.example.org/in"\n'
    load(tmp_path, text)
    told = problem(tmp_path, text + 'headers = { Idempotency-Key = "x" }\n')
    assert told.startswith("destinations.lake.headers: headers has Idempotency-Key, which receivers rely on")
    assert problem(tmp_path, text + 'secret = "x"\n').startswith("destinations.lake.secret: ")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('kind = "http"\nurl = "https://lake.example.org/in"', "Http"),
        ('kind = "files"', "Files"),
        ('kind = "files"\nformat = "parquet"', "Files"),
        ('kind = "sql"\nurl = "sqlite:///events.db"', "Sql"),
    ],
)
def test_destinations_of_each_kind(tmp_path: Path, text: str, kind: str) -> None:
    (tmp_path / "trackside.toml").write_text(f"{SOURCE}[destinations.one]\n{text}\n")
    config = hub.load_config(None, {"data_dir": str(tmp_path)}, {}).config
    made = build_destination("one", config.destinations["one"], config)
    assert type(made).__name__ == kind

"""Configuration is one value, whatever layers it comes from, and all its problems are told at once."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.config.kinds import DESTINATIONS, SOURCES, CrmSettings, Retrying, WebSettings
from trackside.config import Config, Loaded, load
from trackside.errors import ConfigurationError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(
    text: str | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
    path: Path | None = None,
) -> Loaded:
    if text is not None:
        Path("trackside.toml").write_text(text)
    return load(path, environ or {}, flags or {}, source_kinds=SOURCES, destination_kinds=DESTINATIONS)


def problems(
    text: str | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        loaded(text, environ, flags)
    return str(raised.value).splitlines()


class TestLayers:
    """A flag wins over the environment, that over the file, that over the default."""

    def test_defaults(self, folder: Path) -> None:
        """Without anything said, the defaults are in effect, and the data directory is ./data."""
        result = loaded()
        assert result.config == Config(data_dir=str(folder / "data"))
        assert set(result.origin.values()) == {"default"}
        assert result.path is None

    @pytest.mark.parametrize(
        ("text", "environ", "flags", "port", "origin"),
        [
            ("port = 1", {}, {}, 1, "file"),
            ("port = 1", {"TRACKSIDE_PORT": "2"}, {}, 2, "environment"),
            ("port = 1", {"TRACKSIDE_PORT": "2"}, {"port": "3"}, 3, "flag"),
            ("port = 1", {"TRACKSIDE_PORT": ""}, {"port": None}, 1, "file"),
        ],
    )
    def test_precedence(
        self, text: str, environ: dict[str, str], flags: dict[str, object], port: int, origin: str
    ) -> None:
        """The layer that decided is named; what is empty or not given decides nothing."""
        result = loaded(text, environ, flags)
        assert (result.config.port, result.origin["port"]) == (port, origin)

    def test_nested_settings_from_the_environment(self) -> None:
        """Every setting of every table has a variable, also those of the parts a file declares."""
        result = loaded(
            '[sources.my-web]\nkind = "segment"\nwrite_key = "a"\n[destinations.crm]\nkind = "webhook"',
            {
                "TRACKSIDE_LOG_DEDUP_WINDOW_S": "60",
                "TRACKSIDE_LIMITS_REQUEST_S": "1.5",
                "TRACKSIDE_TRUSTED_PROXIES": "10.0.0.0/8, ::1",
                "TRACKSIDE_SOURCES_MY_WEB_WRITE_KEY": "b",
                "TRACKSIDE_SOURCES_MY_WEB_SOURCE_MAP": '{"ios": "mobile"}',
                "TRACKSIDE_SOURCES_MY_WEB_STRICT": "true",
                "TRACKSIDE_DESTINATIONS_CRM_RETRY_WAIT_S": "7",
                "TRACKSIDE_DESTINATIONS_CRM_EVENTS": "a.*,b",
            },
        )
        config = result.config
        assert config.log.dedup_window_s == 60
        assert config.limits.request_s == 1.5
        assert config.trusted_proxies == ("10.0.0.0/8", "::1")
        assert config.sources == {
            "my-web": WebSettings(write_key="b", source_map={"ios": "mobile"}, strict=True)
        }
        assert config.destinations == {"crm": CrmSettings(events=("a.*", "b"), retry=Retrying(wait_s=7.0))}
        assert result.kinds == {"sources.my-web": "segment", "destinations.crm": "webhook"}

    def test_a_part_only_the_environment_declares(self) -> None:
        """A container needs no file: a variable with a kind makes a source."""
        environ = {"TRACKSIDE_SOURCES_WEB_KIND": "segment", "TRACKSIDE_SOURCES_WEB_WRITE_KEY": "k"}
        assert loaded(environ=environ).config.sources == {"web": WebSettings(write_key="k")}

    def test_what_kubernetes_sets_is_not_meant_for_us(self) -> None:
        """The variables of a Kubernetes service that is called trackside are left alone."""
        environ = {
            "TRACKSIDE_PORT": "tcp://10.3.2.1:8000",
            "TRACKSIDE_SERVICE_HOST": "10.3.2.1",
            "TRACKSIDE_SERVICE_PORT_HTTP": "8000",
            "TRACKSIDE_PORT_8000_TCP_ADDR": "10.3.2.1",
            "TRACKSIDE_DB_PORT_5432_TCP": "tcp://10.3.2.2:5432",
            "TRACKSIDE_DB_PORT": "tcp://10.3.2.2:5432",
        }
        assert loaded(environ=environ).config.port == 8000


class TestFile:
    """Which file is read, and what a relative folder in it means."""

    def test_search_order(self, folder: Path) -> None:
        """--config, then TRACKSIDE_CONFIG, then ./trackside.toml, then the data directory's."""
        inside = folder / "data" / "trackside.toml"
        inside.parent.mkdir()
        inside.write_text("port = 4")
        assert loaded().config.port == 4
        assert loaded("port = 3").config.port == 3
        (folder / "two.toml").write_text("port = 2")
        assert loaded(environ={"TRACKSIDE_CONFIG": "two.toml"}).config.port == 2
        (folder / "one.toml").write_text("port = 1")
        assert loaded(environ={"TRACKSIDE_CONFIG": "two.toml"}, path=Path("one.toml")).config.port == 1

    def test_a_missing_file_that_was_asked_for(self) -> None:
        """A path somebody gave is never silently passed over."""
        assert problems(environ={"TRACKSIDE_CONFIG": "nowhere.toml"}) == [
            "the configuration file nowhere.toml does not exist; check --config or TRACKSIDE_CONFIG"
        ]

    def test_relative_data_dir(self, folder: Path) -> None:
        """In the file it counts from the file's folder, elsewhere from the working directory."""
        (folder / "etc").mkdir()
        (folder / "etc" / "t.toml").write_text('data_dir = "events"')
        assert loaded(path=Path("etc/t.toml")).config.data_dir == str(folder / "etc" / "events")
        flags = {"data_dir": "there"}
        assert loaded(path=Path("etc/t.toml"), flags=flags).config.data_dir == str(folder / "there")

    def test_a_file_in_the_data_directory_cannot_move_it(self, folder: Path) -> None:
        """A file found in the data directory that names another one is a mistake."""
        (folder / "data").mkdir()
        (folder / "data" / "trackside.toml").write_text('data_dir = "data"')
        assert problems()[0].startswith("data_dir is 'data' in a file that is itself in the data directory")
        (folder / "data" / "trackside.toml").write_text('data_dir = "."')
        assert Path(loaded().config.data_dir).resolve() == folder / "data"

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"port = ", "trackside.toml is not valid TOML: "),
            (b"a = '\xff'", "trackside.toml is not UTF-8 text; save it as UTF-8"),
        ],
    )
    def test_an_unreadable_file(self, folder: Path, content: bytes, told: str) -> None:
        """What is wrong with the file as a whole is one line."""
        (folder / "trackside.toml").write_bytes(content)
        assert [line.startswith(told) for line in problems()] == [True]


class TestProblems:
    """Each problem is one line: the setting, its value, what is wanted, and where it stands."""

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("port = 99999", "port is 99999; want a whole number, 0 to 65535 (trackside.toml:1)"),
            ("port = '80'", "port is '80'; want a whole number, 0 to 65535 (trackside.toml:1)"),
            ("log = 5", "log is 5; want a table [log] (trackside.toml:1)"),
            ("sources = 5", "sources is 5; want a table [sources] (trackside.toml:1)"),
            ("[sources]\nweb = 5", "sources.web is 5; want a table [sources.web] (trackside.toml:2)"),
            ("[log]\nengine='x'", 'log.engine is \'x\'; want "memory" or "sqlite" (trackside.toml:2)'),
            ("[limits]\nrequest_s = 0", "limits.request_s is 0; want 0.1 to 3600 seconds (trackside.toml:2)"),
            (
                "[log]\nqueue_bytes = 1",
                "log.queue_bytes is 1; want a whole number, 1048576 or more bytes (trackside.toml:2)",
            ),
            ("prot = 1", "prot is not a setting; did you mean port? (trackside.toml:1)"),
            ("zebra = 1", "zebra is not a setting (trackside.toml:1)"),
            (
                "dedup_window_s = 1",
                "dedup_window_s is not a setting; did you mean log.dedup_window_s? (trackside.toml:1)",
            ),
            (
                "trusted_proxies = ['proxy']",
                (
                    "trusted_proxies is ['proxy']; want a list, each an address or network such as 10.0.0.0/8"
                    " (trackside.toml:1)"
                ),
            ),
            (
                "public_url = 'events.example.org'",
                (
                    "public_url is 'events.example.org'; want an http or https URL such as"
                    " https://events.example.org (trackside.toml:1)"
                ),
            ),
            (
                "[sources.web]\nkind = 'segmnt'",
                (
                    "sources.web.kind is 'segmnt'; did you mean 'segment'? There are segment, segment_webhook"
                    " (trackside.toml:2)"
                ),
            ),
            (
                "[sources.web]\nanything = 1",
                "sources.web.kind is missing; want one of segment, segment_webhook (trackside.toml:1)",
            ),
            (
                "[sources.web]\nkind = 'segment'",
                "sources.web.write_key is missing; want text (trackside.toml:1)",
            ),
            (
                "[sources.'a b']\nkind = 'segment'",
                "sources.a b is no good name; want up to 64 letters, digits, _ and - (trackside.toml:1)",
            ),
            (
                "[destinations.crm]\nkind = 'webhook'\nevents = []",
                "destinations.crm.events is []; want a list of text, 1 or more entries (trackside.toml:3)",
            ),
            (
                "[destinations.crm]\nkind = 'webhook'\n[destinations.crm.retry]\nwait_s = 'soon'",
                "destinations.crm.retry.wait_s is 'soon'; want 0.1 to 60 seconds (trackside.toml:4)",
            ),
            (
                "[destinations.crm]\nkind = 'webhook'\nformat = 'form'",
                "destinations.crm: format is 'form' without a url; want a url too (trackside.toml:1)",
            ),
        ],
    )
    def test_messages(self, text: str, problem: str) -> None:
        """The line says all that is needed to mend it."""
        assert problems(text) == [problem]

    def test_all_at_once(self) -> None:
        """Nobody starts the server ten times to find ten mistakes."""
        told = problems(
            "prot = 1\n[sources.web]\nkind = 'segment'\nwritekey = 'x'\n",
            {"TRACKSIDE_POTR": "1", "TRACKSIDE_WORKERS": "0"},
            {"port": "high"},
        )
        assert [line.partition(" is ")[0] for line in told] == [
            "prot",
            "sources.web.writekey",
            "TRACKSIDE_POTR",
            "sources.web.write_key",
            "port",
            "workers",
        ]
        assert told[1].endswith("did you mean write_key? (trackside.toml:4)")
        assert told[2] == "TRACKSIDE_POTR is not a setting; did you mean TRACKSIDE_PORT? (environment)"
        assert told[4] == "port is 'high'; want a whole number, 0 to 65535 (--port)"
        assert told[5] == "workers is '0'; want a whole number, 1 to 256 (TRACKSIDE_WORKERS)"

    def test_a_secret_is_not_shown(self) -> None:
        """A wrong value of a secret, or of an unknown name, stays out of the message."""
        told = problems("[sources.web]\nkind = 'segment'\nwrite_key = 123456\nwritekeys = 'hush'")
        assert told == [
            "sources.web.writekeys is not a setting; did you mean write_key? (trackside.toml:4)",
            "sources.web.write_key has a value that cannot be used; want text (trackside.toml:3)",
        ]

    def test_inside_a_part_of_unknown_kind(self) -> None:
        """What belongs to an unknown kind cannot be judged, in the file or in the environment."""
        told = problems("[sources.web]\nkind = 'x'\nfoo = 1", {"TRACKSIDE_SOURCES_WEB_FOO": "1"})
        assert len(told) == 1

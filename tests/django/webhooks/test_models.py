"""The rows: what a column holds of a secret, what is checked, what is kept of two who write at once."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone
from msgspec.structs import replace
from pytest_django import Settings

from trackside.django.secret_rows.secrets import Secrets, SigningKey, Unreadable
from trackside.django.webhooks import actions, surroundings
from trackside.django.webhooks.content import settings_of
from trackside.django.webhooks.models import ChangedMeanwhileError, Webhook, readable, state_of_all
from trackside.django.webhooks.refusals import WrongSettings
from trackside.django.webhooks.resolving import refused_addresses
from trackside.django.webhooks.surroundings import Surroundings
from trackside.outbound.signing import new_secret

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("around")]

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
URL = "https://93.184.216.34/in"


def make(name: str = "crm", **changes: object) -> Webhook:
    return actions.create({"name": name, "url": URL, **changes}, by="test").row


def column(name: str = "crm") -> str:
    """Return what the database really holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM trackside_webhook WHERE name = %s", [name])
        return str(cursor.fetchone()[0])


def keys(name: str = "crm") -> tuple[str, ...]:
    secrets = readable(Webhook.objects.get(name=name))
    assert secrets is not None
    return secrets.live_keys(timezone.now())


@pytest.fixture
def keyed(settings: Settings) -> Settings:
    settings.SECRET_KEY = "first-" * 10
    settings.SECRET_KEY_FALLBACKS = []
    return settings


def test_the_column_holds_no_secret_in_the_clear() -> None:
    secret = new_secret()
    make(secret=secret, headers={"X-Key": "header-value"}, bearer_token="bearer-value")
    raw = column()
    assert raw.startswith("gAAAA")
    for value in (secret, secret[6:], "header-value", "X-Key", "bearer-value", "signing"):
        assert value not in raw
    assert keys() == (secret,)


def test_no_text_of_a_row_shows_a_secret() -> None:
    row = make(secret=new_secret(), bearer_token="bearer-value")
    shown = [repr(row), str(row), repr(row.secrets), str(row.secrets), repr(Unreadable("bearer-value"))]
    shown += [f"{row.__dict__}", serializers.serialize("json", [row])]
    for text in shown:
        assert "bearer-value" not in text
        assert "whsec_" not in text


def test_a_fixture_keeps_the_secrets_encrypted_and_gives_them_back() -> None:
    secret = new_secret()
    dumped = serializers.serialize("json", [make(secret=secret)])
    for each in serializers.deserialize("json", dumped):
        found = readable(each.object)  # type: ignore[arg-type]  # it is a webhook
        assert found is not None
        assert found.signing == (SigningKey(secret),)


def test_a_new_secret_key_reads_what_the_former_one_wrote(keyed: Settings) -> None:
    """As long as the former one is among the fallbacks; what is written then needs only the new one."""
    secret = new_secret()
    make(secret=secret)
    keyed.SECRET_KEY, keyed.SECRET_KEY_FALLBACKS = "second-" * 10, [keyed.SECRET_KEY]
    assert keys() == (secret,)
    before = column()
    assert actions.encrypt_anew() == (1, [])
    assert column() != before
    keyed.SECRET_KEY_FALLBACKS = []
    assert keys() == (secret,)


def test_own_keys_take_the_place_of_the_secret_key(keyed: Settings, around: Surroundings) -> None:
    secret = new_secret()
    make(secret=secret)

    def use(*own: str) -> None:
        webhooks = replace(around.config.webhooks, encryption_keys=own)
        surroundings.show(replace(around, config=replace(around.config, webhooks=webhooks)))

    use("b", "a")
    actions.encrypt_anew()
    keyed.SECRET_KEY = "another-" * 10
    assert keys() == (secret,)
    use("a", "b")
    assert keys() == (secret,)
    use("a")
    assert isinstance(Webhook.objects.get().secrets, Unreadable)


def test_secrets_without_their_key_are_kept_until_set_anew(keyed: Settings) -> None:
    """A change of something else keeps what cannot be read; the key brought back reads it again."""
    secret, former = new_secret(), keyed.SECRET_KEY
    make(secret=secret)
    keyed.SECRET_KEY = "lost-" * 10
    assert readable(Webhook.objects.get()) is None
    actions.change("crm", {"timeout_s": 3}, by="test")
    assert actions.encrypt_anew() == (0, ["crm"])
    keyed.SECRET_KEY_FALLBACKS = [former]
    assert keys() == (secret,)
    keyed.SECRET_KEY_FALLBACKS = []
    actions.change("crm", {"secret": new_secret()}, by="test")
    assert len(keys()) == 1


def test_a_text_changed_in_the_database_is_not_read() -> None:
    make()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE trackside_webhook SET secrets = %s", [column()[:-8] + "AAAAAAA="])
    assert isinstance(Webhook.objects.get().secrets, Unreadable)


def test_full_clean_says_what_the_file_s_reader_says() -> None:
    row = Webhook(name="crm", url="https://10.0.0.1.example/", timeout_s=0.0, where={"nope": "x"})
    with pytest.raises(ValidationError) as caught:
        row.full_clean()
    assert caught.value.message_dict["timeout_s"] == ["timeout_s is 0.0; want 0.1 to 300 seconds"]
    row.timeout_s = 1.0
    with pytest.raises(ValidationError) as caught:
        row.full_clean()
    assert "where has the path 'nope'" in caught.value.message_dict["where"][0]
    Webhook(name="crm", url=URL).full_clean()


@pytest.mark.parametrize("name", ["declared", "a b", "", "-a", "a" * 65])
def test_full_clean_knows_which_names_are_good(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Webhook(name=name, url=URL).full_clean()
    assert "name" in caught.value.message_dict


@pytest.mark.parametrize(
    ("url", "allowed"),
    [("http://127.0.0.1:9000/", True), ("http://localhost:9000/", True), ("http://169.254.169.254/", False)],
)
def test_private_networks_are_the_operator_s_to_open(around: Surroundings, url: str, allowed: bool) -> None:
    def refused() -> bool:
        try:
            Webhook(name="crm", url=url).full_clean()
        except ValidationError as error:
            return "url must not be asked" in error.message_dict["url"][0]
        return False

    assert refused() is not allowed
    closed = replace(around.config.webhooks, allow_private_networks=False)
    surroundings.show(replace(around, config=replace(around.config, webhooks=closed)))
    assert refused()


@pytest.mark.parametrize("http2", [True, False])
def test_http_2_is_the_operator_s_to_forbid(around: Surroundings, http2: bool) -> None:
    said = replace(around.config.webhooks, http2=http2)
    surroundings.show(replace(around, config=replace(around.config, webhooks=said)))
    assert settings_of(make(), now=AT).http2 is http2


@pytest.mark.parametrize(
    ("addresses", "refused"),
    [
        (["93.184.216.34"], False),
        (["169.254.169.254"], True),
        (["93.184.216.34", "169.254.169.254"], True),
        ([], False),
    ],
)
def test_a_host_that_leads_to_a_forbidden_address_is_told_at_save(
    addresses: list[str], refused: bool
) -> None:
    """As far as it can be resolved now; what cannot be is nobody's mistake."""

    def lookup(host: str) -> list[str]:
        assert host == "crm.example.org"
        if not addresses:
            raise OSError("no such name")
        return addresses

    changes = {"name": "crm", "url": "https://crm.example.org/in"}
    if not refused:
        assert actions.create(changes, by="test", lookup=lookup).is_new
        return
    with pytest.raises(WrongSettings) as caught:
        actions.create(changes, by="test", lookup=lookup)
    assert "an address of its host is not to be reached" in caught.value.errors["url"][0]


def test_a_resolver_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr("trackside.django.webhooks.resolving.DEADLINE_S", 0.01)
    release = threading.Event()

    def lookup(host: str) -> list[str]:
        release.wait(10)
        return ["169.254.169.254"]

    from trackside.destinations.webhook import WebhookSettings

    assert refused_addresses(WebhookSettings(url="https://crm.example.org/"), lookup=lookup) == {}
    release.set()


def test_a_rotation_lets_both_keys_sign_for_a_while() -> None:
    secrets = Secrets(signing=(SigningKey("old"),)).rotated("new", now=AT, overlap_s=60)
    assert secrets.live_keys(AT + timedelta(seconds=59)) == ("new", "old")
    assert secrets.live_keys(AT + timedelta(seconds=60)) == ("new",)
    again = secrets.rotated("newer", now=AT + timedelta(seconds=30), overlap_s=60)
    assert again.live_keys(AT + timedelta(seconds=59)) == ("newer", "new", "old")
    assert again.live_keys(AT + timedelta(seconds=60)) == ("newer", "new")
    assert again.live_keys(AT + timedelta(seconds=90)) == ("newer",)
    assert secrets.rotated("newer", now=AT, overlap_s=0).live_keys(AT) == ("newer",)


def test_who_holds_an_older_row_writes_over_nothing() -> None:
    make()
    mine, theirs = Webhook.objects.get(), Webhook.objects.get()
    theirs.description = "theirs"
    theirs.save()
    mine.description = "mine"
    with pytest.raises(ChangedMeanwhileError):
        mine.save()
    assert Webhook.objects.get().description == "theirs"


def test_two_numbers_tell_of_every_change() -> None:
    seen = [state_of_all()]
    for change in (
        make,
        lambda: make("erp"),
        lambda: actions.change("crm", {"timeout_s": 1}, by="test"),
        lambda: actions.rotate("crm", by="test"),
        lambda: actions.disable("crm", by="test"),
        lambda: actions.enable("crm", by="test"),
        lambda: actions.give_up("crm", "410"),
        lambda: actions.delete("erp", by="test"),
        lambda: Webhook.objects.all().delete(),
    ):
        change()
        assert state_of_all() not in seen
        seen.append(state_of_all())


WRITER = """
import sys
import django
django.setup()
from trackside.django.webhooks import actions
for number in range(int(sys.argv[2])):
    actions.change("crm", {"headers": {f"X-{sys.argv[1]}-{number}": "v"}}, by=sys.argv[1])
"""


@pytest.fixture
def site(tmp_path: Path) -> dict[str, str]:
    """The environment of a server's Django project in a folder of its own, its tables made."""
    import os

    (tmp_path / "secret_key").write_text("k" * 50)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRACKSIDE_")}
    env = {
        **kept,
        "TRACKSIDE_DATA_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "trackside.server.site.settings",
    }
    subprocess.run([sys.executable, "-m", "django", "migrate", "-v", "0"], env=env, check=True, timeout=120)
    setup = (
        "import django; django.setup()\n"
        "from trackside.django.webhooks import actions\n"
        f"actions.create({{'name': 'crm', 'url': {URL!r}}}, by='test')"
    )
    subprocess.run([sys.executable, "-c", setup], env=env, check=True, timeout=120)
    return env


@pytest.mark.slow
def test_two_processes_that_edit_at_once_lose_nothing(site: dict[str, str]) -> None:
    """Each adds headers, one at a time: all of them are there at the end."""
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, name, "15"], env=site, stderr=subprocess.PIPE)
        for name in ("a", "b")
    ]
    for writer in writers:
        _, told = writer.communicate(timeout=120)
        assert writer.returncode == 0, told.decode()
    count = (
        "import django; django.setup()\n"
        "from trackside.django.webhooks.models import Webhook\n"
        "row = Webhook.objects.get(); print(len(row.secrets.headers), row.revision)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", count], env=site, check=True, capture_output=True, text=True, timeout=120
    ).stdout
    assert printed.split() == ["30", "30"]

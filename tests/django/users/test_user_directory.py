"""The accounts of a Django project, on each kind of database."""

import gc
import subprocess
import sys
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import update_last_login
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_delete, post_save
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings as DjangoSettings

from tests.django.outbox.databases import ALIAS
from tests.django.users.models import ByNumber, ByText, ByUuid
from tests.users.clock import Clock
from trackside.django.user_directory import DjangoUsers, default_directory
from trackside.testing.directory_contract import HONOR, DirectoryContract, find, find_named
from trackside.users.base import Directory, InvalidUserIdError, NotLoadedError, User, UsersUnavailable, Wanted

Account = get_user_model()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def users(connection: BaseDatabaseWrapper, clock: Clock) -> DjangoUsers:
    """A directory of a database that has honor, with the key 10."""
    Account.objects.create(pk=10, username="honor")
    return DjangoUsers(clock=clock)


class TestContract(DirectoryContract):
    """It is a directory like the others."""

    @pytest.fixture(autouse=True)
    def _place(self, connection: BaseDatabaseWrapper) -> None:
        """Have a database."""

    def make_directory(self, users: Sequence[User]) -> Directory:
        """Return the directory under test."""
        Account.objects.bulk_create(Account(pk=each.id, username=each.username) for each in users)
        return DjangoUsers(keeps_connection=False)


@pytest.mark.parametrize("user_id", [10, 10.7, " 10 ", "1_0", "10"])
def test_ids_that_mean_the_same(users: DjangoUsers, user_id: object) -> None:
    """As Django's integer keys take them: one look-up is enough for all spellings."""
    assert find(users, user_id) == HONOR
    assert [users.user(each) for each in (10, 10.2, "1_0")] == [HONOR] * 3


@pytest.mark.parametrize(
    "user_id", ["10.0", "foobar", "9" * 5_000, float("inf"), float("nan"), None, [10], {}]
)
def test_ids_that_are_none(user_id: object) -> None:
    """What Django raises for them, or would break on."""
    with pytest.raises(InvalidUserIdError):
        DjangoUsers().user(user_id)


@pytest.mark.parametrize("user_id", [2**70, -(2**70), 2**63, 2**63 - 1, 2**31, -1, 0, str(2**70)])
def test_ids_of_nobody(users: DjangoUsers, user_id: object) -> None:
    """A number that the column cannot hold is nobody's, and spoils no query."""
    assert find(users, user_id) is None
    users.load([Wanted("id", 10), Wanted("id", str(user_id)), Wanted("id", int(str(user_id)))])
    assert users.user(10) == HONOR
    assert users.user(user_id) is None


@pytest.mark.parametrize("number", [2**31 - 1, 2**31, 2**32, 2**63, 2**70, -(2**31) - 1])
def test_a_key_of_32_bits(connection: BaseDatabaseWrapper, number: int) -> None:
    """Its column's range is what counts."""
    ByNumber._base_manager.create(pk=2**31 - 1, phone=5)
    users = DjangoUsers(ByNumber)
    users.load([Wanted("id", number), Wanted("id", 2**31 - 1)])
    assert users.user(2**31 - 1) == User(2**31 - 1, "5")
    assert users.user(number) == (User(number, "5") if number == 2**31 - 1 else None)


def test_names_that_are_numbers(connection: BaseDatabaseWrapper) -> None:
    """A name is text to whoever asks; what cannot be one is nobody's; one that is missing is empty."""
    ByNumber._base_manager.create(pk=1, phone=5)
    ByNumber._base_manager.create(pk=2, phone=None, is_active=False)
    users = DjangoUsers(ByNumber)
    assert [find_named(users, each) for each in ("5", "foobar", "", "\ud800")] == [User(1, "5"), *[None] * 3]
    assert find(users, 2) == User(2, "")


def test_keys_that_are_uuids(connection: BaseDatabaseWrapper) -> None:
    """In any spelling; the id is the usual one."""
    key = uuid.uuid4()
    ByUuid._base_manager.create(pk=key, email="honor@example.org")
    users = DjangoUsers(ByUuid)
    expected = User(str(key), "honor@example.org")
    assert [find(users, each) for each in (str(key), key.hex, f"{{{key}}}", key.int)] == [expected] * 4
    assert find_named(users, "honor@example.org") == expected
    assert find(users, str(uuid.uuid4())) is None
    none: tuple[object, ...] = (2**128, -1, "foobar", 1.5, [], None)
    for user_id in none:
        with pytest.raises(InvalidUserIdError):
            users.user(user_id)


def test_keys_that_are_text(connection: BaseDatabaseWrapper) -> None:
    """As they are, and no longer than their column."""
    ByText._base_manager.create(pk="honor")
    users = DjangoUsers(ByText)
    assert find(users, "honor") == find_named(users, "honor") == User("honor", "honor")
    assert [find(users, each) for each in (10, "HONOR", "honor ", "\0", "\ud800", "𝄞", True)] == [None] * 7
    none: tuple[object, ...] = ("x" * 31, [], {}, None)
    for user_id in none:
        with pytest.raises(InvalidUserIdError):
            users.user(user_id)


def test_who_is_inactive(connection: BaseDatabaseWrapper) -> None:
    """Is a user all the same: what they did has happened."""
    Account.objects.create(pk=10, username="honor", is_active=False)
    assert find(DjangoUsers(), 10) == HONOR


def test_one_query_for_many(users: DjangoUsers, connection: BaseDatabaseWrapper) -> None:
    """One for ids, one for names; none at all for nobody, or for who can be nobody."""
    Account.objects.bulk_create(Account(pk=each, username=f"u{each}") for each in range(100, 600))
    with CaptureQueriesContext(connection) as queries:
        users.load([Wanted("id", each) for each in range(100, 900)])
        users.load([Wanted("username", f"u{each}") for each in range(100, 900)])
        users.load([Wanted("id", 2**70), Wanted("id", "foobar"), Wanted("username", "\0")])
        users.load([])
    assert len(queries) == 2
    assert [users.user(each) for each in (599, 600)] == [User(599, "u599"), None]


def test_no_query_for_a_user_who_is_known(users: DjangoUsers, connection: BaseDatabaseWrapper) -> None:
    """Events of one user cost one query in five minutes; nobody's one in half a minute."""
    assert (find(users, 10), find(users, 11), find_named(users, "x")) == (HONOR, None, None)
    with CaptureQueriesContext(connection) as queries:
        for user_id in (10, "10", 10.0) * 100:
            assert users.user(user_id) == HONOR
        assert (users.user(11), users.named("honor"), users.named("x")) == (None, HONOR, None)
    assert len(queries) == 0


def test_staleness(users: DjangoUsers, clock: Clock) -> None:
    """What the signals do not tell is seen after a while: nobody sooner than somebody."""
    assert (find(users, 10), find(users, 11)) == (HONOR, None)
    Account.objects.filter(pk=10).update(username="renamed")
    Account.objects.bulk_create([Account(pk=11, username="new")])
    clock.advance(30)
    assert (find(users, 10), find(users, 11)) == (HONOR, User(11, "new"))
    clock.advance(270)
    assert find(users, 10) == User(10, "renamed")


def test_what_is_saved_is_seen_at_once(users: DjangoUsers) -> None:
    """A new account, a new name, an account's end."""
    assert (find(users, 10), find(users, 11), find_named(users, "new")) == (HONOR, None, None)
    Account.objects.create(pk=11, username="new")
    assert find(users, 11) == find_named(users, "new") == User(11, "new")
    account = Account.objects.get(pk=10)
    account.username = "renamed"
    account.save()
    assert (find(users, 10), find_named(users, "honor")) == (User(10, "renamed"), None)
    account.delete()
    assert (find(users, 10), find_named(users, "renamed")) == (None, None)


def test_a_login_forgets_nobody(users: DjangoUsers, connection: BaseDatabaseWrapper) -> None:
    """It saves a time and no name."""
    find(users, 10)
    account = Account.objects.defer("username").get(pk=10)
    with CaptureQueriesContext(connection) as queries:
        update_last_login(Account, user=account)
    assert len(queries) == 1
    assert users.user(10) == HONOR


def test_a_name_that_is_not_loaded(users: DjangoUsers, connection: BaseDatabaseWrapper) -> None:
    """To forget somebody takes no query."""
    find(users, 10)
    account = Account.objects.defer("username").get(pk=10)
    with CaptureQueriesContext(connection) as queries:
        account.save()
    assert not [each for each in queries if each["sql"].startswith("SELECT")]
    assert find(users, 10) == HONOR


def test_a_transaction_that_others_wait_for(users: DjangoUsers) -> None:
    """What somebody looks up before it has committed is forgotten when it has."""
    with transaction.atomic(using=ALIAS):
        Account.objects.get(pk=10)
        account = Account.objects.get(pk=10)
        account.username = "renamed"
        account.save()
        meanwhile: list[User | None] = []
        other = threading.Thread(target=lambda: meanwhile.append(_found_elsewhere(users)))
        other.start()
        other.join()
        assert meanwhile == [HONOR]
        assert users.user(10) == HONOR
    assert find(users, 10) == User(10, "renamed")


def test_a_transaction_that_is_rolled_back(users: DjangoUsers, clock: Clock) -> None:
    """What it saw itself is not believed for long."""
    with transaction.atomic(using=ALIAS):
        Account.objects.create(pk=11, username="never")
        assert find(users, 11) == User(11, "never")
        transaction.set_rollback(True, using=ALIAS)
    clock.advance(30)
    assert find(users, 11) is None


def _found_elsewhere(users: DjangoUsers) -> User | None:
    try:
        return find(users, 10)
    finally:
        connections[ALIAS].close()


def test_a_database_that_is_away(users: DjangoUsers, connection: BaseDatabaseWrapper, vendor: str) -> None:
    """Whoever asks comes back later, and is answered once it is there."""
    find_named(users, "x")  # connected
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE auth_user RENAME TO elsewhere")
    with pytest.raises(UsersUnavailable, match="shop"):
        find(users, 10)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE elsewhere RENAME TO auth_user")
    assert find(users, 10) == HONOR
    if vendor == "sqlite":
        return
    _cut(connection)
    with pytest.raises(UsersUnavailable):
        find(users, 11)
    assert find(users, 11) is None


def _cut(connection: BaseDatabaseWrapper) -> None:
    """End the connection at the server's side."""
    number = "pg_backend_pid()" if connection.vendor == "postgresql" else "connection_id()"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {number}")
        process = cursor.fetchall()[0][0]
    end = (
        f"SELECT pg_terminate_backend({process})" if connection.vendor == "postgresql" else f"KILL {process}"
    )

    def execute() -> None:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(end)
        connections[ALIAS].close()

    thread = threading.Thread(target=execute)
    thread.start()
    thread.join()


def test_an_error_in_the_middle_of_a_transaction(
    users: DjangoUsers, connection: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not close the connection of whoever works on it."""

    def refuse(*args: object) -> None:
        raise DatabaseError("no")

    with transaction.atomic(using=ALIAS):
        Account.objects.create(pk=11, username="new")
        with monkeypatch.context() as broken:
            broken.setattr("trackside.django.user_directory._Accounts.select", refuse)
            with pytest.raises(UsersUnavailable):
                users.load([Wanted("id", 10)])
    assert Account.objects.filter(pk=11).exists()


def test_connections_of_threads(users: DjangoUsers) -> None:
    """A directory for threads of our own leaves no connection open in them; one for Django's leaves its."""
    left: list[bool] = []

    def load(directory: DjangoUsers) -> None:
        directory.load([Wanted("id", 10)])
        left.append(connections[ALIAS].connection is not None)
        connections[ALIAS].close()

    for directory in (DjangoUsers(keeps_connection=False), users):
        thread = threading.Thread(target=load, args=(directory,))
        thread.start()
        thread.join()
    assert left == [False, True]


def test_a_directory_that_is_gone(users: DjangoUsers) -> None:
    """It does not go on listening; one that is there listens from the beginning."""

    def listening() -> list[int]:
        return [len(signal._live_receivers(Account)[0]) for signal in (post_save, post_delete)]

    gc.collect()
    before = listening()
    other = DjangoUsers()
    assert listening() == [each + 1 for each in before]
    find(other, 10)
    del other
    assert listening() == before


def test_nothing_happens_before_the_first_question(tmp_path: Path) -> None:
    """Importing and making it asks for no model and no settings; so it may stand in a settings' module."""
    program = (
        "from trackside.django.user_directory import default_directory\n"
        "assert default_directory() is default_directory()\n"
        "from django.conf import settings\n"
        "assert not settings.configured\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, cwd=tmp_path)


def test_the_one_of_the_process(settings: DjangoSettings) -> None:
    """It is the same for all who ask."""
    assert default_directory() is default_directory()
    with pytest.raises(NotLoadedError):
        default_directory().user(2**31)

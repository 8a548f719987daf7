"""The hooks of the Django settings and of the database are asked from the start of a process on.

Those that a test sets in the settings take their place at once; those that code has installed are asked alone.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.db import transaction
from django.db.models.signals import post_delete, post_save

from trackside.django.secret_rows import encryption
from trackside.django.webfilters.clients import BothClients
from trackside.django.webfilters.following import FollowingWebfilters
from trackside.django.webfilters.keeping import Auditors, Keeper
from trackside.django.webfilters.models import Webfilter
from trackside.django.webfilters.settings import Given, WebfilterSettings, read
from trackside.django.webfilters.transactions import in_transaction
from trackside.errors import ConfigurationError
from trackside.outbound.blocking import BlockingClient
from trackside.tracker import get_tracker
from trackside.webfilters import (
    Asker,
    Auditor,
    ChangesShown,
    EmittingAuditor,
    Webfilters,
    installed,
    stand_by,
)
from trackside.webfilters import install as ask_these
from trackside.webfilters.webfilters import Nobody

_ours: Webfilters | None = None
"""What was installed from here: what code has installed is left alone."""
_made_last: Webfilters | None = None
_keeper: Keeper | None = None


def install() -> None:
    """Let `webfilter` ask the hooks of the Django settings; where they name none, what was installed stays.

    Opens nothing and starts no thread. Raises ImproperlyConfigured where the settings are wrong, or nothing is there
    that could send a question.
    """
    setting_changed.connect(follow, dispatch_uid="trackside.django.webfilters")
    for signal in (post_save, post_delete):
        signal.connect(_row_changed, sender=Webfilter, dispatch_uid="trackside.django.webfilters")
    given, problems = read(settings)
    if problems:
        raise ImproperlyConfigured("\n".join(problems))
    _use(given)


def follow(*, setting: str = "TRACKSIDE", **_: object) -> None:
    """Ask whom the settings name now, where they are wrong nobody; a receiver of Django's `setting_changed`."""
    if setting == "TRACKSIDE":
        given, problems = read(settings)
        _use(Given() if problems else given)


def current() -> Webfilters | None:
    """Return what asks the hooks of the settings and of the database in this process; None where nothing does."""
    return _made_last


def flush(timeout_s: float = 5.0) -> bool:
    """Return True once all questions asked so far are kept in the database; False after the timeout."""
    return _keeper is None or _keeper.flush(timeout_s)


def _use(given: Given) -> None:
    global _ours, _made_last  # noqa: PLW0603  # so that what code has installed is left alone
    made = _made(given)
    if isinstance(_made_last, FollowingWebfilters):
        _made_last.rows.stop()
    _made_last = made
    if given.hooks:
        stand_by(None)
        _ours = made
        ask_these(made)
    else:
        if _ours is not None and installed() is _ours:
            ask_these(None)
            _ours = None
        stand_by(made)


def _made(given: Given) -> Webfilters | None:
    """Return what asks; None where there is nobody to be asked, or nothing that could ask the database's hooks."""
    said = given.settings
    if not (given.hooks or said.rows):
        return None
    try:
        client = BlockingClient(policy=said.policy, proxy=said.proxy)
    except ImportError as error:
        if not given.hooks:
            # without encryption no row can be there; else theirs must not look like gates that are open
            return _asks(given, Nobody()) if encryption.is_available() else None
        raise ImproperlyConfigured(
            "TRACKSIDE['webfilters'] has hooks, and nothing is installed that could ask them;"
            " want pycurl or aiohttp: pip install trackside[server]"
        ) from error
    except ConfigurationError as error:
        raise ImproperlyConfigured(f"TRACKSIDE['webfilters']: {error}") from error
    return _asks(given, client)


def _asks(given: Given, client: Asker) -> Webfilters:
    said = given.settings
    urls = {url for hook in given.hooks for url in (hook.url, hook.oauth_token_url) if url}
    return (FollowingWebfilters if said.rows else Webfilters)(
        given.hooks,
        asker=BothClients(client, urls) if said.rows else client,
        auditor=_auditor(said),
        rules=said.rules,
        rules_of=given.rules_of,
        changes_shown=ChangesShown(values=said.record_values),
        failures_until_probing=said.failures_until_probing,
        in_transaction=in_transaction,
    )


def _auditor(said: WebfilterSettings) -> Auditor | None:
    global _keeper  # noqa: PLW0603  # one thread for the process
    auditors: list[Auditor] = [EmittingAuditor(_emit)] if said.emit else []
    if said.audit:
        if _keeper is None:
            _keeper = Keeper(said)
        _keeper.settings = said
        auditors.append(_keeper)
    return Auditors(auditors) if auditors else None


def _row_changed(*, using: str | None = None, **_: object) -> None:
    """Let a change that was made here count at once, and again when it is there for other connections."""
    if isinstance(made := _made_last, FollowingWebfilters):
        made.rows.changed()
        transaction.on_commit(made.rows.changed, using=using)


def _emit(name: str, data: dict[str, Any]) -> None:
    get_tracker().emit(name, data)

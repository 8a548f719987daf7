"""The hooks of the Django settings are asked from the start of a process on, and those that a test sets instead."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from trackside.django.webfilters.settings import Given, read
from trackside.django.webfilters.transactions import in_transaction
from trackside.errors import ConfigurationError
from trackside.outbound.blocking import BlockingClient
from trackside.tracker import get_tracker
from trackside.webfilters import ChangesShown, EmittingAuditor, Webfilters, installed
from trackside.webfilters import install as ask_these

_ours: Webfilters | None = None
"""What was installed from here: what code has installed is left alone."""


def install() -> None:
    """Let `webfilter` ask the hooks of the Django settings; where they name none, what was installed stays.

    Opens nothing and starts no thread. Raises ImproperlyConfigured where the settings are wrong, or nothing is there
    that could send a question.
    """
    setting_changed.connect(follow, dispatch_uid="trackside.django.webfilters")
    given, problems = read(settings)
    if problems:
        raise ImproperlyConfigured("\n".join(problems))
    _use(given)


def follow(*, setting: str = "TRACKSIDE", **_: object) -> None:
    """Ask whom the settings name now, where they are wrong nobody; a receiver of Django's `setting_changed`."""
    if setting == "TRACKSIDE":
        given, problems = read(settings)
        _use(Given() if problems else given)


def _use(given: Given) -> None:
    global _ours  # noqa: PLW0603  # so that what code has installed is left alone
    if given.hooks:
        _ours = _made(given)
        ask_these(_ours)
    elif _ours is not None and installed() is _ours:
        ask_these(None)
        _ours = None


def _made(given: Given) -> Webfilters:
    said = given.settings
    try:
        client = BlockingClient(policy=said.policy, proxy=said.proxy)
    except ImportError as error:
        raise ImproperlyConfigured(
            "TRACKSIDE['webfilters'] has hooks, and nothing is installed that could ask them;"
            " want pycurl or aiohttp: pip install trackside[server]"
        ) from error
    except ConfigurationError as error:
        raise ImproperlyConfigured(f"TRACKSIDE['webfilters']: {error}") from error
    return Webfilters(
        given.hooks,
        asker=client,
        auditor=EmittingAuditor(_emit) if said.emit else None,
        rules=said.rules,
        rules_of=given.rules_of,
        changes_shown=ChangesShown(values=said.record_values),
        failures_until_probing=said.failures_until_probing,
        in_transaction=in_transaction,
    )


def _emit(name: str, data: dict[str, Any]) -> None:
    get_tracker().emit(name, data)

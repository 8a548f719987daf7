"""The outbox: events of `emit(…, on_commit=True)` are rows of the caller's transaction until it has committed."""


def install() -> None:
    """Let `emit(…, on_commit=True)` decide by the transactions of this project's database from now on.

    Opens nothing and starts no thread. Raises ImproperlyConfigured where the outbox's settings are wrong.
    """
    from django.core.signals import setting_changed

    from trackside.django.outbox import settings
    from trackside.django.outbox.emitting import hold_until_commit, hold_written_until_commit
    from trackside.tracker import set_on_commit

    settings.reset()
    settings.current()
    setting_changed.connect(settings.reset, dispatch_uid="trackside.django.outbox.settings")
    set_on_commit(hold_until_commit, hold_written_until_commit)

"""The last moments of a process: runs what has to happen before it ends, however it ends in an orderly way.

`atexit` alone is not enough: children of `multiprocessing` and of Celery's pool leave without it, and uWSGI
ends its workers by its own rule.
"""

import atexit
import sys
import weakref
from collections.abc import Callable
from typing import Any

Callback = Callable[[], None]

_callbacks: "list[weakref.WeakMethod[Callback]]" = []
_finalizers: dict[str, Any] = {}


def call_at_exit(method: Callback) -> None:
    """Call this method before the process ends, unless its object is gone by then; the last registered is called
    first, also among those that others gave to `atexit`. A forked child calls it at its own end.
    """
    reference = weakref.WeakMethod(method)
    _callbacks.append(reference)
    atexit.register(_call, reference)


def watch_exits() -> None:
    """See to it that the callbacks run at the end of this process. To be called now and then: the pools forget
    what was registered before their work began.
    """
    for pool in ("multiprocessing.util", "billiard.util"):
        module: Any = sys.modules.get(pool)
        if module is None:  # where it was never imported, this process is no child of its making
            continue
        finalizer = _finalizers.get(pool)
        if finalizer is None or not finalizer.still_active():
            _finalizers[pool] = module.Finalize(None, run_callbacks, exitpriority=0)
    uwsgi = sys.modules.get("uwsgi")
    if uwsgi is not None:
        _chain_uwsgi(uwsgi)


def _chain_uwsgi(uwsgi: Any) -> None:
    before = getattr(uwsgi, "atexit", None)
    if before is run_callbacks or getattr(before, "runs_callbacks", False):
        return

    def run_both() -> None:
        run_callbacks()
        if before is not None:
            before()

    run_both.runs_callbacks = True  # type: ignore[attr-defined]
    uwsgi.atexit = run_both


def run_callbacks() -> None:
    """Call every callback now."""
    for reference in reversed(_callbacks):
        _call(reference)


def _call(reference: "weakref.WeakMethod[Callback]") -> None:
    callback = reference()
    if callback is not None:
        callback()

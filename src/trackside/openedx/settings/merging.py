"""Additions to a settings module that leave what an operator said, and do nothing the second time."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

DJANGO_APP = "trackside.django"
OPENEDX_APP = "trackside.openedx"
COMPAT_APP = "trackside.compat.eventtracking"
"""With it the platform's own tracker is ours, and its settings mean it."""
LOG_BACKEND = "trackside.backends.log.LogBackend"
MIDDLEWARE = "trackside.django.middleware.TrackMiddleware"
PLATFORMS_MIDDLEWARE = (
    "common.djangoapps.track.middleware.TrackMiddleware",
    "track.middleware.TrackMiddleware",
)
_TOKENS = ("ENV_TOKENS", "AUTH_TOKENS")
"""What releases call the files `lms.yml` and `studio.yml` as they were read."""
_WHOLE = ("backends", "processors")
"""Keys whose values are one thing, and not merged."""
_OURS = "_trackside_defaults"
"""Where a settings module remembers what it has from us, so that it can be told from an operator's."""

Table = dict[str, Any]


def add_apps(settings: Any) -> None:
    """Have the Django app before the plugin's, whose place is for the loader to say."""
    installed = list(getattr(settings, "INSTALLED_APPS", ()))
    if any(each == DJANGO_APP or each.startswith(f"{DJANGO_APP}.apps.") for each in installed):
        return
    ours = (
        at for at, each in enumerate(installed) if each == OPENEDX_APP or each.startswith(f"{OPENEDX_APP}.")
    )
    installed.insert(next(ours, len(installed)), DJANGO_APP)
    _set_sequence(settings, "INSTALLED_APPS", installed)


def add_middleware(settings: Any) -> None:
    """Have the middleware behind the platform's own for tracking, else behind the one that knows the user."""
    present = list(getattr(settings, "MIDDLEWARE", ()))
    if MIDDLEWARE in present:
        return
    places = [at for at, each in enumerate(present) if each in PLATFORMS_MIDDLEWARE] or [
        at for at, each in enumerate(present) if str(each).endswith("AuthenticationMiddleware")
    ]
    present.insert(places[-1] + 1 if places else len(present), MIDDLEWARE)
    _set_sequence(settings, "MIDDLEWARE", present)


def add_defaults(settings: Any) -> None:
    """Give `TRACKSIDE` what it lacks: what the operator's files say, then what suits the platform."""
    given = getattr(settings, "TRACKSIDE", {})
    if not isinstance(given, Mapping):
        return  # the app says at its start what is wrong
    own = _without(given, getattr(settings, _OURS, {}))
    for name in _TOKENS:
        tokens = getattr(settings, name, None)
        table = tokens.get("TRACKSIDE") if isinstance(tokens, Mapping) else None
        if isinstance(table, Mapping):
            own = _over(table, own)
    defaults = _defaults(settings, own)
    settings.TRACKSIDE = _over(defaults, own)
    setattr(settings, _OURS, defaults)


def _defaults(settings: Any, own: Mapping[str, Any]) -> Table:
    defaults: Table = {}
    folder = getattr(settings, "DATA_DIR", None)
    if isinstance(folder, str | PurePath) and str(folder):
        defaults["data_dir"] = f"{folder}/trackside"  # the platform's working directory is its code
    if any(each in PLATFORMS_MIDDLEWARE for each in getattr(settings, "MIDDLEWARE", ())):
        defaults["requests"] = {"emit": False}  # the platform makes events of them already
    if COMPAT_APP in getattr(settings, "INSTALLED_APPS", ()):
        return defaults
    # The platform's tracker is not ours: what EVENT_TRACKING_BACKENDS names is not made and fed a second time.
    # a log without OPTIONS is the one in `data_dir`, also if a later file changes that
    defaults["backends"] = {"log": {"ENGINE": LOG_BACKEND}}
    defaults["processors"] = []
    return {key: value for key, value in defaults.items() if key not in _WHOLE or key not in own}


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> Table:
    """Return `below` with the keys of `above` over it, tables one in the other."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(under, Mapping) and key not in _WHOLE
        merged[key] = _over(under, value) if both else value  # type: ignore[arg-type]  # `both` says it
    return merged


def _without(table: Mapping[str, Any], ours: Mapping[str, Any]) -> Table:
    """Return `table` without what it has from us, unchanged."""
    left: Table = {}
    for key, value in table.items():
        known = ours.get(key)
        if isinstance(value, Mapping) and isinstance(known, Mapping) and key not in _WHOLE:
            if rest := _without(value, known):
                left[key] = rest
        elif key not in ours or value != known:
            left[key] = value
    return left


def _set_sequence(settings: Any, name: str, values: Sequence[str]) -> None:
    """Set a list where there was one, so that whoever holds it sees it; else a new tuple."""
    present = getattr(settings, name, None)
    if isinstance(present, list):
        present[:] = values
    else:
        setattr(settings, name, tuple(values) if isinstance(present, tuple) else list(values))

"""Every public filter of the installed openedx-filters, and those of other packages; none is known by name here."""

import importlib
import inspect
import logging
import pkgutil
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any

from trackside.event import NameFilter

try:
    from openedx_filters import tooling
    from openedx_filters.exceptions import OpenEdxFilterException
except ImportError:
    tooling = None

logger = logging.getLogger("trackside.openedx")

_PACKAGE = "openedx_filters"


def is_available() -> bool:
    """Return whether openedx-filters is installed."""
    return tooling is not None


def public_filters(modules: Iterable[str] = ()) -> dict[str, Any]:
    """Return the classes of filters by their types.

    `modules` are those of other packages; a module that cannot be imported costs its own filters only. May be called
    before Django's settings exist.
    """
    if tooling is None:
        return {}
    for name in (*_modules(), *modules):
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001  # a release's own fault must not keep the platform from starting
            logger.error(
                "Filters cannot be loaded", extra={"filters_module": name, "error": type(error).__name__}
            )
    found: dict[str, Any] = {}
    for each in _below(tooling.OpenEdxPublicFilter):
        if (
            isinstance(each.filter_type, str)
            and each.filter_type
            and callable(getattr(each, "run_filter", None))
        ):
            found.setdefault(each.filter_type, each)
    return found


def wanted_filters(
    names: Iterable[str], ignore: Iterable[str], modules: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the classes of those filters whose types are like one of `names` and none of `ignore`."""
    wanted, ignored = NameFilter(names), NameFilter(ignore)
    return {
        filter_type: filter_class
        for filter_type, filter_class in public_filters(modules).items()
        if wanted.matches(filter_type) and not ignored.matches(filter_type)
    }


def arguments_of(filter_class: Any) -> tuple[str, ...]:
    """Return the names that a filter hands to its pipeline, as far as its signature says."""
    try:
        parameters = inspect.signature(filter_class.run_filter).parameters.values()
    except (TypeError, ValueError):
        return ()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(each.name for each in parameters if each.kind in named)


def exceptions_of(filter_class: Any) -> dict[str, Any]:
    """Return the classes of the exceptions that a filter declares, in their order, by name."""
    found: dict[str, Any] = {}
    for kind in filter_class.__mro__:
        for name, member in vars(kind).items():
            # others are errors to a pipeline, which it may swallow
            if inspect.isclass(member) and issubclass(member, OpenEdxFilterException):
                found.setdefault(name, member)
    return found


def _modules() -> Iterator[str]:
    package = importlib.import_module(_PACKAGE)
    for each in pkgutil.iter_modules(package.__path__, f"{_PACKAGE}."):
        if each.ispkg and not each.name.endswith(".tests") and _has_filters(each.name):
            yield f"{each.name}.filters"


def _has_filters(package: str) -> bool:
    try:
        return find_spec(f"{package}.filters") is not None
    except Exception:  # noqa: BLE001  # the package itself cannot be imported: whoever imports it, says so
        return True


def _below(kind: Any) -> Iterator[Any]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)

"""What the admin of a platform calls things, and the names it offers: as operators of openedx-webhooks know them."""

import re
from collections.abc import Iterator

from django.apps import apps

from trackside.django.secret_rows.offers import offer
from trackside.openedx.importing.names import FILTERS, installed_signals
from trackside.webfilters import POINTS

SECTION = "OPENEDX_WEBHOOKS (Trackside)"
"""The title of the part of the admin that has Webhooks and Webfilters."""


def signals_offered() -> Iterator[tuple[str, str]]:
    """Yield the types of the installed signals, each as openedx-webhooks shows its constant."""
    for constant, event_type in installed_signals().items():
        yield event_type, constant.capitalize().replace("_", " ")


def filters_offered() -> Iterator[tuple[str, str]]:
    """Yield the points there are, each as openedx-webhooks shows its filter, or with its own sentence."""
    known = {each.type: each.name for each in FILTERS.values()}
    for name, point in POINTS.items():
        yield name, _in_words(known[name]) if name in known else point.sentence


def _in_words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)


if apps.is_installed("trackside.django"):
    apps.get_app_config("trackside").verbose_name = SECTION
    offer("events", signals_offered)
    offer("point", filters_offered)

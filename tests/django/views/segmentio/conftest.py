"""A site with the webhook: its URL, its secret, its users, and a tracker that collects."""

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from tests.sources.segment_webhook.requests import SECRET, Accounts
from trackside.django.segment_webhook import receiving
from trackside.telemetry import catalogue

URLS = "trackside.django.urls"
PATH = "/segmentio/event"


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> Accounts:
    """Return the directory that the webhook asks; it knows user 10."""
    accounts = Accounts(honor=10)
    monkeypatch.setattr(receiving, "directory", lambda _: accounts)
    return accounts


@pytest.fixture
def site(settings: Settings, users: Accounts) -> Settings:
    """Return the settings of a site that takes the webhook."""
    settings.ROOT_URLCONF = URLS
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.TRACKING_SEGMENTIO_WEBHOOK_SECRET = SECRET
    settings.MIDDLEWARE = []
    return settings


def post(
    body: Any, *, query: str = f"key={SECRET}", client: Client | None = None, **extra: Any
) -> HttpResponse:
    """Return what the site answers to a call, JSON unless it is bytes already."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    extra = {"content_type": "application/json", "method": "POST", **extra}
    answer: Any = (client or Client()).generic(extra.pop("method"), f"{PATH}?{query}", content, **extra)
    return cast("HttpResponse", answer)


@pytest.fixture(autouse=True)
def _own_counters() -> Iterator[None]:
    counters = (
        catalogue.REQUESTS,
        catalogue.REQUESTS_SHED,
        catalogue.EVENTS_REJECTED,
        catalogue.EVENTS_IGNORED,
        catalogue.EVENTS_DUPLICATES,
    )
    for counter in counters:
        counter.reset()
    yield
    for counter in counters:
        counter.reset()

"""The console while the database of the webhooks, which may be a site's, is away."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client

from tests.console.test_pages import shown
from trackside.console import live
from trackside.django.webhooks.models import Webhook

__all__ = ["shown"]

pytestmark = pytest.mark.django_db


class Away:
    """Stands for rows that cannot be read."""

    def __getattr__(self, name: str) -> Any:
        def fail(*_: Any, **__: Any) -> Any:
            raise DatabaseError("cannot connect")

        return fail


@pytest.fixture
def pages(client: Client) -> Client:
    """The console as the administrator sees it."""
    client.force_login(User.objects.create_superuser("admin"))
    return client


def test_pages_are_shown(shown: live.Live, pages: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has a place in the log is listed, and has a page; nothing is known of its row."""
    shown.log.subscription("crm")
    Webhook(name="crm", url="https://crm.example.org/").save()
    before = [pages.get(path) for path in ("/", "/destinations/crm/")]
    monkeypatch.setattr(Webhook, "objects", Away())
    after = [pages.get(path) for path in ("/", "/destinations/crm/")]
    assert [page.status_code for page in (*before, *after)] == [200] * 4
    assert b"crm" in after[0].content

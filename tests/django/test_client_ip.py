"""Whose address stands in an event."""

import pytest
from pytest_django import Settings

from tests.django.conftest import Emitted, MakeRequest
from tests.django.test_middleware import run
from trackside.django.client_ip import client_ip

ALL = ("0.0.0.0/0", "::/0")


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({"REMOTE_ADDR": "203.0.113.7"}, "203.0.113.7"),
        ({"HTTP_X_FORWARDED_FOR": "11.22.33.44, 10.0.0.1, 127.0.0.1", "REMOTE_ADDR": "10.0.0.2"}, "11.22.33.44"),
        ({"HTTP_X_FORWARDED_FOR": "11.22.33.44"}, "11.22.33.44"),
        ({"HTTP_X_FORWARDED_FOR": "11.22.33.44:5123", "REMOTE_ADDR": "127.0.0.1"}, "11.22.33.44"),
        ({"HTTP_X_FORWARDED_FOR": "[2001:db8::1]:443", "REMOTE_ADDR": "127.0.0.1"}, "2001:db8::1"),
        ({"HTTP_X_FORWARDED_FOR": "10.0.0.5", "REMOTE_ADDR": "11.22.33.44"}, "11.22.33.44"),
        ({"HTTP_X_FORWARDED_FOR": "10.0.0.5, 11.22.33.44", "REMOTE_ADDR": "127.0.0.1"}, "11.22.33.44"),
        ({"HTTP_X_FORWARDED_FOR": "11.22.33.44, bogus", "REMOTE_ADDR": "10.0.0.1"}, "10.0.0.1"),
        ({"HTTP_X_FORWARDED_FOR": "1.1.1.1, " * 10_000, "REMOTE_ADDR": "10.0.0.1"}, "1.1.1.1"),
        ({"HTTP_X_FORWARDED_FOR": "0.0.0.0", "REMOTE_ADDR": "10.0.0.1"}, "10.0.0.1"),
        ({"HTTP_X_FORWARDED_FOR": "10.0.0.5", "REMOTE_ADDR": "127.0.0.1"}, "10.0.0.5"),
        ({"HTTP_X_FORWARDED_FOR": "<script>", "REMOTE_ADDR": "203.0.113.7"}, "203.0.113.7"),
        ({"HTTP_X_FORWARDED_FOR": ""}, ""),
        ({"HTTP_X_REAL_IP": "198.51.100.4", "REMOTE_ADDR": "127.0.0.1"}, "198.51.100.4"),
        ({"REMOTE_ADDR": "::ffff:203.0.113.7"}, "203.0.113.7"),
        ({"REMOTE_ADDR": "127.0.0.1"}, "127.0.0.1"),
        ({"REMOTE_ADDR": ""}, ""),
        ({"REMOTE_ADDR": None}, ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_the_client_of_a_request(meta: dict[str, object], expected: str) -> None:
    assert client_ip(meta, ALL) == expected


def test_forwarded_addresses_are_believed_of_named_proxies_only(
    emitted: Emitted, make_request: MakeRequest, settings: Settings
) -> None:
    settings.TRACKSIDE = {"requests": {"forwarded_from": ["10.0.0.0/8"]}}
    for peer in ("203.0.113.7", "10.1.1.1", ""):
        run(make_request(REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR="198.51.100.4"))
    assert [event["context"]["ip"] for event in emitted] == ["203.0.113.7", "198.51.100.4", "198.51.100.4"]

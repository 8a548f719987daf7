"""Which of the two clients is used."""

import select
import sys
from types import ModuleType

import pytest

from trackside.errors import ConfigurationError
from trackside.outbound.client import HttpClient
from trackside.outbound.opening import client_kind, open_client


@pytest.fixture
def without_pycurl(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pycurl be not installed."""
    monkeypatch.delenv("TRACKSIDE_HTTP_CLIENT", raising=False)
    monkeypatch.setitem(sys.modules, "pycurl", None)


def test_curl_where_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pycurl")
    monkeypatch.delenv("TRACKSIDE_HTTP_CLIENT", raising=False)
    assert client_kind() == "curl"
    assert type(open_client()).__name__ == "CurlClient"
    monkeypatch.setenv("TRACKSIDE_HTTP_CLIENT", "aiohttp")
    assert type(open_client()) is HttpClient


@pytest.mark.usefixtures("without_pycurl")
def test_aiohttp_where_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert type(open_client()) is HttpClient
    monkeypatch.setenv("TRACKSIDE_HTTP_CLIENT", "curl")
    with pytest.raises(ConfigurationError, match="install trackside"):
        open_client()


def test_aiohttp_where_pycurl_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRACKSIDE_HTTP_CLIENT", raising=False)
    monkeypatch.setitem(sys.modules, "pycurl", ModuleType("pycurl"))
    assert client_kind() == "aiohttp"


def test_aiohttp_where_gevent_took_epoll_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRACKSIDE_HTTP_CLIENT", raising=False)
    monkeypatch.delattr(select, "epoll", raising=False)
    assert client_kind() == "aiohttp"


def test_what_is_neither_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKSIDE_HTTP_CLIENT", "httpx")
    with pytest.raises(ConfigurationError, match="want curl or aiohttp"):
        client_kind()

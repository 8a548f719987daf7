"""What all requests of a client have in common."""

import pytest

from trackside.errors import ConfigurationError

pytest.importorskip("pycurl")

from trackside.outbound.curl.options import http2_allowed


@pytest.mark.parametrize(("said", "allowed"), [("", True), ("on", True), ("off", False)])
def test_the_environment_may_forbid_http_2(monkeypatch: pytest.MonkeyPatch, said: str, allowed: bool) -> None:
    monkeypatch.setenv("TRACKSIDE_HTTP2", said)
    assert http2_allowed() is allowed


def test_another_word_about_http_2_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKSIDE_HTTP2", "no")
    with pytest.raises(ConfigurationError, match="want on or off"):
        http2_allowed()

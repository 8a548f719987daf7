"""When a connection of HTTP/2 is given up: not because one request waits, but because nobody hears anything."""

import pytest

pytest.importorskip("pycurl")

from trackside.outbound.curl.streams import KNOWN_CONNECTIONS, SILENT_S, Streams, is_broken

OURS = "127.0.0.1", 40_000
OTHER = "127.0.0.1", 40_001


def _dead(streams: Streams, *, waited_s: float, now_s: float, others: bool = True) -> bool:
    return streams.seems_dead(OURS, waited_s=waited_s, now_s=now_s, others=others)


def test_nobody_loses_a_connection_on_which_another_was_answered_meanwhile() -> None:
    streams = Streams()
    streams.hear(OURS, at_s=95)
    assert not _dead(streams, waited_s=10, now_s=100)
    assert not _dead(streams, waited_s=10, now_s=100, others=False)


def test_who_waited_alone_takes_the_connection_along() -> None:
    streams = Streams()
    assert _dead(streams, waited_s=1, now_s=100, others=False)
    assert streams.carried(OURS)
    streams = Streams()
    streams.hear(OURS, at_s=80)
    assert _dead(streams, waited_s=1, now_s=100, others=False)


def test_others_keep_it_while_the_silence_is_short() -> None:
    assert not _dead(Streams(), waited_s=SILENT_S - 1, now_s=100)
    assert _dead(Streams(), waited_s=SILENT_S, now_s=100)


def test_the_silence_of_short_waits_adds_up() -> None:
    streams = Streams()
    assert not _dead(streams, waited_s=1, now_s=101)
    assert not _dead(streams, waited_s=1, now_s=103)
    assert _dead(streams, waited_s=1, now_s=100 + SILENT_S)


def test_an_answer_ends_the_silence() -> None:
    streams = Streams()
    assert not _dead(streams, waited_s=1, now_s=101)
    streams.hear(OURS, at_s=102)
    assert not _dead(streams, waited_s=1, now_s=104 + SILENT_S)


def test_a_connection_that_was_forgotten_is_not_known() -> None:
    streams = Streams()
    streams.hear(OURS, at_s=1)
    assert streams.carried(OURS)
    assert not streams.carried(OTHER)
    assert streams.forget(OURS)
    assert not streams.forget(OURS)
    assert not streams.carried(OURS)


def test_what_is_remembered_is_bounded() -> None:
    streams = Streams()
    for number in range(3 * KNOWN_CONNECTIONS):
        streams.hear(("::1", number), at_s=1)
        streams.seems_dead(("::2", number), waited_s=1, now_s=2, others=True)
        streams.want_plain(f"https://hooks.test/{number}")
    assert (
        sum(streams.carried(("::1", number)) for number in range(3 * KNOWN_CONNECTIONS)) <= KNOWN_CONNECTIONS
    )
    assert len(streams._silent_since_s) <= KNOWN_CONNECTIONS
    assert len(streams.plain) <= KNOWN_CONNECTIONS


def test_who_wants_http_1_1_is_asked_so_the_next_time() -> None:
    streams = Streams()
    streams.want_plain("https://hooks.test/a")
    assert "https://hooks.test/a" in streams.plain
    assert "https://hooks.test/b" not in streams.plain


def test_what_curl_says_at_a_deadline() -> None:
    assert not is_broken("Operation timed out after 300 milliseconds with 0 bytes received")
    assert not is_broken(
        "Recv failure: Connection reset by peer"
    )  # that of an earlier try, which curl holds on to
    assert is_broken("nghttp2 shuts down connection with error 6: FRAME_SIZE_ERROR")

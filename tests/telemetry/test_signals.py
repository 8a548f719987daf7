"""Internal events reach whoever listens, and nobody's fault reaches the others."""

import pytest
from msgspec import Struct

from trackside.telemetry import Signal
from trackside.telemetry.signals import _SIGNALS, HANDLER_FAILURES


class Rang(Struct, frozen=True):
    """The bell rang."""

    times: int


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> Signal[Rang]:
    monkeypatch.setattr("trackside.telemetry.signals._SIGNALS", dict(_SIGNALS))
    return Signal("bell.rang", Rang)


def test_handlers_are_called_in_order(bell: Signal[Rang]) -> None:
    """Each handler gets the payload, in order of subscription, until it ends its subscription."""
    heard: list[tuple[str, int]] = []
    assert not bell
    stop = bell.subscribe(lambda rang: heard.append(("first", rang.times)))
    bell.subscribe(lambda rang: heard.append(("second", rang.times)))
    assert bell
    bell.send(Rang(1))
    stop()
    stop()
    bell.send(Rang(2))
    assert heard == [("first", 1), ("second", 1), ("second", 2)]


def test_a_failing_handler_is_isolated(bell: Signal[Rang], caplog: pytest.LogCaptureFixture) -> None:
    """Its exception is logged and counted; the other handlers and the sender do not notice."""
    heard: list[int] = []

    def fail(rang: Rang) -> None:
        raise RuntimeError(rang.times)

    bell.subscribe(fail)
    bell.subscribe(lambda rang: heard.append(rang.times))
    bell.send(Rang(3))
    assert heard == [3]
    assert HANDLER_FAILURES.value("bell.rang") == 1
    assert [(record.message, record.signal) for record in caplog.records] == [  # type: ignore[attr-defined]
        ("handler of an internal event failed", "bell.rang")
    ]


def test_a_handler_may_end_itself(bell: Signal[Rang]) -> None:
    """Ending a subscription while the event is told does not skip anybody."""
    heard: list[str] = []

    def once(rang: Rang) -> None:
        heard.append("once")
        bell.unsubscribe(once)

    bell.subscribe(once)
    bell.subscribe(lambda rang: heard.append("always"))
    bell.send(Rang(1))
    bell.send(Rang(1))
    assert heard == ["once", "always", "always"]

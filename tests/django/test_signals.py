"""Django's signals for deliveries carry what the internal events tell, and cost nothing without receivers."""

from typing import Any

from trackside.django.signals import delivery_failed, destination_disabled
from trackside.telemetry import catalogue


def _disabled() -> None:
    if catalogue.DESTINATION_DISABLED:
        catalogue.DESTINATION_DISABLED.send(
            catalogue.DestinationDisabled(destination="crm", reason="answered 410")
        )


def test_a_receiver_is_told() -> None:
    told: list[dict[str, Any]] = []

    def receive(**named: Any) -> None:
        told.append(named)

    destination_disabled.connect(receive)
    try:
        _disabled()
    finally:
        assert destination_disabled.disconnect(receive)
    _disabled()
    (named,) = told
    assert (named["destination"], named["reason"]) == ("crm", "answered 410")
    assert named["sender"] is catalogue.DestinationDisabled
    assert named["signal"] is destination_disabled


def test_nothing_listens_without_receivers() -> None:
    """While a receiver is connected, and only then, the internal event is listened to, once."""
    assert not catalogue.DELIVERY_FAILED

    def first(**_: Any) -> None: ...

    def second(**_: Any) -> None: ...

    delivery_failed.connect(first)
    delivery_failed.connect(second)
    assert catalogue.DELIVERY_FAILED
    delivery_failed.disconnect(first)
    assert catalogue.DELIVERY_FAILED
    delivery_failed.disconnect(second)
    assert not catalogue.DELIVERY_FAILED


def test_a_receiver_that_raises_harms_nobody() -> None:
    told: list[str] = []

    def fail(**_: Any) -> None:
        raise RuntimeError("no pager")

    def receive(reason: str, **_: Any) -> None:
        told.append(reason)

    destination_disabled.connect(fail)
    destination_disabled.connect(receive)
    try:
        _disabled()
    finally:
        destination_disabled.disconnect(fail)
        destination_disabled.disconnect(receive)
    assert told == ["answered 410"]

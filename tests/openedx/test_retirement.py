"""The platform retires a user: defect D26 of openedx-webhooks, whose models say that they hold nothing of anybody."""

import json

from tests.openedx.conftest import Host


def test_d26_the_platform_retires_a_user(host: Host) -> None:
    """Its signals take the user out of our tables; the log has one event of it, however many signals there were.

    One whose retirement is rolled back stays, and nobody is told.
    """
    shown = host.run("tests.openedx.host.retire")
    user_id, actors = json.loads(shown.splitlines()[-1])
    assert sorted(actors) == ["", "verified"]
    (event,) = host.events()
    assert (event.name, event.user_id) == ("trackside.user.retired", str(user_id))
    assert event.decoded_data() == {"user_id": user_id, "username": "honor"}


def test_a_platform_without_these_signals(host: Host) -> None:
    """It starts as ever."""
    shown = host.run(
        code="from trackside.openedx.retirement import follow_retirement; print(follow_retirement())"
    )
    assert shown.split() == ["0"]

"""How fast something goes, and how long it will take."""

from trackside.cli.pace import Speed, duration_text, time_left_text


def test_speed_is_that_of_the_last_seconds() -> None:
    """A slow beginning is forgotten after ten seconds."""
    now = [0.0]
    speed = Speed(lambda: now[0])
    assert speed.per_s == 0
    value = 0
    for _ in range(100):
        speed.note(value)
        now[0] += 1
        value += 10
    assert speed.per_s == 10
    for _ in range(15):
        speed.note(value)
        now[0] += 1
        value += 200
    assert speed.per_s == 200


def test_times() -> None:
    assert [duration_text(s) for s in (5, 119, 180, 7_300, 3 * 86_400)] == [
        "5 s",
        "119 s",
        "3 min",
        "2 h",
        "3 d",
    ]
    assert time_left_text(100, 10) == "10 s left"
    assert time_left_text(100, 0) == "time left unknown"

"""Newer names and the older types they are known by: videos, sequences."""

import json
from typing import Any

import pytest

from trackside.processors.prefixed import PrefixedEventProcessor
from trackside.processors.video import html_id_of
from trackside.telemetry import catalogue

process = PrefixedEventProcessor()


def line(name: str, payload: Any, **context: Any) -> dict[str, Any]:
    return {"name": name, "event_type": name, "event": payload, "page": None, "context": context}


def transformed(name: str, payload: Any, **context: Any) -> dict[str, Any]:
    result = process(line(name, payload, **context))
    assert result is not None
    return result


SEQUENCE = "edx.ui.lms.sequence."


@pytest.mark.parametrize(
    ("name", "payload", "kind", "old_new"),
    [
        ("tab_selected", {"current_tab": 2, "target_tab": 5}, "seq_goto", (2, 5)),
        ("next_selected", {"current_tab": 2, "tab_count": 5}, "seq_next", (2, 3)),
        ("previous_selected", {"current_tab": 2, "tab_count": 5}, "seq_prev", (2, 1)),
    ],
)
@pytest.mark.parametrize("form", [dict, json.dumps])
def test_steps_in_a_sequence(
    name: str, payload: dict[str, Any], kind: str, old_new: tuple[int, int], form: Any
) -> None:
    result = transformed(SEQUENCE + name, form(payload))
    assert result["event_type"] == kind
    assert result["name"] == SEQUENCE + name
    event = json.loads(result["event"]) if form is json.dumps else result["event"]
    assert event == {**payload, "old": old_new[0], "new": old_new[1]}


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("next_selected", {"current_tab": 5, "tab_count": 5}),
        ("previous_selected", {"current_tab": 1, "tab_count": 5}),
    ],
)
def test_a_step_out_of_the_sequence_stays_as_it_is(name: str, payload: dict[str, Any]) -> None:
    assert process(line(SEQUENCE + name, payload)) is None


TYPES = {
    "played": "play_video",
    "paused": "pause_video",
    "stopped": "stop_video",
    "loaded": "load_video",
    "position.changed": "seek_video",
    "transcript.shown": "show_transcript",
    "transcript.hidden": "hide_transcript",
    "language_menu.shown": "video_show_cc_menu",
    "language_menu.hidden": "video_hide_cc_menu",
}


@pytest.mark.parametrize(("name", "kind"), TYPES.items())
def test_what_is_done_to_a_video(name: str, kind: str) -> None:
    given = line(
        f"edx.video.{name}",
        {"code": "mobile", "module_id": "i4x://foo/bar/baz/m", "current_time": 1.5},
        open_in_browser_url="https://lms.example.org/courses/a/courseware/w/a/1",
        component="videoplayer",
    )
    result = process(given)
    assert result is not None
    assert result["event_type"] == kind
    assert result["event"] == {"code": "mobile", "id": "i4x-foo-bar-baz-m", "currentTime": 1.5}
    assert result["page"] == "https://lms.example.org/courses/a/courseware/w/a"
    assert result["context"] == {"component": "videoplayer"}
    assert "open_in_browser_url" in given["context"], "the given event is not changed"


def test_other_video_events_stay_as_they_are() -> None:
    assert process(line("edx.video.bumper.played", {"module_id": "x"})) is None


def test_the_older_name_of_a_seek_is_replaced() -> None:
    assert transformed("edx.video.seeked", {})["name"] == "edx.video.position.changed"


IOS = {"name": "edx.mobileapp.iOS", "version": "1.0.02"}
ANDROID = {"name": "edx.mobileapp.android", "version": "1.0.02"}


@pytest.mark.parametrize(
    ("seek_type", "interval", "application", "want_type", "want_interval"),
    [
        ("slide", -12, IOS, "onSlideSeek", -12),
        ("skip", -30, IOS, "onSkipSeek", -30),
        ("skip", 30, IOS, "onSkipSeek", -30),
        ("skip", 30, {**IOS, "version": "1.0.03"}, "onSkipSeek", 30),
        ("skip", 30, ANDROID, "onSkipSeek", 30),
        ("skip", 12, ANDROID, "onSlideSeek", 12),
        ("skip", -30, None, "onSkipSeek", -30),
        ("other", 30, None, "other", 30),
    ],
)
def test_how_a_position_was_sought(
    seek_type: str, interval: int, application: dict[str, str] | None, want_type: str, want_interval: int
) -> None:
    payload = {"seek_type": seek_type, "requested_skip_interval": interval}
    event = transformed("edx.video.position.changed", payload, application=application)["event"]
    assert event == {"type": want_type, "requested_skip_interval": want_interval}


@pytest.mark.parametrize(
    ("key", "want"),
    [
        ("i4x://foo/bar/baz/m", "i4x-foo-bar-baz-m"),
        ("i4x://foo/bar/ba z/m.x:y~z", "i4x-foo-bar-ba_z-m_x_y_z"),
        ("i4x://foo/bar/baz/m@draft", "i4x-foo-bar-baz-m"),
        ("block-v1:edX+D.X+2024+type@video+block@abc.d~e", "abc.d~e"),
        ("block-v1:edX+D.X+2024+branch@draft+type@video+block@abc", "abc"),
        ("ccx-block-v1:a+b+c+ccx@1+type@video+block@x", "x"),
        ("lib-block-v1:o+l+type@html+block@x", "x"),
        ("i4x://foo/bar", None),
        ("i4x://foo/bar/baz/m/n", None),
        ("block-v1:a+b+c+type@video+block@", None),
        ("block-v1:a+b+c+type@video+block@x y", None),
        ("block-v1:a+b+c+type@video+block@x@y", None),
        ("", None),
    ],
)
def test_how_a_page_names_a_block(key: str, want: str | None) -> None:
    assert html_id_of(key) == want


def test_a_bad_key_is_left_out() -> None:
    assert transformed("edx.video.played", {"module_id": "bad"})["event"] == {}


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        (SEQUENCE + "next_selected", {}),
        (SEQUENCE + "next_selected", {"current_tab": "x", "tab_count": 5}),
        (SEQUENCE + "tab_selected", "no json"),
        (SEQUENCE + "tab_selected", 5),
        ("edx.video.played", {"module_id": 5}),
        ("edx.video.position.changed", {"seek_type": "skip", "requested_skip_interval": "x"}),
        ("edx.video.position.changed", {"seek_type": []}),
    ],
)
def test_an_event_of_another_form_stays_as_it_is_and_is_counted(name: str, payload: Any) -> None:
    before = sum(catalogue.TRACKER_UNTRANSFORMED.values().values())
    assert process(line(name, payload)) is None
    assert sum(catalogue.TRACKER_UNTRANSFORMED.values().values()) == before + 1


@pytest.mark.parametrize("payload", [[1], "[1]", "5", None, ""])
def test_a_payload_that_is_no_object_is_survived(payload: Any) -> None:
    process(line("edx.video.played", payload))


@pytest.mark.parametrize("name", ["edx.course.x", "", None, 5, "edx.video", SEQUENCE])
def test_other_names_stay_as_they_are(name: Any) -> None:
    assert process(line(name, {})) is None


def test_the_longest_prefix_is_taken_and_an_exact_name_before_it() -> None:
    def mark(with_what: str) -> Any:
        def transform(line: dict[str, Any], payload: dict[str, Any]) -> bool:
            payload["by"] = with_what
            return True

        return transform

    own = PrefixedEventProcessor(
        {"a.": mark("a."), "a.b.": mark("a.b."), "a.b.c": mark("a.b.c"), "a": mark("a")}
    )
    by = {
        name: (own(line(name, {})) or {"event": {}})["event"].get("by")
        for name in ("a.x", "a.b.x", "a.b.c", "ab")
    }
    assert by == {"a.x": "a.", "a.b.x": "a.b.", "a.b.c": "a.b.c", "ab": None}

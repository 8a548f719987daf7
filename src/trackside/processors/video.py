"""What is done to a video: the older types and fields of the `edx.video.…` events that apps send.

Source: the documented tracking log events of Open edX, and what its apps send, as of November 2026.
"""

import re
from typing import Any

from trackside.emitted import EmittedEvent

_TYPES = {
    "edx.video.loaded": "load_video",
    "edx.video.played": "play_video",
    "edx.video.paused": "pause_video",
    "edx.video.stopped": "stop_video",
    "edx.video.position.changed": "seek_video",
    "edx.video.seeked": "seek_video",
    "edx.video.transcript.shown": "show_transcript",
    "edx.video.transcript.hidden": "hide_transcript",
    "edx.video.language_menu.shown": "video_show_cc_menu",
    "edx.video.language_menu.hidden": "video_hide_cc_menu",
}
_RENAMED = {"edx.video.seeked": "edx.video.position.changed"}
_SEEK_TYPES = {"slide": "onSlideSeek", "skip": "onSkipSeek"}
_SKIP_S = 30
"""What the skip buttons of the apps skip; any other distance was a slide."""
_IOS_WITHOUT_SIGN = {"name": "edx.mobileapp.iOS", "version": "1.0.02"}
"""This build says +30 also where its user skipped back."""

_PART = r"[\w\-~.:%]+"
_OLD_KEY = re.compile(r"i4x://([^/@]+)/([^/@]+)/([^/@]+)/([^/@]+)(?:@[^/@]+)?")
_KEY = re.compile(
    rf"(?:[a-z]+-)*block-v1:{_PART}\+{_PART}(?:\+[\w\-~.:%@]+)*?\+type@{_PART}\+block@({_PART})"
)
_NOT_IN_HTML_IDS = re.compile(r"[^\w-]")


def video_event(line: EmittedEvent, payload: dict[str, Any]) -> bool:
    """Make the line one of the player's events: `play_video` with `id` and `currentTime`, and so on."""
    kind = _TYPES.get(line["name"])
    if kind is None:
        return False
    line["event_type"] = kind
    line["name"] = _RENAMED.get(line["name"], line["name"])
    if "module_id" in payload:
        _name_by_html_id(payload)
    if "current_time" in payload:
        payload["currentTime"] = payload.pop("current_time")
    if kind == "seek_video":
        _tell_how_it_was_sought(line, payload)
    url = line.get("context", {}).pop("open_in_browser_url", None)
    if url is not None:
        line["page"] = url.rpartition("/")[0]
    return True


def _name_by_html_id(payload: dict[str, Any]) -> None:
    html_id = html_id_of(payload.pop("module_id"))
    if html_id is not None:
        payload["id"] = html_id


def _tell_how_it_was_sought(line: EmittedEvent, payload: dict[str, Any]) -> None:
    if "seek_type" in payload:
        sought = payload.pop("seek_type")
        payload["type"] = _SEEK_TYPES.get(sought, sought)
    interval = payload.get("requested_skip_interval")
    if interval is None or "type" not in payload:
        return
    if abs(interval) != _SKIP_S:
        payload["type"] = "onSlideSeek"
    application = line.get("context", {}).get("application") or {}
    if (
        interval == _SKIP_S
        and payload["type"] == "onSkipSeek"
        and all(application.get(key) == value for key, value in _IOS_WITHOUT_SIGN.items())
    ):
        payload["requested_skip_interval"] = -_SKIP_S


def html_id_of(usage_key: str) -> str | None:
    """Return how the page of a course names the block with this key, or None where it is no such key.

    `i4x://org/course/video/intro` is `i4x-org-course-video-intro`; a newer key's block is named by its last part.
    """
    if old := _OLD_KEY.fullmatch(usage_key):
        return _NOT_IN_HTML_IDS.sub("_", "-".join(("i4x", *old.groups())))
    new = _KEY.fullmatch(usage_key)
    return new[1] if new else None


VIDEO_TRANSFORMERS = {"edx.video.": video_event}

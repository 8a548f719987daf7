"""The admin of a platform that has the plugin, in a real browser, as operators of openedx-webhooks know it."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.openedx.conftest import ROOT, installed, platform_python
from tests.openedx.host.points import LOGIN

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["installed", "platform_python"]

pytestmark = pytest.mark.e2e

ENROLLED = "org.openedx.learning.course.enrollment.created.v1"


@pytest.fixture
def platform(platform_python: Path, installed: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a platform that has imported a webhook and a webfilter."""
    with (tmp_path / "err").open("wb") as errors:
        process = subprocess.Popen(
            [str(platform_python), "-m", "tests.openedx.host.serve"],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}:{installed}",
                "DJANGO_SETTINGS_MODULE": "tests.openedx.host.settings",
                "HOST": json.dumps({"folder": str(tmp_path), "yaml": {"STATIC_URL": "/static/"}}),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, (tmp_path / "err").read_text()
        yield url
        process.communicate("", timeout=20)
    assert process.returncode == 0


def names_offered(page: "Page", field: str) -> dict[str, str]:
    """Return what a field offers: name → what people call it."""
    page.wait_for_selector(f"#{field}-offered", state="attached")
    found: dict[str, str] = page.eval_on_selector_all(
        f"#{field}-offered option", "all => Object.fromEntries(all.map(each => [each.value, each.label]))"
    )
    return found


def test_webhooks_and_webfilters(platform: str, browser: "Browser") -> None:
    """They are in one section of the known name; imported rows are there; signals and filters are offered."""
    page = browser.new_context().new_page()
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto(f"{platform}/admin/")
    page.fill("#id_username", "root")
    page.fill("#id_password", "root")
    page.click("input[type=submit]")
    section = page.inner_text(".app-trackside")
    assert "OPENEDX_WEBHOOKS" in section

    page.click(".app-trackside th a >> text=/^Webhooks$/")
    assert "openedx-webhooks-webhook-1" in page.inner_text("#result_list")
    page.click(".object-tools .addlink")
    offered = names_offered(page, "events")
    assert offered[ENROLLED] == "Course enrollment created"
    assert len(offered) > 70
    page.fill("#id_name", "crm")
    page.fill("#id_url", "https://8.8.8.8/crm")
    page.click("input[name=_save]")
    assert "This field is required" in page.inner_text(".field-events")
    page.fill("#id_events", ENROLLED)
    page.fill("#id_events_1", "org.openedx.learning.certificate.*")
    page.click("input[name=_save]")
    assert page.inner_text(".shown-once").startswith("whsec_")
    page.click("text=Go on")
    assert f"{ENROLLED}, org.openedx.learning.certificate.*" in page.inner_text("#result_list")
    page.click("#result_list >> text=crm")
    assert page.input_value("#id_events_1") == "org.openedx.learning.certificate.*"
    assert page.input_value("#id_events_2") == ""

    page.goto(f"{platform}/admin/")
    page.click(".app-trackside th a >> text=/^Webfilters$/")
    page.click(".object-tools .addlink")
    assert names_offered(page, "point")[LOGIN] == "Student Login Requested"
    page.goto(f"{platform}/admin/trackside/webfilter/")
    page.click("text=openedx-webhooks-webfilter-1")
    assert page.input_value("#id_point") == LOGIN
    assert (page.input_value("#id_layout"), page.input_value("#id_event_type")) == (
        "openedx",
        "StudentLoginRequested",
    )
    page.click("input[name=_save]")
    assert "was changed successfully" in page.inner_text(".messagelist")
    assert failed == []
    page.context.close()

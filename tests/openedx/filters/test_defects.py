"""What is wrong with filters in openedx-webhooks 21.0.0 and 22.0.0, and is not here: a defect a test, by its number.

The numbers are those of `docs/decisions/0023-filters-of-open-edx.md`; D14 is in
`tests/openedx/settings/test_pipelines.py`.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.openedx.conftest import Host
from tests.openedx.filters.test_all_filters import FILTERS

Tried = dict[str, Any]


@pytest.fixture(scope="module")
def tried(platform: Callable[..., Host]) -> Tried:
    """What came of each attempt."""
    says = {"webhooks": {"allow_private_networks": True}, "signals": {"names": []}}
    found: Tried = json.loads(platform(yaml={"TRACKSIDE": says}).run("tests.openedx.filters.host.defects"))
    return found


def test_d01_each_filter_can_be_chosen(tried: Tried) -> None:
    """A webfilter that is saved for a filter's type is asked at that filter, at every one that is followed."""
    assert len(tried["d01"]["followed"]) == FILTERS - 1
    assert tried["d01"]["asked"] == tried["d01"]["followed"]


def test_d09_no_password(tried: Tried) -> None:
    """Nor its hash, as JSON or as a form, also where a webfilter is told to hide nothing."""
    for body in tried["d09"]:
        assert "zoe" in body
        assert "pbkdf2" not in body
        assert "password" not in body


def test_d10_nobody_is_made_anybody(tried: Tried) -> None:
    """An answer that would is refused as a whole; and nothing is saved of an action that is halted in the end."""
    results = tried["d10"]["results"]
    assert len(results) == 11
    assert all(each == "PreventLogin: This is not possible at the moment." for each in results.values())
    assert tried["d10"]["same"]


def test_d11_nothing_of_people_in_the_logs(tried: Tried) -> None:
    """Whatever goes wrong with answers, and whatever level the platform logs at."""
    assert "zoe" not in tried["d11"].lower()
    assert "127.0.0.1" not in tried["d11"]


def test_d12_no_url_in_messages(tried: Tried) -> None:
    """A user reads a neutral sentence, not where the platform asked, with its token."""
    neutral = "This is not possible at the moment."
    assert tried["d12"] == [f"PreventLogin: {neutral}", f"PreventEnrollment: {neutral}"]


def test_d13_no_answer_is_an_error(tried: Tried) -> None:
    """Of answers that cannot be used none raises anything, or changes anything, at any filter."""
    assert tried["d13"] == {"raised": [], "changed": [], "failed": False}


def test_d15_a_failure_halts(tried: Tried) -> None:
    """At each filter with exceptions, in each way; where one leads elsewhere and nobody says where, there is a page."""
    assert len(tried["d15"]) == 23
    for name, each in tried["d15"].items():
        plain, redirected, closed = each["names"]
        assert redirected == each["first"], name
        assert plain == closed, name
        assert plain == each["first"] or each["page"] == 403, name
        assert each["redirect_to"] == "/closed" or not each["redirects"], name


def test_d16_querysets_are_not_evaluated(tried: Tried) -> None:
    """Not to ask, and not to narrow them."""
    assert tried["d16"] == [[], []]


def test_d17_querysets_are_no_oracle(tried: Tried) -> None:
    """Only fields of their own are compared, in a few ways; rows can be taken out too."""
    everything = ["audit", "verified"]
    assert tried["d17"] == {
        **{
            what: ["failed", everything]
            for what in ("relation", "user", "regex", "object", "many", "nul", "kind")
        },
        "good": ["changed", ["audit"]],
        "out": ["changed", ["verified"]],
        "both": ["changed", []],
    }


def test_d18_graphs_are_bounded(tried: Tried) -> None:
    """A block with 20 children that know each other took 92 MB and 3 seconds; and no object is lost by a change."""
    assert tried["d18"]["bytes"] < 300_000
    assert tried["d18"]["took_s"] < 2
    assert tried["d18"]["added"]
    assert tried["d18"]["same"]
    assert tried["d18"]["untouched"]


def test_d20_no_query_for_blocks(tried: Tried) -> None:
    """Ten children were ten queries."""
    assert tried["d20"] == []


def test_d22_keys_of_other_courses(tried: Tried) -> None:
    """Old ones and those of custom courses are sent as they are, and stay the objects that they were."""
    assert tried["d22"] == [
        [text, True, "/changed"]
        for text in ("edX/DemoX/2026", "ccx-v1:edX+DemoX+2026+ccx@1", "library-v1:edX+Physics")
    ]


def test_d24_no_scripts(tried: Tried) -> None:
    """Neither as URLs nor as markup nor as code; a custom page is shut off from the platform's cookies."""
    refused = (
        "javascript",
        "elsewhere",
        "number",
        "context url",
        "any text",
        "markup",
        "tab",
        "fragment",
        "code",
    )
    assert {what: tried["d24"][what] for what in refused} == dict.fromkeys(refused, "failed")
    assert tried["d24"]["response"]["headers"]["Content-Security-Policy"].startswith("sandbox ")
    assert tried["d24"]["response"]["headers"]["X-Content-Type-Options"] == "nosniff"
    assert tried["d24"]["text"]["text"] == "Only a"
    assert tried["d24"]["text"]["headers"]["Content-Type"].startswith("text/plain")


def test_d25_a_scope(tried: Tried) -> None:
    """A webfilter is asked about the courses that it is for."""
    assert tried["d25"][1] == "PreventEnrollment: No"
    assert tried["d25"][0][1:] == ["course-v1:MITx+1+1", "audit"]


def test_d21_studio_needs_nothing_of_the_lms(platform: Callable[..., Host]) -> None:
    """Its filter is asked about in Studio, where no code of the LMS is imported."""
    shown = platform(service="cms").run(
        code="import sys\n"
        "from openedx_filters.content_authoring.filters import LMSPageURLRequested as Filter\n"
        "from trackside.testing import webfilter_answers\n"
        "with webfilter_answers({Filter.filter_type: {'data': {'url': 'https://lms.example.org/x'}}}) as asked:\n"
        "    print(*Filter.run_filter(url='/x', org='edX'), asked[0].data)\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('lms', 'cms', 'common', 'openedx', 'xmodule')])"
    )
    assert shown.splitlines() == ["https://lms.example.org/x edX {'url': '/x', 'org': 'edX'}", "[]"]


def test_d27_filters_that_nobody_listed(all_run: dict[str, Any]) -> None:
    """Those since openedx-filters 3.4, which no version of it asks about, are asked about like all others."""
    asked = {name for name, each in all_run["filters"].items() if each["asked"] == name}
    assert {
        "org.openedx.learning.courseware.view.started.v1",
        "org.openedx.learning.courseware.access_checks.requested.v1",
        "org.openedx.learning.discount.eligibility.check.requested.v1",
        "org.openedx.authentication.registration.form.generated.v1",
        "org.openedx.authentication.login.alt_redirect_url.requested.v1",
    } <= asked

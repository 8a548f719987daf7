"""Who halts the platform, and where it sends the user: each way to fail, each switch, each mode."""

from itertools import product
from typing import Any

import pytest

from tests.webfilters.tools import Asked, PreventEnrollment, declare, fails, hook, says, stops
from trackside.outbound.base import Answer, Failed, Fault
from trackside.webfilters.points import DEFAULT_MESSAGE, Stops

WAYS: dict[str, tuple[Answer | Failed, str]] = {
    "200, nothing said": (says(b""), ""),
    "200, an object": (says({}), ""),
    "204": (says(b"", status=204), ""),
    "400": (says({"data": {"mode": "paid"}}, status=400), "4xx"),
    "403": (says(b"<h1>no</h1>", status=403), "4xx"),
    "499": (says({}, status=499), "4xx"),
    "500": (says(b"oops", status=500), "5xx"),
    "599": (says({}, status=599), "5xx"),
    "refused": (fails(Fault.UNREACHABLE), "request_exception"),
    "no name": (fails(Fault.UNRESOLVED), "request_exception"),
    "torn down": (fails(Fault.RESET), "request_exception"),
    "timeout": (fails(Fault.TIMEOUT), "request_exception"),
    "forbidden address": (fails(Fault.REFUSED_ADDRESS), "request_exception"),
    "redirect": (says(b"", status=302, headers={"location": "/"}), "unusable"),
    "no JSON": (says(b"yes, please"), "unusable"),
}
SWITCHES = ("", "4xx", "5xx", "request_exception")
MODES = ("off", "shadow", "enforce")
POLICIES = ("fail_open", "fail_closed")


@pytest.mark.parametrize(
    ("way", "switch", "policy", "mode", "disable_halting"),
    [*product(WAYS, SWITCHES, POLICIES, MODES, (False, True))],
)
def test_the_table(way: str, switch: str, policy: str, mode: str, disable_halting: bool) -> None:
    """It halts if and only if the hook is obeyed, and the switch of this failure is on, or the hook fails closed.

    "Disable halting" is about exceptions in answers and touches none of it. A redirect is that of this failure.
    """
    reply, kind = WAYS[way]
    settings: dict[str, Any] = {f"redirect_on_{each}": f"/after-{each}" for each in SWITCHES if each}
    if switch:
        settings[f"halt_on_{switch}"] = True
    asked = Asked(hook(on_failure=policy, mode=mode, disable_halting=disable_halting, **settings), crm=reply)
    would = bool(kind) and (switch == kind or policy == "fail_closed")
    error = asked.stopped()
    assert (error is not None) == (would and mode == "enforce")
    if error is not None:
        assert isinstance(error, PreventEnrollment)
        assert error.message == DEFAULT_MESSAGE
        assert error.redirect_to == (None if kind == "unusable" else f"/after-{kind}")
        assert error.status_code == (reply.status if isinstance(reply, Answer) else None)
    if mode == "off":
        assert asked.receivers.requests == []
        assert asked.questions == []
        return
    assert asked.last.would_be == ("halted" if would else "passed")
    assert asked.last.decision == ("halted" if would and mode == "enforce" else "passed")
    assert asked.last.hooks[0].halts == would
    assert asked.last.fail_open == (bool(kind) and not would and mode == "enforce")


@pytest.mark.parametrize("status", [400, 403, 500, 503])
def test_an_exception_in_the_body_of_an_error_is_heard(status: int) -> None:
    """A receiver that answers 403 and names an exception means it; data beside an error changes nothing."""
    body = {"exception": {"PreventEnrollment": "Not yet"}, "data": {"mode": "paid"}}
    error = Asked(hook(), crm=says(body, status=status)).stopped()
    assert isinstance(error, PreventEnrollment)
    assert error.message == "Not yet"
    assert Asked(hook(disable_halting=True), crm=says(body, status=status)).ask().changes == {}


def test_a_switch_comes_before_the_body_of_an_error() -> None:
    """Halt on 4xx: its own message and redirect, whatever the page says."""
    asked = Asked(hook(halt_on_4xx=True, redirect_on_4xx="/sorry"), crm=stops("theirs", status=403))
    error = asked.stopped()
    assert isinstance(error, PreventEnrollment)
    assert (error.message, error.redirect_to) == (DEFAULT_MESSAGE, "/sorry")


def test_the_operator_may_say_what_the_user_reads() -> None:
    """The message of a halt is the hook's own, where it has one."""
    error = Asked(hook(halt_on_5xx=True, message="Come back at noon."), crm=says({}, status=500)).stopped()
    assert isinstance(error, PreventEnrollment)
    assert error.message == "Come back at noon."


def test_a_point_that_cannot_halt_goes_on_and_says_so() -> None:
    """Without a declared exception nothing can be raised; the record has that a failure was passed over."""
    point = declare("test.no_exceptions", sends={"url": str})
    asked = Asked(
        hook(point=point.name, on_failure="fail_closed", halt_on_5xx=True), crm=says({}, status=500)
    )
    assert asked.ask({"url": "/"}, point).changes == {}
    assert asked.last.fail_open


def test_where_the_first_class_cannot_be_made_the_next_one_halts() -> None:
    """A halt must halt, whatever a class of the platform raises instead of being raised."""

    def broken(message: str) -> Exception:
        raise RuntimeError(message)

    point = declare(
        "test.broken", sends={"url": str}, exceptions={"Broken": Stops(broken), "No": LookupError}
    )
    asked = Asked(hook(point=point.name, on_failure="fail_closed"), crm=says({}, status=500))
    with pytest.raises(LookupError, match="not possible"):
        asked.ask({"url": "/"}, point)


def test_a_class_that_takes_nothing_but_a_text_is_raised_all_the_same() -> None:
    """A status and a redirect are given only to exceptions that declare them."""
    point = declare("test.plain_exception", sends={"url": str}, exceptions={"No": LookupError})
    asked = Asked(
        hook(point=point.name, halt_on_4xx=True, redirect_on_4xx="/elsewhere"), crm=says({}, status=404)
    )
    with pytest.raises(LookupError, match="not possible"):
        asked.ask({"url": "/"}, point)

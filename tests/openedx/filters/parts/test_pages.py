"""Forms and responses that answers change."""

import pytest
from django.http import HttpResponse, QueryDict

from trackside.openedx.filters.parts.base import Call
from trackside.openedx.filters.parts.pages import Form, Response
from trackside.openedx.filters.rules import Rules
from trackside.webfilters.points import Unfit


def test_no_value_at_all() -> None:
    """Of a field without values the platform would get a list where it expects a text."""
    form = QueryDict("name=Zoe")
    with pytest.raises(Unfit):
        Form("form_data").change({"form_data": {"name": []}}, Call({"form_data": form}, Rules()))


def test_what_a_response_varies_by() -> None:
    """More is added to it; what is there stays, so that no cache gives one user's page to another."""
    response = HttpResponse(headers={"Vary": "Cookie, Accept-Language"})
    call = Call({"response": response}, Rules())
    Response("response").change(
        {"response": {"headers": {"Vary": "Accept , Cookie", "X-Webfilter": "x"}}}, call
    )
    for deed in call.deeds:
        deed()
    assert (response["Vary"], response["X-Webfilter"]) == ("Cookie, Accept-Language, Accept", "x")

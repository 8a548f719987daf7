"""Forms that answers change."""

import pytest
from django.http import QueryDict

from trackside.openedx.filters.parts.base import Call
from trackside.openedx.filters.parts.pages import Form
from trackside.openedx.filters.rules import Rules
from trackside.webfilters.points import Unfit


def test_no_value_at_all() -> None:
    """Of a field without values the platform would get a list where it expects a text."""
    form = QueryDict("name=Zoe")
    with pytest.raises(Unfit):
        Form("form_data").change({"form_data": {"name": []}}, Call({"form_data": form}, Rules()))

"""Querysets that answers narrow."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from trackside.openedx.filters.parts.base import Call
from trackside.openedx.filters.parts.querysets import Rows
from trackside.openedx.filters.rules import Rules
from trackside.webfilters.points import Unfit


@pytest.mark.parametrize("conditions", [{"id__in": [1, 2**63]}, {"id": -(2**63) - 1}, {"id__gt": 2**70}])
def test_numbers_that_no_database_takes(conditions: dict[str, Any]) -> None:
    """They would be the platform's errors, once it evaluates the queryset."""
    with pytest.raises(Unfit):
        Rows("users").change({"filter": conditions}, Call({"users": User.objects.all()}, Rules()))

"""Users and their profiles."""

from django.contrib.auth.models import User as Account

from trackside.openedx.filters.parts.base import Call
from trackside.openedx.filters.parts.rows import User
from trackside.openedx.filters.rules import Rules


def test_one_that_is_only_sent() -> None:
    """A filter of another package may have an argument that is called as what is sent of its user."""
    user = Account(username="zoe")
    vars(user)["profile"] = Account(pk=1)
    changes = {"profile": {"first_name": "Zoë"}}
    call = Call({"user": user, "profile": {}}, Rules())
    User(changed=False).change(changes, call)
    assert call.deeds == []

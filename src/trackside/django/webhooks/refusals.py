"""Why something that was asked for was not done: the admin, the API and the command line tell it, each in its way."""

from django.db import DatabaseError

from trackside.django.secret_rows.refusals import NotReachable, NotTheCase, Refusal, WrongSettings

__all__ = ["DatabaseError", "NoSuchWebhook", "NotReachable", "NotTheCase", "Refusal", "WrongSettings"]


class NoSuchWebhook(Refusal):
    """There is no webhook of that name."""

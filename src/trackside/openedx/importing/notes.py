"""What is different here, in sentences for whoever moves."""

import re
from typing import Final

from msgspec import Struct


class Note(Struct, frozen=True):
    """One thing that is different, or that was not done."""

    code: str
    """For programs."""
    sentence: str


_CREDENTIALS: Final = re.compile(r"//[^/]*@")
OF_WEBHOOKS: Final = (
    Note("no_wait", "The platform waits for no receiver; what is rolled back is never sent."),
    Note(
        "retries",
        "What is not answered 2xx is tried again for hours, then kept as a dead letter; after 410, or five days"
        " without a success, a webhook is disabled and says why.",
    ),
    Note("time", "An answer may take 15 s in all; there it could take 10 s for each part of it."),
    Note("redirects", "Redirects are not followed: give the URL they lead to."),
    Note(
        "headers",
        "Requests have webhook-id, webhook-timestamp and trackside-attempt too; their User-Agent is Trackside.",
    ),
    Note("unsigned", "Requests are not signed, as there; rotate the secret of a webhook to have it sign."),
    Note("start", "Each begins with what happens from its import on."),
)
"""Of every webhook."""
OF_WEBFILTERS: Final = (
    Note("sent", "Only what the filter point declares is sent: no password hash, no token, no cookie."),
    Note(
        "changes",
        "Answers may change the fields that the point declares. An answer that changes another one, or names an"
        " exception that the point does not have, or two, is not used at all, and the platform goes on.",
    ),
    Note(
        "merge",
        "Objects in `data` are merged into each other; there the last receiver's took the whole place.",
    ),
    Note(
        "errors", "A body with a status of 400 to 599 changes nothing; an exception in it counts, as there."
    ),
    Note(
        "message",
        "Where a failure halts, users read a neutral sentence, or the webfilter's `message`; there they read the"
        " receiver's URL.",
    ),
    Note(
        "left_alone",
        "A receiver that fails five times in a row is left alone for a while, and the same question is not asked again"
        " within two seconds of a failure: both are no answer.",
    ),
    Note("redirects", "Redirects of a receiver are not followed: give the URL they lead to."),
    Note("unsigned", "Questions are not signed, as there; rotate the secret of a webfilter to have it sign."),
)
"""Of every webfilter."""


def form_of_old_releases() -> Note:
    """Return what to know where a row asks for a form, and nobody knows which release sent it."""
    return Note(
        "form",
        "It is sent as a form. openedx-webhooks 18.0.1 sent JSON whatever the switch said: if you come from there, take"
        " the form off.",
    )


def json_of_old_releases() -> Note:
    """Return why a row that asks for a form is sent as JSON."""
    return Note(
        "json", "It is sent as JSON although it asks for a form, because the installed release did so."
    )


def shown_url(url: str) -> str:
    """Return a URL without what may be a key: its query, and what stands before an @."""
    return _CREDENTIALS.sub("//", url.partition("?")[0])


def refused_url(told: str) -> Note:
    """Return why a row with a URL that may not be asked is not enabled."""
    return Note(
        "url",
        f"{told}. It is imported not enabled. Change the URL, or, if the address is one of your own network, allow it"
        """ in TRACKSIDE['webhooks'] (allow = ["10.3.0.0/16", "crm.internal"]); then enable it.""",
    )

"""What a processor raises to say that an event goes no further on its branch; none of them is a fault.

The names are those of `eventtracking.processors.exceptions`, so that code written for it means the same here.
"""


class EventEmissionExit(Exception):  # noqa: N818  # the name is eventtracking's
    """The event ends here: no further processor and no backend of this branch sees it."""


class NoTransformerImplemented(Exception):  # noqa: N818
    """A backend has no form for events of this name; nothing was sent."""


class NoBackendEnabled(Exception):  # noqa: N818
    """A backend has nowhere configured to send to; nothing was sent."""

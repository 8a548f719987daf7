"""What a processor raises to say that an event goes no further on its branch; none of them is a fault.

EventEmissionExit, NoTransformerImplemented and NoBackendEnabled are those of `eventtracking.processors.exceptions`.
"""


class EventEmissionExit(Exception):  # noqa: N818  # the name is eventtracking's
    """The event ends here: no further processor and no backend of this branch sees it."""

    reason = "filtered"
    """What it is counted as."""


class SampledOut(EventEmissionExit):
    """The event is not among the share that is kept."""

    reason = "sampled_out"


class ProtectionFailed(EventEmissionExit):
    """A processor that protects something failed: what it would have held back must not go on."""

    reason = "processor_failed"


class NoTransformerImplemented(Exception):  # noqa: N818
    """A backend has no form for events of this name; nothing was sent."""


class NoBackendEnabled(Exception):  # noqa: N818
    """A backend has nowhere configured to send to; nothing was sent."""

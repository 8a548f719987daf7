"""For a site on several machines: each host keeps its events in a log of its own and brings them to one server."""

from trackside.backends.forward.backend import ForwardBackend, run_forwarder

__all__ = ["ForwardBackend", "run_forwarder"]

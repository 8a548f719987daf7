"""Requests that are not sent."""

from trackside.outbound.base import Failed, Fault
from trackside.telemetry import catalogue


def refusal(reason: str, *, duration_s: float = 0.0) -> Failed:
    """Return that a request is not sent, and count it."""
    catalogue.OUTBOUND_REFUSED_ADDRESSES.add(1)
    return Failed(fault=Fault.REFUSED_ADDRESS, detail=reason, maybe_sent=False, duration_s=duration_s)

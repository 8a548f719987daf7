"""Every test counts from zero."""

from collections.abc import Iterator

import pytest

from trackside import telemetry


@pytest.fixture(autouse=True)
def _from_zero() -> Iterator[None]:
    telemetry.reset()
    yield
    telemetry.reset()

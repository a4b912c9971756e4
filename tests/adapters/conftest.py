"""What the tests of several adapters share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.running_clock import RunningClock


@pytest.fixture
def clock() -> Iterator[RunningClock]:
    """A clock for tests that measure seconds."""
    with RunningClock() as clock:
        yield clock

"""What a listener was told while a test runs."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from authmw.events import Event, on_event
from authmw.events.hub import hub


@pytest.fixture(autouse=True)
def _alone() -> Generator[None]:
    """No listener that another test left in the process, as that of the signals of Flask."""
    listeners: Any = hub
    others, listeners._sends, listeners.listening = listeners._sends, (), False
    yield
    listeners._sends, listeners.listening = others, bool(others)


@pytest.fixture
def told() -> Generator[list[Event]]:
    """Each event, in order, as it happens."""
    events: list[Event] = []
    stop = on_event(events.append, inline=True)
    yield events
    stop()

"""A few open connections on one process, of which four users' end: ``python -m tests.soak.connections``."""

from __future__ import annotations

import pytest

from tests.soak.connections import CAUSES, allowed, run

pytestmark = [pytest.mark.fleet, pytest.mark.slow]


def test_connections_of_four_users_end_and_no_others() -> None:
    assert allowed(20, 10) == (20, 10)
    found = run(20, 10, idle=0.5, off=False)
    assert found.faults == []
    ended = {(cause, kind) for cause, seconds in found.seconds.items() for kind in seconds}
    assert ended == {(cause, kind) for cause in CAUSES for kind in ("event stream", "websocket")}

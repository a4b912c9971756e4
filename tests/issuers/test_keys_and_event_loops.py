"""Keys of an issuer are fetched on a thread: no event loop waits for the issuer."""

from __future__ import annotations

import threading

import pytest

from tests.issuers.worlds import OK, World


@pytest.mark.parametrize("driver", ["asyncio", "trio"])
def test_the_keys_are_never_fetched_on_the_event_loop(driver: str) -> None:
    world = World()
    asked_on: list[int] = []

    def note(_: str) -> None:
        asked_on.append(threading.get_ident())

    world.fake.on_request = note
    assert world.ask(world.token(), driver) == OK
    world.clock.advance(50 * 60)
    assert world.ask(world.token(), driver) == OK
    world.settle()
    world.fake.ring.rotate()
    assert world.ask(world.token(), driver) == OK
    assert world.fetches == 3, "the first time, before they are old, and for a new key"
    assert threading.get_ident() not in asked_on, "which is the thread of the event loop"

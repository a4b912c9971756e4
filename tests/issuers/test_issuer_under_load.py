"""Many at once: one fetch for all of them, nobody waits who need not, and a rotation loses no valid request."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import trio

from authmw.engine.authentication import Authentication
from tests.issuers.worlds import OK, UNKNOWN_KEY, Seen, World, ask_async

CROWD = 100


def _is_let_in(result: object) -> bool:
    return isinstance(result, Authentication) and result.principal.is_authenticated


def test_class_15_a_hundred_first_requests_in_threads_cause_one_fetch() -> None:
    world = World()
    token = world.token()
    together = threading.Barrier(CROWD)

    def ask(_: int) -> Seen:
        together.wait(30)
        return world.ask(token)

    with ThreadPoolExecutor(CROWD) as threads:
        assert set(threads.map(ask, range(CROWD))) == {OK}
    assert world.fetches == 1
    assert len(world.fake.requests) == 2, "its metadata, and its keys"


def test_a_hundred_first_requests_in_tasks_cause_one_fetch() -> None:
    world = World()
    token = world.token()

    async def main() -> list[object]:
        return list(await asyncio.gather(*(ask_async(world.auth, token) for _ in range(CROWD))))

    assert all(map(_is_let_in, asyncio.run(main())))
    assert world.fetches == 1


def test_a_hundred_first_requests_under_trio_cause_one_fetch() -> None:
    world = World()
    token = world.token()
    results: list[object] = []

    async def one() -> None:
        results.append(await ask_async(world.auth, token))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(CROWD):
                nursery.start_soon(one)

    trio.run(main)
    assert len(results) == CROWD
    assert all(map(_is_let_in, results))
    assert world.fetches == 1


def test_a_hundred_first_requests_to_a_broken_issuer_cause_one_fetch() -> None:
    world = World()
    world.fake.mode = "down"
    token = world.token()
    with ThreadPoolExecutor(CROWD) as threads:
        assert {seen.status for seen in threads.map(world.ask, [token] * CROWD)} == {503}
    assert len(world.fake.requests) == 1


def test_nobody_waits_for_a_refresh() -> None:
    world = World()
    assert world.ask(world.token()) == OK
    world.clock.advance(50 * 60)
    asked, answer = threading.Event(), threading.Event()

    def hold(_: str) -> None:
        asked.set()
        assert answer.wait(30)

    world.fake.on_request = hold
    assert [world.ask(world.token()) for _ in range(20)] == [OK] * 20, "while the issuer keeps silent"
    assert asked.wait(30)
    answer.set()
    world.settle()
    assert world.fetches == 2
    assert world.ask(world.token()) == OK
    world.settle()
    assert world.fetches == 2, "they are fresh again"


def test_known_keys_go_on_while_somebody_waits_for_a_new_one() -> None:
    world = World()
    old = world.token()
    assert world.ask(old) == OK
    world.fake.ring.rotate()
    new = world.token()
    asked, answer = threading.Event(), threading.Event()

    def hold(_: str) -> None:
        asked.set()
        assert answer.wait(30)

    world.fake.on_request = hold
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(world.ask, new)
        assert asked.wait(30)
        assert [world.ask(old) for _ in range(50)] == [OK] * 50
        assert not waiting.done()
        answer.set()
        assert waiting.result(30) == OK


@pytest.mark.parametrize("remember", [0, 64])
def test_a_rotation_under_load_loses_no_valid_request(remember: int) -> None:
    world = World(remember=remember)
    assert world.ask(world.token()) == OK
    stop = threading.Event()
    seen: list[Seen] = []

    def load() -> None:
        while not stop.is_set():
            seen.append(world.ask(world.token()))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        # A real issuer publishes the key first; this one signs with it the moment it is there.
        world.fake.ring.rotate()
        assert world.ask(world.token()) == OK
        world.clock.advance(31)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert set(seen) == {OK}
    assert world.fetches == 11


def test_a_crowd_with_random_kids_causes_three_fetches() -> None:
    world = World()
    assert world.ask(world.token()) == OK
    tokens = [world.token(header={"kid": str(number)}) for number in range(CROWD)]
    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(world.ask, tokens)) == {UNKNOWN_KEY}
    assert world.fetches == 1 + 3


def test_a_fetcher_that_raises_what_it_should_not_is_a_503_and_stops_nobody() -> None:
    world = World()

    def trip(_: str) -> None:
        raise KeyError("a bug")

    world.fake.on_request = trip
    assert world.ask(world.token()).status == 503
    world.fake.on_request = None
    world.clock.advance(1)
    assert world.ask(world.token()) == OK


def test_a_fork_in_the_middle_of_a_fetch_does_not_wait_for_the_parent() -> None:
    world = World()
    token = world.token()
    asked, answer = threading.Event(), threading.Event()

    def hold(_: str) -> None:
        if not answer.is_set():
            asked.set()
            assert answer.wait(30)

    world.fake.on_request = hold
    parent = threading.Thread(target=world.ask, args=(token,))
    parent.start()
    assert asked.wait(30)
    child = os.fork()
    if child == 0:  # the thread that fetches is not here
        world.fake.on_request = None
        os._exit(0 if world.ask(token) == OK else 1)
    answer.set()
    parent.join(30)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0

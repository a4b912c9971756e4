"""The circuit breaker: what opens it, who tries, who waits, and how it closes."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from authmw.errors import StoreUnavailable
from authmw.flow.breaker import PATIENCE, SLOW, Breaker
from authmw.testing import FakeClock

LONG = SLOW + 0.01


class Silence(Exception):
    """No answer."""


class Answer(Exception):
    """An answer that is an error."""


class Server:
    """A server that may be silent, and the calls that reached it."""

    def __init__(self) -> None:
        self.silent = True
        self.asked = 0
        self.answers = threading.Event()

    def probe(self) -> None:
        self.asked += 1
        if self.silent:
            self.answers.wait(0.05)
            raise Silence


def fail(breaker: Breaker, clock: FakeClock, seconds: float, error: type[Exception] = Silence) -> None:
    """A call that ends without an answer after `seconds`."""
    breaker.admit()
    with suppress(error), breaker.watch():
        clock.advance(seconds)
        raise error


def answer(breaker: Breaker) -> str:
    breaker.admit()
    with breaker.watch():
        return "answered"


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1000.0)


@pytest.fixture
def breaker(clock: FakeClock) -> Breaker:
    return Breaker("the server", is_answer=lambda error: isinstance(error, Answer), timer=clock)


def test_a_slow_call_without_an_answer_opens_it_and_a_fast_failure_does_not(breaker: Breaker, clock: FakeClock) -> None:
    fail(breaker, clock, SLOW - 0.1)
    assert not breaker.is_open
    fail(breaker, clock, LONG)
    assert breaker.is_open


def test_a_slow_answer_that_is_an_error_does_not_open_it(breaker: Breaker, clock: FakeClock) -> None:
    fail(breaker, clock, 60, Answer)
    assert not breaker.is_open


def test_it_stays_closed_if_another_call_was_answered_meanwhile(breaker: Breaker, clock: FakeClock) -> None:
    with suppress(Silence), breaker.watch():
        clock.advance(LONG)
        assert answer(breaker) == "answered"
        clock.advance(LONG)
        raise Silence
    assert not breaker.is_open


def test_while_it_is_open_one_caller_tries_and_the_others_are_refused(breaker: Breaker, clock: FakeClock) -> None:
    fail(breaker, clock, LONG)
    breaker.admit()
    with breaker.watch():
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match="the server does not answer"):
                breaker.admit()
    assert not breaker.is_open
    assert answer(breaker) == "answered"


@pytest.mark.parametrize("seconds", [0.0, LONG])
def test_a_try_that_fails_leaves_it_open_and_the_next_caller_tries(
    breaker: Breaker, clock: FakeClock, seconds: float
) -> None:
    fail(breaker, clock, LONG)
    for _ in range(3):
        fail(breaker, clock, seconds)
        assert breaker.is_open
    assert answer(breaker) == "answered"
    assert not breaker.is_open


def test_an_error_that_is_an_answer_closes_it(breaker: Breaker, clock: FakeClock) -> None:
    fail(breaker, clock, LONG)
    fail(breaker, clock, LONG, Answer)
    assert not breaker.is_open


def test_a_try_that_never_ends_is_made_again_after_a_while(breaker: Breaker, clock: FakeClock) -> None:
    fail(breaker, clock, LONG)
    breaker.admit()
    with pytest.raises(StoreUnavailable):
        breaker.admit()
    clock.advance(6)
    assert answer(breaker) == "answered"


def test_a_failure_of_a_call_from_before_the_answer_does_not_open_it_again(breaker: Breaker, clock: FakeClock) -> None:
    with suppress(Silence), breaker.watch():
        fail(breaker, clock, LONG)
        answer(breaker)
        raise Silence
    assert not breaker.is_open


def opened(server: Server) -> Breaker:
    """A breaker with a probe, on the real clock."""
    breaker = Breaker("the server", server.probe)
    with suppress(Silence), breaker.watch():
        time.sleep(SLOW)
        raise Silence
    assert breaker.is_open
    return breaker


@pytest.mark.slow
def test_with_a_probe_no_caller_waits_longer_than_its_patience_and_all_but_one_not_at_all() -> None:
    server = Server()
    breaker = opened(server)

    def seconds(_: int) -> float:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            breaker.admit()
        return time.monotonic() - began

    with ThreadPoolExecutor(8) as threads:
        waited = sorted(threads.map(seconds, range(8)))
    assert waited[-1] < PATIENCE + 0.3
    assert waited[6] < PATIENCE / 2
    breaker.close()


@pytest.mark.slow
def test_it_closes_by_itself_once_the_probe_is_answered() -> None:
    server = Server()
    breaker = opened(server)
    wait_until(lambda: server.asked > 2)
    server.silent = False
    wait_until(lambda: not breaker.is_open)
    asked = server.asked
    time.sleep(0.3)
    assert server.asked == asked  # nobody probes a server that answers


@pytest.mark.slow
def test_the_caller_that_waits_goes_on_as_soon_as_the_probe_is_answered() -> None:
    server = Server()
    breaker = opened(server)
    wait_until(lambda: server.asked > 0)
    server.silent = False
    assert answer(breaker) == "answered"
    breaker = opened(server)
    asyncio.run(breaker.admit_async())
    assert not breaker.is_open


class Deaf(Server):
    """A server that does not answer until it is told to."""

    def probe(self) -> None:
        assert self.answers.wait(10)


def go_on(breaker: Breaker) -> str:
    asyncio.run(breaker.admit_async())
    return answer(breaker)


@pytest.mark.parametrize("call", [answer, go_on], ids=["thread", "event loop"])
def test_one_caller_waits_for_the_probe_and_goes_on_with_its_answer(
    monkeypatch: pytest.MonkeyPatch, clock: FakeClock, call: Callable[[Breaker], str]
) -> None:
    monkeypatch.setattr("authmw.flow.breaker.PATIENCE", 10.0)
    server = Deaf()
    breaker = Breaker("the server", server.probe, timer=clock)
    fail(breaker, clock, LONG)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(call, breaker)
        wait_until(lambda: breaker._has_waiter or waiting.done())  # pyright: ignore[reportPrivateUsage]
        with pytest.raises(StoreUnavailable):
            breaker.admit()
        server.answers.set()
        assert waiting.result(10) == "answered"


@pytest.mark.slow
def test_on_an_event_loop_a_caller_waits_without_blocking_it() -> None:
    server = Server()
    breaker = opened(server)

    async def ask() -> list[BaseException | None]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.01)

        ticking = asyncio.create_task(tick())
        answers = await asyncio.gather(*(breaker.admit_async() for _ in range(5)), return_exceptions=True)
        ticking.cancel()
        assert ticks > 3
        return answers

    assert [type(each) for each in asyncio.run(ask())] == [StoreUnavailable] * 5
    breaker.close()


@pytest.mark.slow
def test_after_it_is_closed_its_thread_ends_and_the_next_silence_starts_another() -> None:
    server = Server()
    breaker = opened(server)
    breaker.close()
    wait_until(lambda: not any(thread.name == "authmw-probe" for thread in threading.enumerate()))
    with suppress(Silence), breaker.watch():
        time.sleep(SLOW)
        raise Silence
    server.silent = False
    wait_until(lambda: not breaker.is_open)


def test_where_no_thread_can_start_callers_try(monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    breaker = Breaker("the server", Server().probe, timer=clock)
    fail(breaker, clock, LONG)
    fail(breaker, clock, LONG)
    assert answer(breaker) == "answered"


def test_a_forked_child_finds_out_by_itself(breaker: Breaker, clock: FakeClock) -> None:
    fail(breaker, clock, LONG)
    child = os.fork()
    if not child:
        os._exit(int(breaker.is_open))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert breaker.is_open

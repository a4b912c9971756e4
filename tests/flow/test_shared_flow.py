"""Single flight of flows: who runs one, who waits, and what becomes of those who wait when the first one is gone."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from types import FunctionType
from typing import Any, Final

import pytest
import trio

from authmw.errors import FlowError, Overloaded, StoreUnavailable, Unavailable
from authmw.flow.flow import Ask, Flow, Join, Work, run, run_async
from authmw.flow.pool import WorkPool
from authmw.flow.shared_flow import shared
from authmw.flow.single_flight import SingleFlight
from authmw.testing import FakeClock

SOON: Final = 20.0
"""Seconds in which another thread has certainly had its turn."""


def _raise(error: Exception) -> str:
    raise error


class Hall:
    """Flows of one key, whose work ends when the test lets it."""

    def __init__(self, *, longest: float = 60.0, outcome: Callable[[], str] = lambda: "done") -> None:
        self.flights = SingleFlight[str](longest=longest)
        self.outcome = outcome
        self.begun: list[int] = []
        self.running = threading.Event()
        self.release = threading.Event()

    def work(self) -> str:
        self.begun.append(len(self.begun))
        self.running.set()
        assert self.release.wait(SOON)
        return self.outcome()

    def flow(self, key: str = "key") -> Flow[str]:
        return shared(self.flights, key, self._make)

    def _make(self) -> Flow[str]:
        return (yield from Work(self.work))

    def open_when(self, waiting: int) -> threading.Thread:
        """Let the work end once as many wait for it."""

        def wait() -> None:
            deadline = time.monotonic() + SOON
            while self.flights.waiting < waiting and time.monotonic() < deadline:
                self.running.wait(0.001)
            self.release.set()

        thread = threading.Thread(target=wait)
        thread.start()
        return thread


def _by_threads(hall: Hall, count: int, pool: WorkPool) -> list[Any]:
    answers: list[Any] = []

    def ask() -> None:
        try:
            answers.append(run(hall.flow(), pool=pool))
        except Unavailable as error:
            answers.append(error)

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    return answers


def _by_tasks(hall: Hall, count: int, pool: WorkPool) -> list[Any]:
    async def main() -> list[Any]:
        return await asyncio.gather(*(run_async(hall.flow(), pool=pool) for _ in range(count)), return_exceptions=True)

    return asyncio.run(main())


def _by_trio(hall: Hall, count: int, pool: WorkPool) -> list[Any]:
    answers: list[Any] = []

    async def ask() -> None:
        try:
            answers.append(await run_async(hall.flow(), pool=pool))
        except Unavailable as error:
            answers.append(error)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(count):
                nursery.start_soon(ask)

    trio.run(main)
    return answers


CROWDS: Final[dict[str, Callable[[Hall, int, WorkPool], list[Any]]]] = {
    "threads": _by_threads,
    "asyncio": _by_tasks,
    "trio": _by_trio,
}


@pytest.mark.parametrize("count", [1, 2, 60])
@pytest.mark.parametrize("crowd", CROWDS)
def test_one_of_all_is_run_and_all_get_its_result(crowd: str, count: int) -> None:
    hall, pool = Hall(), WorkPool(slots=1, queue=0)
    opening = hall.open_when(count - 1)
    assert CROWDS[crowd](hall, count, pool) == ["done"] * count
    opening.join()
    assert hall.begun == [0]
    assert hall.flights.waiting == 0


@pytest.mark.parametrize("crowd", CROWDS)
@pytest.mark.parametrize("whose", ["authmw", "the application"])
def test_a_failure_of_the_one_fails_all_with_its_retry_after(crowd: str, whose: str) -> None:
    raised = partial(_raise, Overloaded("the queue is full"))
    ours = FunctionType(_raise.__code__, {"__name__": "authmw.flow.pool"})
    fail = partial(ours, Overloaded("the queue is full")) if whose == "authmw" else raised

    hall = Hall(outcome=fail)
    opening = hall.open_when(4)
    answers = CROWDS[crowd](hall, 5, WorkPool(slots=1, queue=0))
    opening.join()
    texts = ["the queue is full"] * 5 if whose == "authmw" else ["Overloaded"] * 4 + ["the queue is full"]
    assert sorted(str(each) for each in answers) == texts
    assert {each.retry_after for each in answers} == {1}
    assert len({id(each) for each in answers}) == 5, "one exception would collect the tracebacks of all"
    assert hall.begun == [0]


@pytest.mark.parametrize("crowd", CROWDS)
def test_what_comes_afterwards_is_run_anew(crowd: str) -> None:
    hall, pool = Hall(), WorkPool(slots=1, queue=0)
    hall.release.set()
    assert CROWDS[crowd](hall, 1, pool) + CROWDS[crowd](hall, 1, pool) == ["done", "done"]
    assert hall.begun == [0, 1]


def test_other_keys_do_not_wait() -> None:
    hall, pool = Hall(), WorkPool(slots=2, queue=0)

    async def main() -> list[str]:
        first, other = (asyncio.create_task(run_async(hall.flow(key), pool=pool)) for key in ("a", "b"))
        while len(hall.begun) < 2:
            await asyncio.sleep(0.001)
        hall.release.set()
        return [await first, await other]

    assert asyncio.run(main()) == ["done", "done"]


# The first one is gone


def test_after_a_cancelled_task_the_next_one_is_run_and_the_others_wait_on() -> None:
    hall, pool = Hall(), WorkPool(slots=4, queue=0)

    async def main() -> tuple[list[str], list[int]]:
        tasks = [asyncio.create_task(run_async(hall.flow(), pool=pool)) for _ in range(5)]
        while hall.flights.waiting < 4 or not hall.begun:
            await asyncio.sleep(0.001)
        tasks[0].cancel()
        while len(hall.begun) < 2 or hall.flights.waiting < 3:
            await asyncio.sleep(0.001)
        hall.release.set()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        return await asyncio.gather(*tasks[1:]), hall.begun

    assert asyncio.run(main()) == (["done"] * 4, [0, 1])


def test_after_a_cancelled_task_of_trio_the_next_one_is_run() -> None:
    hall, pool = Hall(), WorkPool(slots=4, queue=0)
    first = trio.CancelScope()

    async def be_cancelled() -> None:
        with first:
            await run_async(hall.flow(), pool=pool)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(be_cancelled)
            while not hall.begun:
                await trio.sleep(0.001)
            for _ in range(2):
                nursery.start_soon(_take, hall, pool)
            while hall.flights.waiting < 2:
                await trio.sleep(0.001)
            first.cancel()
            while len(hall.begun) < 2 or hall.flights.waiting < 1:
                await trio.sleep(0.001)
            hall.release.set()

    trio.run(main)
    assert first.cancelled_caught
    assert hall.begun == [0, 1]


def test_a_task_that_waits_and_is_cancelled_disturbs_nobody() -> None:
    hall, pool = Hall(), WorkPool(slots=1, queue=0)

    async def main() -> list[str]:
        tasks = [asyncio.create_task(run_async(hall.flow(), pool=pool)) for _ in range(3)]
        while hall.flights.waiting < 2:
            await asyncio.sleep(0.001)
        tasks[1].cancel()
        hall.release.set()
        with pytest.raises(asyncio.CancelledError):
            await tasks[1]
        return [await tasks[0], await tasks[2]]

    assert asyncio.run(main()) == ["done", "done"]
    assert hall.begun == [0]


def test_a_flow_that_is_dropped_ends_its_call() -> None:
    hall = Hall()
    with closing(hall.flow()) as flow:
        assert isinstance(next(flow), Work)
        second = hall.flow()
        assert isinstance(next(second), Join)
    assert isinstance(second.send(None), Work), "it is its turn now"
    second.close()


def test_a_thread_that_was_killed_as_greenlets_are_leaves_its_turn_to_the_next() -> None:
    class Killed(BaseException):
        """As gevent.Timeout and GreenletExit."""

    hall = Hall()
    flow, waiting = hall.flow(), hall.flow()
    assert isinstance(next(flow), Work)
    assert isinstance(next(waiting), Join)
    with pytest.raises(Killed):
        flow.throw(Killed())
    assert isinstance(waiting.send(None), Work)
    waiting.close()


def test_a_call_of_a_function_that_was_interrupted_fails_those_who_wait_for_it() -> None:
    flights = SingleFlight[str]()
    call = flights.begin("key")
    caught: list[Unavailable] = []

    def wait() -> None:
        try:
            flights.once("key", lambda: "never called")
        except Unavailable as error:
            caught.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while not flights.waiting:
        thread.join(0.001)
    flights.finish("key", call)
    thread.join(SOON)
    assert [str(each) for each in caught] == ["the call was interrupted"]


def test_a_mistake_in_the_flow_of_the_first_is_a_503_for_the_others() -> None:
    hall = Hall()
    flow, waiting = hall.flow(), hall.flow()
    next(flow)
    next(waiting)
    with pytest.raises(FlowError):
        flow.throw(FlowError("a mistake"))
    with pytest.raises(Unavailable, match="FlowError"):
        waiting.send(None)


# Who cannot wait


def test_who_waited_too_long_runs_a_flow_of_its_own() -> None:
    hall = Hall(longest=0.05)
    first = hall.flow()
    next(first)
    hall.release.set()
    assert run(hall.flow()) == "done"
    assert asyncio.run(run_async(hall.flow())) == "done"
    assert trio.run(run_async, hall.flow()) == "done"
    assert hall.begun == [0, 1, 2]
    first.close()


def test_of_those_who_waited_too_long_one_runs_a_flow_and_the_others_wait_for_it() -> None:
    hall, clock = Hall(), FakeClock(0.0)
    hall.flights = SingleFlight[str](longest=30.0, timer=clock)
    first, *others = (hall.flow() for _ in range(4))
    assert isinstance(next(first), Work)
    assert [type(next(flow)) for flow in others] == [Join] * 3
    clock.advance(30.0)
    assert [type(flow.send(None)) for flow in others] == [Work, Join, Join]
    with pytest.raises(StopIteration):
        others[0].send("done")
    for flow in others[1:]:
        with pytest.raises(StopIteration, match="done"):
            flow.send(None)
    first.close()


def test_a_thread_that_runs_an_event_loop_does_not_wait_for_a_task_of_it() -> None:
    hall = Hall(outcome=lambda: "done")

    async def main() -> list[str]:
        task = asyncio.create_task(run_async(hall.flow(), pool=WorkPool(slots=1, queue=0)))
        while not hall.begun:
            await asyncio.sleep(0.001)
        hall.release.set()
        by_itself = run(hall.flow())  # a `def` that calls the sync driver on the loop: waiting would last for ever
        return [by_itself, await task]

    assert asyncio.run(main()) == ["done", "done"]
    assert hall.begun == [0, 1]


def test_threads_wait_for_a_task_and_tasks_for_a_thread() -> None:
    hall, pool = Hall(), WorkPool(slots=1, queue=0)
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(run(hall.flow(), pool=pool)))

    async def main() -> None:
        task = asyncio.create_task(run_async(hall.flow(), pool=pool))
        while not hall.begun:
            await asyncio.sleep(0.001)
        thread.start()
        while hall.flights.waiting < 1:
            await asyncio.sleep(0.001)
        hall.release.set()
        answers.append(await task)

    asyncio.run(main())
    thread.join(SOON)
    assert answers == ["done", "done"]
    hall = Hall()
    thread = threading.Thread(target=lambda: answers.append(run(hall.flow(), pool=pool)))
    thread.start()
    assert hall.running.wait(SOON)
    opening = hall.open_when(1)
    assert asyncio.run(run_async(hall.flow(), pool=pool)) == "done"
    thread.join(SOON)
    opening.join()
    assert (answers, hall.begun) == (["done"] * 3, [0])


def test_the_end_of_a_call_is_no_error_where_the_loop_of_a_waiting_task_has_ended() -> None:
    hall = Hall()
    first = hall.flow()
    next(first)

    async def give_up() -> None:
        waiting = asyncio.create_task(run_async(hall.flow()))
        while not hall.flights.waiting:
            await asyncio.sleep(0.001)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    async def give_up_trio() -> None:
        with trio.move_on_after(0.01):
            await run_async(hall.flow())

    asyncio.run(give_up())
    trio.run(give_up_trio)
    first.close()
    hall.release.set()
    assert run(hall.flow()) == "done"


def test_sixty_that_wait_leave_the_threads_of_trio_to_the_stores() -> None:
    hall, pool = Hall(), WorkPool(slots=1, queue=0)

    def blocking() -> str:
        hall.release.set()
        return "answered"

    def ask() -> Flow[str]:
        return (yield from Ask(blocking))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(60):
                nursery.start_soon(_take, hall, pool)
            while hall.flights.waiting < 59:
                await trio.sleep(0.001)
            with trio.fail_after(SOON):
                assert await run_async(ask()) == "answered"

    trio.run(main)
    assert hall.begun == [0]


def test_sixty_that_hash_leave_the_threads_of_trio_to_the_stores() -> None:
    hall, pool = Hall(), WorkPool(slots=1, queue=100)

    def blocking() -> str:
        hall.release.set()
        return "answered"

    def ask() -> Flow[str]:
        return (yield from Ask(blocking))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for number in range(60):
                nursery.start_soon(_take, hall, pool, str(number))
            while not hall.begun:
                await trio.sleep(0.001)
            with trio.fail_after(SOON):
                assert await run_async(ask()) == "answered"

    trio.run(main)
    assert len(hall.begun) == 60


async def _take(hall: Hall, pool: WorkPool, key: str = "key") -> None:
    assert await run_async(hall.flow(key), pool=pool) == "done"


def test_what_waits_in_the_queue_of_the_pool_is_not_done_for_a_cancelled_task_of_trio() -> None:
    hall, pool = Hall(), WorkPool(slots=1, queue=5)
    done: list[int] = []

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_take, hall, pool)
            while not hall.begun:
                await trio.sleep(0.001)
            with trio.move_on_after(0.01):
                await pool.run_async(done.append, 1)
            hall.release.set()
        await pool.run_async(done.append, 2)

    trio.run(main)
    assert done == [2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_does_not_wait_for_a_flow_of_its_parent() -> None:
    hall = Hall()
    flow = hall.flow()
    next(flow)
    child = os.fork()
    if child == 0:
        second: Generator[Any, Any, str] = hall.flow()
        os._exit(0 if isinstance(next(second), Work) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    flow.close()


def test_an_error_of_a_store_in_the_first_is_a_503_for_all() -> None:
    def down() -> str:
        raise OSError

    def make() -> Flow[str]:
        return (yield from Ask(down))

    flights = SingleFlight[str]()
    first, second = (shared(flights, "key", make) for _ in range(2))
    question = next(first)
    next(second)
    assert isinstance(question, Ask)
    with pytest.raises(StoreUnavailable):
        first.throw(StoreUnavailable("Ask(down) raised OSError"))
    with pytest.raises(Unavailable, match="raised OSError"):
        second.send(None)

"""The pool for hashing: bounded, never blocking a loop, alive after a fork."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import anyio
import pytest
import trio

from authmw.errors import ConfigurationError, Overloaded
from authmw.flow.pool import WorkPool, in_thread, in_waiting_thread, is_on_event_loop


def run_asyncio(function: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(function())


def test_pwd_3_no_more_run_at_once_than_there_are_slots() -> None:
    pool = WorkPool(slots=2, queue=20)
    running: list[int] = []
    most: list[int] = []
    lock = threading.Lock()

    def work() -> None:
        with lock:
            running.append(1)
            most.append(len(running))
        threading.Event().wait(0.002)
        with lock:
            running.pop()

    async def main() -> None:
        await asyncio.gather(*(pool.run_async(work) for _ in range(16)))

    threads = [threading.Thread(target=pool.run, args=(work,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    asyncio.run(main())
    for thread in threads:
        thread.join()
    assert max(most) <= 2
    assert len(most) == 20


def test_pwd_3_a_full_queue_is_overloaded_at_once() -> None:
    pool = WorkPool(slots=1, queue=1)
    release = threading.Event()

    async def main() -> list[object]:
        tasks = [asyncio.ensure_future(pool.run_async(release.wait, 10)) for _ in range(3)]
        while not any(task.done() for task in tasks):
            await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            pool.run(pow, 2, 2)
        release.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    outcomes = asyncio.run(main())
    assert [type(outcome) for outcome in outcomes].count(Overloaded) == 1
    assert pool.run(pow, 2, 2) == 4


def test_a_client_that_hangs_up_frees_no_slot_that_is_taken() -> None:
    pool = WorkPool(slots=1, queue=0)
    started, release = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        release.wait(10)

    async def main() -> None:
        task = asyncio.ensure_future(pool.run_async(work))
        while not started.is_set():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(Overloaded):
            await pool.run_async(pow, 2, 2)
        release.set()

    asyncio.run(main())


def test_a_call_that_gets_no_slot_in_time_is_overloaded_and_frees_its_place_in_the_queue() -> None:
    pool = WorkPool(slots=1, queue=2, patience=0.05)
    release = threading.Event()

    async def main() -> None:
        running = asyncio.create_task(pool.run_async(release.wait, 10))
        for _ in range(3):
            waiting = [pool.run_async(pow, 2, 2) for _ in range(2)]
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [Overloaded] * 2
        assert not running.done()  # what has started goes on
        release.set()
        assert await running
        assert await pool.run_async(pow, 2, 2) == 4

    asyncio.run(main())


def test_what_waits_for_another_server_gets_a_thread_within_two_seconds_or_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release, started = threading.Event(), list[int]()

    def hold(number: int) -> None:
        started.append(number)
        release.wait(20)

    async def main() -> None:
        now = [1000.0]
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now[0])
        busy = [asyncio.create_task(in_waiting_thread(hold, number)) for number in range(64)]
        while len(started) < len(busy):
            await asyncio.sleep(0)
        late = asyncio.create_task(in_waiting_thread(pow, 2, 2))
        try:
            for seconds in (0, 1.99):
                now[0] += seconds
                for _ in range(10):
                    await asyncio.sleep(0)
                assert not late.done()
            now[0] += 0.01
            for _ in range(10):
                await asyncio.sleep(0)
            assert late.done()
        finally:
            release.set()
        with pytest.raises(Overloaded):
            await late
        await asyncio.gather(*busy)

    asyncio.run(main())


def test_who_hangs_up_while_waiting_is_cancelled_and_not_overloaded() -> None:
    pool = WorkPool(slots=1, queue=1, patience=10)
    release = threading.Event()

    async def main() -> None:
        running = asyncio.create_task(pool.run_async(release.wait, 10))
        waiting = asyncio.create_task(pool.run_async(pow, 2, 2))
        await asyncio.sleep(0.02)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        release.set()
        assert await running

    asyncio.run(main())


@pytest.mark.slow
@pytest.mark.parametrize("run", [run_asyncio, trio.run], ids=["asyncio", "trio"])
def test_calls_of_a_server_that_hangs_wait_no_longer_for_a_thread_than_two_seconds(run: Callable[..., None]) -> None:
    release = threading.Event()
    outcomes: list[str] = []

    async def call() -> None:
        try:
            await in_waiting_thread(release.wait, 20)
        except Overloaded as error:
            outcomes.append(str(error))
            if len(outcomes) == 136:
                release.set()
        else:
            outcomes.append("answered")

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(200):
                group.start_soon(call)

    began = time.monotonic()
    run(main)
    assert time.monotonic() - began < 5
    assert (outcomes.count("no thread was free in time"), outcomes.count("answered")) == (136, 64)


def test_what_work_raises_is_raised_and_its_slot_is_free_again() -> None:
    pool = WorkPool(slots=1, queue=0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            pool.run(divmod, 1, 0)
        with pytest.raises(ZeroDivisionError):
            asyncio.run(pool.run_async(divmod, 1, 0))


@pytest.mark.parametrize("run", [run_asyncio, trio.run], ids=["asyncio", "trio"])
def test_a_time_in_which_no_thread_can_be_started_takes_no_place_in_the_queue(
    run: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, done = WorkPool(slots=1, queue=1), list[int]()

    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def main() -> None:
        with monkeypatch.context() as limited:
            limited.setattr(threading.Thread, "start", refused)
            for number in range(5):
                with pytest.raises(Overloaded, match="no thread can be started"):
                    await pool.run_async(done.append, number)
        for number in (5, 6):
            await pool.run_async(done.append, number)

    run(main)
    assert done == [5, 6]  # what was refused is not done later either


def test_a_pool_that_was_shut_down_is_overloaded() -> None:
    pool = WorkPool(slots=1, queue=0)
    assert asyncio.run(pool.run_async(pow, 2, 2)) == 4
    executor: object = vars(pool)["_executor"]
    assert isinstance(executor, ThreadPoolExecutor)
    executor.shutdown()
    for _ in range(2):
        with pytest.raises(Overloaded, match="no thread can be started"):
            asyncio.run(pool.run_async(pow, 2, 2))
    assert pool.run(pow, 2, 2) == 4


def test_the_loop_goes_on_while_work_is_done() -> None:
    pool = WorkPool(slots=1)
    release = threading.Event()

    async def main() -> str:
        task = asyncio.ensure_future(pool.run_async(release.wait, 10))
        await asyncio.sleep(0)
        release.set()  # only a loop that is not blocked gets here
        await task
        return "went on"

    assert asyncio.run(main()) == "went on"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_pool_that_was_busy_works_in_a_forked_child() -> None:
    pool = WorkPool(slots=1, queue=0)
    started, release = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        release.wait(10)

    thread = threading.Thread(target=pool.run, args=(work,))
    thread.start()
    started.wait(10)
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        os._exit(0 if pool.run(pow, 2, 2) == 4 and asyncio.run(pool.run_async(pow, 2, 2)) == 4 else 1)
    _, status = os.waitpid(child, 0)
    release.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_thread_sees_the_context_of_its_caller() -> None:
    name: ContextVar[str] = ContextVar("name")

    async def main() -> str:
        name.set("alice")
        return await in_thread(name.get)

    assert asyncio.run(main()) == "alice"


def test_a_pool_without_slots_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="slots"):
        WorkPool(slots=0)


def test_a_thread_that_runs_a_loop_is_told_from_others() -> None:
    async def told() -> bool:
        return is_on_event_loop()

    assert [asyncio.run(told()), trio.run(told), is_on_event_loop()] == [True, True, False]

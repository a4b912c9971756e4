"""Flows under every driver: the same answers, and every mistake fails closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authmw.errors import FlowError, Overloaded, StoreUnavailable, Unavailable
from authmw.flow.call_mode import CallMode
from authmw.flow.flow import Ask, Flow, Shielded, Work, run, run_async
from authmw.flow.pool import WorkPool, in_thread
from authmw.http.request import WSGIRequest
from authmw.stores import Client, MemoryClients, MemoryThrottle
from tests.drivers import DRIVERS

every_driver = pytest.mark.parametrize("drive", DRIVERS.values(), ids=DRIVERS)


class Store:
    """A store with a method of each sort."""

    def find(self, key: str) -> str | None:
        return {"a": "1"}.get(key)

    @CallMode.NONBLOCKING
    def find_fast(self, key: str) -> str | None:
        return {"a": "1"}.get(key)

    async def find_async(self, key: str) -> str | None:
        return {"a": "1"}.get(key)

    def fail(self, error: BaseException) -> str:
        raise error


def _no_question(ask: bool = False) -> Flow[str]:
    if ask:
        yield from Ask(Store().find, "a")
    return "at once"


def _one_question() -> Flow[str | None]:
    return (yield from Ask(Store().find, "a"))


def _several_questions() -> Flow[tuple[str | None, str | None, int]]:
    first = yield from Ask(Store().find, "a")
    second = yield from Ask(Store().find_fast, "b")
    third = yield from Work(pow, 2, 10)
    return first, second, third


def _nested() -> Flow[str | None]:
    return (yield from _one_question())


def _keyword() -> Flow[str | None]:
    return (yield from Ask(Store().find, key="a"))


def _recovers() -> Flow[str]:
    try:
        yield from Ask(Store().fail, OSError("down"))
    except StoreUnavailable:
        return "went on without"
    return "never"


FLOWS: dict[str, tuple[Callable[[], Flow[Any]], Any]] = {
    "no question": (_no_question, "at once"),
    "one question": (_one_question, "1"),
    "several": (_several_questions, ("1", None, 1024)),
    "nested": (_nested, "1"),
    "keyword": (_keyword, "1"),
    "recovers": (_recovers, "went on without"),
}


@every_driver
@pytest.mark.parametrize("name", FLOWS)
def test_every_driver_gives_the_flow_the_same_answers(drive: Callable[..., Any], name: str) -> None:
    flow, expected = FLOWS[name]
    assert drive(flow()) == expected


@pytest.mark.parametrize("drive", [DRIVERS["asyncio"], DRIVERS["trio"]], ids=["asyncio", "trio"])
@pytest.mark.parametrize("method", ["find", "find_fast", "find_async"])
def test_a_store_may_be_def_or_async_def_method_by_method(drive: Callable[..., Any], method: str) -> None:
    def flow() -> Flow[Any]:
        return (yield from Ask(getattr(Store(), method), "a"))

    assert drive(flow()) == "1"


@pytest.mark.parametrize("drive", [DRIVERS["asyncio"], DRIVERS["trio"]], ids=["asyncio", "trio"])
def test_a_partial_of_an_async_def_is_awaited(drive: Callable[..., Any]) -> None:
    def flow() -> Flow[Any]:
        find: Callable[..., Any] = partial(Store().find_async, "a")
        return (yield from Ask(find))

    assert drive(flow()) == "1"


@every_driver
@pytest.mark.parametrize(
    "error",
    [ConnectionError("x"), StopIteration("x"), KeyError("x"), StopAsyncIteration(), RuntimeError(), TimeoutError()],
    ids=repr,
)
def test_class_35_whatever_a_store_raises_is_unavailable_and_never_an_answer(
    drive: Callable[..., Any], error: Exception
) -> None:
    def flow() -> Flow[str]:
        found = yield from Ask(Store().fail, error)
        return f"went on with {found}"

    with pytest.raises(StoreUnavailable) as raised:
        drive(flow())
    assert raised.value.__cause__ is not None
    assert "x" not in str(raised.value).split("raised")[1].removeprefix(f" {type(error).__name__}")


def _is_never(code: object) -> bool:
    return False


@every_driver
@pytest.mark.parametrize("function, seen", [(Store().fail, StoreUnavailable), (next, RuntimeError)], ids=["own", "any"])
def test_a_stop_iteration_out_of_work_is_no_answer(
    drive: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, function: Any, seen: type[Exception]
) -> None:
    if function is next:  # as a function of authmw would raise it
        monkeypatch.setattr("authmw.flow.flow.is_of_application", _is_never)

    def flow() -> Flow[str]:
        yield from Work(function, StopIteration("a way out") if seen is StoreUnavailable else iter(()))
        return "went on"

    with pytest.raises(seen):
        drive(flow())


@every_driver
def test_an_exception_that_is_no_exception_of_a_store_passes_through(drive: Callable[..., Any]) -> None:
    class Interrupted(BaseException):
        pass

    def flow() -> Flow[str]:
        yield from Ask(Store().fail, Interrupted())
        return "went on"

    with pytest.raises((Interrupted, BaseExceptionGroup)):
        drive(flow())


@every_driver
def test_an_unavailable_of_a_store_keeps_its_own_words(drive: Callable[..., Any]) -> None:
    class Busy(Unavailable):
        retry_after = 99

    def flow() -> Flow[str]:
        yield from Ask(Store().fail, Busy("come back"))
        return "went on"

    with pytest.raises(Busy):
        drive(flow())


@every_driver
@pytest.mark.parametrize("question", [Ask(Store().find, "a"), Work(pow, 2, 2)], ids=["ask", "work"])
def test_a_question_used_as_its_answer_raises(drive: Callable[..., Any], question: Any) -> None:
    def flow() -> Flow[str]:
        if question:  # the forgotten `yield from`
            return "authenticated"
        yield from question
        return "never"

    with pytest.raises(FlowError, match="yield from"):
        drive(flow())


def test_a_coroutine_that_reaches_the_sync_driver_raises() -> None:
    def flow() -> Flow[str]:
        find: Callable[..., Any] = Store().find_async
        found = yield from Ask(find, "a")
        return "authenticated" if found else "nobody"

    with pytest.raises(FlowError, match="WSGI"):
        run(flow())


def test_any_other_awaitable_that_reaches_the_sync_driver_raises() -> None:
    class Later:
        def __await__(self) -> Generator[Any, None, str]:
            raise AssertionError("never awaited")

    def flow() -> Flow[str]:
        find: Callable[..., Any] = Later
        found = yield from Ask(find)
        return "authenticated" if found else "nobody"

    with pytest.raises(FlowError, match="WSGI"):
        run(flow())


@every_driver
@pytest.mark.parametrize("thing", [True, None, "a question", ("Ask", "a")], ids=repr)
def test_what_is_no_question_is_not_answered(drive: Callable[..., Any], thing: Any) -> None:
    def flow() -> Generator[Any, Any, str]:
        answer = yield thing
        return f"authenticated {answer}"

    with pytest.raises(FlowError, match="Ask or Work"):
        drive(flow())


def test_tok_3_a_question_shows_no_argument() -> None:
    assert "hunter2" not in repr(Ask(Store().find, "hunter2")) + repr(Work(len, "hunter2"))


def test_a_blocking_store_is_sent_to_a_thread_and_a_nonblocking_one_is_not() -> None:
    @CallMode.NONBLOCKING
    def here() -> int:
        return threading.get_ident()

    def flow() -> Flow[tuple[int, int]]:
        blocking = yield from Ask(threading.get_ident)
        fast = yield from Ask(here)
        return blocking, fast

    blocking, fast = asyncio.run(run_async(flow()))
    assert fast == threading.get_ident() != blocking


def test_a_class_marked_nonblocking_is_asked_on_the_loop() -> None:
    @CallMode.NONBLOCKING
    class Fast:
        def find(self) -> int:
            return threading.get_ident()

    def flow() -> Flow[int]:
        return (yield from Ask(Fast().find))

    assert asyncio.run(run_async(flow())) == threading.get_ident()


@every_driver
def test_pwd_3_work_without_a_free_slot_is_overloaded(drive: Callable[..., Any]) -> None:
    class Full(WorkPool):
        def _admit(self) -> threading.BoundedSemaphore:
            raise Overloaded("full")

    def flow() -> Flow[int]:
        return (yield from Work(pow, 2, 2))

    with pytest.raises(Overloaded):
        drive(flow(), pool=Full(1))


def test_a_cancelled_request_closes_its_flow() -> None:
    closed: list[str] = []

    async def forever() -> None:
        await asyncio.Event().wait()

    def flow() -> Flow[None]:
        wait: Callable[..., Any] = forever
        try:
            yield from Ask(wait)
        finally:
            closed.append("cleaned up")

    async def main() -> None:
        task = asyncio.ensure_future(run_async(flow()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert closed == ["cleaned up"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["find", "work", "fail", "stop", "return"]), max_size=6))
def test_the_sync_and_async_drivers_agree_on_every_flow(steps: list[str]) -> None:
    def flow() -> Flow[list[Any]]:
        answers: list[Any] = []
        for step in steps:
            match step:
                case "find":
                    answers.append((yield from Ask(CallMode.NONBLOCKING(lambda: "found"))))
                case "work":
                    answers.append((yield from Work(pow, 3, 3)))
                case "fail":
                    yield from Ask(CallMode.NONBLOCKING(partial(Store().fail, OSError())))
                case "stop":
                    yield from Ask(partial(Store().fail, StopIteration()))
                case _:
                    return answers
        return answers

    assert _outcome(run, flow()) == _outcome(DRIVERS["asyncio"], flow())


def _outcome(drive: Callable[..., Any], flow: Any) -> Any:
    try:
        return drive(flow)
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("drive", [DRIVERS["asyncio"], DRIVERS["trio"]], ids=["asyncio", "trio"])
@pytest.mark.parametrize("kind", ["blocking", "async"])
def test_err_3_a_store_that_hangs_is_not_waited_for(drive: Callable[..., Any], kind: str) -> None:
    def block() -> str:
        # No longer than it takes to tell: a loop that ends waits for its threads.
        threading.Event().wait(0.5)
        return "late"

    def flow() -> Flow[str]:
        return (yield from Ask(block if kind == "blocking" else _never))

    with pytest.raises(StoreUnavailable):
        drive(flow(), store_timeout=0.05)


async def _never() -> str:
    while True:
        await in_thread(threading.Event().wait, 0.01)


def test_a_body_is_waited_for_as_long_as_the_server_does() -> None:
    @CallMode.OWN_TIMEOUT
    async def body() -> str:
        await in_thread(threading.Event().wait, 0.05)
        return "read"

    def flow() -> Flow[str]:
        return (yield from Ask(body))

    assert asyncio.run(run_async(flow(), store_timeout=0.01)) == "read"


def test_an_async_def_is_awaited_whatever_its_class_is_marked_with_and_a_method_may_differ_from_its_class() -> None:
    @CallMode.NONBLOCKING
    class Users:
        def find(self) -> None: ...

        async def find_slowly(self) -> None: ...

        @CallMode.BLOCKING
        def find_on_disk(self) -> None: ...

    @CallMode.NONBLOCKING
    async def wrongly_marked() -> None: ...

    users = Users()
    assert [CallMode.of(each) for each in (users.find, users.find_slowly, users.find_on_disk, wrongly_marked)] == [
        CallMode.NONBLOCKING,
        CallMode.ASYNC,
        CallMode.BLOCKING,
        CallMode.ASYNC,
    ]
    assert CallMode.of(CallMode.ASYNC(Users()).find) is CallMode.ASYNC


# Shielded parts


@every_driver
def test_a_shielded_part_gives_its_result_and_raises_what_it_raises(drive: Callable[..., Any]) -> None:
    def failing() -> Flow[str]:
        yield from Ask(Store().fail, OSError())
        return "not reached"

    def flow() -> Flow[tuple[str | None, bool]]:
        found = yield from Shielded(_one_question())
        try:
            yield from Shielded(failing())
        except StoreUnavailable:
            return found, True
        return found, False

    assert drive(flow()) == ("1", True)


def test_a_shielded_part_calls_stores_where_the_rest_of_the_flow_does() -> None:
    called: list[str] = []

    async def thread(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        called.append(function.__name__)
        return function(*args, **kwargs)

    def flow() -> Flow[str | None]:
        return (yield from Shielded(_one_question()))

    assert asyncio.run(run_async(flow(), thread=thread)) == "1"
    assert called == ["find"]


def test_a_shielded_part_that_asks_nothing_never_reaches_the_driver() -> None:
    def failing() -> Flow[str]:
        yield from ()
        raise Unavailable("closed")

    assert list(Shielded(_no_question())) == []
    with pytest.raises(Unavailable, match="closed"):
        list(Shielded(failing()))


@every_driver
def test_a_shielded_part_may_catch_what_its_first_question_raises(drive: Callable[..., Any]) -> None:
    def flow() -> Flow[str]:
        return (yield from Shielded(_recovers()))

    assert drive(flow()) == "went on without"


def test_a_shielded_part_is_closed_with_its_driver() -> None:
    closed: list[bool] = []

    def part() -> Flow[None]:
        try:
            yield from Ask(Store().find, "a")
        finally:
            closed.append(True)

    def flow() -> Flow[None]:
        yield from Shielded(part())

    part_of_flow = next(flow()).args[0]
    next(part_of_flow)
    part_of_flow.close()
    assert closed == [True]


def test_a_shielded_part_goes_on_to_its_end_when_its_request_is_cancelled() -> None:
    done: list[str] = []

    async def main() -> None:
        reached, may_go_on = asyncio.Event(), asyncio.Event()

        async def wait() -> str:
            reached.set()
            await may_go_on.wait()
            return "done"

        def part() -> Flow[None]:
            done.append((yield from Ask(wait)))

        def flow() -> Flow[None]:
            yield from Shielded(part())

        request = asyncio.ensure_future(run_async(flow()))
        await reached.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        may_go_on.set()
        while not done:
            await asyncio.sleep(0)

    asyncio.run(main())
    assert done == ["done"]


# Stores that are asked without a driver


class Failing(MemoryClients):
    """As a store of the application, derived from one of authmw."""

    def find_client(self, client_id: str) -> Client | None:
        raise KeyError(client_id)


def _questions_to(method: Callable[..., Any]) -> list[object]:
    return list(Ask(method, "shop"))


def test_a_store_of_authmw_that_does_not_block_is_asked_at_once() -> None:
    clients = MemoryClients()
    _, shop = clients.create("shop")

    def flow() -> Flow[Client | None]:
        return (yield from Ask(clients.find_client, "shop"))

    assert _questions_to(clients.find_client) == []
    with pytest.raises(StopIteration) as done:
        next(flow())
    assert done.value.value is shop


@pytest.mark.parametrize(
    "method",
    [
        Store().find_fast,
        Failing().find_client,
        CallMode.BLOCKING(MemoryClients()).find_client,
        partial(MemoryClients().find_client),
        {"shop": "1"}.get,
        WSGIRequest({"REQUEST_METHOD": "GET"}).read_body,
    ],
    ids=["of the application", "derived", "marked otherwise", "partial", "built in", "blocking"],
)
def test_any_other_store_is_asked_by_the_driver(method: Callable[..., Any]) -> None:
    question = next(iter(Ask(method, "shop")))
    assert isinstance(question, Ask)


def test_what_a_store_raises_that_is_asked_at_once_is_unavailable() -> None:
    throttle = MemoryThrottle()

    def flow(attempt: Any) -> Flow[object]:
        return (yield from Ask(throttle.reserve, attempt, 0.0))

    with pytest.raises(StoreUnavailable, match=r"reserve\) raised AttributeError") as raised:
        next(flow(None))
    assert isinstance(raised.value.__cause__, AttributeError)

"""Verification is written once: a generator that asks, and two drivers that answer.

A flow yields questions. `run` answers them by calling, for WSGI; `run_async` awaits what is awaitable, sends a
blocking store to a thread and hashing to a bounded pool, for ASGI. Everything that could turn a mistake in a flow or
a store into a success fails closed here:

- an `Ask` or `Work` used as an answer, because ``yield from`` was forgotten, raises;
- an awaitable that reaches the sync driver raises;
- whatever a store raises becomes `StoreUnavailable`, a ``StopIteration`` too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from types import CoroutineType
from typing import Any, Final, Generic, NoReturn, ParamSpec, TypeVar, overload

from authmw.errors import AuthmwError, FlowError, StoreUnavailable
from authmw.flow.call_mode import CallMode, is_async_def
from authmw.flow.pool import WorkPool, default_pool, in_thread, in_thread_apart, within

P = ParamSpec("P")
T = TypeVar("T")

STORE_TIMEOUT: Final = 2.0
"""Seconds that a store may take to answer, under ASGI (ERR-3)."""


class _Question(Generic[T]):
    __slots__ = ("args", "function", "kwargs")

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __bool__(self) -> NoReturn:
        raise FlowError(f"{self!r} is a question, not its answer: write `yield from` before it")

    def __repr__(self) -> str:
        # Never the arguments: they may be passwords.
        return f"{type(self).__name__}({getattr(self.function, '__qualname__', type(self.function).__name__)})"


class Ask(_Question[T]):
    """A question to a store: ``user = yield from Ask(users.find, username)``.

    The method may be ``def`` or ``async def``. What it raises reaches the flow as `StoreUnavailable`.
    """

    __slots__ = ()

    @overload
    def __init__(self, method: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> None: ...
    @overload
    def __init__(self, method: Callable[P, T | Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> None: ...
    def __init__(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.function = method
        self.args = args
        self.kwargs = kwargs

    def __iter__(self) -> Generator[Ask[Any] | Work[Any], Any, T]:
        answer: T = yield self
        return answer


class Work(_Question[T]):
    """CPU-bound work, such as hashing: ``match = yield from Work(hasher.verify, ...)``. It never blocks a loop."""

    __slots__ = ()

    def __init__(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> None:
        self.function = function
        self.args: tuple[Any, ...] = args
        self.kwargs: dict[str, Any] = kwargs

    def __iter__(self) -> Generator[Ask[Any] | Work[Any], Any, T]:
        answer: T = yield self
        return answer


Flow = Generator[Ask[Any] | Work[Any], Any, T]
"""A verification that asks questions and ends with a `T`."""


def run(flow: Flow[T], *, pool: WorkPool = default_pool) -> T:
    """Answer the questions of `flow` by calling, on this thread.

    Raises:
        Unavailable: a store raised, or no slot was free for hashing.
        FlowError: the flow yielded something else than a question, or a store is ``async def``.
    """
    try:
        question = next(flow)
        while True:
            try:
                answer = _call(question) if isinstance(question, Ask) else _work(question, pool)
            except BaseException as error:  # the flow may clean up, and then it goes on to the caller
                question = flow.throw(_as_failure(question, error))
            else:
                question = flow.send(answer)
    except StopIteration as done:
        value: T = done.value
        return value


async def run_async(flow: Flow[T], *, pool: WorkPool = default_pool, store_timeout: float = STORE_TIMEOUT) -> T:
    """Answer the questions of `flow` on an event loop (asyncio or trio), never blocking it.

    A store that does not answer within `store_timeout` seconds counts as one that raised. Under WSGI nothing can
    interrupt a store: there its own timeouts bound it.

    Raises:
        Unavailable: a store raised or did not answer, or no slot was free for hashing.
        FlowError: the flow yielded something else than a question.
    """
    try:
        question = next(flow)
        while True:
            try:
                if not isinstance(question, Ask):
                    answer = await _work_async(question, pool)
                elif (mode := CallMode.of(question.function)) is CallMode.BLOCKING:
                    answer = await within(store_timeout, _call_in_thread(question, in_thread))
                elif mode is CallMode.OWN_TIMEOUT:
                    answer = await _call_without_timeout(question)
                else:
                    answer = question.function(*question.args, **question.kwargs)
                    if hasattr(answer, "__await__"):
                        answer = await within(store_timeout, answer)
            except BaseException as error:
                question = flow.throw(_as_failure(question, error))
            else:
                question = flow.send(answer)
    except StopIteration as done:
        value: T = done.value
        return value


def _call(question: Ask[Any]) -> Any:
    answer = question.function(*question.args, **question.kwargs)
    if hasattr(answer, "__await__"):
        if isinstance(answer, CoroutineType):
            answer.close()
        raise FlowError(f"{question!r} is async, and this is WSGI: give it a `def`, or serve the application by ASGI")
    return answer


async def _call_in_thread(question: Ask[Any], thread: Callable[..., Awaitable[Any]]) -> Any:
    answer = await thread(question.function, *question.args, **question.kwargs)
    return await answer if hasattr(answer, "__await__") else answer


async def _call_without_timeout(question: Ask[Any]) -> Any:
    if is_async_def(question.function):
        return await question.function(*question.args, **question.kwargs)
    return await _call_in_thread(question, in_thread_apart)


def ask_now(method: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> object:
    """Ask a store whose mode is `CallMode.NONBLOCKING` without a flow, which would cost more than its answer.

    The answer is untyped, so that the caller has to check that it is one: a coroutine is not.

    Raises:
        StoreUnavailable: the store raised.
    """
    try:
        return method(*args, **kwargs)
    except AuthmwError:
        raise
    except Exception as error:
        raise StoreUnavailable(f"Ask({getattr(method, '__qualname__', '')}) raised {type(error).__name__}") from error


def _work(question: Work[Any], pool: WorkPool) -> Any:
    _check(question)
    return pool.run(question.function, *question.args, **question.kwargs)


async def _work_async(question: Work[Any], pool: WorkPool) -> Any:
    _check(question)
    return await pool.run_async(question.function, *question.args, **question.kwargs)


def _check(question: object) -> None:
    if not isinstance(question, Work):
        raise FlowError(f"a flow yields Ask or Work, not {type(question).__name__}")


def _as_failure(question: object, error: BaseException) -> BaseException:
    if not isinstance(question, Ask) or isinstance(error, AuthmwError) or not isinstance(error, Exception):
        # PEP 479 turns a StopIteration thrown into a generator into a RuntimeError, so Work is covered too.
        return error
    failure = StoreUnavailable(f"{question!r} raised {type(error).__name__}")
    failure.__cause__ = error
    return failure

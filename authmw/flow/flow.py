"""Flows: verification code written once as generators that yield questions, and the two drivers that answer them.

`run` is the driver for WSGI: it calls the functions. `run_async` is the driver for ASGI: it awaits awaitables, calls a
blocking store on a thread, and hashes passwords on a bounded pool. Both fail closed, so that no mistake in a flow or in
a store becomes a success:

- An `Ask` or `Work` that is used as an answer, because ``yield from`` is missing, raises.
- An awaitable under WSGI raises.
- Every exception of a store, and of a hasher of the application, becomes `StoreUnavailable`, also a
  ``StopIteration``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, ParamSpec, TypeVar, overload

from authmw.errors import FlowError, StoreUnavailable, is_answer, is_passed_on
from authmw.flow.application_code import Surroundings, is_of_application
from authmw.flow.call_mode import CallMode, is_async_def, is_own_and_nonblocking
from authmw.flow.pool import WorkPool, default_pool, finished, in_thread, in_waiting_thread, within

if TYPE_CHECKING:
    from authmw.flow.single_flight import Call

P = ParamSpec("P")
T = TypeVar("T")

STORE_TIMEOUT: Final = 2.0
"""Seconds that a store may take to answer under ASGI. A request with a slow store is a 503 and does not wait longer."""


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

    The method may be a ``def`` or an ``async def``. If it raises, the flow gets a `StoreUnavailable`. A store of authmw
    that does not block is asked at once, without the driver, which would call it in the same place.
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

    def __iter__(self) -> Generator[Question, Any, T]:
        if is_own_and_nonblocking(self.function):
            answer: Any = ask_now(self.function, *self.args, **self.kwargs)
        else:
            answer = yield self
        return answer  # type: ignore[no-any-return]


class Work(_Question[T]):
    """CPU-bound work, such as hashing: ``match = yield from Work(hasher.verify, ...)``.

    It never blocks an event loop.
    """

    __slots__ = ()

    def __init__(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> None:
        self.function = function
        self.args: tuple[Any, ...] = args
        self.kwargs: dict[str, Any] = kwargs

    def __iter__(self) -> Generator[Question, Any, T]:
        answer: T = yield self
        return answer


class Shielded(_Question[T]):
    """A part of a flow that is finished, once begun, although the client has gone: ``yield from Shielded(flow)``.

    Some servers cancel the task of a request whose client disconnects. What such a part has taken, it gives back. Up to
    its first question nothing can cancel it: a part without one never reaches the driver, which would make a task.
    """

    __slots__ = ()

    def __init__(self, flow: Generator[Question, Any, T]) -> None:
        self.function = run
        self.args: tuple[Generator[Question, Any, T]] = (flow,)
        self.kwargs: dict[str, Any] = {}

    def __iter__(self) -> Generator[Question, Any, T]:
        (flow,) = self.args
        try:
            question = next(flow)
        except StopIteration as done:
            value: T = done.value
            return value
        self.args = (_resumed(flow, question),)
        answer: T = yield self
        return answer


def _resumed(flow: Generator[Question, Any, T], question: Question) -> Generator[Question, Any, T]:
    """`flow`, which has yielded `question` already."""
    try:
        while True:
            try:
                answer = yield question
            except BaseException as error:
                question = flow.throw(error)
            else:
                question = flow.send(answer)
    except StopIteration as done:
        value: T = done.value
        return value


class Join(_Question[Any]):
    """The wait for a call of another flow: ``yield from Join(call, 30.0)``. Then see whether the call is over.

    It uses neither a thread nor a slot of the pool that the other flow may need. See `authmw.flow.shared_flow`.

    Args:
        call: the call.
        seconds: how long to wait at most.
    """

    __slots__ = ("call",)

    def __init__(self, call: Call[Any], seconds: float) -> None:
        self.call: Call[Any] = call
        self.function: Callable[..., Any] = call.wait
        self.args: tuple[Any, ...] = (seconds,)
        self.kwargs: dict[str, Any] = {}

    def __iter__(self) -> Generator[Question, Any, Any]:
        return (yield self)


Question = Ask[Any] | Work[Any] | Shielded[Any] | Join
Flow = Generator[Question, Any, T]
"""A generator that yields questions and returns a `T`."""


def run(flow: Flow[T], *, pool: WorkPool = default_pool, around: Surroundings | None = None) -> T:
    """Run `flow` on this thread and return its result: the driver for WSGI.

    Args:
        flow: the flow.
        pool: where passwords are hashed.
        around: makes the context in which functions of the application are called.

    Raises:
        Unavailable: a store raised, or there was no free slot for hashing.
        FlowError: the flow yielded something that is no question, or a store is ``async def``.
    """
    try:
        question = next(flow)
        while True:
            try:
                if around is not None and is_of_application(question.function):
                    with around():
                        answer = _answer(question, pool)
                elif isinstance(question, Shielded):  # nothing is cancelled under WSGI
                    answer = run(*question.args, pool=pool, around=around)
                else:
                    answer = _answer(question, pool)
            except BaseException as error:  # the flow may clean up; then the error reaches the caller
                question = flow.throw(_as_failure(question, error))
            else:
                question = flow.send(answer)
    except StopIteration as done:
        value: T = done.value
        return value


async def run_async(
    flow: Flow[T],
    *,
    pool: WorkPool = default_pool,
    store_timeout: float = STORE_TIMEOUT,
    thread: Callable[..., Awaitable[Any]] | None = None,
) -> T:
    """Run `flow` on an event loop (asyncio or trio) without blocking it: the driver for ASGI.

    A store that does not answer within `store_timeout` seconds is treated as a store that raised. Under WSGI nothing
    can interrupt a store, so that only its own timeouts limit it.

    Args:
        flow: the flow.
        pool: where passwords are hashed.
        store_timeout: seconds that a store may take.
        thread: calls a function that may block on a thread; None for `authmw.flow.pool.in_thread`.

    Raises:
        Unavailable: a store raised or did not answer in time, or there was no free slot for hashing.
        FlowError: the flow yielded something that is no question.
    """
    thread = thread or in_thread
    try:
        question = next(flow)
        while True:
            try:
                if isinstance(question, Shielded):
                    answer = await finished(
                        run_async(*question.args, pool=pool, store_timeout=store_timeout, thread=thread)
                    )
                elif not isinstance(question, Ask):
                    answer = await _other_async(question, pool)
                elif (mode := CallMode.of(question.function)) is CallMode.BLOCKING:
                    answer = await within(store_timeout, _call_in_thread(question, thread))
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


def _answer(question: Question, pool: WorkPool) -> Any:
    return _call(question) if isinstance(question, Ask) else _other(question, pool)


def _call(question: Ask[Any]) -> Any:
    answer = question.function(*question.args, **question.kwargs)
    if hasattr(answer, "__await__"):
        _refuse_awaitable(answer, question)
    return answer


async def _call_in_thread(question: Ask[Any], thread: Callable[..., Awaitable[Any]]) -> Any:
    answer = await thread(question.function, *question.args, **question.kwargs)
    return await answer if hasattr(answer, "__await__") else answer


async def _call_without_timeout(question: Ask[Any]) -> Any:
    if is_async_def(question.function):
        return await question.function(*question.args, **question.kwargs)
    return await _call_in_thread(question, in_waiting_thread)


def ask_now(method: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> object:
    """Call a store whose mode is `CallMode.NONBLOCKING` without a flow, because a flow would cost more than the call.

    The answer has the type ``object``, so that the caller has to check it: it could be a coroutine.

    Raises:
        StoreUnavailable: the store raised.
    """
    try:
        return method(*args, **kwargs)
    except Exception as error:
        if is_passed_on(error) or is_answer(error):
            raise
        raise StoreUnavailable(f"{Ask(method, *args, **kwargs)!r} raised {type(error).__name__}") from error


def ask_here(function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> object:
    """Call a function that may wait, without a flow, on the thread of a request: under WSGI.

    Raises:
        StoreUnavailable: the function raised.
        FlowError: the function is ``async def``.
    """
    answer = ask_now(function, *args, **kwargs)
    if hasattr(answer, "__await__"):
        _refuse_awaitable(answer, Ask(function, *args, **kwargs))
    return answer


def _refuse_awaitable(answer: object, question: Ask[Any]) -> NoReturn:
    if isinstance(answer, CoroutineType):
        answer.close()
    raise FlowError(f"{question!r} is async, and this is WSGI: use a `def`, or serve the application by ASGI")


def _other(question: Question, pool: WorkPool) -> Any:
    if isinstance(question, Join):
        return question.function(*question.args)
    _check(question)
    return pool.run(question.function, *question.args, **question.kwargs)


async def _other_async(question: Question, pool: WorkPool) -> Any:
    if isinstance(question, Join):
        return await question.call.wait_async(*question.args)
    _check(question)
    return await pool.run_async(question.function, *question.args, **question.kwargs)


def _check(question: object) -> None:
    if not isinstance(question, Work):
        raise FlowError(f"a flow yields Ask or Work, not {type(question).__name__}")


def _as_failure(question: object, error: BaseException) -> BaseException:
    if is_passed_on(error) or is_answer(error) or not isinstance(error, Exception):
        return error
    if not isinstance(question, Ask) and not is_of_application(getattr(question, "function", None)):
        # PEP 479 turns a StopIteration that is thrown into a generator into a RuntimeError. So a StopIteration of a
        # Work cannot end the flow either.
        return error
    failure = StoreUnavailable(f"{question!r} raised {type(error).__name__}")
    failure.__cause__ = error
    return failure

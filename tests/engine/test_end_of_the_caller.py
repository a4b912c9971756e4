"""The caller ends with the request: what it leaves behind finds nobody, unless the caller was passed on."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import queue
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import Any

import pytest

from authmw import (
    ANONYMOUS,
    AccessRefused,
    Auth,
    ConfigurationError,
    HTTPBearer,
    Principal,
    acting_as,
    carry_caller,
    current_principal,
    current_user_async,
    requires,
    requires_scopes,
)
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.flow import CallMode
from authmw.http.request import Environ, Message, Receive, Scope, Send
from authmw.identity.calling import current_call
from authmw.wsgi import AuthMiddleware as WSGIMiddleware

StartResponse = Callable[..., Callable[[bytes], object]]

TOKENS = {"alice": Principal("alice", scopes={"read"}), "bob": Principal("bob")}


@CallMode.NONBLOCKING
def _lookup(token: str) -> Principal | None:
    return TOKENS.get(token)


AUTH = Auth(HTTPBearer(_lookup))


def who() -> str:
    return current_principal().id


@requires_scopes("read")
def guarded() -> str:
    return who()


def start(app: Any, token: str = "alice") -> Any:
    """The body of a response, not read and not closed."""
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_AUTHORIZATION": f"Bearer {token}"}
    return WSGIMiddleware(app, AUTH)(environ, lambda *_: bytes)


async def serve(app: Any, token: str = "alice", kind: str = "http") -> list[Message]:
    """What is sent on one connection."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect" if kind == "websocket" else "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": kind, "method": "GET", "path": "/", "headers": [(b"authorization", f"Bearer {token}".encode())]}
    await ASGIMiddleware(app, AUTH)(scope, receive, send)
    return sent


# WSGI


class Body:
    """A body that notes who was there when it was closed."""

    def __init__(self) -> None:
        self.closed_by = "not closed"

    def __iter__(self) -> Iterator[bytes]:
        yield who().encode()

    def close(self) -> None:
        self.closed_by = who()


def test_a_stream_and_its_close_see_the_caller_and_what_runs_after_finds_nobody() -> None:
    left: list[contextvars.Context] = []
    body = Body()

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        left.append(contextvars.copy_context())
        start_response("200 OK", [])
        return body

    stream = start(app)
    assert left[0].run(who) == "alice"
    assert b"".join(stream) == b"alice"
    assert left[0].run(who) == "alice"
    stream.close()
    assert body.closed_by == "alice"
    assert left[0].run(current_principal) is ANONYMOUS


@pytest.mark.parametrize("body", [[b"x"], (b"x",), []], ids=["list", "tuple", "empty"])
def test_what_needs_no_closing_ends_the_caller_at_once(body: Any) -> None:
    left: list[contextvars.Context] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        left.append(contextvars.copy_context())
        start_response("200 OK", [])
        result: Iterable[bytes] = body
        return result

    assert start(app) is body
    assert left[0].run(who) == ""


def test_an_application_that_fails_ends_the_caller() -> None:
    left: list[contextvars.Context] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        left.append(contextvars.copy_context())
        raise LookupError

    with pytest.raises(LookupError):
        start(app)
    assert left[0].run(who) == ""


def test_a_close_that_fails_ends_the_caller() -> None:
    left: list[contextvars.Context] = []

    class Broken(Body):
        def close(self) -> None:
            raise LookupError

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        left.append(contextvars.copy_context())
        start_response("200 OK", [])
        return Broken()

    stream = start(app)
    with pytest.raises(LookupError):
        stream.close()
    assert left[0].run(who) == ""


def test_a_refusal_ends_the_caller() -> None:
    left: list[contextvars.Context] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        left.append(contextvars.copy_context())
        current_principal().require("write")
        return []

    assert b"insufficient_scope" in b"".join(start(app))
    assert left[0].run(who) == ""


def test_a_response_that_cannot_be_started_again_ends_the_caller() -> None:
    left: list[contextvars.Context] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        left.append(contextvars.copy_context())
        start_response("200 OK", [])(b"sent")
        current_principal().require("write")
        return []

    def start_response(status: str, headers: object, exc_info: Any = None) -> Callable[[bytes], object]:
        if exc_info:  # PEP 3333: headers were sent, so the server raises what it is given
            raise exc_info[1]
        return bytes

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_AUTHORIZATION": "Bearer alice"}
    with pytest.raises(AccessRefused):
        WSGIMiddleware(app, AUTH)(environ, start_response)
    assert left[0].run(who) == ""


def test_a_body_that_cannot_be_iterated_ends_the_caller() -> None:
    left: list[contextvars.Context] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        left.append(contextvars.copy_context())
        start_response("200 OK", [])
        return None  # type: ignore[return-value]

    with pytest.raises(TypeError):
        start(app)
    assert left[0].run(who) == ""


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_a_worker_that_is_stopped_ends_the_caller(error: type[BaseException]) -> None:
    left: list[contextvars.Context] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        left.append(contextvars.copy_context())
        raise error

    with pytest.raises(error):
        start(app)
    assert left[0].run(who) == ""


class Worker:
    """A thread that a request happened to start, in a copy of that request's context."""

    def __init__(self) -> None:
        self._jobs: queue.Queue[Callable[[], object] | None] = queue.Queue()
        self._answers: queue.Queue[object] = queue.Queue()
        self._thread = threading.Thread(target=contextvars.copy_context().run, args=(self._work,))
        self._thread.start()

    def ask(self, job: Callable[[], object]) -> object:
        self._jobs.put(job)
        return self._answers.get(timeout=10)

    def stop(self) -> None:
        self._jobs.put(None)
        self._thread.join(10)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                self._answers.put(job())
            except AccessRefused as refused:
                self._answers.put(refused)


def test_a_worker_that_a_request_started_finds_nobody_in_the_jobs_of_others() -> None:
    workers: list[Worker] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if not workers:
            workers.append(Worker())
        start_response("200 OK", [])
        return [f"{who()} {workers[0].ask(who)}".encode()]

    try:
        assert start(app, "alice") == [b"alice alice"]
        assert start(app, "bob") == [b"bob "]
        refused = workers[0].ask(guarded)
        assert isinstance(refused, AccessRefused)
        assert refused.refusal.status == 401
        assert "carry_caller" in refused.refusal.detail
        assert isinstance(workers[0].ask(lambda: Principal("alice", scopes={"read"}).require("read")), AccessRefused)
    finally:
        workers[0].stop()


def test_a_worker_sees_the_caller_that_a_job_was_given() -> None:
    workers: list[Worker] = []
    jobs: list[Callable[[], str]] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if not workers:
            workers.append(Worker())
        jobs.append(carry_caller(guarded))
        start_response("200 OK", [])
        return []

    try:
        start(app, "alice")
        start(app, "bob")
        assert workers[0].ask(jobs[0]) == "alice"
        refused = workers[0].ask(jobs[1])
        assert isinstance(refused, AccessRefused)
        assert (refused.refusal.status, refused.refusal.missing) == (403, ("read",))
        assert workers[0].ask(who) == ""
    finally:
        workers[0].stop()


# ASGI


def test_a_task_that_a_request_started_finds_nobody_once_it_has_ended() -> None:
    async def main() -> list[str]:
        asked, answers = asyncio.Event(), [""]
        tasks: list[asyncio.Task[None]] = []

        async def later() -> None:
            answers[0] = who()
            await asked.wait()
            answers.append(who())
            try:
                answers.append(guarded())
            except AccessRefused as refused:
                answers.append(str(refused.refusal.status))

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            tasks.append(asyncio.create_task(later()))
            await asyncio.sleep(0)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        await serve(app)
        asked.set()
        await tasks[0]
        return answers

    assert asyncio.run(main()) == ["alice", "", "401"]


def test_a_task_sees_the_caller_that_it_was_given() -> None:
    async def main() -> list[str]:
        asked = asyncio.Event()
        tasks: list[asyncio.Task[str]] = []

        async def later(prefix: str, *, suffix: str) -> str:
            await asked.wait()
            return prefix + guarded() + suffix

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            work: Callable[..., Any] = carry_caller(later)
            assert inspect.iscoroutinefunction(work)
            tasks.append(asyncio.create_task(work("<", suffix=">")))
            await send({"type": "http.response.start", "status": 200, "headers": []})

        await serve(app)
        asked.set()
        return [await task for task in tasks]

    assert asyncio.run(main()) == ["<alice>"]


def test_what_runs_until_the_application_returns_sees_the_caller() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        await asyncio.sleep(0)
        seen.append(who())  # a background task of the response

    asyncio.run(serve(app))
    assert seen == ["alice"]


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("error", [None, LookupError, AccessRefused])
def test_a_connection_ends_the_caller_however_it_ends(kind: str, error: type[Exception] | None) -> None:
    left: list[contextvars.Context] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        left.append(contextvars.copy_context())
        if error is LookupError:
            raise LookupError
        if error is AccessRefused:
            current_principal().require("write")

    try:
        asyncio.run(serve(app, kind=kind))
    except LookupError:
        assert error is LookupError
    assert left[0].run(who) == ""


def test_a_connection_that_is_cancelled_ends_the_caller() -> None:
    left: list[contextvars.Context] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        left.append(contextvars.copy_context())
        await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(serve(app))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert left[0].run(who) == ""


def test_two_requests_of_one_loop_end_each_by_itself() -> None:
    async def main() -> list[str]:
        left: dict[str, contextvars.Context] = {}
        go_on = asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            left[who()] = contextvars.copy_context()
            if who() == "alice":
                await go_on.wait()

        alice = asyncio.create_task(serve(app, "alice"))
        await asyncio.sleep(0)
        await serve(app, "bob")
        seen = [left[name].run(who) for name in ("alice", "bob")]
        go_on.set()
        await alice
        return seen + [left[name].run(who) for name in ("alice", "bob")]

    assert asyncio.run(main()) == ["alice", "", "", ""]


def test_a_middleware_inside_another_ends_only_its_own_caller() -> None:
    seen: list[str] = []
    left: list[contextvars.Context] = []

    async def innermost(scope: Scope, receive: Receive, send: Send) -> None:
        left.append(contextvars.copy_context())
        seen.append(who())

    inner = ASGIMiddleware(innermost, Auth(HTTPBearer({"alice": Principal("inner")}.get)))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await inner(scope, receive, send)
        seen.append(who())
        seen.append(left[0].run(who))

    asyncio.run(serve(app))
    assert seen == ["inner", "alice", ""]


# Passing the caller on


def test_acting_as_ends_with_its_block_also_in_what_it_left_behind() -> None:
    with acting_as(Principal("alice")):
        left = contextvars.copy_context()
        assert left.run(who) == "alice"
    assert left.run(who) == ""


def test_acting_as_inside_a_request_outlives_the_request_in_its_block() -> None:
    left: list[contextvars.Context] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        left.append(contextvars.copy_context())
        start_response("200 OK", [])
        return []

    start(app)

    def job() -> str:
        with acting_as(Principal("robot", scopes={"read"})):
            return guarded()

    assert left[0].run(job) == "robot"
    assert left[0].run(who) == ""


def test_a_function_that_nobody_passed_on_runs_as_nobody() -> None:
    job = carry_caller(who)
    with acting_as(Principal("alice")):
        assert job() == ""
        assert who() == "alice"


def test_what_is_passed_on_knows_the_request_for_its_predicates() -> None:
    @requires(lambda principal, request: request.path == "/")
    def predicated() -> str:
        return who()

    jobs: list[Callable[[], str]] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        jobs.append(carry_caller(predicated))
        start_response("200 OK", [])
        return []

    start(app)
    assert jobs[0]() == "alice"


def test_a_request_leaves_no_reference_to_a_refusal_that_was_caught() -> None:
    calls: list[Any] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        calls.append(current_call.get())
        try:
            current_principal().require("write")
        except AccessRefused:
            assert calls[0].refused is not None
        start_response("200 OK", [])
        return []

    start(app)
    assert calls[0].refused is None


def _awaitable(value: object) -> Awaitable[object]:
    future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    future.set_result(value)
    return future


def test_a_function_that_returns_an_awaitable_is_passed_on_as_a_function() -> None:
    async def main() -> object:
        with acting_as(Principal("alice")):
            job = carry_caller(lambda: _awaitable(who()))
        return await job()

    assert asyncio.run(main()) == "alice"


# Callables whose work begins after the call


async def _name(_: int = 0) -> str:
    return current_principal().id


class _Job:
    async def __call__(self) -> str:
        return current_principal().id


@pytest.mark.parametrize("job", [partial(_name, 1), lambda: _name(2), _Job()], ids=["partial", "lambda", "object"])
def test_a_carried_function_that_returns_a_coroutine_is_awaited_as_the_caller(job: Any) -> None:
    with acting_as(Principal("alice")):
        carried = carry_caller(job)

    async def another_request() -> tuple[str, str]:
        with acting_as(Principal("bob")):
            return await carried(), current_principal().id

    assert asyncio.run(another_request()) == ("alice", "bob")


def test_a_generator_function_is_not_carried() -> None:
    def chunks() -> Iterator[str]:
        yield current_principal().id

    async def messages() -> AsyncIterator[str]:
        yield current_principal().id

    for function in (chunks, messages):
        with pytest.raises(ConfigurationError, match="is a generator function: give carry_caller the function that"):
            carry_caller(function)


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_nothing_of_an_ended_connection_keeps_the_user_object(kind: str) -> None:
    calls: list[Any] = []
    auth = Auth(HTTPBearer({"alice": Principal("alice")}.get), load_user=lambda principal: {"name": principal.id})

    async def app(scope: Any, receive: Any, send: Any) -> None:
        calls.append(current_call.get())
        await current_user_async(dict)
        assert calls[0].own_user is not None

    async def main() -> None:
        headers = [(b"authorization", b"Bearer alice")]
        scope = {"type": kind, "method": "GET", "path": "/", "headers": headers}

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None: ...

        await ASGIMiddleware(app, auth)(scope, receive, send)

    asyncio.run(main())
    assert calls[0].own_user is None

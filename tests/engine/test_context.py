"""The current principal: everyone sees their own, wherever the code runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from authmw import (
    ANONYMOUS,
    AccessRefused,
    Auth,
    HTTPBearer,
    Principal,
    Reason,
    Refusal,
    Requirement,
    acting_as,
    any_of,
    current_principal,
)
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.engine.authentication import NOBODY, Authentication
from authmw.engine.context import Call, call_here, enforce
from authmw.engine.inherited import InheritedAuth
from authmw.flow import CallMode
from authmw.http.request import Message, Receive, RequestHead, Scope, Send
from authmw.identity.requirement import AUTHENTICATED, Access
from authmw.stores import StoreUnavailable
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.requests import wsgi_request

COUNT = 1000


@CallMode.NONBLOCKING
def _principal(token: str) -> Principal:
    return Principal(token)


AUTH = Auth(HTTPBearer(_principal))


def test_outside_of_a_request_there_is_nobody() -> None:
    assert current_principal() is ANONYMOUS
    enforce(Requirement(Access.PUBLIC))
    with pytest.raises(AccessRefused) as refused:
        enforce(Requirement())
    assert refused.value.refusal.status == 401


def test_acting_as_ends_with_its_block_even_by_an_exception() -> None:
    with acting_as(Principal("alice")):
        with pytest.raises(KeyError), acting_as(Principal("bob")):
            raise KeyError(current_principal().id)
        assert current_principal().id == "alice"
    assert current_principal() is ANONYMOUS


def test_whoever_acts_has_a_request_to_be_asked_about() -> None:
    with acting_as(Principal("alice")):
        call = call_here()
        assert call is not None
        assert (call.request.method, call.request.header("host")) == ("GET", None)


def test_1000_interleaved_identities_in_tasks_are_never_mixed_up() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen = [current_principal().id]
        for _ in range(3):
            await asyncio.sleep(0)
            seen.append(current_principal().id)
        seen += await asyncio.gather(*(_seen_later() for _ in range(2)))
        if int(seen[0]) % 50 == 0:
            seen.append(await sync_to_async(lambda: current_principal().id)())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for each in seen:
            await asyncio.sleep(0)
            await send({"type": "http.response.body", "body": each.encode() + b" ", "more_body": True})

    async def _seen_later() -> str:
        await asyncio.sleep(0)
        return current_principal().id

    guarded = ASGIMiddleware(app, AUTH)

    async def call(number: int) -> set[bytes]:
        body: list[bytes] = []

        async def send(message: Message) -> None:
            await asyncio.sleep(0)
            body.append(message.get("body", b""))

        async def receive() -> Message:
            raise AssertionError("nothing is received")

        headers = [(b"authorization", b"Bearer %d" % number)]
        await guarded({"type": "http", "method": "GET", "path": "/", "headers": headers}, receive, send)
        return set(b"".join(body).split())

    async def main() -> list[set[bytes]]:
        return await asyncio.gather(*(call(number) for number in range(COUNT)))

    assert asyncio.run(main()) == [{str(number).encode()} for number in range(COUNT)]


def test_1000_interleaved_identities_in_threads_are_never_mixed_up() -> None:
    together = threading.Barrier(8)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        start_response("200 OK", [])
        for _ in range(3):
            threading.Event().wait(0)  # let others run
            yield current_principal().id.encode() + b" "

    guarded = WSGIMiddleware(app, AUTH)

    def call(number: int) -> set[bytes]:
        if number < 8:
            together.wait(10)
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_AUTHORIZATION": f"Bearer {number}"}
        return set(b"".join(guarded(environ, _start_response)).split())

    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(call, range(COUNT)))
    assert seen == [{str(number).encode()} for number in range(COUNT)]


def test_streams_that_are_read_in_turns_on_one_thread_are_not_mixed_up() -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        start_response("200 OK", [])
        while True:
            yield current_principal().id.encode()

    guarded = WSGIMiddleware(app, AUTH)

    def stream(name: str) -> Iterator[bytes]:
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_AUTHORIZATION": f"Bearer {name}"}
        body: Iterable[bytes] = guarded(environ, _start_response)
        return iter(body)

    alice, bob = stream("alice"), stream("bob")
    assert [next(alice), next(bob), next(alice), next(bob)] == [b"alice", b"bob", b"alice", b"bob"]
    assert current_principal() is ANONYMOUS


def _start_response(*_: Any) -> Callable[[bytes], object]:
    return bytes


def test_the_context_is_reset_when_the_application_fails() -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        WSGIMiddleware(app, AUTH)(
            {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_AUTHORIZATION": "Bearer alice"}, _start_response
        )
    assert current_principal() is ANONYMOUS


@pytest.mark.parametrize(
    "error",
    [StoreUnavailable("silent"), AccessRefused(Refusal(Reason.FORBIDDEN)), ValueError("a bug")],
    ids=lambda error: type(error).__name__,
)
def test_a_500_of_code_that_caught_an_error_itself_is_its_own(error: Exception) -> None:
    call = Call(Auth(HTTPBearer()), NOBODY, wsgi_request())
    assert call.refusal_for(500) is None
    try:
        raise error
    except Exception:
        assert call.refusal_for(500) is None
    assert call.refusal_for(500) is None


def test_what_the_caller_has_met_is_decided_once_until_the_request_ends(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "authmw.audit")
    needed, same = Requirement.all_of("orders:read"), Requirement.all_of("orders:read")
    with acting_as(Principal("alice", scopes={"orders:read"})):
        call = call_here()
        assert call is not None
        call.enforce(needed)
        call.enforce(needed)
        assert len(caplog.messages) == 1
        call.enforce(same)
        assert len(caplog.messages) == 2
        with pytest.raises(AccessRefused):
            call.enforce(same, Principal("bob"))
    with pytest.raises(AccessRefused):
        call.enforce(same)


def test_a_predicate_is_asked_each_time() -> None:
    answers = [True, False]
    needed = Requirement(predicates=(lambda principal, request: answers.pop(0),))
    with acting_as(Principal("alice")):
        enforce(needed)
        with pytest.raises(AccessRefused):
            enforce(needed)


def test_who_has_the_scopes_is_let_in_without_a_look_at_the_request(caplog: pytest.LogCaptureFixture) -> None:
    class Without(Call):
        def _make_request(self) -> RequestHead:
            raise AssertionError("the head of the request was made")

    call = Without(AUTH, Authentication(Principal("alice", scopes={"orders:read"})))
    call.enforce(Requirement.all_of("orders:read"))
    call.enforce(AUTHENTICATED)
    caplog.set_level("DEBUG", "authmw.audit")
    with pytest.raises(AssertionError):
        call.enforce(Requirement())


@pytest.mark.parametrize(
    "needed",
    [
        Requirement.all_of("orders:read", "orders:write"),
        Requirement.all_of("orders:read", any_of("orders:write", "admin")),
        Requirement.all_of("orders:read") & Requirement(predicates=(lambda principal, request: False,)),
    ],
)
def test_who_lacks_something_is_refused(needed: Requirement) -> None:
    with acting_as(Principal("alice", scopes={"orders:read"})), pytest.raises(AccessRefused):
        enforce(needed)


def test_scopes_let_nobody_in_who_is_not_authenticated() -> None:
    call = Call(AUTH, Authentication(Principal("", kind="anonymous", scopes={"orders:read"})), wsgi_request())
    for needed in (AUTHENTICATED, Requirement.all_of("orders:read")):
        with pytest.raises(AccessRefused):
            call.enforce(needed)


def test_an_auth_that_decides_itself_is_asked_about_scopes_too() -> None:
    class Closed(Auth):
        def decide(self, *args: Any, **kwargs: Any) -> Refusal:
            return Refusal(Reason.FORBIDDEN)

    for auth in (Closed(HTTPBearer(_principal)), InheritedAuth(Closed(HTTPBearer(_principal)))):
        with acting_as(Principal("alice", scopes={"orders:read"}), auth):
            for needed in (AUTHENTICATED, Requirement.all_of("orders:read")):
                with pytest.raises(AccessRefused):
                    enforce(needed)

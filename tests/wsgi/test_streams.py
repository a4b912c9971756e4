"""Responses that are sent in parts under WSGI end between two of them, with the credentials of their caller."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from errno import ECONNRESET
from typing import Any, Final
from wsgiref.util import FileWrapper

import pytest

from authmw import Auth, HTTPBearer, Principal, current_principal
from authmw.stores.records import Revocation
from authmw.wsgi import AuthMiddleware
from tests.connections import CAUSES, EXPIRES, LEEWAY, LIFETIME, World

EVENTS: Final = ("Content-Type", "Text/Event-Stream; charset=utf-8")
TEXT: Final = ("Content-Type", "text/plain")
LENGTH: Final = ("Content-Length", "1000")

every_cause = pytest.mark.parametrize("cause", [*CAUSES, EXPIRES])


class Parts:
    """An application that makes a part at a time, and notes that it was closed."""

    def __init__(self, *headers: tuple[str, str]) -> None:
        self.headers = list(headers)
        self.made = 0
        self.closed_as: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", self.headers)
        return self._parts()

    def _parts(self) -> Iterator[bytes]:
        try:
            while True:
                self.made += 1
                yield b"%d;" % self.made
        finally:
            self.closed_as.append(current_principal().id)


def serve(app: Any, token: str | None) -> Any:
    """The body of a response, as a server gets it."""
    environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "192.0.2.7"}
    if token is not None:
        environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return app(environ, start_nothing)


def start_nothing(*_: object) -> None: ...


@every_cause
def test_an_event_stream_ends_as_if_the_application_had_ended_it(cause: str) -> None:
    world, parts, others = World(), Parts(EVENTS), Parts(EVENTS)
    alice = serve(AuthMiddleware(parts, world.auth), world.token())
    bob = serve(AuthMiddleware(others, world.auth), world.token("bob", lifetime=2 * LIFETIME, client="app"))
    assert (next(alice), next(alice), next(bob)) == (b"1;", b"2;", b"1;")
    world.end_alice(cause)
    assert next(alice, None) is next(alice, None) is None
    alice.close()
    assert (parts.made, parts.closed_as, next(bob)) == (3, ["alice"], b"2;")


@every_cause
def test_another_response_is_cut_so_that_the_server_closes_the_connection(cause: str) -> None:
    world, parts = World(), Parts(TEXT)
    alice = serve(AuthMiddleware(parts, world.auth), world.token())
    assert next(alice) == b"1;"
    world.end_alice(cause)
    with pytest.raises(ConnectionResetError) as cut:
        next(alice)
    alice.close()
    assert (cut.value.errno, parts.closed_as) == (ECONNRESET, ["alice"])


@every_cause
def test_a_response_with_a_length_is_cut_for_a_revocation_only(cause: str) -> None:
    world = World()
    alice = serve(AuthMiddleware(Parts(TEXT, LENGTH), world.auth), world.token())
    assert next(alice) == b"1;"
    world.end_alice(cause)
    if cause == EXPIRES:
        assert next(alice) == b"2;"
    else:
        with pytest.raises(ConnectionResetError):
            next(alice)


def test_the_first_part_is_the_answer_to_a_request_but_not_of_an_event_stream() -> None:
    world = World()
    text = serve(AuthMiddleware(Parts(TEXT), world.auth), world.token())
    events = serve(AuthMiddleware(Parts(EVENTS), world.auth), world.token())
    world.publish(Revocation.of_user("alice", world.clock()))
    assert (next(text), next(events, None)) == (b"1;", None)


def test_an_answer_that_is_whole_is_not_cut_after_its_only_part() -> None:
    world = World()

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [TEXT])
        return iter([b"all of it"])

    body = serve(AuthMiddleware(app, world.auth), world.token())
    assert next(body) == b"all of it"
    world.publish(Revocation.of_user("alice", world.clock()))
    assert next(body, None) is None


def test_nothing_ends_before_the_verifier_refuses_the_token() -> None:
    world = World(revocations=False)
    alice = serve(AuthMiddleware(Parts(TEXT), world.auth), world.token())
    assert next(alice) == b"1;"
    world.advance(LIFETIME + LEEWAY - 0.5)
    assert next(alice) == b"2;"
    world.advance(0.5)
    with pytest.raises(ConnectionResetError):
        next(alice)


def test_a_store_that_is_away_for_a_moment_ends_nothing_and_one_that_stays_away_ends_all() -> None:
    world = World()
    alice = serve(AuthMiddleware(Parts(EVENTS), world.auth), world.token())
    assert next(alice) == b"1;"
    world.kept.is_away = True
    world.advance(30.5)
    assert (next(alice), world.feed.starts > 0) == (b"2;", True)
    world.advance(0.5)
    assert next(alice, None) is None


def test_where_the_feed_never_runs_a_stream_lasts_as_long_as_the_store_was_asked_before() -> None:
    world = World()
    world.kept.is_away = True
    world.advance(10_000)
    token = world.token()
    world.kept.is_away = False  # no thread reads it, so each verdict asks it
    alice = serve(AuthMiddleware(Parts(EVENTS), world.auth), token)
    assert next(alice) == b"1;"
    world.monotonic.advance(29.5)
    assert next(alice) == b"2;"
    world.monotonic.advance(1.0)
    assert next(alice, None) is None


def test_it_can_be_switched_off() -> None:
    world = World()
    alice = serve(AuthMiddleware(Parts(EVENTS), world.auth, end_connections=False), world.token())
    assert next(alice) == b"1;"
    world.publish(Revocation.of_user("alice", world.clock()))
    assert next(alice) == b"2;"


def test_who_has_nothing_that_ends_is_not_touched() -> None:
    auth = Auth(HTTPBearer(lambda token: Principal("alice") if token == "t0ken" else None))
    for token in (None, "t0ken"):
        body = serve(AuthMiddleware(Parts(EVENTS), auth, public=["/"]), token)
        assert [next(body) for _ in range(3)] == [b"1;", b"2;", b"3;"]


def test_lists_and_files_of_the_server_stay_as_they_are() -> None:
    world, made = World(), list[object]()

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [TEXT])
        return made[-1]

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.file_wrapper": FileWrapper}
    environ["HTTP_AUTHORIZATION"] = f"Bearer {world.token()}"
    for body in ([b"whole"], FileWrapper(open(__file__, "rb"))):  # noqa: SIM115 - the server closes it
        made.append(body)
        guarded: Any = AuthMiddleware(app, world.auth)
        assert guarded(dict(environ), start_nothing) is body
        getattr(body, "close", lambda: None)()


def test_the_log_says_who_and_why(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    alice = serve(AuthMiddleware(Parts(EVENTS), world.auth), world.token())
    next(alice)
    world.advance(LIFETIME + LEEWAY)
    with caplog.at_level(logging.INFO, "authmw.audit"):
        assert list(alice) == []
    said = f"authmw closed why=expired principal=alice credential={world.ids['alice']} client=192.0.2.7 path=/"
    assert [record.getMessage() for record in caplog.records] == [said]

"""The WSGI middleware: what the application sees, what it may do, and what comes of it."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest

from authmw import (
    APIKeyHeader,
    Auth,
    ConfigurationError,
    HTTPBearer,
    Principal,
    current_principal,
    public,
    requires_scopes,
)
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.http.refusal import AccessRefused
from authmw.http.response import WSGIApp
from authmw.identity.credentials import ApiKey
from authmw.wsgi import AuthMiddleware

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
PLAIN = [("Content-Type", "text/plain")]
GOOD = "Bearer alice"


def _lookup(token: str) -> Principal | None:
    return Principal(token, scopes={"read"}) if token in ("alice", "bob") else None


AUTH = Auth(HTTPBearer(_lookup))


class Answer:
    """A whole response, as a server would have sent it."""

    def __init__(self) -> None:
        self.started: list[tuple[str, list[tuple[str, str]], Any]] = []
        self.body = b""

    @property
    def status(self) -> int:
        return int(self.started[-1][0][:3])

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.started[-1][1] if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
        assert not self.started or exc_info, "started twice"
        if self.body and exc_info:
            raise exc_info[1]
        self.started.append((status, headers, exc_info))
        return self._write

    def _write(self, data: bytes) -> None:
        self.body += data


def call(
    app: WSGIApp, authorization: str | None = GOOD, *, path: str = "/", method: str = "GET", **extra: Any
) -> Answer:
    """One request as a server would make it: read the body chunk by chunk, then close it."""
    answer = Answer()
    environ: Environ = {"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": ""}
    setup_testing_defaults(environ)
    environ.update(extra)
    if authorization is not None:
        environ["HTTP_AUTHORIZATION"] = authorization
    body = app(environ, answer.start_response)
    try:
        for chunk in body:
            assert answer.started, "a chunk before start_response"
            answer.body += chunk
    finally:
        getattr(body, "close", lambda: None)()
    return answer


def _echo(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", list(PLAIN))
    keys = ("REMOTE_USER", "AUTH_TYPE", "HTTP_REMOTE_USER", "HTTP_AUTHORIZATION")
    return [repr({key: environ.get(key) for key in keys}).encode()]


@pytest.mark.parametrize(
    "sent, found", [({"HTTP_X_API_KEY": "k3y"}, [ApiKey("k3y")]), ({}, [])], ids=["a key", "nothing"]
)
def test_what_a_scheme_without_a_verifier_found_is_in_the_environ(sent: dict[str, str], found: list[object]) -> None:
    seen: list[Environ] = []

    def app(environ: Environ, start_response: StartResponse) -> list[bytes]:
        seen.append(environ)
        start_response("200 OK", PLAIN)
        return [b""]

    call(AuthMiddleware(app, Auth(APIKeyHeader("X-API-Key")), default="allow"), None, **sent)
    assert [value for name, value in seen[0].items() if name == "authmw.credentials"] == found


def test_the_application_sees_who_it_is() -> None:
    seen: Environ = {}

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        seen.update(environ)
        start_response("200 OK", list(PLAIN))
        return [current_principal().id.encode()]

    assert call(AuthMiddleware(app, AUTH)).body == b"alice"
    assert seen["authmw.principal"].id == "alice"
    assert seen["authmw.scopes"] == {"read"}
    assert (seen["REMOTE_USER"], seen["AUTH_TYPE"]) == ("alice", "Bearer")
    assert current_principal().id == ""


@pytest.mark.parametrize("options", [{"public": ["/"]}, {"default": "allow"}], ids=["public", "allow"])
def test_class_20_remote_user_is_removed_on_public_paths_too(options: dict[str, Any]) -> None:
    middleware = AuthMiddleware(_echo, AUTH, **options)
    answer = call(middleware, None, REMOTE_USER="admin", AUTH_TYPE="Basic", HTTP_REMOTE_USER="admin")
    assert answer.status == 200
    assert b"'REMOTE_USER': None" in answer.body
    assert b"'AUTH_TYPE': None" in answer.body


def test_wsgi_remote_user_of_the_server_is_replaced_by_ours() -> None:
    answer = call(AuthMiddleware(_echo, AUTH), REMOTE_USER="admin", AUTH_TYPE="Basic")
    assert b"'REMOTE_USER': 'alice', 'AUTH_TYPE': 'Bearer'" in answer.body


def test_class_20_a_remote_user_header_authenticates_nobody() -> None:
    assert call(AuthMiddleware(_echo, AUTH), None, HTTP_REMOTE_USER="admin", REMOTE_USER="admin").status == 401


def test_wsgi_the_standard_library_s_validator_finds_nothing() -> None:
    middleware = validator(AuthMiddleware(validator(_echo), AUTH, public=["/public"]))
    for authorization, path in ((GOOD, "/"), (None, "/"), (None, "/public"), ("Bearer bad", "/public")):
        for method in ("GET", "HEAD", "POST"):
            assert call(middleware, authorization, path=path, method=method, SERVER_PROTOCOL="HTTP/1.1").status in (
                200,
                401,
            )


# What an application may do, done through the middleware


def _write(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    write = start_response("200 OK", list(PLAIN))
    write(b"one ")
    write(b"two ")
    return [b"three"]


def _generator(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", list(PLAIN))
    for _ in range(3):
        yield current_principal().id.encode()


def _iterable(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", list(PLAIN))
    return (current_principal().id.encode() for _ in range(2))


def _raises_then_starts_again(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", list(PLAIN))
    try:
        raise ValueError("a bug")
    except ValueError:
        start_response("500 Oops", list(PLAIN), sys.exc_info())
    return [b"sorry"]


@pytest.mark.parametrize(
    "app, status, body",
    [
        (_write, 200, b"one two three"),
        (_generator, 200, b"alicealicealice"),
        (_iterable, 200, b"alicealice"),
        (_raises_then_starts_again, 500, b"sorry"),
    ],
)
def test_wsgi_applications_of_every_sort_pass_through(app: WSGIApp, status: int, body: bytes) -> None:
    answer = call(AuthMiddleware(app, AUTH))
    assert (answer.status, answer.body) == (status, body)


def test_wsgi_a_response_is_started_again_with_the_exception_that_the_application_gives() -> None:
    answer = call(AuthMiddleware(_raises_then_starts_again, AUTH))
    (_, _, first), (_, _, second) = answer.started
    assert first is None
    assert (second[0], str(second[1])) == (ValueError, "a bug")


def test_wsgi_a_server_that_takes_no_exception_is_given_none() -> None:
    started: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], /) -> Any:
        started.append(status)

    environ: Environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_AUTHORIZATION": GOOD}
    for app in (_echo, _at_once):
        AuthMiddleware(app, AUTH)(dict(environ), start_response)
    AuthMiddleware(_echo, AUTH)({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, start_response)
    assert [status[:3] for status in started] == ["200", "403", "401"]


def test_wsgi_the_body_is_closed_once_as_the_principal() -> None:
    closed: list[str] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            yield b"x"

        def close(self) -> None:
            closed.append(current_principal().id)

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(PLAIN))
        return Body()

    assert call(AuthMiddleware(app, AUTH)).body == b"x"
    assert closed == ["alice"]


@pytest.mark.parametrize("body", [[b"a"], (b"a",)], ids=["list", "tuple"])
def test_wsgi_a_list_reaches_the_server_as_it_is(body: Any) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(PLAIN))
        result: Iterable[bytes] = body
        return result

    environ: Environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_AUTHORIZATION": GOOD}
    assert AuthMiddleware(app, AUTH)(environ, Answer().start_response) is body


def test_wsgi_a_file_reaches_the_server_as_it_is() -> None:
    wrapped = FileWrapper(io.BytesIO(b"file"))

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(PLAIN))
        return wrapped

    environ: Environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "HTTP_AUTHORIZATION": GOOD,
        "wsgi.file_wrapper": FileWrapper,
    }
    assert AuthMiddleware(app, AUTH)(environ, Answer().start_response) is wrapped


def test_the_application_s_own_401_is_not_touched() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("401 Unauthorized", [("WWW-Authenticate", "Custom")])
        return [b"own"]

    answer = call(AuthMiddleware(app, AUTH))
    assert (answer.status, answer.header("WWW-Authenticate"), answer.body) == (401, "Custom", b"own")


# Refusals from below


@requires_scopes("write")
def _needs_write() -> bytes:
    return b"secret"


def _at_once(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return [_needs_write()]


def _after_start(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", list(PLAIN))
    return [_needs_write()]


def _in_a_generator(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", list(PLAIN))
    yield _needs_write()


def _before_start_in_a_generator(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    chunk = _needs_write()
    start_response("200 OK", list(PLAIN))
    yield chunk


def _answering(status: str) -> WSGIApp:
    """An application that answers each exception itself, from inside its ``except`` block."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return [_needs_write()]
        except Exception:
            start_response(status, [("Content-Type", "text/html")], sys.exc_info())
            return [b"own words"]

    return app


def _answering_lazily(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    try:
        yield _needs_write()
    except AccessRefused:
        start_response("403 Forbidden", list(PLAIN))
        yield b"own words"


def _answering_by_write(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    try:
        return [_needs_write()]
    except AccessRefused:
        start_response("500 Oops", list(PLAIN))(b"own words")
        return []


async def _refuse() -> None:
    _needs_write()


def _in_a_task_group(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(_refuse())

    asyncio.run(main())
    return []


@pytest.mark.parametrize(
    "app",
    [
        _at_once,
        _after_start,
        _in_a_generator,
        _before_start_in_a_generator,
        _in_a_task_group,
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_refusal_that_leaves_the_application_is_answered_in_full(app: WSGIApp, method: str) -> None:
    answer = call(AuthMiddleware(app, AUTH), method=method)
    assert answer.status == 403
    assert answer.header("WWW-Authenticate") == 'Bearer realm="app", error="insufficient_scope", scope="write"'
    assert answer.header("Content-Type") == "application/problem+json"
    assert answer.body.startswith(b"{") is (method == "GET")
    assert len(answer.body) in (0, int(answer.header("Content-Length") or -1))
    assert b"secret" not in answer.body


@pytest.mark.parametrize(
    "app, status",
    [
        (_answering("500 Internal Server Error"), 500),
        (_answering("503 Service Unavailable"), 503),
        (_answering("403 Forbidden"), 403),
        (_answering("302 Found"), 302),
        (_answering_lazily, 403),
        (_answering_by_write, 500),
    ],
)
def test_a_refusal_that_the_application_answers_itself_is_its_own(app: WSGIApp, status: int) -> None:
    answer = call(AuthMiddleware(app, AUTH))
    assert (answer.status, answer.body) == (status, b"own words")
    assert answer.header("WWW-Authenticate") is None
    assert answer.header("Vary") == "Authorization"


def test_a_refusal_after_content_was_sent_ends_the_response() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", list(PLAIN))
        yield b"first"
        yield _needs_write()

    with pytest.raises(AccessRefused):
        call(AuthMiddleware(app, AUTH))


# Preflights


def _never(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    raise AssertionError("reached")


PREFLIGHT = {"HTTP_ORIGIN": "https://a.example", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET"}


def _lazily_lists_everything(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", [*PLAIN, ("Access-Control-Allow-Origin", "*"), ("Content-Length", "6")])
    yield b"secret"


def _lists_everything(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return list(_lazily_lists_everything(environ, start_response))


def _writes_everything(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [*PLAIN, ("Access-Control-Allow-Origin", "*")])(b"secret")
    return []


@pytest.mark.parametrize("path", ["/", "/admin/delete", "//x", "/%00"])
@pytest.mark.parametrize("method", ["GET", "DELETE", "BREW"])
def test_class_23_a_preflight_is_answered_in_front_the_same_everywhere(path: str, method: str) -> None:
    asked = {**PREFLIGHT, "HTTP_ACCESS_CONTROL_REQUEST_METHOD": method, "PATH_INFO": path}
    answer = call(AuthMiddleware(_never, AUTH), None, method="OPTIONS", **asked)
    assert (answer.status, answer.header("Vary"), answer.body) == (204, AUTH.vary, b"")


def test_class_23_a_preflight_passes_where_the_application_is_open_anyway() -> None:
    app = _lists_everything
    for guarded in (AuthMiddleware(app, AUTH, public=["/*"]), AuthMiddleware(app, AUTH, default="allow")):
        assert call(guarded, None, method="OPTIONS", **PREFLIGHT).body == b"secret"
    closed = AuthMiddleware(_never, AUTH, public=["GET /*"])
    assert call(closed, None, method="OPTIONS", **PREFLIGHT).status == 204


def test_who_answers_preflights_is_checked() -> None:
    with pytest.raises(ConfigurationError, match='preflights=None has to be "guard" or "application"'):
        AuthMiddleware(_lists_everything, AUTH, preflights=cast("Any", None))


@pytest.mark.parametrize("app", [_lists_everything, _lazily_lists_everything, _writes_everything])
def test_class_23_a_preflight_handed_on_gets_the_headers_and_nothing_of_the_content(app: WSGIApp) -> None:
    answer = call(AuthMiddleware(app, AUTH, preflights="application"), None, method="OPTIONS", **PREFLIGHT)
    assert (answer.status, answer.body, answer.header("Content-Length")) == (200, b"", "0")
    assert answer.header("Access-Control-Allow-Origin") == "*"
    assert answer.header("Content-Type") is None


def test_a_preflight_answered_204_has_no_content_length() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("204 No Content", [("Access-Control-Allow-Origin", "*")])
        return []

    answer = call(AuthMiddleware(app, AUTH, preflights="application"), None, method="OPTIONS", **PREFLIGHT)
    assert (answer.status, answer.header("Content-Length")) == (204, None)


@pytest.mark.parametrize("missing", sorted(PREFLIGHT))
def test_class_23_an_options_that_is_no_preflight_is_refused(missing: str) -> None:
    headers = {name: value for name, value in PREFLIGHT.items() if name != missing}
    assert call(AuthMiddleware(_lists_everything, AUTH), None, method="OPTIONS", **headers).status == 401


def test_class_23_a_preflight_does_not_reach_a_guarded_application() -> None:
    reached: list[str] = []

    @requires_scopes("write")
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        reached.append("reached")
        return []

    assert call(AuthMiddleware(app, AUTH), None, method="OPTIONS", **PREFLIGHT).status == 204
    handed_on = AuthMiddleware(app, AUTH, preflights="application")
    assert call(handed_on, None, method="OPTIONS", **PREFLIGHT).status == 401
    assert reached == []


# Set-up


def test_a_public_application_is_public_and_a_bad_token_is_still_refused() -> None:
    middleware = AuthMiddleware(public(_iterable), AUTH)
    assert call(middleware, None).status == 200
    assert call(middleware, "Bearer forged").status == 401


@pytest.mark.parametrize("middleware", [AuthMiddleware, ASGIMiddleware])
def test_all_mistakes_of_the_set_up_are_named_at_once(middleware: Any) -> None:
    with pytest.raises(ConfigurationError) as raised:
        middleware(_echo, "auth", default="open", public=["health", "GET", "/a/../b"])
    assert len(raised.value.mistakes) == 5

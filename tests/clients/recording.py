"""Server that answers each request with and without ``login=``, and keeps what real clients sent and got."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from authmw import Auth, HTTPBasic, Principal, is_navigation
from authmw.http.request import WSGIRequest
from authmw.wsgi import AuthMiddleware

Wire = tuple[str, list[tuple[str, str]], bytes]


@dataclass(slots=True)
class Exchange:
    """One request, and its answers.

    Args:
        agent: its ``User-Agent``.
        accept: its ``Accept``.
        is_navigation: what authmw takes it for.
        with_login: status line, headers and body with a login page. The client got this.
        without: the same without one.
    """

    agent: str
    accept: str
    is_navigation: bool
    with_login: Wire
    without: Wire


def nobody(username: str, password: str) -> Principal | None:
    """Refuses everybody."""
    return None


def _serve(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"served"]


@dataclass(slots=True)
class Recorder:
    """The application of the server."""

    exchanges: list[Exchange] = field(default_factory=list[Exchange])

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        """Serve one request."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"].read(length)
        request = WSGIRequest(environ)
        answers = [
            _answer(AuthMiddleware(_serve, Auth(HTTPBasic(nobody), login=login)), environ) for login in ("/login", None)
        ]
        agent, accept = request.header("user-agent") or "", request.header("accept") or ""
        self.exchanges.append(Exchange(agent, accept, is_navigation(request), *answers))
        status, headers, body = answers[0]
        start_response(status, headers)
        return [body]


def _answer(app: AuthMiddleware, environ: dict[str, Any]) -> Wire:
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started.append((status, headers))

    body = b"".join(app(dict(environ), start_response))
    return (*started[-1], body)


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the test looks at the exchanges."""


@contextmanager
def recording() -> Generator[tuple[str, Recorder]]:
    """The URL of a server, and what it records."""
    recorder = Recorder()
    server: WSGIServer = make_server("127.0.0.1", 0, recorder, handler_class=_Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", recorder
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def check(recorder: Recorder, agent: str) -> None:
    """Fail unless `agent` sent something, and got for all of it the very bytes of a 401 without a login page."""
    assert recorder.exchanges
    for each in recorder.exchanges:
        assert agent.lower() in each.agent.lower()
        assert not each.is_navigation, each.accept
        assert each.with_login == each.without
        assert each.with_login[0].startswith("401 ")

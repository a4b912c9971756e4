"""The servers of the demo, on loopback: Werkzeug's for WSGI and uvicorn for ASGI, each on a thread of its own."""

from __future__ import annotations

import errno
import http.client
import importlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from authmw.cli.demo_lines import HOST

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_READY_WITHIN: Final = 20.0
_STOPPED_WITHIN: Final = 5.0


def listen(port: int) -> socket.socket:
    """A socket that listens on `port` of loopback.

    Raises:
        click.ClickException: the port is taken, or cannot be used.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Connections of an earlier run may still be in TIME_WAIT.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise click.ClickException(
                f"port {port} is taken: try `authmw demo --port 9000`, or `PORT=9000 make demo`"
            ) from None
        raise click.ClickException(f"port {port} cannot be used: {error.strerror}") from None
    return listening


@contextmanager
def serving(
    port: int,
    make_wsgi: Callable[[], WSGIApplication],
    make_asgi: Callable[[], Any],
    make_pages: Callable[[], WSGIApplication],
) -> Generator[None]:
    """Serve WSGI on `port`, ASGI on the next one and pages behind that. All answer before the block starts."""
    for name in ("werkzeug", "uvicorn.error"):
        # Otherwise they log their start, and the requests of `_wait_for_answer`.
        logging.getLogger(name).setLevel(logging.WARNING)
    with ExitStack() as stack:
        # All ports first: a taken one is reported before an application is made.
        wsgi_socket, asgi_socket, pages_socket = (stack.enter_context(listen(port + offset)) for offset in range(3))
        stack.enter_context(_wsgi(make_wsgi(), wsgi_socket))
        stack.enter_context(_asgi(make_asgi(), asgi_socket))
        stack.enter_context(_wsgi(make_pages(), pages_socket))
        for each in range(port, port + 3):
            _wait_for_answer(each)
        yield


@contextmanager
def _wsgi(app: WSGIApplication, listening: socket.socket) -> Generator[None]:
    from werkzeug.serving import make_server

    server = make_server(HOST, listening.getsockname()[1], app, threaded=True, fd=listening.fileno())
    with _running(lambda: server.serve_forever(poll_interval=0.1), stop=server.shutdown):
        yield
    server.server_close()


@contextmanager
def _asgi(app: Any, listening: socket.socket) -> Generator[None]:
    try:
        uvicorn: Any = importlib.import_module("uvicorn")
    except ImportError:
        raise click.ClickException('the demo serves ASGI with uvicorn: pip install "authmw[demo]"') from None
    # uvicorn installs its signal handlers on the main thread only.
    server: Any = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=2))
    with _running(lambda: server.run(sockets=[listening]), stop=lambda: setattr(server, "should_exit", True)):
        yield


@contextmanager
def _running(serve: Callable[[], None], *, stop: Callable[[], None]) -> Generator[None]:
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join(_STOPPED_WITHIN)


def _wait_for_answer(port: int) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while not _answers(port):
        if time.monotonic() > deadline:
            raise click.ClickException(f"nothing answers on port {port}")
        time.sleep(0.05)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

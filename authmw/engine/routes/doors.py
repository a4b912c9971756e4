"""Doors: the guards that one request passes, each with the head of the request as it arrives there.

A door is made of the guard that serves the application, so what it answers is what a client would be answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from io import BytesIO
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from authmw.engine.guard import Guard
from authmw.errors import ConfigurationError
from authmw.http.request import ASGIRequest, Environ, RequestHead, Scope, WSGIRequest

_REQUEST: Final = re.compile(r"(?P<method>[A-Za-z]+(?:-[A-Za-z]+)*) (?P<path>/[^\s?#]*)(?:\?(?P<query>[^\s#]*))?")


class Asked(NamedTuple):
    """A request that nobody sends, to ask what would be decided about it. It has no headers but ``Host``, and no body.

    Args:
        method: in capitals; ``WEBSOCKET`` for a handshake.
        raw_path: the path as a client sends it.
        query: the text after the question mark.
        host: the value of ``Host``.
    """

    method: str
    raw_path: str
    query: str = ""
    host: str = "localhost"

    @classmethod
    def parse(cls, text: str, host: str = "localhost") -> Asked:
        """The request that ``GET /orders?page=2`` stands for.

        Raises:
            ConfigurationError: it is no method and path.

        >>> Asked.parse("get /orders?page=2")
        Asked(method='GET', raw_path='/orders', query='page=2', host='localhost')
        """
        found = _REQUEST.fullmatch(text.strip())
        if found is None:
            raise ConfigurationError(f'{text!r} is no request: write a method and a path, as "GET /orders"')
        return cls(found["method"].upper(), found["path"], found["query"] or "", host)

    @property
    def path(self) -> str:
        """The path, decoded."""
        return unquote(self.raw_path)

    @property
    def is_websocket(self) -> bool:
        """Whether it is a handshake."""
        return self.method == "WEBSOCKET"

    def environ(self) -> Environ:
        """It as the environ of WSGI (PEP 3333)."""
        return {
            "REQUEST_METHOD": "GET" if self.is_websocket else self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": self.path.encode().decode("latin-1"),
            "QUERY_STRING": self.query,
            "REQUEST_URI": f"{self.raw_path}?{self.query}" if self.query else self.raw_path,
            "SERVER_NAME": self.host.partition(":")[0],
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": self.host,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            "wsgi.errors": None,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": True,
        }

    def scope(self) -> Scope:
        """It as the scope of ASGI 3."""
        method: Scope = {"subprotocols": []} if self.is_websocket else {"method": self.method}
        return {
            **method,
            "type": "websocket" if self.is_websocket else "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "ws" if self.is_websocket else "http",
            "path": self.path,
            "raw_path": self.raw_path.encode(),
            "query_string": self.query.encode(),
            "root_path": "",
            "headers": [(b"host", self.host.encode("latin-1"))],
            "client": ("127.0.0.1", 0),
            "server": (self.host.partition(":")[0], 80),
        }


class Door(NamedTuple):
    """A guard, with a request that arrives at it.

    Args:
        guard: the guard.
        request: the head of the request.
        at_view: the head of the request as the view gets it, with the parameters of its path.
        notes: what the guard does not decide, a sentence each without a full stop.
    """

    guard: Guard
    request: RequestHead
    at_view: RequestHead
    notes: tuple[str, ...] = ()


def doors_around(layers: Iterable[object], asked: Asked) -> list[Door]:
    """The doors of the middleware among `layers`, for an application whose framework is not known.

    Args:
        layers: an application and those inside it, from outside in.
        asked: the request.
    """
    found: list[Door] = []
    for layer in layers:
        guard: object = getattr(layer, "guard", None)
        if isinstance(guard, Guard):
            request = _head_for(layer, asked)
            found.append(Door(guard, request, request))
    return found


def _head_for(layer: object, asked: Asked) -> RequestHead:
    call: Any = getattr(type(layer), "__call__")  # noqa: B004, B009 - of the class
    is_async = bool(call.__code__.co_flags & 0x80)  # inspect.CO_COROUTINE, without the import
    return ASGIRequest(asked.scope()) if is_async else WSGIRequest(asked.environ())

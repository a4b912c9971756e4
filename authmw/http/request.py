"""The head of a request, from a WSGI environ or an ASGI scope: all that authentication looks at.

Nothing is parsed before somebody asks. Text from the wire is seen as latin-1, the way WSGI hands it over, so that each
character is one byte. Several header lines of one name are one text joined by commas under WSGI, where servers have
joined them already, and so under ASGI too: whatever may not hold a comma is thereby refused when sent twice.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, Final, cast

from authmw.flow.call_mode import CallMode
from authmw.http.grammar import Authorization, parse_authorization
from authmw.http.target import MAX_LOOKED_THROUGH, is_canonical, query_values

Environ = dict[str, Any]
# As Starlette and FastAPI type them, so that a type checker lets their applications be wrapped and ours be mounted.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_LENGTH = re.compile(r"[0-9]+")
_NOT_READ: Final = Authorization("", "")


class BodyTooLarge(Exception):
    """The body is longer than `RequestHead.read_body` was allowed to keep."""


class BodyIncomplete(Exception):
    """The client hung up before it had sent the whole body."""


class RequestHead(ABC):
    """Method, path, headers, query and cookies of one request. The body is out of reach, but for Digest auth-int."""

    __slots__ = ("_authorization", "method")

    method: str
    """The method as the client sent it (RFC 9110 §9.1: case counts); ``GET`` for a websocket handshake."""
    _authorization: Authorization | None

    @property
    def authorization(self) -> Authorization | None:
        """The ``Authorization`` header, split at its scheme; None without one."""
        authorization = self._authorization
        if authorization is _NOT_READ:
            text = self.header("authorization")
            authorization = self._authorization = None if text is None else parse_authorization(text)
        return authorization

    @abstractmethod
    def header(self, name: str) -> str | None:
        """The value of the header `name` (lower case); several lines are joined by a comma. None without one."""

    @property
    @abstractmethod
    def path(self) -> str:
        """The decoded path below ``SCRIPT_NAME`` or ``root_path``: what the application routes by."""

    @property
    @abstractmethod
    def root(self) -> str:
        """The decoded path that the application is mounted at: ``SCRIPT_NAME`` or ``root_path``."""

    @property
    @abstractmethod
    def raw_path(self) -> str | None:
        """The path as it stood in the request line, before decoding; None when the server does not tell."""

    @property
    @abstractmethod
    def query_string(self) -> str:
        """What follows the question mark, not decoded."""

    @property
    @abstractmethod
    def target(self) -> str:
        """The request target, path and query, as the client wrote it (RFC 9112 §3.2)."""

    @property
    @abstractmethod
    def client(self) -> str:
        """The address of the peer, which may be a proxy; empty when the server does not tell."""

    @property
    @abstractmethod
    def path_params(self) -> Mapping[str, Any]:
        """What the router took from the path; empty until a route was found."""

    @abstractmethod
    def read_body(self, limit: int) -> bytes | Awaitable[bytes]:
        """The whole body, kept so that the application still reads it. Only for Digest ``auth-int``.

        Raises:
            BodyTooLarge: it has more than `limit` bytes.
            BodyIncomplete: the client hung up before it had sent all.
        """

    @property
    def is_canonical(self) -> bool:
        """Whether every layer in front and behind reads this path the same way (PATH-1)."""
        raw = self.raw_path
        return is_canonical(self.path) and (raw is None or is_canonical(raw))

    def query(self, name: str) -> tuple[str, ...]:
        """Every value of the query parameter `name`, decoded.

        Raises:
            ValueError: the query is too long, or has too many fields.
        """
        return query_values(self.query_string, name)

    def cookie(self, name: str) -> tuple[str, ...]:
        """Every value sent for the cookie `name`, as it stands (RFC 6265 §5.4).

        Raises:
            ValueError: the cookies are too long.
        """
        header = self.header("cookie")
        if header is None or name not in header:
            return ()
        if len(header) > MAX_LOOKED_THROUGH:
            raise ValueError("cookies of more than 64 KiB")
        pairs = (pair.partition("=") for pair in header.split(";"))
        return tuple(value.strip(" \t") for key, equals, value in pairs if equals and key.strip(" \t") == name)

    @property
    def is_websocket(self) -> bool:
        """Whether this is a websocket handshake (RFC 6455 §4.1)."""
        return "websocket" in (self.header("upgrade") or "").lower()

    @property
    def is_preflight(self) -> bool:
        """Whether this is a CORS preflight, which never carries credentials (Fetch §3.2.2)."""
        return (
            self.method == "OPTIONS"
            and self.header("origin") is not None
            and self.header("access-control-request-method") is not None
        )


@lru_cache(maxsize=256)
def _variable(name: str) -> str:
    """The environ's name for the header `name`. Two have no prefix (RFC 3875 §4.1)."""
    if name in ("content-type", "content-length"):
        return name.upper().replace("-", "_")
    return "HTTP_" + name.upper().replace("-", "_")


class WSGIRequest(RequestHead):
    """The head of a WSGI request (PEP 3333)."""

    __slots__ = ("environ",)

    def __init__(self, environ: Environ) -> None:
        self._authorization = _NOT_READ
        self.environ: Environ = environ
        self.method: str = environ["REQUEST_METHOD"]

    def header(self, name: str) -> str | None:
        """The value of the header `name` (lower case)."""
        value: str | None = self.environ.get(_variable(name))
        return value

    @property
    def path(self) -> str:
        """``PATH_INFO``."""
        value: str = self.environ.get("PATH_INFO", "")
        return value

    @property
    def root(self) -> str:
        """``SCRIPT_NAME``."""
        value: str = self.environ.get("SCRIPT_NAME", "")
        return value

    @property
    def raw_path(self) -> str | None:
        """``REQUEST_URI`` (Werkzeug, uWSGI, mod_wsgi) or ``RAW_URI`` (gunicorn), without the query."""
        uri = self._uri
        return None if uri is None else uri.partition("?")[0]

    @property
    def _uri(self) -> str | None:
        return cast("str | None", self.environ.get("REQUEST_URI", self.environ.get("RAW_URI")))

    @property
    def query_string(self) -> str:
        """``QUERY_STRING``."""
        value: str = self.environ.get("QUERY_STRING", "")
        return value

    @property
    def target(self) -> str:
        """The request target, rebuilt from the decoded path where the server keeps no raw one."""
        if self._uri is not None:
            return self._uri
        from urllib.parse import quote

        path = quote(self.root + self.path, safe="/~:@!$&'()*+,;=", encoding="latin-1")
        return f"{path}?{self.query_string}" if self.query_string else path

    @property
    def client(self) -> str:
        """``REMOTE_ADDR``."""
        value: str = self.environ.get("REMOTE_ADDR", "")
        return value

    @property
    def path_params(self) -> Mapping[str, Any]:
        """What an adapter left under ``authmw.path_params``."""
        return cast("Mapping[str, Any]", self.environ.get("authmw.path_params", {}))

    def read_body(self, limit: int) -> bytes:
        """The whole body; the application reads it again from a buffer."""
        from io import BytesIO

        environ = self.environ
        declared = str(environ.get("CONTENT_LENGTH") or "")
        if _LENGTH.fullmatch(declared) is not None:
            length = int(declared.lstrip("0")[:20] or "0")  # 20 digits are more than any limit
            if length > limit:
                raise BodyTooLarge
            body = environ["wsgi.input"].read(length)
            if len(body) < length:
                raise BodyIncomplete
        else:
            body = environ["wsgi.input"].read(limit + 1) if environ.get("wsgi.input_terminated") else b""
        if len(body) > limit:
            raise BodyTooLarge
        environ["wsgi.input"] = BytesIO(body)
        return cast("bytes", body)


class ASGIRequest(RequestHead):
    """The head of an ASGI request or websocket handshake.

    Args:
        scope: the connection scope.
        receive: where the body comes from; after `read_body`, use `receive` of this object instead.
    """

    __slots__ = ("_receive", "_replay", "scope")

    def __init__(self, scope: Scope, receive: Receive | None = None) -> None:
        self._authorization = _NOT_READ
        self.scope: Scope = scope
        self.method: str = scope.get("method", "GET")
        self._receive = receive
        self._replay: list[Message] = []

    def header(self, name: str) -> str | None:
        """The value of the header `name` (lower case)."""
        wanted = name.encode("latin-1")
        values = [value for key, value in self.scope["headers"] if key == wanted]
        if not values:
            return None
        separator = b";" if wanted == b"cookie" else b","  # RFC 9113 §8.2.3 splits Cookie over several lines
        return separator.join(values).decode("latin-1")

    @property
    def is_websocket(self) -> bool:
        """Whether the server says so, or the header does: over HTTP/2 there is none (RFC 8441 §4)."""
        return self.scope.get("type") == "websocket" or super().is_websocket

    @property
    def path(self) -> str:
        """``path`` below ``root_path``."""
        path: str = self.scope["path"]
        root: str = self.scope.get("root_path", "")
        # As Starlette routes: to take more off, as behind a root_path that ends in a slash, would make another path.
        return path[len(root) :] if path == root or path.startswith(f"{root}/") else path

    @property
    def root(self) -> str:
        """``root_path``."""
        value: str = self.scope.get("root_path", "")
        return value

    @property
    def raw_path(self) -> str | None:
        """``raw_path``, without the query that some servers leave on it."""
        raw = self.scope.get("raw_path")
        return None if raw is None else raw.decode("latin-1").partition("?")[0]

    @property
    def query_string(self) -> str:
        """``query_string``."""
        return cast("str", self.scope.get("query_string", b"").decode("latin-1"))

    @property
    def target(self) -> str:
        """The request target, rebuilt from the decoded path where the server keeps no raw one."""
        path = self.raw_path
        if path is None:
            from urllib.parse import quote

            path = quote(self.scope["path"], safe="/~:@!$&'()*+,;=")
        return f"{path}?{self.query_string}" if self.query_string else path

    @property
    def client(self) -> str:
        """The host of ``client``."""
        client = self.scope.get("client")
        return str(client[0]) if client else ""

    @property
    def path_params(self) -> Mapping[str, Any]:
        """``path_params``, where a router has left them."""
        return cast("Mapping[str, Any]", self.scope.get("path_params", {}))

    @CallMode.OWN_TIMEOUT
    async def read_body(self, limit: int) -> bytes:
        """The whole body; the application receives the same messages again."""
        if self._receive is None:
            return b""
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await self._receive()
            self._replay.append(message)
            if message["type"] == "http.disconnect":
                raise BodyIncomplete
            chunk: bytes = message.get("body", b"")
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge
            more = message.get("more_body", False)
        return b"".join(chunks)

    async def receive(self) -> Message:
        """The next message: first what `read_body` took, then what follows."""
        if self._replay:
            return self._replay.pop(0)
        if self._receive is None:
            raise RuntimeError("a request without a receive channel has nothing to receive")
        return await self._receive()

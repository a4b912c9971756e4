"""Request head, from a WSGI environ or an ASGI scope: the parts of a request that authentication reads.

Each part is parsed only when it is read. Text of the request is decoded as latin-1, as WSGI does it, so that each
character is one byte. Several header lines of one name are joined by commas. WSGI servers do that, and so it is done
under ASGI too. As a result, a header whose value must not contain a comma is refused when the client sends it twice.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import lru_cache
from io import BytesIO
from typing import Any, Final, cast

from authmw.flow.call_mode import CallMode
from authmw.http.grammar import Authorization, parse_authorization
from authmw.http.target import MAX_SEARCHED, is_canonical, query_values

Environ = dict[str, Any]
# The types of Starlette and FastAPI. With the same types, type checkers accept that authmw wraps their applications and
# that they mount those of authmw.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_LENGTH = re.compile(r"[0-9]+")
_NOT_READ: Final = Authorization("", "")


class BodyTooLarge(Exception):
    """The body is longer than the limit of `RequestHead.read_body`."""


class BodyIncomplete(Exception):
    """The client disconnected before it sent the whole body."""


class RequestHead(ABC):
    """Method, path, headers, query and cookies of one request. The body is read only for Digest ``auth-int``."""

    __slots__ = ("_authorization", "method")

    method: str
    """The method as the client sent it (RFC 9110 §9.1: case counts); ``GET`` for a websocket handshake."""
    _authorization: Authorization | None

    @property
    def authorization(self) -> Authorization | None:
        """The ``Authorization`` header, split after its scheme; None without this header."""
        authorization = self._authorization
        if authorization is _NOT_READ:
            text = self.header("authorization")
            authorization = self._authorization = None if text is None else parse_authorization(text)
        return authorization

    @abstractmethod
    def header(self, name: str) -> str | None:
        """The value of the header `name` (lower case), several lines joined by commas; None without this header."""

    @property
    @abstractmethod
    def path(self) -> str:
        """The decoded path below ``SCRIPT_NAME`` or ``root_path``. The application routes by it."""

    @property
    @abstractmethod
    def root(self) -> str:
        """The decoded path where the application is mounted: ``SCRIPT_NAME`` or ``root_path``."""

    @property
    @abstractmethod
    def raw_path(self) -> str | None:
        """The path of the request line, before decoding; None if the server does not provide it."""

    @property
    @abstractmethod
    def query_string(self) -> str:
        """The text after the question mark, not decoded."""

    @property
    @abstractmethod
    def target(self) -> str:
        """The request target (path and query), as the client sent it (RFC 9112 §3.2)."""

    @property
    @abstractmethod
    def client(self) -> str:
        """The address of the peer, which may be a proxy; empty if the server does not provide it."""

    @property
    @abstractmethod
    def path_params(self) -> Mapping[str, Any]:
        """The parameters that the router found in the path; empty before routing."""

    @abstractmethod
    def read_body(self, limit: int) -> bytes | Awaitable[bytes]:
        """The whole body, for Digest ``auth-int``. It is kept, so that the application can read it too.

        Args:
            limit: the largest size, in bytes.

        Raises:
            BodyTooLarge: the body has more than `limit` bytes.
            BodyIncomplete: the client disconnected before it sent the whole body.
        """

    @property
    def is_canonical(self) -> bool:
        """Whether all proxies, servers and routers read this path in the same way, as `authmw.http.target` defines it.

        Only such a path can be public: for another one, the router could find a view that needs a caller.
        """
        raw = self.raw_path
        return is_canonical(self.path) and (raw is None or is_canonical(raw))

    def query(self, name: str) -> tuple[str, ...]:
        """All values of the query parameter `name`, decoded.

        Raises:
            ValueError: the query has more than 64 KiB or 1000 fields.
        """
        return query_values(self.query_string, name)

    def cookie(self, name: str) -> tuple[str, ...]:
        """All values of the cookie `name`, as the client sent them (RFC 6265 §5.4).

        Raises:
            ValueError: the cookies have more than 64 KiB.
        """
        header = self.header("cookie")
        if header is None or name not in header:
            return ()
        if len(header) > MAX_SEARCHED:
            raise ValueError("cookies of more than 64 KiB")
        pairs = (pair.partition("=") for pair in header.split(";"))
        return tuple(value.strip(" \t") for key, equals, value in pairs if equals and key.strip(" \t") == name)

    @property
    def is_websocket(self) -> bool:
        """Whether this is a websocket handshake (RFC 6455 §4.1)."""
        return "websocket" in (self.header("upgrade") or "").lower()

    @property
    def is_preflight(self) -> bool:
        """Whether this is a CORS preflight, which never has credentials (Fetch §3.2.2)."""
        return (
            self.method == "OPTIONS"
            and self.header("origin") is not None
            and self.header("access-control-request-method") is not None
        )


@lru_cache(maxsize=256)
def _variable(name: str) -> str:
    """The name of the header `name` in an environ. Two headers have no prefix there (RFC 3875 §4.1)."""
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
        """The value that an adapter put under ``authmw.path_params``."""
        return cast("Mapping[str, Any]", self.environ.get("authmw.path_params", {}))

    def read_body(self, limit: int) -> bytes:
        """The whole body. The application reads it again, from a buffer."""
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
        receive: the channel of the body. After `read_body`, use the method `receive` of this object instead.
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
        separator = b";" if wanted == b"cookie" else b","  # RFC 9113 §8.2.3: Cookie may come in several lines
        return separator.join(values).decode("latin-1")

    @property
    def is_websocket(self) -> bool:
        """Whether the scope or the header says so. Over HTTP/2 there is no such header (RFC 8441 §4)."""
        return self.scope.get("type") == "websocket" or super().is_websocket

    @property
    def path(self) -> str:
        """``path`` below ``root_path``."""
        path: str = self.scope["path"]
        root: str = self.scope.get("root_path", "")
        # As Starlette routes. A root_path that ends in a slash is not removed: the rest would be another path.
        return path[len(root) :] if path == root or path.startswith(f"{root}/") else path

    @property
    def root(self) -> str:
        """``root_path``."""
        value: str = self.scope.get("root_path", "")
        return value

    @property
    def raw_path(self) -> str | None:
        """``raw_path``, without the query that some servers add to it."""
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
        """``path_params``, if a router has set them."""
        return cast("Mapping[str, Any]", self.scope.get("path_params", {}))

    @CallMode.OWN_TIMEOUT
    async def read_body(self, limit: int) -> bytes:
        """The whole body. The application receives the same messages again, by `receive`."""
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
        """The next message: first the messages that `read_body` received, then new ones."""
        if self._replay:
            return self._replay.pop(0)
        if self._receive is None:
            raise RuntimeError("this request has no receive channel: write ASGIRequest(scope, receive)")
        return await self._receive()

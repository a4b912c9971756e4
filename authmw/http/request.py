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
from typing import Any, ClassVar, Final, TypeVar, cast

from authmw.flow.application_code import Surroundings
from authmw.flow.call_mode import CallMode
from authmw.flow.pool import in_thread
from authmw.http.grammar import Authorization, parse_authorization
from authmw.http.target import MAX_SEARCHED, decoded, is_canonical, path_of, query_values

T = TypeVar("T")

Environ = dict[str, Any]
# The types of Starlette and FastAPI. With the same types, type checkers accept that authmw wraps their applications and
# that they mount those of authmw.
Scope = MutableMapping[str, Any]
"""What an ASGI server says about a connection, by name."""
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
"""What an ASGI application awaits to get the next message of the client."""
Send = Callable[[Message], Awaitable[None]]
"""What an ASGI application awaits to send a message to the client."""

# The headers that layers inside of the application take for ``SCRIPT_NAME`` or ``root_path``, as Werkzeug's ProxyFix.
_PREFIXES: Final = ("x-forwarded-prefix", "x-script-name")
MOST_PREFIXES: Final = 8
"""The most prefixes that a request names. Each proxy on the way names one."""
MAX_FORM: Final = 64 * 1024
"""Bytes of a form of an endpoint of authmw: an assertion, a token and a name need far less."""
_KEPT: Final = "authmw.body"
_LENGTH = re.compile(r"[0-9]+")
_SAFE: Final = "/~:@!$&'()*+,;="
_NOT_READ: Final = Authorization("", "")


class BodyTooLarge(Exception):
    """The body is longer than the limit of `RequestHead.read_body`."""


class BodyIncomplete(Exception):
    """The client disconnected before it sent the whole body."""


class _KeptBody:
    """A body that was read before the functions of the application, which may read it too. It has no ``repr``."""

    __slots__ = ("_body",)

    def __init__(self, body: bytes | Exception) -> None:
        self._body = body

    def read(self, limit: int) -> bytes:
        if isinstance(self._body, Exception):
            raise self._body
        if len(self._body) > limit:
            raise BodyTooLarge
        return self._body


class RequestHead(ABC):
    """Method, path, headers, query and cookies of one request. The body is read only for Digest ``auth-int``."""

    __slots__ = ("_authorization", "_authorization_text", "method", "promise")

    method: str
    """The method as the client sent it (RFC 9110 §9.1: case counts); ``GET`` for a websocket handshake."""
    encoding: ClassVar[str]
    """The encoding by which the octets of a path were decoded."""
    around: Surroundings | None = None
    """What surrounds functions of the application while this request is authenticated; None for nothing."""
    promise: object
    """The `authmw.engine.promise.Promise` that an adapter makes when its route table finds a public endpoint. Not set
    before."""
    _authorization: Authorization | None
    _authorization_text: str | None

    @property
    def debug(self) -> bool:
        """Whether the application is in debug mode, as far as this is known."""
        return self.around is not None and self.around.debug

    @property
    @abstractmethod
    def headers(self) -> list[tuple[str, str]]:
        """The names (lower case) and the values of all headers."""

    @property
    def authorization(self) -> Authorization | None:
        """The ``Authorization`` header, split after its scheme; None without this header."""
        authorization = self._authorization
        if authorization is _NOT_READ:
            text = self.authorization_text
            authorization = self._authorization = None if text is None else parse_authorization(text)
        return authorization

    @property
    def authorization_text(self) -> str | None:
        """The value of ``Authorization``, several lines joined by commas; None without this header."""
        text = self._authorization_text
        if text == "":  # not read, or empty
            text = self._authorization_text = self.header("authorization")
        return text

    @abstractmethod
    def header(self, name: str) -> str | None:
        """The value of the header `name` (lower case), several lines joined by commas; None without this header."""

    def told(self, *names: str) -> list[str]:
        """The values of the headers that a layer inside may take for one of `names`, in the order of these.

        Args:
            names: in lower case, each of which begins with ``x-``.
        """
        return [value for name in names if (value := self.header(name)) is not None]

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
        """The path of the request line, before decoding; None if the server does not provide it.

        Of a target in absolute-form (RFC 9112 §3.2.2) it is the path in it.
        """

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

    def call_blocking(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> Awaitable[T]:
        """Call a store that may block, for this request and under ASGI: on a thread of authmw. Adapters override it."""
        return in_thread(function, *args, **kwargs)

    @abstractmethod
    def keep_body(self) -> object:
        """Read the form of a POST for `read_body`, which otherwise finds nothing if the application reads it before."""

    @property
    def is_canonical(self) -> bool:
        """Whether all proxies, servers and routers read this path in the same way, as `authmw.http.target` defines it.

        Only such a path can be public: for another one, the router could find a view that needs a caller.
        """
        raw = self.raw_path
        return is_canonical(self.path) and (raw is None or is_canonical(raw))

    @property
    def is_read_alike(self) -> bool:
        """Whether routers that differ in where the path of an application begins find the same path in this request.

        Litestar cuts a path behind the first ``root_path`` that it finds in it, wherever that is. Quart, Django and
        BlackSheep cut it also inside of a segment. BlackSheep and Sanic route by the raw path, the others by the
        decoded one.
        """
        path, prefixes = self.path, self.told_prefixes
        if len(prefixes) > MOST_PREFIXES or any(prefix in path for prefix in prefixes):
            return False
        return self.raw_path is None or self.raw_root is not None

    @property
    def told_prefixes(self) -> tuple[str, ...]:
        """The prefixes that a layer may cut off the path: `root`, and those that a header names."""
        told = [self.root]
        for value in self.told(*_PREFIXES):
            # Some layers take the last member, others the whole value.
            told += [each.strip(" \t") for each in (value, *value.split(","))]
        return tuple(prefix for prefix in dict.fromkeys(told) if prefix.strip("/"))

    @property
    def raw_root(self) -> bytes | None:
        """The part of `root` that the raw path contains, decoded; None if the raw path is that of another resource.

        A server or a mount takes a prefix off the raw path, or a proxy did before. So the raw path is what the
        application routes by, behind all of `root`, the end of it, or nothing.
        """
        raw, path = decoded(self.raw_path or ""), self.path.encode(self.encoding, "replace")
        root = raw.removesuffix(path)
        is_of_path = raw.endswith(path) and self.root.encode(self.encoding, "replace").endswith(root)
        return root if is_of_path else None

    @property
    def public_path(self) -> str:
        """The raw path of the URL that the client sees, as far as the framework was told of it.

        If a proxy has removed a prefix, and ``SCRIPT_NAME`` or ``root_path`` has it, this path begins with it.
        """
        from urllib.parse import quote

        raw, root = self.raw_path, self.root.rstrip("/")
        if raw is None:
            return quote(root + self.path, safe=_SAFE, encoding=self.encoding)
        contained = self.raw_root if root else None
        if contained is None:
            return raw
        told = root.encode(self.encoding, "replace").removesuffix(contained)
        return quote(told, safe=_SAFE) + raw

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
def variable(name: str) -> str:
    """The name of the header `name` in an environ. Two headers have no prefix there (RFC 3875 §4.1)."""
    if name in ("content-type", "content-length"):
        return name.upper().replace("-", "_")
    return "HTTP_" + name.upper().replace("-", "_")


class WSGIRequest(RequestHead):
    """The head of a WSGI request (PEP 3333)."""

    __slots__ = ("around", "environ")
    encoding = "latin-1"

    def __init__(self, environ: Environ) -> None:
        self.around: Surroundings | None = None
        self._authorization = _NOT_READ
        self._authorization_text = ""
        self.environ: Environ = environ
        self.method: str = environ["REQUEST_METHOD"]

    def header(self, name: str) -> str | None:
        """The value of the header `name` (lower case)."""
        value: str | None = self.environ.get(variable(name))
        return value

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The names (lower case) and the values of all headers."""
        found = [(name, value) for name, value in self.environ.items() if name.startswith("HTTP_")]
        return [(name[5:].lower().replace("_", "-"), str(value)) for name, value in found]

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
        return None if uri is None else path_of(uri)

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

        path = quote(self.root + self.path, safe=_SAFE, encoding="latin-1")
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
        kept = environ.get(_KEPT)
        if isinstance(kept, _KeptBody):
            return kept.read(limit)
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

    def keep_body(self) -> None:
        """Put the form into the environ."""
        if self.method == "POST" and _KEPT not in self.environ:
            try:
                self.environ[_KEPT] = _KeptBody(self.read_body(MAX_FORM))
            except Exception as error:
                self.environ[_KEPT] = _KeptBody(error)


class ASGIRequest(RequestHead):
    """The head of an ASGI request or websocket handshake.

    Args:
        scope: the connection scope.
        receive: the channel of the body. After `read_body`, use `channel` instead.
    """

    __slots__ = ("_receive", "_replay", "_told", "scope")
    encoding = "utf-8"

    def __init__(self, scope: Scope, receive: Receive | None = None) -> None:
        self._authorization = _NOT_READ
        self._authorization_text = ""
        self.scope: Scope = scope
        self.method: str = scope.get("method", "GET") if scope.get("type") != "websocket" else "GET"
        self._receive = receive
        self._replay: list[Message] = []
        self._told: dict[str, str] | None = None

    def header(self, name: str) -> str | None:
        """The value of the header `name` (lower case)."""
        wanted = name.encode("latin-1")
        values: list[bytes] = []
        for key, value in self.scope["headers"]:  # no comprehension, which is a call of its own
            if key == wanted:
                values.append(value)
        if not values:
            return None
        separator = b";" if wanted == b"cookie" else b","  # RFC 9113 §8.2.3: Cookie may come in several lines
        return separator.join(values).decode("latin-1")

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The names (lower case) and the values of all headers."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.scope["headers"]]

    def told(self, *names: str) -> list[str]:
        """The values of headers. In the environ of a WSGI application inside, ``x_name`` is the same as ``x-name``."""
        found = self._told
        if found is None:
            found = self._told = {}
            for key, value in self.scope["headers"]:
                if key.startswith(b"x"):
                    name, text = key.replace(b"_", b"-").decode("latin-1"), value.decode("latin-1")
                    found[name] = f"{found[name]},{text}" if name in found else text
        return [found[name] for name in names if name in found] if found else []

    @property
    def debug(self) -> bool:
        """``debug`` of the application in the scope (Starlette, FastAPI)."""
        return getattr(self.scope.get("app"), "debug", False) is True

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
        raw: bytes | None = self.scope.get("raw_path")
        return None if raw is None else path_of(raw.decode("latin-1"))

    @property
    def query_string(self) -> str:
        """``query_string``."""
        return cast("str", self.scope.get("query_string", b"").decode("latin-1"))

    @property
    def target(self) -> str:
        """The request target, rebuilt from the decoded path where the server keeps no raw one."""
        raw: bytes | None = self.scope.get("raw_path")
        if raw is None:
            from urllib.parse import quote

            path = quote(self.scope["path"], safe=_SAFE)
        else:
            path = raw.decode("latin-1").partition("?")[0]
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
        kept = self.scope.get(_KEPT)
        if isinstance(kept, _KeptBody):
            return kept.read(limit)
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

    async def keep_body(self) -> None:
        """Put the form into a copy of the scope."""
        if self.method == "POST" and _KEPT not in self.scope:
            try:
                kept = _KeptBody(await self.read_body(MAX_FORM))
            except Exception as error:
                kept = _KeptBody(error)
            self.scope = {**self.scope, _KEPT: kept}

    @property
    def channel(self) -> Receive:
        """What an application receives from, so that it gets all messages."""
        return self._receive if self._receive is not None and not self._replay else self.receive

    async def receive(self) -> Message:
        """The next message: first the messages that `read_body` received, then new ones."""
        if self._replay:
            return self._replay.pop(0)
        if self._receive is None:
            raise RuntimeError("this request has no receive channel: write ASGIRequest(scope, receive)")
        return await self._receive()

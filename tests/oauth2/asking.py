"""A token service on memory stores, asked through its WSGI and its ASGI application as a server would ask."""

from __future__ import annotations

import asyncio
import io
import json
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final
from urllib.parse import urlencode
from wsgiref.validate import validator

from authmw_flask import FlaskAuth, token_blueprint
from authmw_starlette import AuthMiddleware, token_routes
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware import Middleware

from authmw import Auth, HTTPBasic, HTTPBearer, PasswordVerifier
from authmw.asgi import Mount as ASGIMount
from authmw.crypto.keyring import KeyRing
from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.flow.flow import run
from authmw.http.request import Message, Scope
from authmw.identity.credentials import BearerToken
from authmw.identity.principal import Principal
from authmw.identity.verdict import Authenticated, Rejected
from authmw.oauth2 import TokenService
from authmw.oauth2.runtime import Runtime
from authmw.stores import MemoryStores, MemoryThrottle, Stores
from authmw.wsgi import Mount as WSGIMount
from tests.requests import wsgi_request

ISSUER: Final = "https://id.example/auth"
NOW: Final = 1_800_000_000.0
FORM: Final = "application/x-www-form-urlencoded"
KEYS: Final = KeyRing.generate()
HASHER: Final = PasswordHasher(CHEAPEST)
RUNTIME: Final = frozenset(field.name for field in fields(Runtime))
MOUNTS: Final = ("wsgi", "asgi", "flask", "starlette")

Headers = Iterable[tuple[str, str]]


class Clock:
    """A time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Counting:
    """Randomness that is the same in each run."""

    def __init__(self) -> None:
        self._drawn = 0

    def __call__(self, length: int) -> bytes:
        from hashlib import shake_256

        self._drawn += 1
        return shake_256(str(self._drawn).encode()).digest(length)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Names of headers are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The members of the body."""
        members: dict[str, Any] = json.loads(self.body)
        return members

    @property
    def error(self) -> str:
        """The code of an error; empty for a success."""
        return str(self.json.get("error", ""))

    def header(self, name: str) -> str | None:
        """The only value of a header."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) < 2, values
        return values[0] if values else None


def new_stores(clock: Callable[[], float], **more: Any) -> MemoryStores:
    """Stores with alice, who may read and write orders, and with a client for each way to authenticate."""
    stores = MemoryStores(hasher=HASHER, clock=clock, **more)
    stores.users.create("alice", "correct horse", id="user-1", scopes=["orders:read", "orders:write"])
    return stores


class Bench:
    """One service. What it is asked goes through the application that `mount` names.

    Args:
        mount: one of `MOUNTS`. In Flask and Starlette the application is guarded.
        options: of the service or of its `Runtime`, where they are to differ; and the throttle of its stores, which is
            None for the one that they have.
    """

    def __init__(self, mount: str = "wsgi", **options: Any) -> None:
        self.clock = Clock()
        self.stores: Any = options.pop("stores", None) or new_stores(self.clock)
        throttle = options.pop("throttle", MemoryThrottle(free=1000))
        running: dict[str, Any] = {
            "hasher": HASHER,
            "clock": self.clock,
            **{name: options.pop(name) for name in RUNTIME & options.keys()},
        }
        settings: dict[str, Any] = {
            "issuer": ISSUER,
            "audience": "orders",
            "stores": Stores.of(self.stores, *([] if throttle is None else [Stores(throttle=throttle)])),
            "password": True,
            "runtime": Runtime(**running),
        }
        self.service = TokenService(**{**settings, **options})
        self.service.feed.close()  # no thread: each check asks the store
        self._application = application_of(self.service, mount)
        self._ask = self._ask_wsgi if mount in ("wsgi", "flask") else self._ask_asgi

    def client(self, id: str = "shop", **options: Any) -> str:
        """A new client; its secret."""
        secret, _ = self.stores.clients.create(id, **{"scopes": ["orders:read", "reports"], **options})
        return secret or ""

    def use(self, **stores: Any) -> None:
        """Put others in the place of some of the service's stores."""
        for role, store in stores.items():
            setattr(self.service, role, store)

    def post(
        self, form: Mapping[str, str] | bytes, headers: Headers = (), *, path: str = "/token", content_type: str = FORM
    ) -> Answer:
        """Post a form."""
        body = form if isinstance(form, bytes) else urlencode(form).encode()
        return self.ask("POST", path, [("content-type", content_type), *headers], body)

    def log_in(self, **more: str) -> Answer:
        """Log alice in."""
        return self.post({"grant_type": "password", "username": "alice", "password": "correct horse", **more})

    def refresh(self, token: str, headers: Headers = (), **more: str) -> Answer:
        """Refresh."""
        return self.post({"grant_type": "refresh_token", "refresh_token": token, **more}, headers)

    def verified(self, token: str) -> Principal | Rejected:
        """Whom an API that uses the service's verifier takes the bearer of `token` for."""
        verdict: Any = self.service.verifier().verify(BearerToken(token), wsgi_request())
        verdict = run(verdict) if hasattr(verdict, "send") else verdict
        assert isinstance(verdict, Authenticated | Rejected)
        return verdict.principal if isinstance(verdict, Authenticated) else verdict

    def ask(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer:
        """Make any request."""
        return self._ask(method, path, list(headers), body)

    def _ask_wsgi(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        path, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "/auth",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "id.example",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.7",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        for name, value in headers:
            key = name.upper().replace("-", "_")
            key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
            environ[key] = f"{environ[key]},{value}" if key in environ and key != "CONTENT_LENGTH" else value
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started.append((status, headers))
            return started.append  # nobody writes

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns about methods it has not heard of
            iterable: Any = validator(self._application)(environ, start_response)
            content = b"".join(iterable)
            iterable.close()
        ((status, answered),) = started
        return Answer(int(status[:3]), tuple((name.lower(), value) for name, value in answered), content)

    def _ask_asgi(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        halves = [body[: len(body) // 2], body[len(body) // 2 :]]
        messages: list[Message] = [
            {"type": "http.request", "body": halves[0], "more_body": True},
            {"type": "http.request", "body": halves[1], "more_body": False},
        ]
        start, *rest = asyncio.run(exchange_with(self._application, scope_of(method, path, headers), messages))
        answered = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"])
        return Answer(start["status"], answered, b"".join(each["body"] for each in rest))


def scope_of(method: str, path: str, headers: Headers = ()) -> Scope:
    """The scope that a server would make."""
    path, _, query = path.partition("?")
    return {
        "type": "http",
        "method": method,
        "path": f"/auth{path}",
        "root_path": "/auth",
        "query_string": query.encode("latin-1"),
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": ("192.0.2.7", 12345),
    }


def application_of(service: TokenService, mount: str) -> Any:
    """The application that serves `service` at ``/auth``."""
    if mount == "wsgi":
        return WSGIMount(service)
    if mount == "asgi":
        return ASGIMount(service)
    # Neither what Basic nor what Bearer carries here is for the application around.
    auth = Auth(HTTPBearer(service.verifier()) | HTTPBasic(PasswordVerifier(service.users, hasher=HASHER)))
    if mount == "flask":
        app = Flask("id")
        app.register_blueprint(token_blueprint(service))  # the prefix is in SCRIPT_NAME
        FlaskAuth(app, auth)
        return app
    # The prefix is in root_path.
    return Starlette(routes=token_routes(service), middleware=[Middleware(AuthMiddleware, auth=auth)])


async def exchange(service: TokenService, scope: Scope, messages: list[Message]) -> list[Message]:
    """What the ASGI application sends after it has received `messages`, and then a disconnect."""
    return await exchange_with(ASGIMount(service), scope, messages)


async def exchange_with(application: Any, scope: Scope, messages: list[Message]) -> list[Message]:
    """What an ASGI application sends after it has received `messages`, and then a disconnect."""
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await application(scope, receive, send)
    return sent


def basic(client_id: str, secret: str) -> list[tuple[str, str]]:
    """The header of a client that encodes its id and secret as RFC 6749 §2.3.1 says."""
    from urllib.parse import quote_plus

    return raw_basic(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode())


def raw_basic(user_pass: bytes) -> list[tuple[str, str]]:
    """The header of a client that encodes nothing."""
    return [("authorization", f"Basic {b64encode(user_pass).decode()}")]

"""What real clients log in to: Basic, Digest by algorithm, and Bearer, each below a path of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from authmw import Auth, HTTPBasic, HTTPBearer, HTTPDigest, Principal, current_principal
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.asgi.middleware import ASGIApp
from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.http.request import Receive, Scope, Send
from authmw.http.response import WSGIApp
from authmw.stores import MemoryUsers
from authmw.verifiers.digest import DigestVerifier
from authmw.verifiers.password import PasswordVerifier
from authmw.wsgi import AuthMiddleware as WSGIMiddleware

REALM: Final = "orders"
ACCOUNTS: Final[Mapping[str, str]] = {"alice": "secret", "colon": "se:cr:et", "jürgen": "pässwörd£"}
TOKEN: Final = "t0ken~-._+/=="


def _auths() -> Mapping[str, Auth]:
    hasher = PasswordHasher(CHEAPEST)
    users = MemoryUsers(hasher=hasher, digest_algorithms=("MD5", "SHA-256"))
    for name, password in ACCOUNTS.items():
        users.create(name, password, id=name, digest_realm=REALM)
    return {
        "/basic": Auth(HTTPBasic(PasswordVerifier(users, hasher=hasher)), realm=REALM),
        "/md5": Auth(HTTPDigest(DigestVerifier(users, algorithms=("MD5",))), realm=REALM),
        "/sha256": Auth(HTTPDigest(DigestVerifier(users, algorithms=("SHA-256",))), realm=REALM),
        "/both": Auth(HTTPDigest(DigestVerifier(users, algorithms=("MD5", "SHA-256"))), realm=REALM),
        "/bearer": Auth(HTTPBearer(_principal), realm=REALM),
    }


def _principal(token: str) -> Principal | None:
    return Principal("alice") if token == TOKEN else None


def _greeting() -> bytes:
    return f"hello {current_principal().id}".encode()


def _greet_wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = _greeting()
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]


async def _greet_asgi(scope: Scope, receive: Receive, send: Send) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain; charset=utf-8")],
        }
    )
    await send({"type": "http.response.body", "body": _greeting()})


_wsgi: Final[Mapping[str, WSGIApp]] = {path: WSGIMiddleware(_greet_wsgi, auth) for path, auth in _auths().items()}
_asgi: Final[Mapping[str, ASGIApp]] = {path: ASGIMiddleware(_greet_asgi, auth) for path, auth in _auths().items()}


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The guarded applications as one."""
    return _wsgi[environ["PATH_INFO"]](environ, start_response)


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """The guarded applications as one."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    else:
        await _asgi[scope["path"]](scope, receive, send)

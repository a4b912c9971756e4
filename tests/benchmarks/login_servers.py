"""Servers to log in to, each in a process of its own: ``python -m tests.benchmarks.login_servers authmw``.

Beside the login each has a cheap request. The peers do as FastAPI's tutorial does, in either way of writing endpoints.
Annotations are evaluated here: FastAPI reads those of functions inside functions.
"""

import logging
import socket
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import parse_qs

import argon2
import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request

import authmw.asgi
from authmw.crypto.keyring import KeyRing
from authmw.crypto.passwords import PasswordHasher
from authmw.flow import CallMode
from authmw.flow.pool import WorkPool
from authmw.oauth2.runtime import Runtime
from authmw.oauth2.service import TokenService
from authmw.stores import MemoryStores, Stores
from authmw.stores.records import User
from tests.benchmarks.harness import complete

USERNAME, PASSWORD = "alice", "correct horse battery staple"
LOGINS = 50


@CallMode.NONBLOCKING
class _Users:
    """Everybody has the same password, hashed once."""

    def __init__(self, password_hash: str) -> None:
        self._hash = password_hash

    def find(self, username: str, /) -> User | None:
        """Whoever is asked for."""
        return User(username, username, self._hash)


def ours(pool: WorkPool) -> Any:
    """The token service."""
    hasher = PasswordHasher()
    stores = Stores.of(MemoryStores(), Stores(users=_Users(hasher.hash(PASSWORD))))
    service = TokenService(
        issuer="http://127.0.0.1",
        audience="orders",
        stores=stores,
        keys=KeyRing.generate(),
        password=True,
        runtime=Runtime(pool=pool),
    )
    tokens = authmw.asgi.Mount(service)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/cheap":
            await tokens(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    return app


async def _form(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}


class _Tutorial:
    """What both ways of writing endpoints share: argon2 with its defaults, PyJWT."""

    def __init__(self) -> None:
        self.app = FastAPI(openapi_url=None)
        self._hasher = argon2.PasswordHasher()
        self._hash = self._hasher.hash(PASSWORD)

    def log_in(self, form: dict[str, str]) -> dict[str, str]:
        """Verify the password, sign a token."""
        try:
            self._hasher.verify(self._hash, form["password"])
        except argon2.exceptions.VerificationError:
            raise HTTPException(401, "Incorrect username or password") from None
        said = {"sub": form["username"], "exp": int(time.time()) + 600}
        return {"access_token": jwt.encode(said, "s" * 32, "HS256"), "token_type": "bearer"}


def inline() -> FastAPI:
    """``async def``: the hash is made on the event loop."""
    tutorial = _Tutorial()

    @tutorial.app.post("/token")
    async def token(form: Annotated[dict[str, str], Depends(_form)]) -> dict[str, str]:
        return tutorial.log_in(form)

    @tutorial.app.get("/cheap")
    async def cheap() -> str:
        return "ok"

    return tutorial.app


def threads() -> FastAPI:
    """``def``: each request gets one of Starlette's forty threads."""
    tutorial = _Tutorial()

    @tutorial.app.post("/token")
    def token(form: Annotated[dict[str, str], Depends(_form)]) -> dict[str, str]:
        return tutorial.log_in(form)

    @tutorial.app.get("/cheap")
    def cheap() -> str:
        return "ok"

    return tutorial.app


SERVERS: dict[str, Callable[[], Any]] = {
    "authmw": lambda: ours(WorkPool()),
    "fastapi-async": inline,
    "fastapi-def": threads,
}


def main() -> None:
    """Serve on a free port of this machine, which is printed."""
    app = SERVERS[sys.argv[1]]()
    logging.getLogger("authmw").addHandler(logging.NullHandler())  # each refusal of a crowd is told otherwise
    # With its protocol named, or asyncio leaves Nagle's algorithm on, which delays answers by 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1024)
        print(listening.getsockname()[1], flush=True)
        config = uvicorn.Config(app, log_level="error", access_log=False, proxy_headers=False)
        complete(uvicorn.Server(config).serve(sockets=[listening]))


if __name__ == "__main__":
    main()

"""Under WSGI nothing is awaited: what is ``async def`` is found when the application is made."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from authmw_flask import FlaskAuth, token_blueprint
from flask import Flask
from werkzeug.test import Client

from authmw import (
    APIKeyHeader,
    ApiKeyVerifier,
    Auth,
    ConfigurationError,
    DigestVerifier,
    HTTPBasic,
    HTTPBearer,
    HTTPDigest,
    PasswordVerifier,
    Principal,
    SecurityScheme,
    TokenVerifier,
)
from authmw.asgi import AuthMiddleware as ASGIAuthMiddleware
from authmw.errors import FlowError
from authmw.flow import CallMode
from authmw.oauth2 import TokenService
from authmw.stores import MemoryStores, Stores
from authmw.stores.asynchronous import check_for_wsgi
from authmw.verifiers.accounts import THROTTLE_VERBS
from authmw.verifiers.dpop import DPoPVerifier
from authmw.verifiers.session import SessionVerifier
from authmw.wsgi import AuthMiddleware, Mount
from tests.support import ROOT


class Asynchronous:
    """Every store in one, each method ``async def``."""

    async def find(self, username: str) -> None: ...
    async def find_key(self, digest: str) -> None: ...
    async def touch_key(self, key_id: str, at: float) -> None: ...
    async def find_token(self, digest: str) -> None: ...
    async def find_digest(self, username: str, realm: str, algorithm: str) -> None: ...
    async def find_digest_by_userhash(self, userhash: str, realm: str, algorithm: str) -> None: ...


class Blocking(Asynchronous):
    """The same users, without ``async``."""

    def find(self, username: str) -> None: ...  # type: ignore[override]


async def lookup(token: str) -> Principal | None:
    return None


def app(environ: Any, start_response: Any) -> list[bytes]:
    return []


async def asgi(scope: Any, receive: Any, send: Any) -> None: ...


ASYNCHRONOUS: Any = Asynchronous()
SCHEMES: dict[str, SecurityScheme[Any]] = {
    "Asynchronous.find": HTTPBasic(PasswordVerifier(ASYNCHRONOUS)),
    "Asynchronous.find_digest": HTTPDigest(DigestVerifier(ASYNCHRONOUS)),
    "Asynchronous.find_key": APIKeyHeader("X-API-Key", ApiKeyVerifier(ASYNCHRONOUS)),
    "Asynchronous.find_token": HTTPBearer(TokenVerifier(ASYNCHRONOUS)),
    "lookup": HTTPBearer(lookup),
}


@pytest.mark.parametrize("name", SCHEMES)
def test_what_is_async_is_named_when_the_middleware_is_made(name: str) -> None:
    auth = Auth(SCHEMES[name])
    with pytest.raises(ConfigurationError) as refused:
        AuthMiddleware(app, auth)
    method = name.rpartition(".")[2]
    assert f"{name} is async, and this is WSGI, which cannot await it: write def {method}, without" in str(
        refused.value
    )
    with pytest.raises(ConfigurationError, match=f"{name} is async"):
        FlaskAuth(Flask("shop"), auth)
    ASGIAuthMiddleware(asgi, auth)  # there it is awaited


def test_all_are_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as refused:
        AuthMiddleware(app, Auth(SCHEMES["lookup"] | SCHEMES["Asynchronous.find"]))
    assert len(refused.value.mistakes) == 2


def test_what_is_not_asked_may_be_async() -> None:
    blocking: Any = Blocking()
    AuthMiddleware(app, Auth(HTTPBasic(PasswordVerifier(blocking))))
    with pytest.raises(ConfigurationError, match=r"Blocking\.find_token is async"):
        AuthMiddleware(app, Auth(HTTPBearer(TokenVerifier(blocking))))


def test_a_mark_says_it_too() -> None:
    class Marked:
        def find(self, username: str) -> None: ...

    users: Any = CallMode.ASYNC(Marked())
    with pytest.raises(ConfigurationError, match=r"Marked\.find is async"):
        AuthMiddleware(app, Auth(HTTPBasic(PasswordVerifier(users))))


@pytest.mark.parametrize("mode", [CallMode.ASYNC, CallMode.BLOCKING], ids=str)
def test_a_callable_object_that_is_async_is_found_at_the_first_request_and_lets_nobody_in(mode: CallMode) -> None:
    class Lookup:
        async def __call__(self, token: str) -> Principal | None:
            return Principal("alice")

    guarded = AuthMiddleware(app, Auth(HTTPBearer(mode(Lookup()))))
    with pytest.raises(FlowError, match=r"Lookup\) is async, and this is WSGI"):
        Client(guarded).get("/", headers={"Authorization": "Bearer token"})


class InOneSlot:
    """What holds a store in its only slot."""

    __module__ = "authmw.verifiers"
    __slots__ = "users"  # noqa: PLC0205 - the form under test
    asks = ("find",)

    def __init__(self, users: object) -> None:
        self.users = users


class InSlots:
    """What holds a store beside something that is not there yet."""

    __module__ = "authmw_flask"
    __slots__ = ("later", "users")
    asks = ("find_key", "find")

    def __init__(self, users: object) -> None:
        self.users = users


class Inherited(InSlots):
    """The same, whose slots are those of its base."""

    __module__ = "authmw.verifiers"
    __slots__ = ()


class Elsewhere(InSlots):
    """The same, of an application."""

    __module__ = "shop.verifiers"
    __slots__ = ()


@pytest.mark.parametrize("holder", [InOneSlot, InSlots, Inherited])
def test_stores_in_slots_are_found_too(holder: type[InSlots]) -> None:
    for held in (holder(ASYNCHRONOUS), Inherited(holder(ASYNCHRONOUS))):
        with pytest.raises(ConfigurationError) as refused:
            check_for_wsgi(held, held)
        assert {mistake.partition(" ")[0] for mistake in refused.value.mistakes} <= {
            "Asynchronous.find",
            "Asynchronous.find_key",
        }
        assert len(refused.value.mistakes) == len(holder.asks)
    check_for_wsgi(holder(MemoryStores().users), holder(None), Elsewhere(ASYNCHRONOUS))


@pytest.mark.parametrize("mount", [Mount, token_blueprint])
def test_the_stores_of_a_token_service_are_found_too(mount: Any) -> None:
    stores = Stores.of(MemoryStores(), ASYNCHRONOUS)
    with pytest.raises(ConfigurationError, match="TokenService"):
        TokenService(issuer="https://id.example", audience="orders", stores=stores)  # its store of tokens is not whole

    class Users:
        async def find(self, username: str) -> None: ...

    service = TokenService(issuer="https://id.example", audience="orders", stores=Stores.of(MemoryStores(), Users()))
    with pytest.raises(ConfigurationError, match=r"Users\.find is async"):
        mount(service)


def test_blocking_stores_are_mounted() -> None:
    stores = MemoryStores()
    service = TokenService(issuer="https://id.example", audience="orders", stores=stores)
    Mount(service)
    AuthMiddleware(app, Auth(HTTPBasic(PasswordVerifier(stores.users)) | HTTPBearer(service.verifier())))


ASKING: dict[str, tuple[str, ...]] = {
    "api_key": ApiKeyVerifier.asks,
    "digest": DigestVerifier.asks,
    "dpop": DPoPVerifier.asks,
    "password": PasswordVerifier.asks,
    "session": SessionVerifier.asks,
    "token": TokenVerifier.asks,
}


def source_at(path: str | Path) -> ast.Module:
    """The source at a path below the root."""
    return ast.parse((ROOT / path).read_text())


def asked_in(source: ast.AST) -> set[str]:
    """The methods of stores that the flows of a source ask."""
    found: set[str] = set()
    for node in ast.walk(source):
        match node:
            case ast.Call(func=ast.Name("Ask"), args=[ast.Attribute(holder, name), *_]) if ast.unparse(holder) not in (
                "self",
                "request",
            ):
                found.add(name)
            case _:
                pass
    return found


@pytest.mark.parametrize("module", ASKING)
def test_a_verifier_says_each_method_that_it_asks_and_no_other(module: str) -> None:
    assert set(ASKING[module]) == asked_in(source_at(f"authmw/verifiers/{module}.py"))


def revocations_of(sources: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The functions of `authmw.stores.revocation` that the sources import, and those that they call in turn."""
    module = source_at("authmw/stores/revocation.py")
    functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
    waiting = [
        alias.name
        for source in sources
        for node in ast.walk(source)
        if isinstance(node, ast.ImportFrom) and node.module == "authmw.stores.revocation"
        for alias in node.names
    ]
    while waiting:
        function = functions.pop(waiting.pop(), None)
        if function is not None:
            yield function
            waiting += [node.id for node in ast.walk(function) if isinstance(node, ast.Name)]


def test_a_token_service_says_each_method_that_it_asks_and_no_other() -> None:
    sources = [source_at(path) for path in (ROOT / "authmw" / "oauth2").glob("*.py")]
    asked = set[str]().union(*map(asked_in, [*sources, *revocations_of(sources)]))
    # Its feed reads the revocations, and its limit of attempts asks the throttle.
    assert set(TokenService.asks) == asked | {"revocations_after", *THROTTLE_VERBS}

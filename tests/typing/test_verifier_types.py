"""A function that is given as a verifier is checked: mypy and pyright refuse one that takes or answers something else.

The type checkers run over this file too: each wrong line has an ignore, and an ignore that is not needed is an error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from authmw import (
    APIKeyHeader,
    HTTPBasic,
    HTTPBearer,
    OAuth2PasswordBearer,
    OpenIdConnect,
    PasswordVerifier,
    Principal,
    TrustedHeader,
)
from authmw.oauth2 import TokenService
from authmw.stores import MemoryStores, MemoryUsers, Stores, User


def by_token(token: str) -> Principal | None:
    return Principal("alice") if token == "t0ken" else None


async def by_token_async(token: str) -> Principal | None:
    return by_token(token)


def by_password(username: str, password: str) -> Principal | None:
    return None


async def by_password_async(username: str, password: str) -> Principal | None:
    return None


class Tokens:
    def __call__(self, token: str) -> Principal:
        return Principal("alice")


def wrong_answer(token: str) -> bool:
    return True


async def wrong_answer_async(token: str) -> dict[str, str]:
    return {}


def wrong_argument(token: int) -> Principal | None:
    return None


class MyUsers:
    def find(self, username: str) -> User | None:
        return None


class MyAsyncUsers:
    async def find(self, username: str) -> User | None:
        return None


class NoUsers:
    def find(self, username: str) -> str:
        return username


def test_functions_with_the_right_types_are_verifiers() -> None:
    for scheme in (HTTPBearer(by_token), HTTPBearer(by_token_async), HTTPBearer({"t0ken": Principal("alice")}.get)):
        assert scheme.verifier is not None
    HTTPBearer(Tokens())
    HTTPBearer(lambda token: Principal("alice") if token == "t0ken" else None)
    HTTPBasic(by_password)
    HTTPBasic(by_password_async)
    HTTPBasic(lambda username, password: None)
    APIKeyHeader("X-API-Key", by_token)
    APIKeyHeader("X-API-Key", by_token_async)
    OAuth2PasswordBearer("token", by_token)
    OpenIdConnect("https://id.example", by_token_async)
    TrustedHeader("X-User", by_token, proxies=["10.0.0.0/8"])
    sync: Callable[[str], Principal | None] = by_token
    asynchronous: Callable[[str], Awaitable[Principal | None]] = by_token_async
    HTTPBearer(sync)
    HTTPBearer(asynchronous)


def test_others_are_refused_by_the_type_checkers() -> None:
    # This half is for the type checkers; it is never called.
    def checked() -> None:
        HTTPBearer(wrong_answer)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        HTTPBearer(wrong_answer_async)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        HTTPBearer(wrong_argument)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        HTTPBearer(by_password)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        HTTPBasic(by_token)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        HTTPBasic(by_token_async)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        APIKeyHeader("X-API-Key", wrong_answer)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        OAuth2PasswordBearer("token", wrong_answer)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        OpenIdConnect("https://id.example", wrong_answer)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        TrustedHeader("X-User", by_password, proxies=["10.0.0.0/8"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        PasswordVerifier(NoUsers())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    assert callable(checked)


def service(stores: MemoryStores | Stores) -> TokenService:
    return TokenService(issuer="https://id.example", audience="orders", stores=stores)


def test_the_stores_of_a_token_service_are_typed() -> None:
    kept = MemoryStores()
    assert service(kept).users is kept.users
    mine = MyUsers()
    assert service(Stores.of(kept, Stores(users=mine))).users is mine
    assert service(Stores.of(kept, Stores(users=MyAsyncUsers()))).clients is kept.clients

    def checked() -> None:
        TokenService(issuer="https://id.example", audience="orders", stores=MyUsers())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        TokenService(issuer="https://id.example", audience="orders", stores=MemoryUsers())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        Stores(users=NoUsers())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    assert callable(checked)

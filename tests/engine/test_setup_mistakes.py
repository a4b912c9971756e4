"""Mistakes in the set-up are refused at construction, and the sentence says how to put them right."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from authmw_flask import FlaskAuth
from authmw_sqlalchemy import SQLStores
from flask import Flask

import authmw
from authmw import (
    AccessRefused,
    APIKeyCookie,
    APIKeyHeader,
    Auth,
    BasicCredentials,
    ConfigurationError,
    DigestResponse,
    HTTPBasic,
    HTTPBearer,
    HTTPDigest,
    Principal,
    TrustedHeader,
    requires,
)
from authmw.crypto.keyring import Key, KeyRing
from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.crypto.signing import TokenIssuer
from authmw.flow import FlowError
from authmw.flow.flow import run
from authmw.http.request import WSGIRequest
from authmw.stores import MemoryApiKeys, MemoryTokens, MemoryUsers
from authmw.stores.records import User
from authmw.verifiers.api_key import ApiKeyVerifier
from authmw.verifiers.digest import DigestVerifier
from authmw.verifiers.jwt import JWTVerifier
from authmw.verifiers.password import PasswordVerifier
from authmw.verifiers.token import TokenVerifier
from authmw.wsgi import AuthMiddleware

# What is wrong here, a type checker finds too: so it may not look.
untyped: Any = authmw
key_ring: Any = KeyRing
jwt: Any = JWTVerifier
passwords: Any = PasswordVerifier
api_keys: Any = ApiKeyVerifier
tokens: Any = TokenVerifier
digests: Any = DigestVerifier
flask_auth: Any = FlaskAuth
middleware: Any = AuthMiddleware
number: Any = 7
secret: Any = "hunter2-hunter2"


def nobody(_: object) -> None:
    return None


class Verifying:
    def verify(self, credentials: object) -> None: ...


SCHEME = HTTPBearer(nobody)
AUTH = Auth(SCHEME)
REQUEST = WSGIRequest({"REQUEST_METHOD": "GET"})


def app(environ: Any, start_response: Any) -> list[bytes]:
    return []


def users() -> PasswordVerifier:
    return PasswordVerifier(MemoryUsers(), hasher=PasswordHasher(CHEAPEST))


def jwts() -> JWTVerifier:
    return JWTVerifier(KeyRing.generate(), issuer="https://id.example", audience="orders")


def guarded(**config: Any) -> Flask:
    shop = Flask("shop")
    for name, value in config.items():
        shop.config[name] = value
    FlaskAuth(shop, AUTH)
    return shop


MISTAKES: dict[str, tuple[Callable[[], object], str]] = {
    "a ring of text": (lambda: key_ring(secret), "KeyRing(Key.from_secret(...))"),
    "a ring of PEM": (lambda: key_ring("-----BEGIN PRIVATE KEY-----"), "write KeyRing(Key.from_pem(...))"),
    "a ring of a file": (lambda: key_ring("keys.json"), 'write KeyRing.load("keys.json")'),
    "a ring of a ring": (lambda: key_ring(KeyRing.generate()), "holds keys, not KeyRing"),
    "a JWT verifier with text": (
        lambda: jwt(secret, issuer="i", audience="a"),
        "JWTVerifier needs a KeyRing, not str: pass KeyRing(Key.from_secret(...))",
    ),
    "a JWT verifier with a key": (lambda: jwt(Key.generate(), issuer="i", audience="a"), "pass KeyRing(key)"),
    "a JWT verifier with a class": (lambda: jwt(KeyRing, issuer="i", audience="a"), "not KeyRing: pass KeyRing(...)"),
    "two mistakes at once": (lambda: jwt(secret, issuer="", audience="a"), "KeyRing(Key.from_secret(...))"),
    "an issuer with text": (lambda: TokenIssuer(secret, issuer="i", audience="a"), "TokenIssuer needs a KeyRing"),
    "a verifier's class": (lambda: untyped.HTTPBearer(JWTVerifier), "pass JWTVerifier(...), not JWTVerifier"),
    "a class for a function": (lambda: HTTPBearer(Principal), "Principal is a class: pass a verifier, or a function"),
    "text for a verifier": (lambda: HTTPBearer(secret), "str is no verifier"),
    "passwords as tokens": (
        lambda: untyped.HTTPBearer(users()),
        "HTTPBearer extracts BearerToken, and PasswordVerifier verifies BasicCredentials",
    ),
    "tokens as passwords": (lambda: untyped.HTTPBasic(jwts()), "JWTVerifier verifies BearerToken"),
    "keys as passwords": (lambda: untyped.HTTPBasic(ApiKeyVerifier(MemoryApiKeys())), "verifies ApiKey or BearerToken"),
    "tokens as keys in a cookie": (lambda: untyped.APIKeyCookie("key", jwts()), "APIKeyCookie extracts ApiKey"),
    "opaque tokens as passwords": (lambda: untyped.HTTPBasic(TokenVerifier(MemoryTokens())), "TokenVerifier verifies"),
    "passwords as Digest": (lambda: untyped.HTTPDigest(users()), "HTTPDigest extracts DigestResponse"),
    "Digest as passwords": (lambda: untyped.HTTPBasic(DigestVerifier(MemoryUsers())), "verifies DigestResponse"),
    "a function for Digest": (lambda: untyped.HTTPDigest(nobody), "pass HTTPDigest(DigestVerifier(...))"),
    "no users": (lambda: passwords(None), "PasswordVerifier needs a store with .find: NoneType has no .find"),
    "users in a dict": (lambda: passwords({}), "dict has no .find"),
    "the class of users": (lambda: passwords(MemoryUsers), "pass MemoryUsers(...)"),
    "users for keys": (lambda: api_keys(MemoryUsers()), "MemoryUsers has no .find_key and no .touch_key"),
    "users for tokens": (lambda: tokens(MemoryUsers()), "MemoryUsers has no .find_token"),
    "keys for Digest": (lambda: digests(MemoryApiKeys()), "MemoryApiKeys has no .find_digest and no"),
    "nonces that are none": (lambda: digests(MemoryUsers(), nonces={}), "nonces= needs a store with .use_nonce"),
    "a throttle that is none": (lambda: passwords(MemoryUsers(), throttle=5), "throttle= needs a store with .reserve"),
    "a hasher by name": (
        lambda: PasswordHasher(untyped.ANONYMOUS),
        "PasswordHasher takes an Argon2Profile, not Principal",
    ),
    "a key without its header": (lambda: untyped.APIKeyHeader(nobody), 'write APIKeyHeader("X-API-Key", ...)'),
    "a key without its cookie": (lambda: APIKeyCookie(secret.__len__), 'write APIKeyCookie("api_key", ...)'),
    "a trusted header unnamed": (
        lambda: TrustedHeader(secret.__len__, proxies=["unix"]),
        'write TrustedHeader("X-Remote-User", ...)',
    ),
    "public numbers": (lambda: middleware(app, AUTH, public=[1]), 'not 1: write public=["/health", "GET /docs/*"]'),
    "public True": (lambda: middleware(app, AUTH, public=True), "not True: write public="),
    "public True in Flask": (lambda: flask_auth(Flask("shop"), AUTH, public=True), "not True: write public="),
    "public numbers in Flask": (lambda: flask_auth(Flask("shop"), AUTH, public=[1]), "not 1: write public="),
    "Flask swapped": (lambda: flask_auth(AUTH, Flask("shop")), "it is not an Auth: write FlaskAuth(app, auth)"),
    "WSGI swapped": (lambda: middleware(AUTH, app), "AuthMiddleware(app, auth) needs an Auth, not function"),
    "a number for a scheme": (lambda: untyped.Auth(7), "this is a int: write Auth(HTTPBearer(...)) or Auth(a | b)"),
    "a function for a scheme": (lambda: untyped.Auth(nobody), "this is a function: write Auth(HTTPBearer(nobody))"),
    "a verifier that is told no request": (
        lambda: untyped.HTTPBearer(Verifying()),
        "Verifying.verify is called with two arguments, the credential and the request: write def verify(self, ",
    ),
    "an Auth for a scheme": (lambda: untyped.Auth(AUTH), "this is an Auth already: use it as it is"),
    "a lambda for a scheme": (
        lambda: untyped.Auth(lambda: None),
        "this is a function: write Auth(HTTPBearer(lambda token: ...))",
    ),
    "remember None": (lambda: untyped.Auth(SCHEME, remember=None), "remember= is the number of verified tokens"),
    "a realm of None": (lambda: untyped.Auth(SCHEME, realm=None), "realm=None"),
    "@authenticated()": (untyped.authenticated, "write @authenticated without parentheses"),
    "@public()": (untyped.public, "write @public without parentheses"),
    "a folder that is not there": (
        lambda: SQLStores("sqlite:////nowhere/app.db"),
        "the folder /nowhere does not exist",
    ),
    "a placeholder": (lambda: middleware(app, AUTH, public="/a/{id}"), "patterns have no placeholders"),
    "a method in small letters": (lambda: middleware(app, AUTH, public="get /x"), "in capitals: write GET /x"),
    "a star in the middle": (lambda: middleware(app, AUTH, public="/*/x"), "* is allowed at the end only"),
}


@pytest.mark.parametrize("make, fragment", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_refused_with_its_fix(make: Callable[[], object], fragment: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert fragment in str(caught.value)
    assert secret not in str(caught.value)


def no_arguments() -> str:
    return ""


async def async_view(request: object) -> str:
    return ""


class Views:
    def view(self, request: object) -> bool:
        return True

    def predicate(self, principal: Principal, request: object) -> bool:
        return True


def many(a: object, b: object, c: object) -> bool:
    return True


@pytest.mark.parametrize("view", [no_arguments, async_view, Views().view, many], ids=lambda view: view.__name__)
def test_requires_without_its_predicate_is_refused(view: Any) -> None:
    with pytest.raises(ConfigurationError, match="write @requires"):
        requires(view)


def test_whatever_can_take_two_arguments_is_a_predicate() -> None:
    def defaults(a: object, b: object, c: int = 0) -> bool:
        return True

    def anything(*_: object) -> bool:
        return True

    requires(Views().predicate)
    requires(defaults)
    requires(anything)


def test_a_verifier_that_does_not_say_what_it_takes_is_taken() -> None:
    class Mine:
        def verify(self, credentials: object, request: object) -> None:
            return None

    for scheme in (HTTPBearer(Mine()), HTTPBasic(Mine()), HTTPDigest(Mine()), APIKeyHeader("X-Key", Mine())):
        Auth(scheme)


def test_an_api_key_may_be_a_bearer_token() -> None:
    Auth(HTTPBearer(ApiKeyVerifier(MemoryApiKeys())))


@pytest.mark.parametrize(
    "answer, fragment",
    [({"id": "alice"}, "find answers a User or None, not dict"), (User(number, "alice"), "str(row.id)")],
    ids=["a dict", "an id that is no text"],
)
def test_class_35_a_user_store_that_answers_something_else_fails_closed(answer: object, fragment: str) -> None:
    class Users:
        def find(self, username: str) -> Any:
            return answer

    verifier = PasswordVerifier(Users(), hasher=PasswordHasher(CHEAPEST))
    with pytest.raises(FlowError) as caught:
        run(verifier.verify(BasicCredentials("alice", "secret"), REQUEST))
    assert fragment in str(caught.value)


def test_class_35_a_digest_store_that_answers_something_else_fails_closed() -> None:
    class Users:
        def find_digest(self, *_: str) -> Any:
            return {"ha1": "0" * 64}

        find_digest_by_userhash = find_digest

    verifier = DigestVerifier(Users())
    verifier.bind("app")
    nonce, opaque = verifier.nonces.issue("app"), verifier.nonces.opaque("app")
    response = DigestResponse(
        "bob", None, "app", nonce, "/", "0" * 64, "SHA-256", "auth", "00000001", "c", opaque=opaque
    )
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SCRIPT_NAME": "", "wsgi.input": io.BytesIO()}
    with pytest.raises(FlowError, match="find_digest answers a DigestUser or None, not dict"):
        run(verifier.verify(response, WSGIRequest(environ)))


def test_a_guarded_function_without_a_middleware_says_so() -> None:
    guarded_function = authmw.authenticated(no_arguments)
    with pytest.raises(AccessRefused, match="credentials-missing: nothing authenticates the callers of "):
        guarded_function()


@pytest.mark.parametrize("value", ["/health,", " /health , ,", "/health"])
def test_empty_parts_of_a_variable_are_skipped(value: str) -> None:
    assert guarded(AUTHMW_PUBLIC=value).extensions["authmw"].public == ("/health",)


@pytest.mark.parametrize(
    "make, error, fragment",
    [
        (lambda: untyped.Principal(7), TypeError, "Principal(str(user.id))"),
        (lambda: untyped.Principal(None, kind="anonymous"), TypeError, "not NoneType"),
        (lambda: untyped.Principal("a", kind="robot"), ValueError, "user, client, api_key or anonymous"),
    ],
    ids=["a number", "None", "an unknown kind"],
)
def test_what_is_no_principal_is_refused(make: Callable[[], object], error: type[Exception], fragment: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert fragment in str(caught.value)

"""Plain functions as verifiers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from authmw import (
    ANONYMOUS,
    ApiKey,
    Auth,
    Authenticated,
    BasicCredentials,
    BearerToken,
    ConfigurationError,
    DigestResponse,
    DPoPToken,
    HTTPBearer,
    Principal,
    Reason,
    Rejected,
    TrustedUser,
    Verdict,
)
from authmw.engine.authentication import Authentication
from authmw.flow import CallMode, FlowError
from authmw.flow.flow import run, run_async
from authmw.http.request import WSGIRequest
from authmw.stores import StoreUnavailable
from authmw.verifiers.base import as_verifier
from authmw.verifiers.lookup import LookupVerifier

REQUEST = WSGIRequest({"REQUEST_METHOD": "GET"})
ALICE = Principal("alice")


@dataclass(frozen=True)
class Hawk:
    """Credentials of a scheme of one's own."""

    id: str
    mac: str


Credentials = BearerToken | ApiKey | BasicCredentials | TrustedUser | DigestResponse | Hawk


def drive_sync(function: Callable[..., Any], credentials: Credentials) -> Verdict:
    verdict = LookupVerifier(function).verify(credentials, REQUEST)
    return run(verdict) if isinstance(verdict, Generator) else verdict


def drive_async(function: Callable[..., Any], credentials: Credentials) -> Verdict:
    verdict = LookupVerifier(function).verify(credentials, REQUEST)
    return asyncio.run(run_async(verdict)) if isinstance(verdict, Generator) else verdict


DRIVERS = pytest.mark.parametrize("drive", [drive_sync, drive_async])
Driver = Callable[[Callable[..., Any], Credentials], Verdict]

CREDENTIALS = pytest.mark.parametrize(
    "credentials, arguments, reason",
    [
        pytest.param(BearerToken("t0ken"), ("t0ken",), Reason.TOKEN_UNKNOWN, id="bearer"),
        pytest.param(ApiKey("k3y"), ("k3y",), Reason.KEY_UNKNOWN, id="key"),
        pytest.param(BasicCredentials("bob", "pw"), ("bob", "pw"), Reason.CREDENTIALS_REJECTED, id="basic"),
        pytest.param(TrustedUser("bob"), ("bob",), Reason.CREDENTIALS_REJECTED, id="trusted"),
    ],
)


@DRIVERS
@CREDENTIALS
def test_the_function_is_asked_about_the_bare_credential(
    drive: Driver, credentials: Credentials, arguments: tuple[str, ...], reason: Reason
) -> None:
    asked: list[tuple[str, ...]] = []

    def lookup(*given: str) -> Principal:
        asked.append(given)
        return ALICE

    assert drive(lookup, credentials) == Authenticated(ALICE)
    assert asked == [arguments]


@DRIVERS
@CREDENTIALS
def test_none_is_nobody(drive: Driver, credentials: Credentials, arguments: tuple[str, ...], reason: Reason) -> None:
    def lookup(*_: str) -> None:
        return None

    assert drive(lookup, credentials) == Rejected(reason)


@DRIVERS
@pytest.mark.parametrize(
    "answer", [True, False, 1, "alice", {"sub": "alice"}, Authenticated(ALICE), ANONYMOUS, Principal], ids=repr
)
def test_class_35_any_other_answer_fails_closed(drive: Driver, answer: object) -> None:
    def lookup(_: str) -> object:
        return answer

    with pytest.raises(FlowError, match="answers a Principal or None"):
        drive(lookup, BearerToken("t0ken"))


def test_a_coroutine_under_wsgi_fails_closed() -> None:
    async def lookup(token: str) -> Principal:
        return ALICE

    with pytest.raises(FlowError, match="async"):
        drive_sync(lookup, BearerToken("t0ken"))
    assert drive_async(lookup, BearerToken("t0ken")) == Authenticated(ALICE)


def test_a_coroutine_that_answers_true_fails_closed() -> None:
    async def lookup(token: str) -> bool:
        return True

    with pytest.raises(FlowError, match="answers a Principal or None, not bool"):
        drive_async(lookup, BearerToken("t0ken"))


@DRIVERS
@pytest.mark.parametrize(
    "credentials",
    [BearerToken(""), ApiKey(""), BasicCredentials("", "pw"), BasicCredentials("bob", ""), TrustedUser("")],
    ids=["token", "key", "user name", "password", "trusted user"],
)
def test_class_18_an_empty_credential_never_reaches_the_function(drive: Driver, credentials: Credentials) -> None:
    def lookup(*_: str) -> Principal:
        raise AssertionError("asked about an empty credential")

    assert isinstance(drive(lookup, credentials), Rejected)


@DRIVERS
def test_class_35_a_function_that_raises_is_a_store_that_is_down(drive: Driver) -> None:
    def lookup(token: str) -> Principal:
        raise KeyError(token)

    with pytest.raises(StoreUnavailable) as caught:
        drive(lookup, BearerToken("t0ken"))
    assert "t0ken" not in str(caught.value)


def test_a_def_is_sent_to_a_thread_unless_it_is_marked() -> None:
    threads: list[int] = []

    def lookup(token: str) -> Principal:
        threads.append(threading.get_ident())
        return ALICE

    drive_async(lookup, BearerToken("t0ken"))
    drive_async(CallMode.NONBLOCKING(partial(lookup)), BearerToken("t0ken"))
    assert threads[0] != threading.get_ident()
    assert threads[1] == threading.get_ident()


def test_a_function_cannot_verify_digest() -> None:
    def anybody(_: object) -> Principal:
        return ALICE

    response = DigestResponse("bob", None, "app", "n", "/", "0" * 64, "SHA-256", "auth", "00000001", "c")
    with pytest.raises(FlowError, match="DigestResponse"):
        drive_sync(anybody, response)


def test_a_function_cannot_verify_a_token_that_needs_a_proof() -> None:
    def anybody(_: object) -> Principal:
        return ALICE

    presented: Any = DPoPToken("t0ken", "proof")
    with pytest.raises(FlowError, match="DPoPToken: use DPoPVerifier"):
        drive_sync(anybody, presented)


@DRIVERS
def test_credentials_of_ones_own_are_given_whole(drive: Driver) -> None:
    hawk = Hawk("bob", "mac")

    def lookup(credentials: Hawk) -> Principal | None:
        return ALICE if credentials is hawk else None

    assert drive(lookup, hawk) == Authenticated(ALICE)
    assert drive(lookup, Hawk("eve", "mac")) == Rejected(Reason.CREDENTIALS_REJECTED)


def test_what_is_no_function_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="takes a function"):
        LookupVerifier("alice")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - the mistake


def with_attribute(name: str) -> object:
    return SimpleNamespace(**{name: None})


IN_THE_PLACE: list[tuple[object, int | None, str]] = [
    ({}, 1, "dict is no verifier: pass its method .get, as tokens.get"),
    ({}, None, "dict is no verifier: pass its method .get, as tokens.get"),
    ({}, 2, "dict is no verifier: write HTTPBasic(PasswordVerifier(users))"),
    *(
        (with_attribute(name), 1, f"SimpleNamespace is no verifier: write {line}")
        for name, line in {
            "accept": "HTTPBearer(JWTVerifier(...)), and put that into the Auth, as Auth(HTTPBearer(...))",
            "extract": "Auth(HTTPBearer(...) | HTTPBasic(...)), one scheme beside the other",
            "verifier": "HTTPBearer(service.verifier())",
            "signer": 'HTTPBearer(JWTVerifier(keys, issuer="https://...", audience="..."))',
            "find": "HTTPBasic(PasswordVerifier(users))",
            "find_token": "HTTPBearer(TokenVerifier(tokens))",
            "find_key": 'APIKeyHeader("X-API-Key", ApiKeyVerifier(keys))',
            "users": "HTTPBasic(PasswordVerifier(stores.users))",
        }.items()
    ),
    ("s3cret", 1, "str is no verifier: pass an object with .verify, or a function, as Mine(lambda credential: ...)"),
    ("s", None, "str is no verifier: pass an object with .verify, or a function, as Mine(lambda credential: ...)"),
    ("s", 2, "str is no verifier: pass an object with .verify, or a function, as Mine(lambda username, password: ...)"),
    (LookupVerifier, 1, "pass LookupVerifier(...), not LookupVerifier: a scheme needs an instance"),
    (Hawk, 1, "Hawk is a class: pass a verifier, or a function from the credential to a Principal"),
    (
        drive_sync,
        1,
        "drive_sync is called with one argument, the credential: write Mine(lambda credential: ...)",
    ),
    (
        with_attribute,
        2,
        "with_attribute is called with two arguments, the user name and the password: "
        "write Mine(lambda username, password: ...)",
    ),
]


@pytest.mark.parametrize("given, arguments, told", IN_THE_PLACE, ids=[told for _, _, told in IN_THE_PLACE])
def test_what_cannot_verify_is_refused_with_what_to_write_in_its_place(
    given: Any, arguments: int | None, told: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        as_verifier(given, "Mine", arguments)
    assert raised.value.mistakes == (told,)


def test_a_verifier_is_taken_as_it_is_and_a_function_as_one_that_is_called() -> None:
    def nobody(token: str) -> Principal | None:
        return None

    take: Any = as_verifier
    assert take(None) is None
    verifier = LookupVerifier(nobody)
    assert as_verifier(verifier) is verifier
    for arguments in (1, None):
        made = take(nobody, "Mine", arguments)
        assert isinstance(made, LookupVerifier)
        assert made.function is nobody
    assert isinstance(as_verifier(drive_sync, "Mine", 2), LookupVerifier)


def test_a_scheme_takes_a_plain_function() -> None:
    def lookup(token: str) -> Principal | None:
        return ALICE if token == "t0ken" else None

    auth = Auth(HTTPBearer(lookup))
    found = auth.authenticate(WSGIRequest({"REQUEST_METHOD": "GET", "HTTP_AUTHORIZATION": "Bearer t0ken"}))
    assert isinstance(found, Authentication)
    assert found.principal.id == "alice"


def test_a_function_is_called_without_a_flow_where_the_request_has_a_thread() -> None:
    verifier = LookupVerifier({"t0ken": ALICE}.get)
    assert verifier.verify_here(BearerToken("t0ken"), REQUEST) == Authenticated(ALICE)
    assert verifier.verify_here(BearerToken("other"), REQUEST) == Rejected(Reason.TOKEN_UNKNOWN)
    assert isinstance(verifier.verify_here(BearerToken(""), REQUEST), Rejected)


@pytest.mark.parametrize("surrounded", [False, True])
def test_without_a_flow_it_fails_closed_too(surrounded: bool) -> None:
    request = WSGIRequest({"REQUEST_METHOD": "GET"})
    request.around = _Around() if surrounded else None

    async def of_asgi(token: str) -> Principal:
        return ALICE

    def down(token: str) -> Principal:
        raise KeyError(token)

    def anything(token: str) -> Any:
        return True

    with pytest.raises(FlowError, match="is async, and this is WSGI"):
        LookupVerifier(of_asgi).verify_here(BearerToken("t0ken"), request)
    with pytest.raises(StoreUnavailable, match=r"Ask\(.*down\) raised KeyError"):
        LookupVerifier(down).verify_here(BearerToken("t0ken"), request)
    with pytest.raises(FlowError, match="answers a Principal or None, not bool"):
        LookupVerifier(anything).verify_here(BearerToken("t0ken"), request)


def test_under_wsgi_the_engine_makes_no_flow_of_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LookupVerifier, "verify", None)
    auth = Auth(HTTPBearer({"t0ken": ALICE}.get))
    found = auth.authenticate(WSGIRequest({"REQUEST_METHOD": "GET", "HTTP_AUTHORIZATION": "Bearer t0ken"}))
    assert isinstance(found, Authentication)
    assert found.principal.id == "alice"


class _Around:
    """Surroundings that do nothing."""

    debug = False

    def __call__(self) -> AbstractContextManager[object]:
        return nullcontext()


@DRIVERS
def test_a_function_that_answers_from_memory_is_called_at_once(drive: Driver) -> None:
    threads: list[threading.Thread] = []

    @CallMode.NONBLOCKING
    def lookup(token: str) -> Principal:
        threads.append(threading.current_thread())
        return ALICE

    assert not isinstance(LookupVerifier(lookup).verify(BearerToken("t0ken"), REQUEST), Generator)
    assert drive(lookup, BearerToken("t0ken")) == Authenticated(ALICE)
    assert threads == [threading.current_thread()] * 2


def test_a_function_whose_mark_says_too_much_is_awaited_or_refused() -> None:
    asked: list[str] = []

    @CallMode.NONBLOCKING
    def lookup(token: str) -> Any:
        asked.append(token)

        async def answer() -> Principal:
            return ALICE

        return answer()

    assert drive_async(lookup, BearerToken("t0ken")) == Authenticated(ALICE)
    assert asked == ["t0ken"]
    with pytest.raises(FlowError, match="async"):
        drive_sync(lookup, BearerToken("t0ken"))


@DRIVERS
def test_a_function_in_memory_that_raises_is_a_failed_store(drive: Driver) -> None:
    @CallMode.NONBLOCKING
    def lookup(token: str) -> Principal:
        raise KeyError(token)

    with pytest.raises(StoreUnavailable, match="raised KeyError") as raised:
        drive(lookup, BearerToken("t0ken"))
    assert "t0ken" not in str(raised.value)

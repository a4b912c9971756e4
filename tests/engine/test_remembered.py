"""What was proved may be remembered, for as long as it holds and no longer."""

from __future__ import annotations

import asyncio
import sys
import threading
from itertools import combinations, product
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import Auth, Authenticated, HTTPBearer, Principal, Reason, Rejected, current_principal
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.engine.authentication import Authentication
from authmw.engine.remembered import canonical
from authmw.http.grammar import parse_authorization
from authmw.http.request import Receive, RequestHead, Scope, Send
from authmw.stores import MemoryRevocations
from authmw.stores.records import Revocation
from authmw.stores.revocation_feed import RevocationFeed
from authmw.stores.revoked import Issuance
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.contract.cases import NOBODY, Case
from tests.contract.clients import ask_asgi, ask_wsgi
from tests.requests import asgi_request, recalled, wsgi_request


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Tokens:
    """Tokens that are good for a minute, under keys of a version."""

    ignores_request: ClassVar[bool] = True

    def __init__(self) -> None:
        self.version = 1
        self.asked: list[str] = []
        self.meanwhile: Any = lambda: None
        self.still_holds: Any = None

    def verify(self, credentials: Any, request: RequestHead, /) -> Authenticated | Rejected:
        self.asked.append(credentials.token)
        self.meanwhile()
        if credentials.token.startswith("bad"):
            return Rejected(Reason.TOKEN_SIGNATURE)
        principal = Principal(credentials.token, credential_id=f"jti-{credentials.token}", client_id="web")
        return Authenticated(principal, remember_until=1060.0, still_holds=self.still_holds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def auth(tokens: Tokens, clock: Clock) -> Auth:
    return Auth(HTTPBearer(tokens), clock=clock, remember=3)


def _present(auth: Auth, token: str) -> None:
    auth.authenticate(wsgi_request(authorization=f"Bearer {token}"))


def _is_remembered(auth: Auth, token: str) -> bool:
    known = recalled(auth, f"Bearer {token}".encode())
    return isinstance(known, Authentication) and known.principal.id == token


def test_a_success_is_remembered(auth: Auth) -> None:
    assert not _is_remembered(auth, "alice")
    _present(auth, "alice")
    assert _is_remembered(auth, "alice")


def test_a_refusal_is_not(auth: Auth, tokens: Tokens) -> None:
    _present(auth, "bad")
    _present(auth, "bad")
    assert recalled(auth, b"Bearer bad") is None
    assert tokens.asked == ["bad", "bad"]


def test_class_14_only_the_whole_credential_is_recalled(auth: Auth) -> None:
    _present(auth, "alice")
    for header in (b"Bearer alic", b"Bearer alicee", b"bearer alice", b"Bearer  alice", b"alice", b"", b"Bearer Alice"):
        assert recalled(auth, header) is None


@pytest.mark.parametrize("now, remembered", [(1059.9, True), (1060.0, False), (1061.0, False)])
def test_class_14_it_lives_no_longer_than_the_token(auth: Auth, clock: Clock, now: float, remembered: bool) -> None:
    _present(auth, "alice")
    clock.now = now
    assert _is_remembered(auth, "alice") is remembered


def test_class_14_a_change_of_keys_drops_everything(auth: Auth, tokens: Tokens) -> None:
    _present(auth, "alice")
    tokens.version = 2
    assert not _is_remembered(auth, "alice")
    _present(auth, "bob")
    assert _is_remembered(auth, "bob")
    assert not _is_remembered(auth, "alice")


def test_what_was_proved_by_old_keys_is_not_remembered_under_new_ones(auth: Auth, tokens: Tokens) -> None:
    tokens.meanwhile = lambda: setattr(tokens, "version", 2)
    _present(auth, "alice")
    tokens.meanwhile = lambda: None
    assert not _is_remembered(auth, "alice")


@pytest.mark.parametrize("what", [{"principal": "alice"}, {"credential": "jti-alice"}])
def test_class_14_what_is_revoked_is_forgotten(auth: Auth, what: dict[str, str]) -> None:
    _present(auth, "alice")
    _present(auth, "bob")
    auth.forget(**what)
    assert not _is_remembered(auth, "alice")
    assert _is_remembered(auth, "bob")


def test_a_client_is_forgotten_with_all_its_tokens(auth: Auth) -> None:
    _present(auth, "alice")
    _present(auth, "bob")
    auth.forget(client="web")
    assert not _is_remembered(auth, "alice")
    assert not _is_remembered(auth, "bob")


def test_what_was_forgotten_is_remembered_once_it_is_verified_again(auth: Auth, tokens: Tokens) -> None:
    _present(auth, "alice")
    auth.forget(principal="alice", credential="jti-alice", client="web")
    _present(auth, "alice")
    assert _is_remembered(auth, "alice")
    assert tokens.asked == ["alice", "alice"]


@pytest.mark.parametrize("what", [{"principal": "jti-alice"}, {"credential": "alice"}, {"client": "alice"}], ids=str)
def test_a_name_of_one_kind_forgets_no_other_kind(auth: Auth, what: dict[str, str]) -> None:
    _present(auth, "alice")
    auth.forget(**what)
    assert _is_remembered(auth, "alice")


def test_whoever_is_forgotten_while_threads_present_the_token_is_not_recalled_by_what_was_proved_before(
    auth: Auth, tokens: Tokens
) -> None:
    # Each verification reads whether the account is good, and remembers that later. When `forget` has returned, nothing
    # recalls what was read before.
    is_good, stop = [True], threading.Event()
    proved = tokens.verify

    def verify(credentials: Any, request: RequestHead, /) -> Authenticated | Rejected:
        return proved(credentials, request) if is_good[0] else Rejected(Reason.TOKEN_REVOKED)

    tokens.verify = verify  # type: ignore[method-assign]  # of the one object

    def present() -> None:
        while not stop.is_set():
            _present(auth, "alice")

    threads = [threading.Thread(target=present) for _ in range(3)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    wrong: list[int] = []
    try:
        for thread in threads:
            thread.start()
        for number in range(200):
            is_good[0] = False
            auth.forget(principal="alice")
            wrong += [number for _ in range(5) if _is_remembered(auth, "alice")]
            is_good[0] = True
            _present(auth, "alice")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
    assert wrong == []


def test_to_forget_nothing_forgets_nothing(auth: Auth) -> None:
    _present(auth, "alice")
    auth.forget()
    assert _is_remembered(auth, "alice")


def test_what_is_revoked_while_it_is_verified_is_not_remembered(auth: Auth, tokens: Tokens) -> None:
    tokens.meanwhile = lambda: auth.forget(principal="alice")
    _present(auth, "alice")
    assert not _is_remembered(auth, "alice")


@pytest.mark.parametrize("before, meanwhile", [(0, 1), (1, 1), (2, 1), (0, 2), (1, 3)])
def test_each_time_that_something_is_forgotten_counts(auth: Auth, tokens: Tokens, before: int, meanwhile: int) -> None:
    for _ in range(before):
        auth.forget(principal="bob")

    def forget() -> None:
        for _ in range(meanwhile):
            auth.forget(principal="alice")

    tokens.meanwhile = forget
    _present(auth, "alice")
    assert not _is_remembered(auth, "alice")
    tokens.meanwhile = lambda: None
    _present(auth, "alice")
    assert _is_remembered(auth, "alice")


def test_no_more_are_kept_than_was_said(auth: Auth) -> None:
    for token in ("a", "b", "c", "d"):
        _present(auth, token)
    assert [_is_remembered(auth, token) for token in ("a", "b", "c", "d")] == [False, True, True, True]


SPELLINGS = [
    f"{space}{''.join(scheme)}{' ' * spaces}alice{end}"
    for scheme in product(*zip("bearer", "BEARER", strict=True))
    for spaces in (1, 2, 40)
    for space, end in (("", ""), (" ", ""), ("", "\t "))
]


def test_one_credential_in_many_spellings_is_remembered_once_and_evicts_no_other(auth: Auth, tokens: Tokens) -> None:
    for token in ("a", "b"):
        _present(auth, token)
    for spelling in SPELLINGS:
        if spelling == "Bearer alice":
            continue  # the middlewares recall it before they ask
        found = auth.authenticate(wsgi_request(authorization=spelling))
        assert isinstance(found, Authentication)
        assert found.principal.id == "alice"
        again = asyncio.run(auth.authenticate_async(asgi_request(authorization=spelling)))
        assert isinstance(again, Authentication)
        assert again.principal.id == "alice"
    assert [_is_remembered(auth, token) for token in ("a", "b", "alice")] == [True, True, True]
    assert tokens.asked == ["a", "b", "alice"]


def test_a_revocation_is_honoured_in_every_spelling(auth: Auth, tokens: Tokens) -> None:
    _present(auth, "alice")
    tokens.version = 2
    auth.authenticate(wsgi_request(authorization="bearer  alice"))
    assert tokens.asked == ["alice", "alice"]


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_class_14_two_values_have_one_canonical_spelling_only_if_they_are_read_alike(one: bytes, other: bytes) -> None:
    values = [prefix + each for prefix in (b"", b"Bearer ", b"bearer  ", b"Bearer") for each in (one, other)]
    read = {value: parse_authorization(value.decode("latin-1")) for value in values}
    for first, second in combinations(values, 2):
        if canonical(first) == canonical(second) and read[first].value:
            assert (read[first].scheme, read[first].value) == (read[second].scheme, read[second].value)


def test_nothing_is_remembered_when_nothing_may_be(tokens: Tokens, clock: Clock) -> None:
    auth = Auth(HTTPBearer(tokens), clock=clock, remember=0)
    _present(auth, "alice")
    assert recalled(auth, b"Bearer alice") is None


def test_only_what_would_decide_first_is_recalled(tokens: Tokens, clock: Clock) -> None:
    class OfAnotherKind:
        def verify(self, credentials: object, request: RequestHead, /) -> None:
            return None

    auth = Auth(HTTPBearer(OfAnotherKind(), name="First") | HTTPBearer(tokens, name="Second"), clock=clock)
    _present(auth, "alice")
    assert recalled(auth, b"Bearer alice") is None


def test_tok_3_no_token_is_kept(auth: Auth) -> None:
    _present(auth, "very-secret-token")
    assert auth.memo is not None
    kept = [repr(key) for key in auth.memo._entries]  # pyright: ignore[reportPrivateUsage]  # looking for what must not be there
    assert len(kept) == 1
    assert "very-secret-token" not in kept[0]


def test_both_middlewares_recall_and_expose_what_is_remembered(auth: Auth, tokens: Tokens) -> None:
    def wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["REMOTE_USER"].encode(), current_principal().id.encode()]

    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": f"{scope['user'].id}{current_principal().id}".encode()})

    case = Case("remembered", NOBODY, ((b"Authorization", b"Bearer alice"),))
    by_wsgi, by_asgi = WSGIMiddleware(wsgi, auth), ASGIMiddleware(asgi, auth)
    bodies = [body for _ in range(2) for body in (ask_wsgi(by_wsgi, case).body, ask_asgi(by_asgi, case).body)]
    assert bodies == [b"alicealice"] * 4
    assert tokens.asked == ["alice"]


def test_a_token_beside_another_is_not_recalled(auth: Auth) -> None:
    _present(auth, "alice")
    twice = Case("twice", NOBODY, ((b"Authorization", b"Bearer alice"), (b"Authorization", b"Bearer alice")))

    def wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise AssertionError("the application was asked")

    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("the application was asked")

    assert ask_wsgi(WSGIMiddleware(wsgi, auth), twice).status == 400
    assert ask_asgi(ASGIMiddleware(asgi, auth), twice).status == 400


@pytest.mark.parametrize("answer", [False, None, 1, "yes"], ids=repr)
def test_what_does_not_certainly_hold_is_not_recalled_and_not_dropped(auth: Auth, tokens: Tokens, answer: Any) -> None:
    holds: Any = True
    tokens.still_holds = lambda: holds
    _present(auth, "alice")
    assert _is_remembered(auth, "alice")
    holds = answer
    assert not _is_remembered(auth, "alice")
    holds = True
    assert _is_remembered(auth, "alice")
    assert tokens.asked == ["alice"]


def test_each_token_is_asked_for_itself(auth: Auth, tokens: Tokens) -> None:
    revoked: set[str] = set()
    for name in ("alice", "bob"):
        tokens.still_holds = lambda name=name: name not in revoked
        _present(auth, name)
    revoked.add("alice")
    assert [_is_remembered(auth, name) for name in ("alice", "bob")] == [False, True]


def test_what_has_expired_is_not_asked_for(auth: Auth, tokens: Tokens, clock: Clock) -> None:
    def fail() -> bool:
        raise AssertionError("it was asked")

    tokens.still_holds = fail
    _present(auth, "alice")
    clock.now = 1060.0
    assert not _is_remembered(auth, "alice")


@pytest.mark.parametrize("stale", [False, True], ids=["fresh", "stale"])
def test_what_is_revoked_while_it_is_verified_is_never_recalled(auth: Auth, tokens: Tokens, stale: bool) -> None:
    revocations, now = MemoryRevocations(clock=lambda: 1000.0), 50.0
    feed = RevocationFeed(revocations, clock=lambda: 1000.0, monotonic=lambda: now)
    feed.follow_once()
    issuance = Issuance("jti-alice", None, "alice", "web", 900.0)

    def revoke() -> None:
        # It was found to hold; before it is remembered, it is revoked.
        nonlocal now
        revocations.publish(Revocation.of_user("alice", 1000.0))
        if stale:
            now += 10
        else:
            feed.follow_once()

    tokens.still_holds = lambda: feed.passes(issuance)
    tokens.meanwhile = revoke
    _present(auth, "alice")
    assert not _is_remembered(auth, "alice")
    feed.follow_once()
    assert not _is_remembered(auth, "alice")


def test_a_verifier_that_cannot_say_its_version_is_asked_each_time() -> None:
    class Failing(Tokens):
        ignores_request: ClassVar[bool] = True
        fails = False

        @property
        def version(self) -> int:
            if self.fails:
                raise OSError
            return 1

        @version.setter
        def version(self, value: int) -> None: ...

    failing = Failing()
    auth = Auth(HTTPBearer(failing), remember=3, clock=Clock())
    _present(auth, "alice")
    assert recalled(auth, b"Bearer alice") is not None
    failing.fails = True
    for _ in range(2):
        assert recalled(auth, b"Bearer alice") is None
        found = auth.authenticate(wsgi_request(authorization="Bearer alice"))
        assert isinstance(found, Authentication)
        assert found.principal.id == "alice"
    assert failing.asked == ["alice"] * 3

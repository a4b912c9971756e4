"""Opaque tokens, from the text to the verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import pytest

from authmw import Auth, Authenticated, BearerToken, HTTPBearer, Principal, Reason, Rejected, Verdict
from authmw.crypto.opaque_tokens import new_api_key, new_token, token_digest
from authmw.engine.authentication import Authentication
from authmw.flow import FlowError
from authmw.flow.call_mode import CallMode
from authmw.flow.flow import Flow, run, run_async
from authmw.http.refusal import Refusal
from authmw.http.request import WSGIRequest
from authmw.identity.validity import Validity
from authmw.stores import MemoryRevocations, MemoryTokens, StoreUnavailable
from authmw.stores.ports import TokenStore
from authmw.stores.records import Revocation, TokenRecord
from authmw.stores.revocation_feed import RevocationFeed
from authmw.stores.revoked import Issuance
from authmw.verifiers.token import TokenVerifier
from tests.requests import recalled

REQUEST = WSGIRequest({"REQUEST_METHOD": "GET"})
NOW = 1_000_000.0


class Tokens:
    """A store of one token that counts what it is asked."""

    def __init__(self, record: TokenRecord | None = None, *, loose: bool = False) -> None:
        self.record = record
        self.loose = loose
        self.asked = 0

    def find(self, digest: str) -> TokenRecord | None:
        self.asked += 1
        return self.record if self.record is not None and (self.loose or self.record.digest == digest) else None


class AsyncTokens:
    """The same for a store that is asked by a flow."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    async def find_token(self, digest: str) -> TokenRecord | None:
        return self.tokens.find(digest)


@CallMode.NONBLOCKING
class FastTokens:
    """The same for a store that is asked without one."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    def find_token(self, digest: str) -> TokenRecord | None:
        return self.tokens.find(digest)


def record_of(token: str) -> TokenRecord:
    return TokenRecord("tok_1", token_digest(token), "alice", NOW + 60, frozenset({"orders:read"}), client_id="shop")


def verify(store: TokenStore, token: str, *, now: float = NOW) -> Flow[Verdict | None]:
    """As the engine does it: the answer is a verdict, or a flow that ends with one."""
    verdict = TokenVerifier(store, clock=lambda: now).verify(BearerToken(token), REQUEST)
    return (yield from verdict) if isinstance(verdict, Generator) else verdict


def verdict_of(tokens: Tokens, token: str, *, now: float = NOW) -> Verdict | None:
    verdict = run(verify(FastTokens(tokens), token, now=now))
    assert asyncio.run(run_async(verify(AsyncTokens(tokens), token, now=now))) == verdict
    return verdict


def reason_of(tokens: Tokens, token: str, *, now: float = NOW) -> Reason:
    verdict = verdict_of(tokens, token, now=now)
    assert isinstance(verdict, Rejected)
    return verdict.reason


def test_a_known_token_authenticates_its_subject() -> None:
    token = new_token()
    verdict = verdict_of(Tokens(record_of(token)), token)
    assert verdict == Authenticated(
        Principal(
            "alice", scopes={"orders:read"}, client_id="shop", credential_id="tok_1", expires_at=NOW + 60, kind="user"
        )
    )


def test_all_that_a_verdict_on_a_token_says_is_from_its_record() -> None:
    token = new_token()
    record = replace(record_of(token), kind="client", family_id="login_1", created_at=NOW - 9)

    def clock() -> float:
        return NOW

    feed = RevocationFeed(MemoryRevocations(), clock=clock)
    feed.follow_once()
    for revocations, until in ((None, None), (feed, NOW + 60)):
        verifier = TokenVerifier(FastTokens(Tokens(record)), revocations=revocations, clock=clock)
        verifier.scheme = "Shop"
        verdict = verifier.verify(BearerToken(token), REQUEST)
        assert isinstance(verdict, Authenticated)
        caller = Principal(
            "alice",
            scopes={"orders:read"},
            kind="client",
            scheme="Shop",
            client_id="shop",
            credential_id="tok_1",
            expires_at=NOW + 60,
        )
        assert verdict == Authenticated(caller, remember_until=until)
        assert verdict.principal.scheme == "Shop"
        issuance = Issuance("tok_1", "login_1", "alice", "shop", NOW - 9)
        followed = Validity(NOW + 60, clock, feed, issuance)
        assert verdict.validities == (Validity(NOW + 60, clock) if revocations is None else followed,)


def test_a_verifier_says_which_kind_of_token_it_knows() -> None:
    assert TokenVerifier(MemoryTokens()).expects == "a token that begins with at_"
    assert TokenVerifier(MemoryTokens(), prefix="shop").expects == "a token that begins with shop_"
    assert (TokenVerifier.accepts, TokenVerifier.asks) == ((BearerToken,), ("find_token",))


@pytest.mark.parametrize(
    "token",
    ["eyJhbGciOiJub25lIn0.e30.", "opaque", new_api_key(), "at", "AT_" + "0" * 38, "at" + "0" * 38],
    ids=["JWT", "opaque", "API key", "prefix without underscore", "upper case", "no underscore"],
)
def test_a_token_that_is_not_ours_is_left_to_the_next_alternative(token: str) -> None:
    tokens = Tokens()
    assert verdict_of(tokens, token) is None
    assert tokens.asked == 0


@pytest.mark.parametrize(
    "token",
    ["at_", "at_" + "0" * 38, new_token() + "0", new_token() + "="],
    ids=["prefix alone", "wrong checksum", "too long", "padded"],
)
def test_class_18_a_token_with_a_wrong_shape_or_checksum_is_refused_without_asking(token: str) -> None:
    tokens = Tokens()
    assert reason_of(tokens, token) is Reason.TOKEN_UNKNOWN
    assert tokens.asked == 0


def test_an_unknown_token_is_refused() -> None:
    tokens = Tokens()
    assert reason_of(tokens, new_token()) is Reason.TOKEN_UNKNOWN
    assert tokens.asked == 2


def test_a_token_expires_at_the_second_it_says() -> None:
    token = new_token()
    tokens = Tokens(record_of(token))
    assert isinstance(verdict_of(tokens, token, now=NOW + 59.9), Authenticated)
    assert reason_of(tokens, token, now=NOW + 60) is Reason.TOKEN_EXPIRED


def test_a_revoked_token_is_refused_whether_or_not_it_expired() -> None:
    token = new_token()
    tokens = Tokens(replace(record_of(token), revoked_at=NOW))
    assert reason_of(tokens, token) is Reason.TOKEN_REVOKED
    assert reason_of(tokens, token, now=NOW + 600) is Reason.TOKEN_REVOKED


def test_revocation_counts_at_once() -> None:
    tokens = MemoryTokens()
    token, record = tokens.create("alice")
    auth = Auth(HTTPBearer(TokenVerifier(tokens)))
    request = WSGIRequest({"REQUEST_METHOD": "GET", "HTTP_AUTHORIZATION": f"Bearer {token}"})
    assert isinstance(auth.authenticate(request), Authentication)
    tokens.revoke(record.id)
    refusal = auth.authenticate(request)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.TOKEN_REVOKED
    assert refusal.reason.public_code == "authmw.token-invalid"


@pytest.mark.parametrize(
    "named, asked, accepted",
    [
        ((), None, True),
        (("orders",), "orders", True),
        (("orders", "billing"), ["shop", "billing"], True),
        (("billing",), "orders", False),
        (("orders",), None, False),
        ((), "orders", False),
    ],
    ids=["neither names one", "the same", "one of several", "another API", "for any API by name", "for none"],
)
def test_a_token_for_another_api_is_refused(
    named: tuple[str, ...], asked: str | list[str] | None, accepted: bool
) -> None:
    tokens = MemoryTokens()
    token, record = tokens.create("alice")
    stored = replace(record, audience=frozenset(named))

    class One:
        def find_token(self, digest: str, /) -> TokenRecord | None:
            return stored if digest == record.digest else None

    verdict = TokenVerifier(One(), audience=asked).verify(BearerToken(token), REQUEST)
    if not isinstance(verdict, Authenticated | Rejected):
        assert verdict is not None
        verdict = run(verdict)
    assert isinstance(verdict, Authenticated) is accepted
    if isinstance(verdict, Rejected):
        assert verdict.reason is Reason.TOKEN_AUDIENCE


def test_tok_2_a_store_that_matches_loosely_does_not_authenticate() -> None:
    record = record_of(new_token())
    assert reason_of(Tokens(record, loose=True), new_token()) is Reason.TOKEN_UNKNOWN
    assert reason_of(Tokens(replace(record, digest="\u00e9"), loose=True), new_token()) is Reason.TOKEN_UNKNOWN


def test_tok_3_no_verdict_tells_the_token() -> None:
    token = new_token()
    for record in (None, record_of(token), replace(record_of(token), revoked_at=NOW)):
        verdict = verdict_of(Tokens(record), token)
        assert token not in repr(verdict)
        assert token_digest(token) not in repr(verdict)
    assert token not in repr(BearerToken(token))
    assert token_digest(token) not in repr(record_of(token))


@pytest.mark.parametrize("answer", [True, {"subject": "alice"}, "alice"], ids=repr)
def test_class_35_a_store_that_answers_something_else_fails_closed(answer: Any) -> None:
    tokens = Tokens(loose=True)
    tokens.record = answer
    for store in (FastTokens(tokens), AsyncTokens(tokens)):
        with pytest.raises(FlowError, match="answers a TokenRecord or None"):
            asyncio.run(run_async(verify(store, new_token())))


def test_class_35_a_store_that_raises_is_a_503() -> None:
    class Down(Tokens):
        def find(self, digest: str) -> TokenRecord | None:
            raise StopIteration

    for store in (FastTokens(Down()), AsyncTokens(Down())):
        with pytest.raises(StoreUnavailable):
            asyncio.run(run_async(verify(store, new_token())))


def test_a_prefix_of_ones_own_is_respected() -> None:
    tokens = MemoryTokens(prefix="shop")
    token, _ = tokens.create("alice")
    assert isinstance(TokenVerifier(tokens, prefix="shop").verify(BearerToken(token), REQUEST), Authenticated)
    assert TokenVerifier(tokens).verify(BearerToken(token), REQUEST) is None


# With a feed of revocations


class Following:
    """Tokens that are followed by a feed without its thread."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, family_id: str | None = None) -> None:
        def start_nothing(_: RevocationFeed) -> None: ...

        monkeypatch.setattr("authmw.stores.revocation_feed.RevocationFeed._start", start_nothing)
        self.token = new_token()
        record = replace(record_of(self.token), family_id=family_id, created_at=NOW - 10)
        self.tokens = Tokens(record)
        self.revocations = MemoryRevocations(clock=lambda: NOW)
        self.now = 50.0
        self.feed = RevocationFeed(self.revocations, clock=lambda: NOW, monotonic=lambda: self.now)
        self.feed.follow_once()

    def verifier(self, store: TokenStore | None = None) -> TokenVerifier:
        return TokenVerifier(store or FastTokens(self.tokens), revocations=self.feed, clock=lambda: NOW)

    def verify(self, store: TokenStore | None = None) -> Flow[Verdict | None]:
        verdict = self.verifier(store).verify(BearerToken(self.token), REQUEST)
        return (yield from verdict) if isinstance(verdict, Generator) else verdict


BY_ALL = [
    pytest.param(Revocation("token", "tok_1", NOW, NOW + 60), id="token"),
    pytest.param(Revocation.of_family("fam_1", NOW), id="family"),
    pytest.param(Revocation.of_user("alice", NOW), id="user"),
    pytest.param(Revocation.of_client("shop", NOW), id="client"),
]


@pytest.mark.parametrize("revocation", BY_ALL)
@pytest.mark.parametrize("stale", [False, True], ids=["fresh", "stale"])
def test_what_is_published_refuses_the_tokens_it_is_about(
    monkeypatch: pytest.MonkeyPatch, revocation: Revocation, stale: bool
) -> None:
    following = Following(monkeypatch, family_id="fam_1")
    for store in (FastTokens(following.tokens), AsyncTokens(following.tokens)):
        assert isinstance(asyncio.run(run_async(following.verify(store))), Authenticated)
    following.revocations.publish(revocation)
    if stale:
        following.now += 10
    else:
        following.feed.follow_once()
    for store in (FastTokens(following.tokens), AsyncTokens(following.tokens)):
        verdict = asyncio.run(run_async(following.verify(store)))
        assert verdict == Rejected(Reason.TOKEN_REVOKED, "token tok_1")


def test_while_the_feed_is_fresh_a_fast_store_needs_no_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    following = Following(monkeypatch)
    assert isinstance(following.verifier().verify(BearerToken(following.token), REQUEST), Authenticated)
    following.now += 10
    assert isinstance(following.verifier().verify(BearerToken(following.token), REQUEST), Generator)


@pytest.mark.parametrize("record", [{"revoked_at": NOW}, {"expires_at": NOW}], ids=["revoked", "expired"])
def test_what_the_store_says_still_counts(monkeypatch: pytest.MonkeyPatch, record: dict[str, float]) -> None:
    following = Following(monkeypatch)
    assert following.tokens.record is not None
    following.tokens.record = replace(following.tokens.record, **record)  # type: ignore[arg-type]  # each is a float
    assert isinstance(run(following.verify()), Rejected)


def test_a_followed_token_is_remembered_until_it_expires_and_not_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    following, now = Following(monkeypatch), NOW
    auth = Auth(HTTPBearer(following.verifier()), clock=lambda: now)
    header = f"Bearer {following.token}"
    request = WSGIRequest({"REQUEST_METHOD": "GET", "HTTP_AUTHORIZATION": header})
    assert isinstance(auth.authenticate(request), Authentication)
    assert following.tokens.asked == 1
    assert recalled(auth, header.encode()) is not None
    following.now += 10
    assert recalled(auth, header.encode()) is None
    following.feed.follow_once()
    assert recalled(auth, header.encode()) is not None
    now = NOW + 60
    assert recalled(auth, header.encode()) is None
    assert following.tokens.asked == 1


def test_a_token_that_is_not_followed_is_never_remembered() -> None:
    token = new_token()
    auth = Auth(HTTPBearer(TokenVerifier(FastTokens(Tokens(record_of(token))), clock=lambda: NOW)), clock=lambda: NOW)
    assert auth.memo is None
    verdict = verdict_of(Tokens(record_of(token)), token)
    assert isinstance(verdict, Authenticated)
    assert verdict.remember_until is None

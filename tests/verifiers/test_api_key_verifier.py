"""API keys, from the text to the verdict."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator
from dataclasses import replace
from functools import partial
from math import inf
from typing import Any

import pytest

from authmw import (
    ApiKey,
    APIKeyHeader,
    Auth,
    Authenticated,
    BearerToken,
    HTTPBearer,
    Principal,
    Reason,
    Rejected,
    Verdict,
)
from authmw.crypto.opaque_tokens import new_api_key, new_token, token_digest
from authmw.engine.authentication import Authentication
from authmw.errors import StoreUnavailable
from authmw.flow import FlowError, Overloaded
from authmw.flow.call_mode import CallMode
from authmw.flow.flow import Flow, run, run_async
from authmw.http.refusal import Refusal
from authmw.http.request import WSGIRequest
from authmw.identity.validity import Validity
from authmw.stores import MemoryApiKeys, MemoryRevocations
from authmw.stores.records import ApiKeyRecord
from authmw.stores.revocation_feed import RevocationFeed
from authmw.stores.revoked import Issuance
from authmw.verifiers.api_key import ApiKeyVerifier
from tests.stores.support import at_once

REQUEST = WSGIRequest({"REQUEST_METHOD": "GET"})


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Keys:
    """A store that counts what it is asked. It is asked on a thread under ASGI."""

    def __init__(self, *records: ApiKeyRecord) -> None:
        self.records: dict[str, Any] = {record.digest: record for record in records}
        self.asked = 0
        self.touched: list[tuple[str, float]] = []

    def find_key(self, digest: str) -> ApiKeyRecord | None:
        self.asked += 1
        found: ApiKeyRecord | None = self.records.get(digest)
        return found

    def touch_key(self, key_id: str, at: float) -> None:
        self.touched.append((key_id, at))


@CallMode.NONBLOCKING
class FastKeys(Keys):
    """The same, asked on the event loop, and without a flow."""


class Down(Keys):
    """A store that raises."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def find_key(self, digest: str) -> ApiKeyRecord | None:
        raise self.error


@CallMode.NONBLOCKING
class FastDown(Down):
    """The same, asked without a flow."""


@pytest.fixture(params=[Keys, FastKeys])
def store(request: pytest.FixtureRequest) -> type[Keys]:
    kind: type[Keys] = request.param
    return kind


def record_of(key: str) -> ApiKeyRecord:
    return ApiKeyRecord("key_1", token_digest(key), "alice", frozenset({"orders:read"}), "laptop")


def verify(verifier: ApiKeyVerifier, credentials: ApiKey | BearerToken) -> Flow[Verdict | None]:
    """As the engine does it: the answer is a verdict, or a flow that ends with one."""
    verdict = verifier.verify(credentials, REQUEST)
    return (yield from verdict) if isinstance(verdict, Generator) else verdict


def verdict_of(verifier: ApiKeyVerifier, credentials: ApiKey | BearerToken) -> Verdict | None:
    verdict = run(verify(verifier, credentials))
    assert asyncio.run(run_async(verify(verifier, credentials))) == verdict
    return verdict


def reason_of(verifier: ApiKeyVerifier, credentials: ApiKey | BearerToken) -> Reason:
    verdict = verdict_of(verifier, credentials)
    assert isinstance(verdict, Rejected)
    return verdict.reason


def test_a_known_key_authenticates_its_owner_with_the_scopes_of_the_key(store: type[Keys]) -> None:
    key = new_api_key()
    verdict = verdict_of(ApiKeyVerifier(store(replace(record_of(key), expires_at=9e9))), ApiKey(key))
    assert isinstance(verdict, Authenticated)
    principal = verdict.principal
    assert (principal.id, principal.kind, principal.credential_id) == ("alice", "api_key", "key_1")
    assert (principal.scopes, principal.expires_at) == (frozenset({"orders:read"}), 9e9)
    assert verdict.remember_until is None, "the store is asked each time"


@pytest.mark.parametrize("expires_at", [None, 9e9])
def test_all_that_a_verdict_on_a_key_says_is_from_its_record(store: type[Keys], expires_at: float | None) -> None:
    key, clock = new_api_key(), Clock()
    verifier = ApiKeyVerifier(store(replace(record_of(key), expires_at=expires_at)), clock=clock)
    verifier.scheme = "Shop"
    for _ in range(2):  # the second one finds what the first one has made
        verdict = verdict_of(verifier, ApiKey(key))
        assert verdict == Authenticated(
            Principal(
                "alice",
                scopes={"orders:read"},
                kind="api_key",
                scheme="Shop",
                credential_id="key_1",
                expires_at=expires_at,
                name="laptop",
            )
        )
        assert isinstance(verdict, Authenticated)
        assert (verdict.principal.name, verdict.principal.scheme) == ("laptop", "Shop")
        assert verdict.validities == (() if expires_at is None else (Validity(9e9, clock),))


def test_a_key_says_until_when_it_holds_and_whose_end_is_its_own_where_revocations_are_followed(
    store: type[Keys],
) -> None:
    key, clock = new_api_key(), Clock()
    feed = RevocationFeed(MemoryRevocations(), clock=clock)
    for expires_at, until in ((None, inf), (9e9, 9e9)):
        record = replace(record_of(key), expires_at=expires_at)
        verdict = verdict_of(ApiKeyVerifier(store(record), revocations=feed, clock=clock), ApiKey(key))
        assert isinstance(verdict, Authenticated)
        issuance = Issuance("key_1", None, "alice", None, clock.now)
        assert verdict.validities == (Validity(until, clock, feed, issuance),)


def test_a_verifier_says_which_kind_of_key_it_knows() -> None:
    assert ApiKeyVerifier(Keys()).expects == "an API key that begins with ak_"
    assert ApiKeyVerifier(Keys(), prefix="shop").expects == "an API key that begins with shop_"
    assert (ApiKeyVerifier.accepts, ApiKeyVerifier.asks) == ((ApiKey, BearerToken), ("find_key", "touch_key"))


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param("ak_", id="prefix alone"),
        pytest.param("ak_" + "0" * 38, id="wrong checksum"),
        pytest.param(new_api_key() + " ", id="trailing space"),
        pytest.param(new_api_key() + "," + new_api_key(), id="folded"),
        pytest.param(new_api_key("zz"), id="other prefix"),
        pytest.param("ak_" + "\u00e9" * 38, id="not ASCII"),
        pytest.param("\ud800", id="surrogate"),
    ],
)
def test_key_3_class_18_what_cannot_be_a_key_is_refused_without_asking_the_store(key: str, store: type[Keys]) -> None:
    keys = store()
    assert reason_of(ApiKeyVerifier(keys), ApiKey(key)) is Reason.KEY_UNKNOWN
    assert keys.asked == 0


@pytest.mark.parametrize("key", ["", " ", "\t", "a b", "\u00e9", "\x7f"])
def test_class_18_without_a_prefix_an_empty_or_unprintable_key_is_still_not_looked_up(
    key: str, store: type[Keys]
) -> None:
    keys = store()
    assert reason_of(ApiKeyVerifier(keys, prefix=None), ApiKey(key)) is Reason.KEY_UNKNOWN
    assert keys.asked == 0


def test_without_a_prefix_keys_that_were_made_elsewhere_are_known_by_their_digest(store: type[Keys]) -> None:
    verifier = ApiKeyVerifier(store(record_of("legacy-key")), prefix=None)
    assert isinstance(verdict_of(verifier, ApiKey("legacy-key")), Authenticated)
    assert reason_of(verifier, ApiKey("legacy-kez")) is Reason.KEY_UNKNOWN


def test_an_unknown_key_is_refused(store: type[Keys]) -> None:
    keys = store(record_of(new_api_key()))
    assert reason_of(ApiKeyVerifier(keys), ApiKey(new_api_key())) is Reason.KEY_UNKNOWN
    assert keys.asked == 2, "once by each driver"


def test_tok_2_a_store_that_matches_loosely_does_not_authenticate() -> None:
    class Loose(Keys):
        def find_key(self, digest: str) -> ApiKeyRecord | None:
            found: ApiKeyRecord = next(iter(self.records.values()))
            return found

    good = new_api_key()
    verifier = ApiKeyVerifier(Loose(record_of(good)))
    assert reason_of(verifier, ApiKey(new_api_key())) is Reason.KEY_UNKNOWN
    assert isinstance(verdict_of(verifier, ApiKey(good)), Authenticated)
    odd = ApiKeyVerifier(Loose(replace(record_of(good), digest="\u00e9")))
    assert reason_of(odd, ApiKey(good)) is Reason.KEY_UNKNOWN, "not even with a digest that is not ASCII"


def test_key_4_a_key_expires_at_the_second_it_says(store: type[Keys]) -> None:
    clock, key = Clock(), new_api_key()
    verifier = ApiKeyVerifier(store(replace(record_of(key), expires_at=clock.now + 60)), clock=clock)
    clock.now += 59.9
    assert isinstance(verdict_of(verifier, ApiKey(key)), Authenticated)
    clock.now += 0.1
    assert reason_of(verifier, ApiKey(key)) is Reason.KEY_EXPIRED


def test_key_4_a_revoked_key_is_refused_at_once_also_after_it_was_accepted() -> None:
    keys = MemoryApiKeys()
    verifier = ApiKeyVerifier(keys)
    key, record = keys.create("alice")
    assert isinstance(verdict_of(verifier, ApiKey(key)), Authenticated)
    keys.revoke(record.id)
    assert reason_of(verifier, ApiKey(key)) is Reason.KEY_REVOKED


def test_key_4_a_change_of_scopes_counts_at_once(store: type[Keys]) -> None:
    key = new_api_key()
    keys = store(record_of(key))
    verifier = ApiKeyVerifier(keys)
    verdict_of(verifier, ApiKey(key))
    keys.records[token_digest(key)] = replace(record_of(key), scopes=frozenset())
    verdict = verdict_of(verifier, ApiKey(key))
    assert isinstance(verdict, Authenticated)
    assert verdict.principal.scopes == frozenset()


def test_key_4_a_key_that_the_store_forgot_is_refused(store: type[Keys]) -> None:
    key = new_api_key()
    keys = store(record_of(key))
    verifier = ApiKeyVerifier(keys)
    verdict_of(verifier, ApiKey(key))
    keys.records.clear()
    assert reason_of(verifier, ApiKey(key)) is Reason.KEY_UNKNOWN


def test_key_4_the_last_use_is_written_once_in_a_while(store: type[Keys]) -> None:
    clock, key = Clock(), new_api_key()
    keys = store(record_of(key))
    verifier = ApiKeyVerifier(keys, touch_every=60, clock=clock)
    for _ in range(5):
        verdict_of(verifier, ApiKey(key))
    assert keys.touched == [("key_1", clock.now)]
    clock.now += 60
    verdict_of(verifier, ApiKey(key))
    assert len(keys.touched) == 2


def test_key_4_the_last_use_that_another_process_wrote_counts(store: type[Keys]) -> None:
    clock, key = Clock(), new_api_key()
    keys = store(replace(record_of(key), last_used_at=clock.now - 59))
    verdict_of(ApiKeyVerifier(keys, touch_every=60, clock=clock), ApiKey(key))
    assert keys.touched == []


def test_key_4_of_eight_threads_one_writes_the_last_use(store: type[Keys]) -> None:
    for _ in range(20):
        clock, key = Clock(), new_api_key()
        keys = store(record_of(key))
        verifier = ApiKeyVerifier(keys, clock=clock)
        verdicts = at_once(8, partial(_verify_as, verifier, key))
        assert all(isinstance(verdict, Authenticated) for verdict in verdicts)
        assert len(keys.touched) == 1


def test_key_4_of_two_requests_that_find_a_key_together_one_writes_the_last_use() -> None:
    clock, key = Clock(), new_api_key()
    record, verifier = record_of(key), ApiKeyVerifier(Keys(), clock=clock)
    flows: list[Any] = [verifier.verify(ApiKey(key), REQUEST) for _ in range(2)]
    assert [next(flow).args for flow in flows] == [(record.digest,)] * 2
    touch = flows[0].send(record)
    assert touch.args == ("key_1", clock.now)
    verdicts = list[Authenticated]()
    for send in (partial(flows[1].send, record), partial(flows[0].send, None)):
        with pytest.raises(StopIteration) as done:
            send()
        verdicts.append(done.value.value)
    assert isinstance(verdicts[0], Authenticated)
    assert verdicts[0] is verdicts[1]


def _verify_as(verifier: ApiKeyVerifier, key: str, _: int) -> Verdict | None:
    return run(verify(verifier, ApiKey(key)))


def test_a_bad_key_is_not_touched(store: type[Keys]) -> None:
    key = new_api_key()
    keys = store(replace(record_of(key), revoked_at=1.0))
    verdict_of(ApiKeyVerifier(keys), ApiKey(key))
    assert keys.touched == []


@pytest.mark.parametrize("error", [OSError, StoreUnavailable])
def test_a_last_use_that_cannot_be_written_does_not_refuse_the_key(
    error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    class ReadOnly(Keys):
        def touch_key(self, key_id: str, at: float) -> None:
            raise error("no answer from https://shop:s3cret@db.example")

    key = new_api_key()
    with caplog.at_level(logging.WARNING, "authmw.crypto.keyring"):
        assert isinstance(verdict_of(ApiKeyVerifier(ReadOnly(record_of(key))), ApiKey(key)), Authenticated)
    assert f"was not written: {'StoreUnavailable' if error is StoreUnavailable else ''}" in caplog.text
    assert f" at {__file__}:" in caplog.text
    assert "s3cret" not in caplog.text
    assert key not in caplog.text
    assert token_digest(key) not in caplog.text


@pytest.mark.parametrize("error", [OSError("no such host"), StopIteration(), Overloaded()], ids=repr)
@pytest.mark.parametrize("kind", [Down, FastDown])
def test_class_35_a_store_that_is_down_is_a_503(kind: type[Down], error: Exception) -> None:
    auth = Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(kind(error))))
    refusal = auth.authenticate(WSGIRequest({"REQUEST_METHOD": "GET", "HTTP_X_API_KEY": new_api_key()}))
    assert isinstance(refusal, Refusal)
    assert refusal.status == 503


@pytest.mark.parametrize(
    "answer", [True, {"owner": "alice"}, "alice", object()], ids=lambda answer: type(answer).__name__
)
def test_class_35_a_store_that_answers_something_else_fails_closed(store: type[Keys], answer: object) -> None:
    keys = store()
    key = new_api_key()
    keys.records[token_digest(key)] = answer
    with pytest.raises(FlowError, match="answers an ApiKeyRecord or None"):
        run(verify(ApiKeyVerifier(keys), ApiKey(key)))


def test_a_store_may_be_async_and_marked() -> None:
    key = new_api_key()

    @CallMode.NONBLOCKING
    class Async:
        async def find_key(self, digest: str) -> ApiKeyRecord | None:
            return record_of(key)

        async def touch_key(self, key_id: str, at: float) -> None:
            pass

    verifier = ApiKeyVerifier(Async())
    assert isinstance(asyncio.run(run_async(verify(verifier, ApiKey(key)))), Authenticated)
    with pytest.raises(FlowError, match="async"):
        run(verify(verifier, ApiKey(key)))


def test_the_principal_of_an_unchanged_record_is_built_once(store: type[Keys]) -> None:
    key = new_api_key()
    verifier = ApiKeyVerifier(store(record_of(key)))
    first, second = (run(verify(verifier, ApiKey(key))) for _ in range(2))
    assert first is second


@pytest.mark.parametrize("in_memory, most", [(False, 10), (True, 20)])
def test_what_is_kept_is_bounded(
    monkeypatch: pytest.MonkeyPatch, store: type[Keys], in_memory: bool, most: int
) -> None:
    monkeypatch.setattr("authmw.verifiers.api_key._MAX_KNOWN", 10)
    monkeypatch.setattr("authmw.verifiers.api_key._MAX_KNOWN_IN_MEMORY", 20)
    monkeypatch.setattr(store, "in_memory", in_memory, raising=False)
    made = [new_api_key() for _ in range(50)]
    verifier = ApiKeyVerifier(store(*map(record_of, made)))
    for key in made:
        assert isinstance(run(verify(verifier, ApiKey(key))), Authenticated)
    assert len(verifier._known) == most  # pyright: ignore[reportPrivateUsage]  # there is no other way to see it


def test_as_a_bearer_token_one_without_our_prefix_is_left_to_the_next_alternative(store: type[Keys]) -> None:
    keys = store()
    for token in ("eyJhbGciOiJub25lIn0.e30.", new_token(), "akin"):
        assert verdict_of(ApiKeyVerifier(keys), BearerToken(token)) is None
    assert keys.asked == 0


def test_as_a_bearer_token_a_bad_key_is_a_bad_token(store: type[Keys]) -> None:
    key = new_api_key()
    verifier = ApiKeyVerifier(store(replace(record_of(key), revoked_at=1.0)))
    assert reason_of(verifier, BearerToken(new_api_key())) is Reason.TOKEN_UNKNOWN
    assert reason_of(verifier, BearerToken("ak_")) is Reason.TOKEN_UNKNOWN
    assert reason_of(verifier, BearerToken(key)) is Reason.TOKEN_REVOKED


def test_a_key_opens_the_door_in_its_header_and_as_a_bearer_token() -> None:
    keys = MemoryApiKeys()
    key, _ = keys.create("alice", ["orders:read"])
    auth = Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(keys)) | HTTPBearer(ApiKeyVerifier(keys)))
    for environ in ({"HTTP_X_API_KEY": key}, {"HTTP_AUTHORIZATION": f"Bearer {key}"}):
        found = auth.authenticate(WSGIRequest({"REQUEST_METHOD": "GET", **environ}))
        assert isinstance(found, Authentication)
        assert found.principal.id == "alice"


def test_a_verifier_of_two_schemes_says_by_which_one_the_caller_came() -> None:
    keys = MemoryApiKeys()
    key, _ = keys.create("alice", ["orders:read"])
    verifier = ApiKeyVerifier(keys)
    header, bearer = APIKeyHeader("X-API-Key", verifier), HTTPBearer(verifier)
    auth, alone = Auth(header | bearer), Auth(header)
    sent = {header: {"HTTP_X_API_KEY": key}, bearer: {"HTTP_AUTHORIZATION": f"Bearer {key}"}}
    for engine, scheme in ((auth, header), (auth, bearer), (alone, header), (auth, bearer), (auth, header)):
        found = engine.authenticate(WSGIRequest({"REQUEST_METHOD": "GET", **sent[scheme]}))
        assert isinstance(found, Authentication)
        assert (found.scheme, found.principal.scheme) == (scheme, scheme.name)
        assert bool(found.headers) is (scheme is header)


def test_key_2_a_key_in_the_query_is_not_looked_at_unless_the_scheme_is_for_the_query() -> None:
    keys = MemoryApiKeys()
    key, _ = keys.create("alice")
    auth = Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(keys)))
    found = auth.authenticate(WSGIRequest({"REQUEST_METHOD": "GET", "QUERY_STRING": f"X-API-Key={key}"}))
    assert isinstance(found, Authentication)
    assert not found.principal.is_authenticated


def test_tok_3_no_verdict_tells_the_key(store: type[Keys]) -> None:
    key = new_api_key()
    for records in ((), (record_of(key),), (replace(record_of(key), revoked_at=1.0),)):
        verdict = verdict_of(ApiKeyVerifier(store(*records)), ApiKey(key))
        assert key not in repr(verdict)
        assert token_digest(key) not in repr(verdict)
    assert key not in repr(ApiKey(key))
    assert token_digest(key) not in repr(record_of(key))

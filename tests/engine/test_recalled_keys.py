"""API keys whose header alone decides: it is not judged anew, and no request gets another answer by that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from authmw_sqlalchemy import SQLStores
from hypothesis import example, given
from hypothesis import strategies as st

from authmw import APIKeyHeader, ApiKeyVerifier, Auth, HTTPBasic, HTTPBearer, Principal, Session
from authmw.crypto.opaque_tokens import token_digest
from authmw.engine.adapter import Adapter
from authmw.events import Event, RequestAuthenticated, on_event
from authmw.http.request import RequestHead
from authmw.identity.credentials import BearerToken
from authmw.identity.verdict import Rejected
from authmw.schemes.base import Alternatives, SecurityScheme
from authmw.stores import CHEAPEST, MemoryApiKeys, MemoryStores, PasswordHasher
from authmw.stores.records import ApiKeyRecord
from authmw.stores.revocation_feed import RevocationFeed
from authmw.testing import FakeClock
from tests.engine.test_recalled_cookies import Ask, Headers, both_ways, by_asgi, by_wsgi

NOW: Final = 1_800_000_000.0
SCHEME: Final = "x-api-key"


class ByValue(APIKeyHeader):
    """As its base, but what it reads is always looked at closely."""

    def value(self, request: RequestHead) -> str | None:
        return super().value(request)


Ways = Sequence[Sequence[str]]
ALONE: Final[Ways] = (("key",), ("bearer",))


class Bench:
    """An API whose key was seen once, by the quick way and by the long one.

    Args:
        ways: what it accepts, each by the names of its schemes.
    """

    def __init__(self, ways: Ways = ALONE) -> None:
        self.clock = FakeClock(NOW)
        self.stores = MemoryStores(hasher=PasswordHasher(CHEAPEST), clock=self.clock)
        self.stores.users.create("alice", "correct horse battery staple", id="alice")
        self.keys: MemoryApiKeys = self.stores.keys
        self.key, self.record = self.keys.create("alice", ["orders:read"], lifetime=3600)
        self.verifiers = [ApiKeyVerifier(self.keys, clock=self.clock) for _ in range(2)]
        self.quick = self.auth(APIKeyHeader("X-API-Key", self.verifiers[0]), ways)
        self.long = self.auth(ByValue("X-API-Key", self.verifiers[1], name="APIKeyHeader"), ways)
        assert self.long.recall_key is None
        for auth in (self.quick, self.long, self.quick, self.long):  # the first writes the last use
            by_wsgi(auth, [(SCHEME, self.key)])

    def auth(self, by_key: APIKeyHeader, ways: Ways) -> Auth:
        tokens = {"t0ken": Principal("bob", scopes={"orders:write"})}
        schemes: dict[str, SecurityScheme[Any]] = {
            "key": by_key,
            "bearer": HTTPBearer(tokens.get),
            "basic": HTTPBasic(lambda username, password: None),
            "site": APIKeyHeader("X-Site", {"s1te": Principal("site")}.get, name="site"),
        }
        made = list[Alternatives]()
        for first, *beside in ways:
            way: Alternatives = schemes[first]
            for name in beside:
                way &= schemes[name]
            made.append(way)
        accept, *others = made
        for way in others:
            accept |= way
        return Auth(accept, clock=self.clock)


CHANGES: dict[str, Callable[[Bench], object]] = {
    "nothing": lambda bench: None,
    "revoked": lambda bench: bench.keys.revoke(bench.record.id),
    "rotated": lambda bench: bench.keys.rotate(bench.record.id),
    "rotated with an overlap": lambda bench: bench.keys.rotate(bench.record.id, overlap=60),
    "erased": lambda bench: bench.keys.erase("alice"),
    "owner disabled": lambda bench: bench.stores.users.disable("alice"),
    "expired": lambda bench: bench.clock.advance(3600),
    "a second before its end": lambda bench: bench.clock.advance(3599),
    "to be touched": lambda bench: bench.clock.advance(61),
    "the clock set back": lambda bench: bench.clock.advance(-3600),
}
PARTS: Final = ["{key}", "{key}", "{key}", " ", "\t", ",", "x", "é", "?", "{half}"]
TEXTS: Final = st.lists(st.sampled_from(PARTS), max_size=3).map("".join)
LINES: Final = st.lists(
    st.tuples(st.sampled_from([SCHEME, SCHEME, SCHEME, "authorization", "cookie", "accept"]), TEXTS)
    | st.sampled_from([(SCHEME, "{key}"), ("authorization", "Bearer t0ken"), ("x-site", "s1te"), ("x-site", "bad")]),
    max_size=3,
)
WAYS: Final = st.permutations(
    [["key"], ["bearer"], ["basic"], ["site"], ["site", "bearer"], ["basic", "site"], ["key", "site"]]
).map(lambda ways: ways[: ways.index(["key"]) + 2])


@both_ways
@given(
    ways=st.just(ALONE) | WAYS,
    lines=LINES,
    change=st.sampled_from(sorted(CHANGES)),
    method=st.sampled_from(["GET", "POST", "OPTIONS"]),
)
@example(
    ways=[["site", "bearer"], ["key"]], lines=[(SCHEME, "{key}"), ("x-site", "bad")], change="nothing", method="GET"
)
def test_the_quick_way_answers_what_the_long_way_does(
    ask: Ask, ways: Ways, lines: Headers, change: str, method: str
) -> None:
    bench = Bench(ways)
    CHANGES[change](bench)
    headers = [(name, text.format(key=bench.key, half=bench.key[:19])) for name, text in lines]
    if ask is by_asgi:
        headers = [(name, text.replace("é", "e")) for name, text in headers]
    for options in ({}, {"needs": {"/orders": "orders:read"}}, {"public": ["/orders"]}, {"hide_credentials": True}):
        answers = [ask(auth, headers, method, **options) for auth in (bench.quick, bench.long)]
        assert answers[0] == answers[1]


@both_ways
@pytest.mark.parametrize("change, status", [("nothing", 200), ("revoked", 401), ("owner disabled", 401)])
def test_a_key_that_was_seen_is_not_judged_anew_and_the_store_is_asked(
    ask: Ask, change: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench()
    judged: list[RequestHead] = []
    judge, judge_async = bench.quick.authenticate, bench.quick.authenticate_async

    def judges(request: RequestHead) -> Any:
        judged.append(request)
        return (judge if ask is by_wsgi else judge_async)(request)

    for name in ("authenticate", "authenticate_async"):
        monkeypatch.setattr(bench.quick, name, judges)
    CHANGES[change](bench)
    answer = ask(bench.quick, [(SCHEME, bench.key)])
    assert answer[0] == status
    assert bool(judged) == (status == 401)
    if status == 200:
        assert answer[2] == [("Vary", "X-API-Key, Authorization"), ("Cache-Control", "private")]


@both_ways
def test_its_last_use_is_written_all_the_same(ask: Ask) -> None:
    bench = Bench()
    for seconds in (59, 2, 59, 2):
        bench.clock.advance(seconds)
        assert ask(bench.quick, [(SCHEME, bench.key)])[0] == 200
    (record,) = bench.keys.list()
    assert record.last_used_at == NOW + 122


@both_ways
def test_a_success_is_told_to_who_listens(ask: Ask) -> None:
    bench = Bench()
    told: list[Event] = []
    stop = on_event(told.append, inline=True)
    ask(bench.quick, [(SCHEME, bench.key)])
    stop()
    (event,) = told
    assert isinstance(event, RequestAuthenticated)
    assert (event.principal, event.scheme, event.credential) == ("alice", "APIKeyHeader", bench.record.id)


@both_ways
@pytest.mark.parametrize("error", [OSError("down"), KeyError("key")])
def test_a_store_that_is_down_is_a_503(ask: Ask, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()

    def find(*_: object) -> ApiKeyRecord | None:
        raise error

    monkeypatch.setattr(bench.keys._issued, "find", find)  # pyright: ignore[reportPrivateUsage]
    assert ask(bench.quick, [(SCHEME, bench.key)])[0] == 503


def test_a_key_with_a_comma_that_the_verifier_knows_is_two_keys_in_the_header() -> None:
    bench = Bench()
    assert bench.quick.recall_key is not None
    known: Any = bench.verifiers[0]
    two = f"{bench.key},{bench.key}"
    known._known.put(token_digest(two), known._known.get(token_digest(bench.key)))
    assert bench.quick.recall_key(bench.key.encode()) is not None
    assert bench.quick.recall_key(two.encode()) is None


class Own(ApiKeyVerifier):
    """A verifier of the application, which may look at more."""


class Async(MemoryApiKeys):
    """A store of the application."""

    async def find_key(self, digest: str) -> ApiKeyRecord | None:  # type: ignore[override]
        return super().find_key(digest)


class OwnScheme(APIKeyHeader):
    """A scheme of the application."""


class Elsewhere(HTTPBearer):
    """Reads another header too."""

    def extract(self, request: RequestHead) -> BearerToken | Rejected | None:
        value = request.header("x-forwarded-authorization")
        return super().extract(request) if value is None else self.read(value.removeprefix("Bearer "))


def test_what_may_look_at_more_than_the_header_is_asked(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/keys.db"
    bench = Bench()
    keys, stores = bench.keys, bench.stores
    feed = RevocationFeed(stores.revocations)
    own_verify = ApiKeyVerifier(keys)
    own_verify.verify = own_verify.verify  # type: ignore[method-assign]
    own_extract = APIKeyHeader("X-API-Key", ApiKeyVerifier(keys))
    own_extract.extract = own_extract.extract  # type: ignore[method-assign]
    own_value = APIKeyHeader("X-API-Key", ApiKeyVerifier(keys))
    own_value.value = own_value.value  # type: ignore[method-assign]
    by_key = APIKeyHeader("X-API-Key", ApiKeyVerifier(keys))
    bearer = HTTPBearer({"t0ken": Principal("bob")}.get)
    own_bearer = HTTPBearer({"t0ken": Principal("bob")}.get)
    own_bearer.extract = own_bearer.extract  # type: ignore[method-assign]
    site = APIKeyHeader("X-Site", {"k": Principal("site")}.get, name="site")
    looked_at: dict[str, Alternatives] = {
        "a subclass of the verifier": APIKeyHeader("X-API-Key", Own(keys)),
        "a verifier with a method of its own": APIKeyHeader("X-API-Key", own_verify),
        "a scheme with a method of its own": own_extract,
        "a scheme that reads in its own way": own_value,
        "a store of the application": APIKeyHeader("X-API-Key", ApiKeyVerifier(Async())),
        "a feed, which follows the owner": APIKeyHeader("X-API-Key", ApiKeyVerifier(keys, revocations=feed)),
        "a function": APIKeyHeader("X-API-Key", {"k": Principal("alice")}.get),
        "a scheme of the application": OwnScheme("X-API-Key", ApiKeyVerifier(keys)),
        "a store that waits for a file": APIKeyHeader("X-API-Key", ApiKeyVerifier(SQLStores(database).keys)),
        "two together": by_key & bearer,
        "a way that needs another credential before it": site & bearer | by_key,
        "a bearer token that may come elsewhere before it": Elsewhere(bearer.verifier) | by_key,
        "the same of one object": own_bearer | by_key,
        "a session before it": Session(stores) | by_key,
        "another key before it": APIKeyHeader("X-Other", {"k": Principal("alice")}.get, name="other") | by_key,
    }
    assert {name for name, accept in looked_at.items() if Auth(accept).recall_key is not None} == set()
    for accept in (bearer | by_key, by_key | bearer, HTTPBasic() | bearer | by_key | site):
        assert Auth(accept).recall_key is not None
    feed.close()


class OwnAuth(Auth):
    """An engine with a way of its own to authenticate."""

    def authenticate(self, request: RequestHead) -> Any:
        return super().authenticate(request)


def test_an_engine_with_a_way_of_its_own_is_asked() -> None:
    assert OwnAuth(APIKeyHeader("X-API-Key", ApiKeyVerifier(MemoryApiKeys()))).recall_key is None


class WithToken(Adapter):
    """An adapter whose application has an endpoint that reads its own credentials."""

    own_ends = ("/token",)

    def reads_own_credentials(self, request: RequestHead) -> bool:
        return request.path == "/auth/token"


@both_ways
@pytest.mark.parametrize(
    "path, caller", [("/auth/token", ""), ("/x/token", "alice"), ("/orders", "alice"), ("/token/x", "alice")]
)
def test_an_endpoint_that_reads_its_own_credentials_gets_nobody(ask: Ask, path: str, caller: str) -> None:
    bench = Bench()
    for auth in (bench.quick, bench.long):
        answer = ask(auth, [(SCHEME, bench.key)], path=path, _adapter=WithToken())
        assert (answer[0], answer[1].split()[0] if caller else answer[1].split()) == (200, caller or ["None"])

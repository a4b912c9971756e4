"""Browser sessions as a scheme: which cookie authenticates whom, what is asked of stores, and what the answer sets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import ANY
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import Auth, ConfigurationError, HTTPBearer, Principal
from authmw.crypto.chained_tokens import SessionToken
from authmw.engine.authentication import Authentication
from authmw.errors import FlowError
from authmw.flow.flow import run
from authmw.http.reasons import Reason
from authmw.http.refusal import Refusal
from authmw.http.request import ASGIRequest, RequestHead, WSGIRequest
from authmw.identity.verdict import Rejected
from authmw.schemes.session import Session
from authmw.stores import BrowserSession, MemoryStores, RevocationFeed, Stores
from authmw.stores.records import Revocation
from authmw.stores.session_records import Renewal, RenewalAnswer, RenewalOutcome
from authmw.testing import FakeClock
from tests.requests import asgi_request, wsgi_request

ORIGIN = "https://shop.example"
SAME = {"sec_fetch_site": "same-origin"}
MAKERS: dict[str, Any] = {"wsgi": wsgi_request, "asgi": asgi_request}


class Counting:
    """The methods of a store, and how often each was called."""

    def __init__(self, store: object) -> None:
        self._store = store
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def counted(*args: Any) -> Any:
            self.calls.append(name)
            return method(*args)

        return counted


class Bench:
    """A store with alice's session in it, and an `Auth` that takes its cookie."""

    def __init__(self, *, idle: float = 7200.0, **options: Any) -> None:
        self.clock = FakeClock(1_800_000_000.0)
        self.kept = MemoryStores(clock=self.clock)
        self.alice = self.kept.users.create("alice", id="7", scopes=["orders:read"], attributes={"team": "blue"})
        self.sessions: Any = Counting(self.kept.sessions)
        self.users: Any = Counting(self.kept.users)
        stores: Any = Stores(
            users=self.users,
            sessions=self.sessions,
            revocations=self.kept.revocations,
        )
        self.monotonic = FakeClock(0.0)
        self.feed = RevocationFeed(self.kept.revocations, clock=self.clock, monotonic=self.monotonic)
        self.follow()
        self.scheme = Session(stores, origins=[ORIGIN], revocations=self.feed, clock=self.clock, **options)
        self.auth = Auth(self.scheme | HTTPBearer({"t0ken": Principal("bob")}.get))
        self.token = SessionToken.new()
        now = self.clock()
        self.session = BrowserSession(
            id="session_1",
            key=self.token.key,
            current=self.token.digest,
            subject="7",
            scopes=frozenset({"orders:read"}),
            created_at=now,
            authenticated_at=now,
            expires_at=now + 43_200,
            idle_for=idle,
            idle_until=now + idle,
            last_used_at=now,
            amr=("pwd",),
        )
        self.kept.sessions.add_session(self.session)

    def follow(self) -> None:
        """Read the revocations, and let them count as fresh."""
        self.feed.follow_once()

    def ask(self, value: str | None = None, *, make: Any = wsgi_request, **request: str) -> Authentication | Refusal:
        """The result for a request with the cookie."""
        cookie = f"{self.scheme.cookie}={self.token.text if value is None else value}"
        return self.auth.authenticate(make(cookie=cookie, **request))

    @property
    def asked(self) -> list[str]:
        """The methods of stores that were called since this was read."""
        calls: list[str] = self.sessions.calls + self.users.calls
        self.sessions.calls.clear()
        self.users.calls.clear()
        return calls


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.feed.close()


def principal(found: Authentication | Refusal) -> Principal:
    assert isinstance(found, Authentication)
    return found.principal


def dead(found: Authentication | Refusal) -> Reason:
    """Why a cookie counts as absent."""
    assert isinstance(found, Authentication)
    assert not found.principal.is_authenticated
    assert found.dead_cookie is not None
    return found.dead_cookie.rejected.reason


def cookies(found: Authentication | Refusal) -> list[str]:
    assert isinstance(found, Authentication)
    return [value for name, value in found.headers if name == "Set-Cookie"]


def value_of(cookie: str) -> str:
    return cookie.partition(";")[0].partition("=")[2]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
def test_the_caller_is_the_user_of_the_session(bench: Bench, make: Any) -> None:
    alice = principal(bench.ask(make=make))
    assert (alice.id, alice.name, alice.scheme, alice.credential_id) == ("7", "alice", "Session", "session_1")
    assert alice.scopes == {"orders:read"}
    assert alice.expires_at == bench.session.expires_at
    assert dict(alice.claims) == {
        "team": "blue",
        "sid": "session_1",
        "auth_time": bench.session.created_at,
        "amr": ["pwd"],
    }


def test_the_level_of_a_login_is_a_claim_where_the_session_has_one(bench: Bench) -> None:
    assert "acr" not in principal(bench.ask()).claims
    token = SessionToken.new()
    session = replace(bench.session, id="session_2", key=token.key, current=token.digest, acr="urn:example:two")
    bench.kept.sessions.add_session(session)
    assert principal(bench.ask(token.text)).claims["acr"] == "urn:example:two"


@pytest.mark.parametrize(
    "changes, seconds, said",
    [
        ({"ended_at": 1_800_000_000.0}, 0, "was ended"),
        ({"idle_until": 1_800_043_200.0}, 43_200, "has reached its absolute end"),
        ({}, 7200, "was idle for too long"),
    ],
)
def test_the_log_can_tell_why_a_session_is_over(
    bench: Bench, changes: dict[str, float], seconds: float, said: str
) -> None:
    token = SessionToken.new()
    own: Any = {"id": "session_2", "key": token.key, "current": token.digest, **changes}
    session = replace(bench.session, **own)
    bench.kept.sessions.add_session(session)
    bench.clock.advance(seconds)
    found = bench.ask(token.text)
    assert isinstance(found, Authentication)
    assert found.dead_cookie is not None
    assert found.dead_cookie.rejected.detail == f"session_2 {said}"


def test_a_session_that_was_seen_within_the_last_minute_asks_no_store(bench: Bench) -> None:
    bench.ask()
    assert bench.asked == ["find_session", "find_by_id"]
    first = bench.ask()
    assert principal(bench.ask(method="POST", **SAME)) is principal(first)
    assert bench.asked == []
    bench.clock.advance(61)
    bench.follow()
    assert principal(bench.ask()) == principal(first)
    assert bench.asked == ["find_session", "find_by_id"]


def test_a_connection_that_a_remembered_session_opens_ends_as_one_of_a_new_session(bench: Bench) -> None:
    first, again = bench.ask(), bench.ask()
    assert isinstance(first, Authentication)
    assert isinstance(again, Authentication)
    assert [(each.until, each.issuance) for each in again.validities] == [(bench.session.expires_at, ANY)]
    assert again.validities == first.validities


def test_without_a_feed_the_stores_are_asked_each_time(bench: Bench) -> None:
    scheme = Session(Stores(users=bench.users, sessions=bench.sessions), clock=bench.clock)
    bench.auth = Auth(scheme)
    for _ in range(2):
        assert principal(bench.ask()).id == "7"
        assert bench.asked == ["find_session", "find_by_id"]


def test_a_feed_that_is_stale_is_not_trusted(bench: Bench) -> None:
    bench.ask()
    bench.monotonic.advance(2)
    bench.kept.sessions.end_session("session_1", bench.clock())
    assert dead(bench.ask()) is Reason.SESSION_ENDED


def revocations(at: float) -> dict[str, Revocation]:
    """Everything that ends alice's session."""
    return {
        "session": Revocation.of_family("session_1", at),
        "user": Revocation.of_user("7", at),
        "id": Revocation.of_token("session_1", at, at + 60),
    }


@pytest.mark.parametrize("kind", ["session", "user", "id"])
def test_a_remembered_session_ends_with_a_revocation(bench: Bench, kind: str) -> None:
    bench.ask()
    bench.kept.revocations.publish(revocations(bench.clock())[kind])
    bench.follow()
    assert dead(bench.ask()) is Reason.SESSION_ENDED


def test_asvs_7_3_a_session_ends_when_it_is_idle_and_when_it_is_old(bench: Bench) -> None:
    bench.clock.advance(7200)
    assert dead(bench.ask()) is Reason.SESSION_ENDED
    used = Bench()
    for _ in range(6):
        used.clock.advance(hours=1, minutes=55)
        used.follow()
        principal(used.ask())
    used.clock.advance(minutes=29)
    principal(used.ask())
    used.clock.advance(minutes=1)
    assert dead(used.ask()) is Reason.SESSION_ENDED
    used.feed.close()


@given(st.lists(st.floats(0.5, 7000), max_size=40))
def test_a_session_that_is_used_within_the_idle_lifetime_never_ends_before_it(pauses: list[float]) -> None:
    # idle_for is the idle lifetime and its tenth: 7200 s for 6545 s.
    bench = Bench()
    idle, used = 7200 * 10 / 11, bench.clock()
    writes = 0
    for pause in pauses:
        bench.clock.advance(pause)
        bench.feed.follow_once()
        found = bench.ask()
        assert isinstance(found, Authentication)
        since = bench.clock() - used
        if bench.clock() >= bench.session.expires_at:
            assert not found.principal.is_authenticated
            break
        if since < idle:
            assert found.principal.is_authenticated
        if since >= bench.session.idle_for:
            assert not found.principal.is_authenticated
        if not found.principal.is_authenticated:
            break
        used = bench.clock()
        writes += "touch_session" in bench.asked
    assert writes <= (bench.clock() - bench.session.created_at) / (idle / 10) + 1e-6
    bench.feed.close()


def test_a_use_is_written_after_a_tenth_of_the_idle_lifetime() -> None:
    bench = Bench(idle=7920.0)  # of 7200 seconds, and the tenth by which a use may be written late
    for seconds, is_written in ((719, False), (1, True), (719, False), (1, True)):
        bench.clock.advance(seconds)
        bench.follow()
        bench.ask()
        assert ("touch_session" in bench.asked) is is_written
    bench.feed.close()


def test_changed_rights_renew_the_session_and_count_at_once(bench: Bench) -> None:
    bench.kept.users.set_scopes("alice", ["orders:write"])
    renewed = bench.ask()
    assert principal(renewed).scopes == {"orders:write"}
    (cookie,) = cookies(renewed)
    successor = value_of(cookie)
    assert successor != bench.token.text
    assert cookie == f"__Host-session={successor}; Path=/; Secure; HttpOnly; SameSite=Lax"
    assert cookies(bench.ask(successor)) == []
    # A request that was under way gets the same successor, for 30 seconds.
    bench.clock.advance(30)
    assert cookies(bench.ask()) == [cookie]
    bench.clock.advance(1)
    assert dead(bench.ask()) is Reason.SESSION_ENDED
    assert principal(bench.ask(successor)).id == "7"


def test_a_value_that_was_replaced_renews_nothing_when_rights_change_again(bench: Bench) -> None:
    bench.kept.users.set_scopes("alice", ["orders:write"])
    (first,) = cookies(bench.ask())
    bench.kept.users.set_scopes("alice", [])
    assert bench.asked
    found = bench.ask()
    assert (principal(found).scopes, cookies(found)) == (frozenset(), [first])
    assert "renew_session" not in bench.asked
    assert cookies(bench.ask(value_of(first))) != []


def test_a_session_that_ended_while_its_user_proved_the_password_gets_no_cookie(bench: Bench) -> None:
    assert bench.alice is not None
    bench.kept.sessions.end_session("session_1", bench.clock())
    sessions, at = bench.scheme.sessions, bench.clock()
    assert run(sessions.renew_by_proof(bench.session, bench.token, bench.alice, authenticated_at=at)) is None


@pytest.mark.parametrize("outcome", RenewalOutcome)
def test_a_proof_renews_only_the_session_that_the_store_has_renewed_by_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, outcome: RenewalOutcome
) -> None:
    asked: list[Renewal] = []
    after = replace(bench.session, amr=("pwd", "otp"))
    answers = (after, None)

    def renew(renewal: Renewal) -> RenewalAnswer:
        asked.append(renewal)
        return RenewalAnswer(outcome, answers[len(asked) - 1])

    monkeypatch.setattr(bench.kept.sessions, "renew_session", renew)
    sessions, at = bench.scheme.sessions, bench.clock()
    assert bench.alice is not None
    for answered in answers:
        renewed = run(
            sessions.renew_by_proof(bench.session, bench.token, bench.alice, authenticated_at=at - 5, amr=("otp",))
        )
        if answered is None or outcome is not RenewalOutcome.RENEWED:
            assert renewed is None
        else:
            assert renewed is not None
            assert renewed[0] is after
            token = SessionToken.parse(renewed[1])
            assert token is not None
            assert (token.key, token.digest) == (bench.token.key, asked[-1].successor)
    expected = Renewal(
        bench.session.key,
        bench.token.digest,
        "",
        salt="",
        now=at,
        scopes=frozenset({"orders:read"}),
        grace=0.0,
        authenticated_at=at - 5,
        amr=("otp",),
    )
    assert [replace(each, successor="") for each in asked] == [expected] * 2


@pytest.mark.parametrize("method", ["find_session", "renew_session", "find_by_id"])
def test_a_store_that_answers_something_else_lets_nobody_in(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    if method == "renew_session":
        bench.kept.users.set_scopes("alice", [])

    def answer(*_: object) -> object:
        return True

    monkeypatch.setattr(bench.kept.users if method == "find_by_id" else bench.kept.sessions, method, answer)
    with pytest.raises(FlowError, match=f"{method} answers a"):
        bench.ask()


def test_a_websocket_is_served_and_leaves_the_renewal_to_the_next_request(bench: Bench) -> None:
    bench.kept.users.set_scopes("alice", ["orders:write"])
    opened = bench.ask(upgrade="websocket", origin=ORIGIN)
    assert principal(opened).scopes == {"orders:write"}
    assert cookies(opened) == []
    assert len(cookies(bench.ask())) == 1


def test_a_remembered_cookie_outlives_the_browser(bench: Bench) -> None:
    name, value = bench.scheme.setting(replace(bench.session, remembered=True), "v")
    assert (name, value) == (
        "Set-Cookie",
        "__Host-session=v; Max-Age=43200; Path=/; Secure; HttpOnly; SameSite=Lax",
    )


def test_a_session_is_that_of_its_own_user_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    other = bench.kept.users.create("bob", id="8")

    def find_another(_: str) -> object:
        return other

    monkeypatch.setattr(bench.kept.users, "find_by_id", find_another)
    assert dead(bench.ask()) is Reason.SESSION_ENDED


def test_a_session_is_over_where_its_user_is_disabled_or_gone_though_nobody_ended_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bench.alice is not None
    for found in (replace(bench.alice, disabled=True), None, replace(bench.alice, id="8")):
        monkeypatch.setattr(bench.kept.users, "find_by_id", {"7": found}.get)
        assert dead(bench.ask()) is Reason.SESSION_ENDED
        refused = run(bench.scheme.sessions.find_unrevoked(bench.token.text))
        assert refused == Rejected(Reason.SESSION_ENDED, "session_1: its user is disabled or gone")
    monkeypatch.setattr(bench.kept.users, "find_by_id", {"7": bench.alice}.get)
    assert run(bench.scheme.sessions.find_unrevoked(bench.token.text)) == (bench.session, bench.alice)


@pytest.mark.parametrize("gone", ["disable", "delete"])
def test_a_session_ends_with_its_user(bench: Bench, gone: str) -> None:
    principal(bench.ask())
    getattr(bench.kept.users, gone)("alice")
    bench.follow()
    assert dead(bench.ask()) is Reason.SESSION_ENDED


@pytest.mark.parametrize(
    "value",
    ["", "x", "st_" + "0" * 68, "rt_" + "0" * 68, "st_" + "a" * 9000, "a b", "é", '"quoted"'],
)
def test_other_text_is_no_session_and_asks_no_store(bench: Bench, value: str) -> None:
    assert dead(bench.ask(value)) is Reason.SESSION_ENDED
    assert bench.asked == []


def test_a_value_of_the_same_chain_that_was_never_given_out_is_no_session(bench: Bench) -> None:
    assert dead(bench.ask(bench.token.successor("ab" * 32).text)) is Reason.SESSION_ENDED
    assert principal(bench.ask()).id == "7"  # and ends nothing


def test_two_cookies_are_none(bench: Bench) -> None:
    twice = f"{bench.scheme.cookie}={bench.token.text}; {bench.scheme.cookie}={bench.token.text}"
    found = bench.auth.authenticate(wsgi_request(cookie=twice))
    assert dead(found) is Reason.SESSION_ENDED


UNSAFE: list[tuple[str, dict[str, str], bool]] = [
    ("GET", {"sec_fetch_site": "cross-site"}, True),
    ("POST", SAME, True),
    ("POST", {"origin": ORIGIN}, True),
    ("POST", {"origin": "https://evil.example"}, False),
    ("POST", {"origin": "null"}, False),
    ("POST", {**SAME, "origin": "null"}, False),
    ("POST", {"sec_fetch_site": "same-site"}, False),
    ("POST", {"sec_fetch_site": "cross-site", "origin": ORIGIN}, False),
    ("POST", {"sec_fetch_site": "none"}, False),
    ("POST", {}, False),
    ("DELETE", {"host": "shop.example"}, False),
    ("GET", {"upgrade": "websocket"}, False),
    ("GET", {"upgrade": "websocket", "origin": "https://evil.example"}, False),
    ("GET", {"upgrade": "websocket", **SAME}, True),
]


@pytest.mark.parametrize("method, headers, passes", UNSAFE)
@pytest.mark.parametrize("remembered", [False, True], ids=["first", "remembered"])
def test_another_site_cannot_use_the_session(
    bench: Bench, method: str, headers: dict[str, str], passes: bool, remembered: bool
) -> None:
    if remembered:
        bench.ask()
    found = bench.ask(method=method, **headers)
    assert isinstance(found, Authentication)
    assert found.principal.is_authenticated is passes
    if not passes:
        assert dead(found) is Reason.CROSS_SITE
        assert cookies(found) == []  # otherwise every site could log users out


def posted(bench: Bench, form: dict[str, str], method: str = "POST", **headers: str) -> dict[str, RequestHead]:
    """A form that is sent without a header that tells where it comes from, under WSGI and under ASGI."""
    from io import BytesIO

    body = urlencode(form).encode()
    kind = "application/x-www-form-urlencoded"
    cookie = f"{bench.scheme.cookie}={bench.token.text}"
    environ = {**wsgi_request(method=method, cookie=cookie, **headers).environ, "CONTENT_TYPE": kind}
    environ |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}
    scope = asgi_request(method=method, cookie=cookie, content_type=kind, **headers).scope

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return {"wsgi": WSGIRequest(environ), "asgi": ASGIRequest(scope, receive)}


@pytest.mark.parametrize("remembered", [False, True], ids=["first", "remembered"])
def test_where_no_header_tells_the_form_token_counts(bench: Bench, remembered: bool) -> None:
    if remembered:
        bench.ask()
    token = bench.scheme.form_token(wsgi_request(cookie=f"{bench.scheme.cookie}={bench.token.text}"))
    other = Bench()
    of_other = other.scheme.form_token(wsgi_request(cookie=f"{other.scheme.cookie}={other.token.text}"))
    cases: list[tuple[dict[str, str], dict[str, str], bool]] = [
        ({"csrf_token": token, "a": "b"}, {}, True),
        ({}, {"x_csrf_token": token}, True),
        ({"csrf_token": token}, {"x_csrf_token": of_other}, False),
        ({"csrf_token": token}, {"origin": "https://evil.example"}, False),
        ({"csrf_token": token}, {"sec_fetch_site": "cross-site"}, False),
        ({"csrf_token": of_other}, {}, False),
        ({"csrf_token": ""}, {}, False),
        ({"csrf_token": token[:-1]}, {}, False),
        ({"other": token}, {}, False),
    ]
    for form, headers, passes in cases:
        both = posted(bench, form, **headers)
        found = [bench.auth.authenticate(both["wsgi"]), asyncio.run(bench.auth.authenticate_async(both["asgi"]))]
        assert [isinstance(each, Authentication) and each.principal.is_authenticated for each in found] == [passes] * 2
    other.feed.close()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_only_of_a_post_is_the_form_read(bench: Bench, method: str) -> None:
    token = bench.scheme.form_token(wsgi_request(cookie=f"{bench.scheme.cookie}={bench.token.text}"))
    assert dead(bench.auth.authenticate(posted(bench, {"csrf_token": token}, method)["wsgi"])) is Reason.CROSS_SITE
    assert principal(bench.auth.authenticate(posted(bench, {}, method, x_csrf_token=token)["wsgi"])).id == "7"


def test_a_form_token_stays_good_when_the_session_is_renewed(bench: Bench) -> None:
    token = bench.scheme.form_token(wsgi_request(cookie=f"{bench.scheme.cookie}={bench.token.text}"))
    bench.kept.users.set_scopes("alice", [])
    bench.token = SessionToken.parse(value_of(cookies(bench.ask())[0])) or bench.token
    assert principal(bench.auth.authenticate(posted(bench, {"csrf_token": token})["wsgi"])).id == "7"


def test_no_page_without_a_session_has_a_form_token(bench: Bench) -> None:
    assert bench.scheme.form_token(wsgi_request()) == ""
    assert bench.scheme.form_token(wsgi_request(cookie=f"{bench.scheme.cookie}=x")) == ""


@pytest.mark.parametrize("order", ["session first", "bearer first"])
def test_a_bearer_token_decides_alone_and_stays_remembered_in_either_order(bench: Bench, order: str) -> None:
    bearer = HTTPBearer({"t0ken": Principal("bob")}.get)
    bench.auth = Auth(bench.scheme | bearer if order == "session first" else bearer | bench.scheme)
    bench.ask()
    assert principal(bench.ask(authorization="Bearer t0ken")).id == "bob"
    assert isinstance(bench.ask(authorization="Bearer other"), Refusal)
    assert principal(bench.ask(authorization="Digest x")).id == "7"  # of a scheme that nobody accepts


def test_a_dead_cookie_is_cleared(bench: Bench) -> None:
    assert cookies(bench.ask("x")) == ["__Host-session=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"]


def test_nothing_of_the_session_is_secret_in_a_repr(bench: Bench) -> None:
    text = repr(
        (bench.session, bench.scheme, bench.token, bench.scheme.extract(wsgi_request(cookie="__Host-session=s3")))
    )
    assert not {bench.token.text, bench.token.digest, bench.token.key, "s3"} & set(text.replace("'", " ").split())


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: Session(MemoryStores), "sessions"),
        (lambda: Session(Stores()), "sessions"),
        (lambda: Session(MemoryStores(), cookie="session"), "__Host-"),
        (lambda: Session(MemoryStores(), origins="https://shop.example/"), "origin"),
    ],
)
def test_mistakes_are_refused(make: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        make()

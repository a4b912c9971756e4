"""What authmw tells its listeners: each of the twelve events, from what causes it, and no secret in any."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import CoroutineType
from typing import Any

import pytest
from authmw_sqlalchemy import SQLStores

from authmw import Auth, HTTPBasic, HTTPBearer, KeyRing, PasswordVerifier, Principal, Requirement
from authmw.events import Event
from authmw.http.request import WSGIRequest
from authmw.oauth2 import CookieMode, Lifetimes, Sessions
from authmw.stores import MemoryStores, MemoryThrottle, User
from authmw.stores.told_changes import changes_user
from authmw.testing import FakeIssuer
from tests.oauth2.asking import HASHER, KEYS, Bench, basic
from tests.requests import wsgi_request

ORIGIN = "https://shop.example"
HEAD = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}


def bench_of(told: list[Event], mount: str = "wsgi", **options: Any) -> Bench:
    """A token service. That its user was created is taken out of the events."""
    bench = Bench(mount, **options)
    told.clear()
    return bench


def names(told: list[Event]) -> list[str]:
    """The names of the events, which are taken out."""
    found = [event.name for event in told]
    told.clear()
    return found


def fields(event: Event) -> dict[str, Any]:
    """The fields, without those that differ in each run."""
    known = event.fields()
    return {name: value for name, value in known.items() if name not in ("at", "seconds", "session")}


@pytest.mark.parametrize("mount", ["wsgi", "asgi"])
def test_a_login_a_refresh_and_a_revocation_are_told_with_the_same_session(mount: str, told: list[Event]) -> None:
    bench = bench_of(told, mount)
    tokens = bench.log_in().json
    logged_in, issued = told
    session = logged_in.fields()["session"]
    assert fields(logged_in) == {"principal": "user-1", "client": "first-party", "source": "192.0.2.7"}
    assert fields(issued) == {
        "grant": "password",
        "principal": "user-1",
        "client": "first-party",
        "scopes": ("orders:read", "orders:write"),
        "source": "192.0.2.7",
    }
    assert float(str(logged_in.fields()["seconds"])) > 0
    told.clear()
    renewed = bench.refresh(tokens["refresh_token"]).json["refresh_token"]
    assert [event.fields()["session"] for event in told] == [session, session]
    assert names(told) == ["refreshed", "token_issued"]
    bench.post({"token": renewed, "client_id": "first-party"}, path="/revoke")
    assert [fields(event) for event in told] == [{"kind": "session", "id": session}]
    assert names(told) == ["revoked"]


def test_reuse_of_a_refresh_token_is_told_with_the_session_that_it_ended(told: list[Event]) -> None:
    bench = bench_of(told, lifetimes=Lifetimes(grace=0))
    token = bench.log_in().json["refresh_token"]
    bench.refresh(token)
    bench.clock.now += 1
    session = told[0].fields()["session"]
    told.clear()
    bench.refresh(token)
    reuse = next(event for event in told if event.name == "reuse_detected")
    assert reuse.fields() == {"at": reuse.at, "principal": "user-1", "session": session, "client": "first-party"}
    assert names(told) == ["revoked", "reuse_detected", "refused"]


def test_a_login_that_fails_is_told_with_its_reason_and_without_the_name(told: list[Event]) -> None:
    bench = bench_of(told)
    bench.log_in(password="hunter2")
    bench.log_in(username="n0body")
    assert [event.fields().get("code") for event in told if event.name == "login_failed"] == [
        "authmw.password-wrong",
        "authmw.user-unknown",
    ]
    assert names(told) == ["refused", "login_failed"] * 2


def test_a_mistake_of_a_client_is_refused_and_no_login_that_failed(told: list[Event]) -> None:
    bench = bench_of(told)
    bench.post({"grant_type": "password"})
    bench.post({"grant_type": "a\nb"})
    bench.log_in(scope="admin")
    assert [fields(event)["code"] for event in told] == ["invalid_request", "unsupported_grant_type", "invalid_scope"]
    assert names(told) == ["refused"] * 3


def test_pages_log_in_and_out_by_the_same_events(told: list[Event]) -> None:
    bench = bench_of(told, cookies=CookieMode([ORIGIN]), password=False)
    origin = ("origin", ORIGIN)
    form = {"username": "alice", "password": "correct horse"}
    answer = bench.post(form, [origin], path="/login")
    cookies = [value.partition(";")[0] for name, value in answer.headers if name == "set-cookie"]
    assert names(told) == ["logged_in", "token_issued"]
    refreshed = bench.ask("POST", "/refresh", [origin, ("cookie", "; ".join(cookies))])
    cookies = [value.partition(";")[0] for name, value in refreshed.headers if name == "set-cookie"]
    assert names(told) == ["refreshed", "token_issued"]
    bench.ask("POST", "/logout", [origin, ("cookie", "; ".join(cookies))])
    assert [event.fields()["kind"] for event in told] == ["session", "token"]
    told.clear()
    bench.post({**form, "password": "x"}, [origin], path="/login")
    assert names(told) == ["refused", "login_failed"]


def test_a_client_that_gets_a_token_logs_nobody_in(told: list[Event]) -> None:
    bench = bench_of(told)
    secret = bench.client()
    told.clear()
    bench.post({"grant_type": "client_credentials"}, basic("shop", secret))
    (issued,) = told
    assert issued.name == "token_issued"
    assert (issued.fields()["grant"], issued.fields()["client"]) == ("client_credentials", "shop")


def test_what_is_ended_by_an_administrator_is_told_too(told: list[Event]) -> None:
    bench = bench_of(told)
    for _ in range(2):
        bench.log_in()
    told.clear()
    assert Sessions(bench.service).end_all("user-1") == 2
    assert [event.fields()["kind"] for event in told] == ["user", "session", "session"]


def test_attempts_that_are_not_checked_are_told(told: list[Event]) -> None:
    auth = Auth(HTTPBasic(PasswordVerifier(MemoryStores().users, hasher=HASHER, throttle=MemoryThrottle(free=1))))
    for _ in range(2):
        auth.authenticate(WSGIRequest({"HTTP_AUTHORIZATION": "Basic YTpi", "REMOTE_ADDR": "192.0.2.7", **HEAD}))
    throttled = next(event for event in told if event.name == "throttled")
    assert fields(throttled) == {"by": "source", "source": "192.0.2.7", "retry_after": 1}
    assert names(told) == ["refused", "throttled", "refused"]


def test_a_refusal_names_what_is_missing(told: list[Event]) -> None:
    def of_alice(token: str) -> Principal:
        return Principal("alice", client_id="web")

    auth = Auth(HTTPBearer(of_alice))
    request = wsgi_request("/orders", authorization="Bearer t")
    found: Any = auth.authenticate(request)
    auth.decide(found, Requirement.all_of("write"), request)
    assert [fields(event) for event in told] == [
        {
            "code": "authmw.scope-missing",
            "status": 403,
            "principal": "alice",
            "missing": ("write",),
            "client": "web",
            "method": "GET",
            "path": "/orders",
        }
    ]


def test_a_request_about_which_nothing_could_be_decided_is_refused_with_503(told: list[Event]) -> None:
    def fail(token: str) -> Principal:
        raise OSError("password=hunter2")

    Auth(HTTPBearer(fail)).authenticate(wsgi_request("/orders", authorization="Bearer t"))
    assert [fields(event) for event in told] == [
        {"code": "authmw.unavailable", "status": 503, "method": "GET", "path": "/orders"}
    ]


def test_a_change_of_keys_is_told_by_their_names(told: list[Event]) -> None:
    ring = KeyRing.generate()
    old, new = ring.signer.kid, ring.rotate().kid
    ring.retire(old)
    assert [fields(event) for event in told] == [{"added": (new,)}, {"removed": (old,)}]
    assert names(told) == ["keys_rotated"] * 2


def test_keys_of_an_issuer_change_and_it_cannot_be_reached(told: list[Event]) -> None:
    fake = FakeIssuer(max_age=0)
    auth = Auth(HTTPBearer(fake.verifier(audience="orders")))
    old = fake.ring.signer.kid

    def ask(token: str) -> None:
        auth.authenticate(wsgi_request(authorization=f"Bearer {token}"))

    ask(fake.token("alice", audience="orders"))
    told.clear()
    new = fake.ring.rotate().kid
    told.clear()
    ask(fake.token("alice", audience="orders"))
    assert [fields(event) for event in told if event.name == "keys_rotated"] == [
        {"issuer": fake.issuer, "added": (new,)}
    ]
    told.clear()
    down = FakeIssuer("https://down.test")
    down.mode = "down"
    auth = Auth(HTTPBearer(down.verifier(audience="orders")))
    ask(down.token("alice", audience="orders"))
    unreachable = told[0].fields()
    assert (told[0].name, unreachable["issuer"], unreachable["keys"]) == ("issuer_unreachable", down.issuer, "none")
    assert names(told) == ["issuer_unreachable", "refused"]
    assert old != new


CHANGES = ["created", "disabled", "enabled", "password", "scopes", "renamed", "deleted"]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_change_of_a_user_is_told_by_the_id(kind: str, told: list[Event], tmp_path: Path) -> None:
    stores: Any = MemoryStores(hasher=HASHER)
    if kind == "sqlite":
        stores = SQLStores(f"sqlite:///{tmp_path}/app.db", hasher=HASHER)
    stores.users.create("alice", id="user-1")
    stores.users.disable("alice")
    stores.users.enable("alice")
    stores.users.set_password("alice", "correct horse")
    stores.users.set_scopes("alice", ["read"])
    stores.users.rename("alice", "alicia")
    stores.users.delete("alicia")
    assert [fields(event) for event in told] == [{"principal": "user-1", "change": change} for change in CHANGES]
    told.clear()
    with pytest.raises(LookupError):
        stores.users.disable("nobody")
    assert told == []
    if kind == "sqlite":
        stores.close()


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_what_an_administrator_revokes_is_told_by_its_id(kind: str, told: list[Event], tmp_path: Path) -> None:
    stores: Any = MemoryStores(hasher=HASHER)
    if kind == "sqlite":
        stores = SQLStores(f"sqlite:///{tmp_path}/app.db", hasher=HASHER)
    key, key_record = stores.keys.create("alice")
    token, token_record = stores.tokens.create("alice")
    stores.clients.create("shop")
    assert told == []
    stores.keys.revoke(key_record.id)
    stores.tokens.revoke(token_record.id)
    stores.clients.disable("shop")
    ids = [("key", key_record.id), ("token", token_record.id), ("client", "shop")]
    assert [(fields(event)["kind"], fields(event)["id"]) for event in told] == ids
    assert [text for text in (key, token) if text in str(told)] == []
    if kind == "sqlite":
        stores.close()


def test_a_change_on_an_event_loop_is_told_once_it_is_done(told: list[Event]) -> None:
    class Users:
        @changes_user("disabled")
        def disable(self, username: str) -> User:
            change: Any = self._disable(username)
            return change  # type: ignore[no-any-return]

        async def _disable(self, username: str) -> User:
            if username != "alice":
                raise LookupError
            return User("user-1", username)

    async def run() -> None:
        changing: Any = Users().disable("alice")
        assert isinstance(changing, CoroutineType)
        assert told == []
        await changing
        failing: Any = Users().disable("bob")
        with pytest.raises(LookupError):
            await failing

    asyncio.run(run())
    assert [fields(event) for event in told] == [{"principal": "user-1", "change": "disabled"}]


@pytest.mark.parametrize("keys", [None, KEYS], ids=["opaque", "JWT"])
def test_log_1_no_event_of_a_whole_life_holds_a_secret(keys: KeyRing | None, told: list[Event]) -> None:
    bench = bench_of(told, keys=keys, lifetimes=Lifetimes(grace=0), cookies=CookieMode([ORIGIN]))
    secret = bench.client(grant_types=["password", "refresh_token", "client_credentials"])
    api_key, _ = bench.stores.keys.create("user-1")
    first = bench.log_in().json
    second = bench.refresh(first["refresh_token"]).json
    auth = Auth(HTTPBearer(bench.service.verifier()))
    for token in (first["access_token"], second["access_token"], "x.y.z", api_key):
        auth.authenticate(wsgi_request(authorization=f"Bearer {token}"))
    bench.post({"grant_type": "client_credentials"}, basic("shop", secret))
    bench.post({"grant_type": "client_credentials", "client_id": "shop", "client_secret": "a third secret"})
    bench.log_in(password="another password")
    bench.log_in(username="correct horse battery")
    bench.stores.users.set_password("alice", "a new password")
    bench.clock.now += 1
    bench.refresh(first["refresh_token"])
    bench.post({"token": second["refresh_token"], "client_id": "first-party"}, path="/revoke")
    bench.post({"token": second["access_token"], "client_id": "first-party"}, path="/revoke")
    answer = bench.post({"username": "alice", "password": "a new password"}, [("origin", ORIGIN)], path="/login")
    cookies = [value.partition(";")[0].partition("=")[2] for name, value in answer.headers if name == "set-cookie"]
    said = "".join(f"{event!r} {event.fields()}" for event in told)
    assert len(told) > 10
    assert len(cookies) == 2
    tokens = [value for each in (first, second) for name, value in each.items() if name.endswith("_token")]
    words = ["correct horse", "another password", "a new password", "a third secret", secret, api_key, *cookies]
    for word in (*words, *tokens):
        assert word not in said

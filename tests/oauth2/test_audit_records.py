"""The log and the events of what the endpoints decided: one record each, and no secret in it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from authmw_flask import FlaskAuth, token_blueprint
from authmw_starlette import AuthMiddleware, token_routes
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from authmw import Auth, HTTPBearer
from authmw.events import Event, LoggedIn, LoginFailed, Refreshed, RequestRefused, ReuseDetected, TokenIssued, on_event
from authmw.oauth2.cookie_mode import CookieMode
from authmw.oauth2.lifetimes import Lifetimes
from authmw.stores import MemoryThrottle
from authmw.stores.records import Attempt, Wait
from tests.oauth2.asking import KEYS, NOW, Bench, basic

ORIGIN = "https://shop.example"
SAME = [("origin", ORIGIN)]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Event]]:
    """Each event, in order, as it happens. Each decision takes a second, all at the same time."""
    ticks = count(100)
    monkeypatch.setattr("authmw.oauth2.audit.perf_counter", lambda: float(next(ticks)))
    events: list[Event] = []
    stop = on_event(lambda event: events.append(replace(event, at=NOW)), inline=True)
    yield events
    stop()


def records(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "authmw.oauth2"]


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def test_a_login_is_recorded_with_who_and_through_what(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.log_in()
    (family,) = bench.stores.families.families_of("user-1", NOW)
    assert records(caplog) == [
        "authmw issued endpoint=token grant=password client=first-party principal=user-1 source=192.0.2.7 "
        f'family={family.id} scope="orders:read orders:write"'
    ]


def test_a_refusal_is_recorded_with_why(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(throttle=MemoryThrottle(free=100))
    secret = bench.client()
    bench.log_in(password="x")
    bench.log_in(username="nobody")
    bench.refresh("rt_x")
    bench.post({"grant_type": "client_credentials"}, basic("shop", "x"))
    bench.post({"grant_type": "client_credentials", "scope": "admin"}, basic("shop", secret))
    bench.post({"grant_type": "a\nb"})
    head = "authmw refused endpoint=token"
    source = "source=192.0.2.7"
    assert records(caplog) == [
        f"{head} grant=password client=first-party {source} error=invalid_grant status=400 "
        "detail=authmw.password-wrong",
        f"{head} grant=password client=first-party {source} error=invalid_grant status=400 detail=authmw.user-unknown",
        f"{head} grant=refresh_token client=first-party {source} error=invalid_grant status=400 "
        'detail="not a refresh token"',
        f'{head} grant=client_credentials {source} error=invalid_client status=401 detail="the secret is wrong"',
        f"{head} grant=client_credentials client=shop {source} error=invalid_scope status=400 "
        'detail="None of the requested scopes can be granted."',
        f'{head} grant=a\\nb {source} error=unsupported_grant_type status=400 detail="There is no such grant type."',
    ]


def test_a_replay_is_recorded_with_the_login_that_it_ended(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(lifetimes=Lifetimes(grace=0))
    token = bench.log_in().json["refresh_token"]
    bench.refresh(token)
    bench.clock.now += 1
    (family,) = bench.stores.families.families_of("user-1", NOW)
    bench.refresh(token)
    detail = f'detail="{family.id} is ended: a refresh token was used again"'
    assert records(caplog)[-1].endswith(detail)


def test_what_is_revoked_and_introspected_is_recorded_by_its_id(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    secret = bench.client()
    issued = bench.post({"grant_type": "client_credentials"}, basic("shop", secret)).json["access_token"]
    (record,) = bench.stores.tokens.list("shop")
    for path in ("/introspect", "/revoke", "/introspect"):
        bench.post({"token": issued}, basic("shop", secret), path=path)
    bench.post({"token": "x"}, basic("shop", secret), path="/revoke")
    for path in ("/introspect", "/revoke"):
        bench.post({"token": issued}, basic("shop", "x"), path=path)
    refused = 'source=192.0.2.7 error=invalid_client status=401 detail="the secret is wrong"'
    assert records(caplog)[1:] == [
        "authmw introspected endpoint=introspect client=shop source=192.0.2.7 active=yes",
        f"authmw revoked endpoint=revoke client=shop source=192.0.2.7 credential={record.id}",
        "authmw introspected endpoint=introspect client=shop source=192.0.2.7 active=no",
        "authmw revoked endpoint=revoke client=shop source=192.0.2.7",
        f"authmw refused endpoint=introspect {refused}",
        f"authmw refused endpoint=revoke {refused}",
    ]


def test_what_pages_do_is_recorded_by_their_endpoints(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(cookies=CookieMode([ORIGIN]))
    bench.post({"username": "alice", "password": "correct horse"}, SAME, path="/login")
    (family,) = bench.stores.families.families_of("user-1", NOW)
    bench.ask("POST", "/refresh", SAME)
    bench.ask("POST", "/logout", SAME)
    bench.ask("POST", "/logout")
    assert records(caplog) == [
        "authmw issued endpoint=login principal=user-1 source=192.0.2.7 "
        f'family={family.id} scope="orders:read orders:write"',
        'authmw refused endpoint=refresh source=192.0.2.7 error=invalid_grant status=400 detail="no cookie"',
        "authmw ended endpoint=logout source=192.0.2.7",
        "authmw refused endpoint=logout source=192.0.2.7 error=access_denied status=403 "
        'detail="Cross-site requests are not accepted."',
    ]


@pytest.mark.parametrize("mount", ["wsgi", "asgi"])
def test_the_events_of_a_session_tell_who_through_what_and_how_long_it_took(mount: str, told: list[Event]) -> None:
    bench = Bench(mount, cookies=CookieMode([ORIGIN]))
    bench.client("app", auth_method="none", grant_types=["password", "refresh_token"])
    told.clear()
    token = bench.log_in(client_id="app").json["refresh_token"]
    bench.refresh(token, client_id="app")
    (family,) = bench.stores.families.families_of("user-1", NOW)
    common: dict[str, Any] = {"principal": "user-1", "source": "192.0.2.7", "seconds": 1.0, "at": NOW}
    of_app: dict[str, Any] = {"session": family.id, "client": "app", **common}
    scopes: tuple[str, ...] = ("orders:read",)
    assert told == [
        LoggedIn(**of_app),
        TokenIssued(grant="password", scopes=scopes, **of_app),
        Refreshed(**of_app),
        TokenIssued(grant="refresh_token", scopes=scopes, **of_app),
    ]
    told.clear()
    answer = bench.post({"username": "alice", "password": "correct horse"}, SAME, path="/login")
    page = next(each for each in bench.stores.families.families_of("user-1", NOW) if each != family)
    cookies = [value.partition(";")[0] for name, value in answer.headers if name == "set-cookie"]
    bench.ask("POST", "/refresh", [*SAME, ("cookie", "; ".join(cookies))])
    of_page: dict[str, Any] = {"session": page.id, "client": "first-party", **common}
    scopes = ("orders:read", "orders:write")
    assert told == [
        LoggedIn(**of_page),
        TokenIssued(grant="password", scopes=scopes, **of_page),
        Refreshed(**of_page),
        TokenIssued(grant="refresh_token", scopes=scopes, **of_page),
    ]


def test_a_replay_is_told_with_whose_session_it_ended_and_who_presented_it(told: list[Event]) -> None:
    bench = Bench(lifetimes=Lifetimes(grace=0))
    bench.client("app", auth_method="none", grant_types=["password", "refresh_token"])
    token = bench.log_in(client_id="app").json["refresh_token"]
    (family,) = bench.stores.families.families_of("user-1", NOW)
    bench.refresh(token, client_id="app")
    bench.clock.now += 1
    told.clear()
    bench.refresh(token, client_id="app")
    assert [event for event in told if isinstance(event, ReuseDetected)] == [
        ReuseDetected(principal="user-1", session=family.id, client="app", at=NOW)
    ]


def test_the_event_of_a_clients_token_names_no_session(told: list[Event]) -> None:
    bench = Bench()
    secret = bench.client()
    told.clear()
    bench.post({"grant_type": "client_credentials"}, basic("shop", secret))
    of_shop: dict[str, Any] = {"principal": "shop", "client": "shop", "source": "192.0.2.7", "seconds": 1.0, "at": NOW}
    assert told == [TokenIssued(grant="client_credentials", scopes=("orders:read", "reports"), **of_shop)]


@pytest.mark.parametrize("mount", ["wsgi", "asgi"])
def test_a_refusal_is_told_with_all_that_is_known_of_the_request(mount: str, told: list[Event]) -> None:
    bench = Bench(mount)
    secret = bench.client()
    told.clear()
    bench.log_in(password="x")
    bench.post({"grant_type": "client_credentials", "scope": "admin"}, basic("shop", secret))
    bench.post({"token": "x"}, basic("shop", "x"), path="/introspect")
    common: dict[str, Any] = {"source": "192.0.2.7", "method": "POST", "at": NOW}
    at_token: dict[str, Any] = {"path": told[0].fields()["path"], "endpoint": "token", **common}
    assert told == [
        RequestRefused(
            code="invalid_grant", status=400, client="first-party", detail="authmw.password-wrong", **at_token
        ),
        LoginFailed(code="authmw.password-wrong", client="first-party", source="192.0.2.7", seconds=1.0, at=NOW),
        RequestRefused(
            code="invalid_scope",
            status=400,
            client="shop",
            detail="None of the requested scopes can be granted.",
            **at_token,
        ),
        RequestRefused(
            code="invalid_client",
            status=401,
            detail="the secret is wrong",
            endpoint="introspect",
            path=str(at_token["path"]).replace("token", "introspect"),
            **common,
        ),
    ]


def test_only_a_login_that_found_no_session_is_told_as_one_that_failed(told: list[Event]) -> None:
    bench = Bench()
    bench.stores.users.create("mallory", "staple", id="first-party")
    told.clear()
    bench.refresh("rt_x")
    bench.log_in(password="")
    bench.log_in(scope="admin")
    bench.post({"grant_type": "client_credentials"}, basic("shop", "x"))
    assert [event.name for event in told] == ["refused"] * 4
    bench.log_in(username="mallory", password="staple")  # whose id is that of a client
    assert [event for event in told if isinstance(event, LoginFailed)] == [
        LoginFailed(code="invalid_grant", client="first-party", source="192.0.2.7", seconds=1.0, at=NOW)
    ]


WAITS = {"authmw.too-many-attempts": Wait(8.0, source_failed=True), "authmw.account-throttled": Wait(60.0)}


@pytest.mark.parametrize("code", WAITS)
def test_a_login_that_is_not_even_checked_is_recorded_and_told_with_its_reason(
    code: str, told: list[Event], caplog: pytest.LogCaptureFixture
) -> None:
    class Throttle(MemoryThrottle):
        def reserve(self, attempt: Attempt, now: float) -> Wait:
            return WAITS[code]

    answer = Bench(throttle=Throttle()).log_in()
    assert records(caplog) == [
        "authmw refused endpoint=token grant=password client=first-party source=192.0.2.7 "
        f"error=temporarily_unavailable status={answer.status} detail={code}"
    ]
    failed = [event for event in told if isinstance(event, LoginFailed)]
    assert failed == [LoginFailed(code=code, client="first-party", source="192.0.2.7", seconds=1.0, at=NOW)]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("framework", ["flask", "starlette"])
def test_a_refusal_appears_on_a_terminal_by_itself_while_the_application_around_is_debugged(
    framework: str, debug: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench()
    auth = Auth(HTTPBearer(bench.service.verifier()))
    client: Any
    if framework == "flask":
        app = Flask("shop")
        app.debug = debug
        app.register_blueprint(token_blueprint(bench.service))
        FlaskAuth(app, auth)
        client = app.test_client()
    else:
        guard = Middleware(AuthMiddleware, auth=auth)
        client = TestClient(Starlette(debug=debug, routes=token_routes(bench.service), middleware=[guard]))
    monkeypatch.setattr(logging.getLogger("authmw.oauth2"), "propagate", False)  # nobody has configured logging
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    client.post("/token", data={"grant_type": "password", "username": "alice", "password": "x"})
    shown = "authmw refused token: 400 invalid_grant, authmw.password-wrong (grant password, "
    assert terminal.getvalue().startswith(shown) if debug else terminal.getvalue() == ""


@pytest.mark.parametrize("keys", [None, KEYS], ids=["opaque", "JWT"])
def test_log_1_no_secret_is_in_any_log(caplog: pytest.LogCaptureFixture, keys: object) -> None:
    bench = Bench(keys=keys)
    secret = bench.client(grant_types=["password", "refresh_token", "client_credentials"])
    form = {"grant_type": "password", "username": "alice", "password": "correct horse"}
    first = bench.post(form, basic("shop", secret)).json
    second = bench.refresh(first["refresh_token"], basic("shop", secret)).json
    bench.refresh(second["refresh_token"], basic("shop", "another secret"))
    bench.refresh(second["refresh_token"] + "x", basic("shop", secret))
    bench.log_in(password="another password")
    bench.post({"grant_type": "client_credentials", "client_id": "shop", "client_secret": "a third secret"})
    said = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    tokens = [value for told in (first, second) for name, value in told.items() if name.endswith("_token")]
    for word in (secret, *tokens, "correct horse", "another secret", "another password", "a third secret"):
        assert word not in said

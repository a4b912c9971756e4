"""`login_user` and `logout_user`: a view that authenticates users itself begins and ends their sessions."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final

import pytest
from authmw_flask import FlaskAuth, login_blueprint, login_user, logout_user, public
from authmw_starlette import AuthMiddleware
from flask import Flask, request
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from authmw import Auth, ConfigurationError, Session, current_principal
from authmw.asgi import ASGIRequest
from authmw.flow import run_async
from authmw.login import LoginPages
from authmw.stores import CHEAPEST, MemoryStores, PasswordHasher, StoreUnavailable
from authmw.testing import FakeClock
from tests.login.browser import Browser, Page, to_asgi, to_wsgi

ABSENT: Final = "9"


class Own:
    """A shop whose own view begins sessions."""

    def __init__(self, **settings: Any) -> None:
        self.user: object = None
        self.clock = FakeClock(1_800_000_000.0)
        self.stores = MemoryStores(hasher=PasswordHasher(CHEAPEST), clock=self.clock)
        self.stores.users.create("alice", id="7")
        self.stores.users.create("bob", id="8")
        self.session = Session(self.stores, clock=self.clock)
        pages = LoginPages(self.session, self.stores, clock=self.clock)
        app = Flask("shop")
        app.register_blueprint(login_blueprint(pages, url_prefix="/auth"))
        app.add_url_rule("/in", "in", public(self.enter), methods=["POST"])
        app.add_url_rule("/out", "out", public(leave), methods=["POST"])
        app.add_url_rule("/", "home", lambda: current_principal().display_name)
        FlaskAuth(app, Auth(self.session, clock=self.clock), **settings)
        self.send = to_wsgi(app)

    def enter(self) -> str:
        """Log in whoever the form names, as after a registration."""
        return str(login_user(self.user or request.form["id"], remember="remember" in request.form))

    def post(self, browser: Browser, user_id: str, **fields: str) -> Page:
        return browser.post("/in", {"id": user_id, **fields})


def leave() -> str:
    return str(logout_user())


@pytest.fixture(params=[False, True], ids=["shown", "hidden"])
def own(request: pytest.FixtureRequest) -> Iterator[Own]:
    made = Own(hide_credentials=request.param)
    yield made
    assert made.session.feed is not None
    made.session.feed.close()


def test_a_session_begins_and_ends(own: Own) -> None:
    browser = Browser(own.send)
    answer = own.post(browser, "7")
    assert answer.text == "True"
    assert "Max-Age" not in answer.cookies()["__Host-session"]
    assert browser.fetch("/").text == "alice"
    kept = dict(browser.jar)
    assert browser.post("/out", {}).text == "True"
    assert browser.jar == {}
    thief = Browser(own.send)
    thief.jar |= kept
    assert thief.fetch("/").status == 401


def test_who_is_remembered_has_a_cookie_that_lasts(own: Own) -> None:
    answer = own.post(Browser(own.send), "7", remember="yes")
    assert "Max-Age=2592000" in answer.cookies()["__Host-session"]
    (session,) = own.stores.sessions.sessions_of("7", own.clock())
    assert session.remembered


def test_a_login_gives_another_cookie_and_ends_the_session_of_another_user(own: Own) -> None:
    browser = Browser(own.send)
    own.post(browser, "7")
    first = browser.jar["__Host-session"]
    own.post(browser, "7")
    assert browser.jar["__Host-session"] != first
    assert len(own.stores.sessions.sessions_of("7", own.clock())) == 1
    own.post(browser, "8")
    assert browser.fetch("/").text == "bob"
    assert own.stores.sessions.sessions_of("7", own.clock()) == ()


def test_who_asks_to_be_remembered_gets_another_session_in_the_place_of_the_one_that_was_there(own: Own) -> None:
    browser = Browser(own.send)
    own.post(browser, "7")
    (first,) = own.stores.sessions.sessions_of("7", own.clock())
    own.post(browser, "7", remember="yes")
    (second,) = own.stores.sessions.sessions_of("7", own.clock())
    own.post(browser, "7", remember="yes")
    (third,) = own.stores.sessions.sessions_of("7", own.clock())
    assert [each.remembered for each in (first, second, third)] == [False, True, True]
    assert (first.id == second.id, second.id == third.id) == (False, True)
    assert third.amr == ()


def test_the_clearing_of_a_dead_cookie_does_not_clear_the_new_one(own: Own) -> None:
    browser = Browser(own.send)
    own.post(browser, "7")
    own.clock.advance(hours=13)
    answer = own.post(browser, "7")
    assert [name for name, _ in answer.headers if name.lower() == "set-cookie"] == ["Set-Cookie"]
    assert browser.fetch("/").text == "alice"


@pytest.mark.parametrize("user_id", [ABSENT, "", "alice"])
def test_for_nobody_no_session_begins(own: Own, user_id: str) -> None:
    browser = Browser(own.send)
    answer = own.post(browser, user_id)
    assert (answer.text, answer.cookies()) == ("False", {})
    assert browser.fetch("/").status == 401


def test_a_store_that_compares_loosely_logs_nobody_else_in(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = own.stores.users.find("alice")

    def find_any(_: str) -> object:
        return alice

    monkeypatch.setattr(own.stores.users, "find_by_id", find_any)
    browser = Browser(own.send)
    assert own.post(browser, "7 ").text == "False"
    assert browser.jar == {}


def test_for_a_disabled_user_no_session_begins(own: Own) -> None:
    own.stores.users.disable("alice")
    browser = Browser(own.send)
    assert own.post(browser, "7").text == "False"
    assert browser.jar == {}


def test_a_store_that_is_down_is_a_503(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> None:
        raise StoreUnavailable("no disk")

    browser = Browser(own.send)
    monkeypatch.setattr(own.stores.sessions, "add_session", down)
    assert own.post(browser, "7").status == 503
    assert browser.jar == {}


@pytest.mark.parametrize("user", [SimpleNamespace(id=7), SimpleNamespace(get_id=lambda: "7", id=3)])
def test_a_user_object_is_taken_by_its_id(own: Own, user: object) -> None:
    own.user = user
    browser = Browser(own.send)
    assert own.post(browser, "").text == "True"
    assert browser.fetch("/").text == "alice"


def test_an_endpoint_of_starlette_begins_and_ends_a_session() -> None:
    stores = MemoryStores()
    stores.users.create("alice", id="7")
    session = Session(stores)
    pages = LoginPages(session, stores)

    async def enter(request: Request) -> Response:
        header = await run_async(pages.log_in(ASGIRequest(request.scope), request.query_params["id"], amr=("pwd",)))
        response = PlainTextResponse(str(header is not None))
        if header is not None:
            response.headers.append(*header)
        return response

    async def leave_(request: Request) -> Response:
        response = PlainTextResponse("left")
        response.headers.append(*(await run_async(pages.log_out(ASGIRequest(request.scope)))))
        return response

    async def home(request: Request) -> Response:
        return PlainTextResponse(f"{request.user.display_name} {request.user.claims['amr']}")

    routes = [
        Route("/in", public(enter), methods=["POST"]),
        Route("/out", public(leave_), methods=["POST"]),
        Route("/", home),
    ]
    browser = Browser(
        to_asgi(Starlette(routes=routes, middleware=[Middleware(AuthMiddleware, auth=Auth(session))])),
    )
    assert browser.post("/in?id=9", {}).text == "False"
    assert browser.post("/in?id=7", {}).text == "True"
    assert browser.fetch("/").text == "alice ['pwd']"
    assert len(stores.sessions.sessions_of("7", 0.0)) == 1
    assert browser.post("/out", {}).text == "left"
    assert browser.jar == {}
    assert stores.sessions.sessions_of("7", 0.0) == ()
    assert session.feed is not None
    session.feed.close()


def test_mistakes_are_told() -> None:
    app = Flask("shop")
    with app.test_request_context():
        with pytest.raises(ConfigurationError, match="LocalAuth"):
            login_user("7")
        with pytest.raises(ConfigurationError, match="logout_user needs the login pages"):
            logout_user()
        stores = MemoryStores()
        app.register_blueprint(login_blueprint(LoginPages(Session(stores), stores), url_prefix="/auth"))
        with pytest.raises(ConfigurationError, match="neither"):
            login_user(object())

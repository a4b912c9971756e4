"""A shop whose pages need a login, in Flask and in Starlette, and its browsers."""

from __future__ import annotations

from typing import Any, Final, Literal

from authmw_flask import FlaskAuth, login_blueprint
from authmw_starlette import AuthMiddleware, login_routes, template_context
from flask import Flask, render_template_string
from jinja2 import Template
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Mount, Route

from authmw import Auth, HTTPBearer, Principal, Session, current_principal
from authmw.login import LoginPages, Mail
from authmw.stores import CHEAPEST, MemoryStores, PasswordHasher
from authmw.testing import FakeClock
from tests.login.browser import Browser, Send, to_asgi, to_wsgi

World = Literal["flask", "starlette"]
WORLDS: Final[tuple[World, ...]] = ("flask", "starlette")
FORM: Final = """<html><form action="/" method="post"><input name="csrf_token" value="{{ csrf_token() }}"></form>"""
SECRET: Final = "correct horse"


class Shop:
    """A shop.

    Args:
        world: its framework.
        stores: instead of those in memory.
        hide_credentials: the setting of the guard.
        options: more arguments of `LoginPages`.
    """

    def __init__(
        self, world: World = "flask", *, stores: Any = None, hide_credentials: bool = False, **options: Any
    ) -> None:
        self._guarding: dict[str, Any] = {"public": ["/public"], "hide_credentials": hide_credentials}
        self.clock = FakeClock(1_800_000_000.0)
        hasher = PasswordHasher(CHEAPEST)
        self.stores: Any = stores or MemoryStores(hasher=hasher, clock=self.clock)
        self.users: Any = self.stores.users
        self.users.create("alice", SECRET, id="7", scopes=["orders:read"], email="alice@mail.example")
        self.users.create("bob", "battery staple", id="8")
        self.mails: list[Mail] = []
        self.session = Session(self.stores, clock=self.clock)
        settings: dict[str, Any] = {
            "public_url": "https://shop.example/auth",
            "send_mail": self.mails.append,
            "clock": self.clock,
            "hasher": hasher,
            **options,
        }
        self.pages = LoginPages(self.session, self.stores, **settings)
        self.auth = Auth(
            self.session | HTTPBearer({"t0ken": Principal("robot")}.get), login="/auth/login", clock=self.clock
        )
        self.send: Send = to_wsgi(self.flask()) if world == "flask" else to_asgi(self.starlette())

    def browser(self, agent: str = "Firefox") -> Browser:
        """A browser without cookies."""
        return Browser(self.send, agent)

    def logged_in(
        self, username: str = "alice", password: str = SECRET, agent: str = "Firefox", **more: str
    ) -> Browser:
        """A browser in which a user has logged in."""
        browser = self.browser(agent)
        fields: Any = {"username": username, "password": password, **more}
        page = browser.submit(browser.open("/auth/login"), **fields)
        assert page.status == 200, page.text
        assert browser.jar["__Host-session"]
        return browser

    def mail(self) -> Mail:
        """The newest mail."""
        assert self.pages.outbox is not None
        self.pages.outbox.join()
        return self.mails[-1]

    def follow(self) -> None:
        """Read the revocations, as a thread does within a second."""
        if self.session.feed is not None:
            self.session.feed.follow_once()

    def close(self) -> None:
        """Stop following revocations."""
        if self.session.feed is not None:
            self.session.feed.close()

    def flask(self) -> Flask:
        """The shop in Flask."""
        app = Flask("shop")
        FlaskAuth(app, self.auth, **self._guarding)
        app.register_blueprint(login_blueprint(self.pages, url_prefix="/auth"))
        app.add_url_rule("/", "home", greet, methods=["GET", "POST"])
        app.add_url_rule("/public", "public", greet)
        app.add_url_rule("/form", "form", lambda: render_template_string(FORM))
        return app

    def starlette(self) -> Starlette:
        """The shop in Starlette."""

        async def endpoint(request: Request) -> PlainTextResponse:
            return PlainTextResponse(greet())

        async def form(request: Request) -> HTMLResponse:
            return HTMLResponse(Template(FORM).render(template_context(request)))

        return Starlette(
            routes=[
                Mount("/auth", routes=login_routes(self.pages)),
                Route("/", endpoint, methods=["GET", "POST"]),
                Route("/public", endpoint),
                Route("/form", form),
            ],
            middleware=[Middleware(AuthMiddleware, auth=self.auth, **self._guarding)],
        )


def greet() -> str:
    """What every page of the shop says."""
    return f"hello {current_principal().display_name or 'stranger'}"

"""`LocalAuth(app, pages=True)`: people log in on a page, and programs as before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import authmw_fastapi
import authmw_flask
import authmw_starlette
import pytest
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from authmw import ConfigurationError, current_principal
from authmw.login import LoginOptions
from authmw.pages import Look
from tests.login.browser import FORM, Browser, to_asgi, to_wsgi

SECRET = "correct horse"
Made = tuple[Any, Browser]


def greet() -> str:
    return f"hello {current_principal().display_name}"


async def endpoint(request: Request) -> PlainTextResponse:
    return PlainTextResponse(greet())


def in_flask(**options: Any) -> Made:
    app = Flask("shop")
    app.add_url_rule("/", "home", greet)
    return authmw_flask.LocalAuth(app, **options).local, Browser(to_wsgi(app))


def in_starlette(**options: Any) -> Made:
    app = Starlette(routes=[Route("/", endpoint)])
    return authmw_starlette.LocalAuth(app, **options).local, Browser(to_asgi(app))


def in_fastapi(**options: Any) -> Made:
    app = FastAPI()
    app.add_route("/", endpoint)
    return authmw_fastapi.LocalAuth(app, **options).local, Browser(to_asgi(app))


MAKERS: dict[str, Callable[..., Made]] = {"flask": in_flask, "starlette": in_starlette, "fastapi": in_fastapi}


@pytest.fixture(params=MAKERS)
def make(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cheap_hashes: None
) -> Iterator[Callable[..., Made]]:
    monkeypatch.chdir(tmp_path)
    made: list[Any] = []

    def begin(**options: Any) -> Made:
        local, browser = MAKERS[request.param](**options)
        made.append(local)
        local.stores.users.create("alice", SECRET, email="alice@mail.example")
        return local, browser

    yield begin
    for local in made:
        local.tokens.feed.close()
        local.close()


def test_people_log_in_on_a_page_and_programs_by_a_token(make: Callable[..., Made]) -> None:
    _, browser = make(pages=True)
    page = browser.open("/")
    assert "Log in" in page.text
    assert "Forgot" not in page.text
    assert browser.submit(page, username="alice", password=SECRET).text == "hello alice"
    form = f"grant_type=password&username=alice&password={SECRET.replace(' ', '+')}".encode()
    issued = browser.ask("POST", "/auth/token", form, content_type=FORM)
    browser.jar.clear()
    token = issued.text.partition('"access_token":"')[2].partition('"')[0]
    assert browser.ask("GET", "/", authorization=f"Bearer {token}").text == "hello alice"
    refused = browser.fetch("/")
    assert refused.status == 401
    assert "Basic" not in refused.header("www-authenticate")  # a browser would ask for the password in a window


def test_the_pages_have_their_options(make: Callable[..., Made]) -> None:
    mails: list[Any] = []
    options = LoginOptions(look=Look("Corner Shop"), home="/", send_mail=mails.append, remember_me=False)
    local, browser = make(issuer="https://shop.example/auth", pages=options)
    page = browser.open("/")
    assert "Corner Shop" in page.text
    assert "remember" not in page.form.fields
    browser.submit(browser.open("/auth/forgotten"), username="alice")
    local.pages.outbox.join()
    assert "https://shop.example/auth/reset?token=" in mails[0].text


def test_without_pages_there_are_none(make: Callable[..., Made]) -> None:
    _, browser = make()
    assert browser.open("/").status == 401
    assert browser.open("/auth/login").status == 401
    assert "Basic" in browser.open("/").header("www-authenticate")


@pytest.mark.parametrize(
    "options, said",
    [
        ({"pages": "yes"}, "pages=True"),
        ({"pages": LoginOptions(send_mail=print)}, "issuer="),
        ({"pages": LoginOptions(home="//evil.example")}, "home="),
    ],
)
def test_mistakes_are_refused(make: Callable[..., Made], options: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        make(**options)

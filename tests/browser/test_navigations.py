"""A browser is sent to log in when it opens a page, and gets the 401 for all that a page loads or asks for."""

from __future__ import annotations

from collections.abc import Generator
from random import Random
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from authmw_flask import FlaskAuth, public
from flask import Flask, redirect, request

from authmw import APIKeyCookie, Auth, HTTPBearer, Principal, safe_next
from tests.http.test_next_path import OTHER, SAME, is_of_the_origin
from tests.support import chromium, require

pytestmark = [pytest.mark.browser, pytest.mark.servers]

PIECES = [
    *("/", "/", "\\", ":", "?", "#", "@", ".", "%", ";", "\t", "\r", "\n", " ", "\x00", "a", "é", "//", "..", "https"),
    *("http:", "evil.example", "app.example", "%2F", "%5c", "%0a", "javascript:", "https:", "\u3002", "\uff0f"),
]
RESOLVE = """texts => texts.map(text => {
    try { return new URL(text, "https://app.example/a/b").origin } catch { return "" }
})"""
STATUS = "url => fetch(url, {redirect: 'manual'}).then(answer => answer.status)"
IMAGE = """url => new Promise(done => {
    const image = new Image()
    image.onload = () => done("loaded")
    image.onerror = () => done("failed")
    image.src = url
})"""


def lookup(key: str) -> Principal | None:
    """Knows alice."""
    return Principal("alice") if key == "alice" else None


def shop() -> Flask:
    """An application with a login page that needs no password."""
    app = Flask("shop", static_folder=None)

    @app.get("/login")
    @public
    def login() -> Any:
        answer = (
            redirect(safe_next(request.args.get("next")), 303) if "go" in request.args else app.make_response("log in")
        )
        if "go" in request.args:
            answer.set_cookie("key", "alice")
        return answer

    @app.get("/orders")
    def orders() -> str:
        return "orders of alice"

    FlaskAuth(app, Auth(APIKeyCookie("key", lookup) | HTTPBearer(lookup), login="/login"))
    return app


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def url() -> Generator[str]:
    server: WSGIServer = make_server("127.0.0.1", 0, shop(), handler_class=_Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page() -> Generator[Any]:
    require("browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def test_a_stranger_who_opens_a_page_logs_in_and_comes_back(page: Any, url: str) -> None:
    page.goto(f"{url}/orders?page=2")
    assert page.url == f"{url}/login?next=/orders%3Fpage%3D2"
    assert page.inner_text("body") == "log in"
    page.goto(f"{page.url}&go=1")
    assert page.url == f"{url}/orders?page=2"
    assert page.inner_text("body") == "orders of alice"


def test_what_a_page_asks_for_or_shows_gets_the_401(page: Any, url: str) -> None:
    page.goto(f"{url}/login")
    assert page.evaluate(STATUS, f"{url}/orders") == 401
    asked: list[tuple[int, str]] = []

    def keep(answer: Any) -> None:
        asked.append((answer.status, answer.request.resource_type))

    page.on("response", keep)
    assert page.evaluate(IMAGE, f"{url}/orders") == "failed"
    page.set_content(f'<iframe src="{url}/orders"></iframe>')
    page.wait_for_load_state("networkidle")
    assert asked == [(401, "image"), (401, "document")]


def test_a_browser_resolves_what_is_accepted_to_the_origin(page: Any, url: str) -> None:
    page.goto(f"{url}/login")
    random = Random(9470)
    texts = [each for each in (*SAME, *OTHER) if isinstance(each, str)]
    texts += ["".join(random.choices(PIECES, k=random.randint(0, 8))) for _ in range(20_000)]
    texts += [f"/{each}" for each in texts]
    origins = page.evaluate(RESOLVE, texts)
    foreign = [text for text, origin in zip(texts, origins, strict=True) if origin != "https://app.example"]
    assert [text for text in foreign if safe_next(text, "")] == []
    assert [text for text in foreign if is_of_the_origin(text)] == []
    assert sum(bool(safe_next(text, "")) for text in texts) > 1000

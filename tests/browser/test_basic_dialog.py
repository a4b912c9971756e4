"""A browser meets the challenge: Playwright answers the dialog of HTTP authentication."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from tests.clients.apps import ACCOUNTS
from tests.servers.running import SERVERS, running
from tests.support import chromium, require

pytestmark = [pytest.mark.browser, pytest.mark.servers]

SERVER = "uvicorn-h11"


@pytest.fixture(scope="module")
def base() -> Generator[str]:
    require("browser")
    with running(SERVER, f"tests.clients.apps:{SERVERS[SERVER][0]}") as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def browser() -> Generator[Any]:
    require("browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("path", ["/basic", "/sha256", "/both"])
@pytest.mark.parametrize("name", ACCOUNTS)
def test_a_browser_answers_the_dialog_and_goes_on_without_asking_again(
    browser: Any, base: str, path: str, name: str
) -> None:
    context = browser.new_context(http_credentials={"username": name, "password": ACCOUNTS[name]})
    try:
        page = context.new_page()
        answers = [page.goto(base + path) for _ in range(2)]
        assert [(answer.status, page.inner_text("body")) for answer in answers] == [(200, f"hello {name}")] * 2
    finally:
        context.close()


def test_a_browser_with_a_wrong_password_is_refused(browser: Any, base: str) -> None:
    context = browser.new_context(http_credentials={"username": "alice", "password": "wrong"})
    try:
        assert context.new_page().goto(f"{base}/basic").status == 401
    finally:
        context.close()

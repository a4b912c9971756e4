"""A browser keeps the cookies of ``http://localhost``, sends them, and says where a request comes from."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from tests.servers.running import running
from tests.support import chromium, require

pytestmark = [pytest.mark.browser, pytest.mark.servers]

SEND = "([url, options]) => fetch(url, options).then(answer => answer.status, () => 0)"
LOGIN = {
    "method": "POST",
    "headers": {"content-type": "application/x-www-form-urlencoded"},
    "body": "username=alice&password=correct+horse",
}
POST = {"method": "POST"}


def is_posted(answer: Any) -> bool:
    return bool(answer.request.method == "POST")


@pytest.fixture(scope="module")
def port() -> Generator[int]:
    require("browser")
    with running("uvicorn-h11", "tests.browser.cookie_app:application") as port:
        yield port


@pytest.fixture
def page(port: int) -> Generator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"http://localhost:{port}/")
        yield page
        browser.close()


def test_a_page_on_localhost_logs_in_refreshes_and_logs_out(page: Any) -> None:
    def send(path: str, options: dict[str, Any] | None = None) -> int:
        status: int = page.evaluate(SEND, [path, options or {}])
        return status

    assert send("/orders") == 401
    assert send("/auth/login", LOGIN) == 200
    kept = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert set(kept) == {"__Host-access", "__Host-refresh"}
    assert all(each["httpOnly"] and each["secure"] and each["sameSite"] == "Lax" for each in kept.values())
    assert page.evaluate("document.cookie") == ""
    assert (send("/orders"), send("/orders", POST)) == (200, 200)
    assert send("/auth/refresh", POST) == 200
    renewed = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    assert all(renewed[name] != each["value"] for name, each in kept.items())
    assert send("/orders", POST) == 200
    assert send("/auth/logout", POST) == 204
    assert page.context.cookies() == []
    assert send("/orders") == 401


def test_a_page_of_another_site_changes_nothing_with_the_cookies(page: Any, port: int) -> None:
    assert page.evaluate(SEND, ["/auth/login", LOGIN]) == 200
    before = page.context.cookies()
    # Another host is another site; localhost with another name would be, too.
    page.goto(f"http://127.0.0.1:{port}/")
    with page.expect_response(is_posted) as posted:
        page.evaluate(
            "url => { const form = document.createElement('form');"
            " form.method = 'post'; form.action = url; document.body.append(form); form.submit(); }",
            f"http://localhost:{port}/auth/logout",
        )
    assert posted.value.status == 403
    assert page.context.cookies(f"http://localhost:{port}") == before


LISTEN = """() => {
    window.heard = [];
    const events = new EventSource("/events");
    events.onmessage = event => window.heard.push("event " + event.data);
    events.onerror = () => window.heard.push("error " + events.readyState);
}"""


def test_after_a_log_out_an_open_page_hears_nothing_more_and_meets_the_401(page: Any) -> None:
    assert page.evaluate(SEND, ["/auth/login", LOGIN]) == 200
    page.evaluate(LISTEN)
    page.wait_for_function("window.heard.length == 1")
    with page.expect_response("**/events") as again:
        assert page.evaluate(SEND, ["/auth/logout", POST]) == 204
    assert again.value.status == 401
    page.wait_for_function("window.heard.includes('error 2')")  # it was refused, and tries no more
    # 0: the stream has ended, and the browser connects again.
    assert page.evaluate("window.heard") == ["event user-1", "error 0", "error 2"]

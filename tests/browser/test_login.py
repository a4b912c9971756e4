"""People log in with Chromium, on the examples with pages: each with its own server, on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from authmw_sqlalchemy import SQLStores

from tests.servers.running import running
from tests.support import chromium, require

pytestmark = [pytest.mark.browser, pytest.mark.servers]

SECRET = "correct horse battery staple"
STATUS = "([url, options]) => fetch(url, options).then(answer => answer.status, () => 0)"
POST_FORM = (
    "url => { const form = document.createElement('form'); form.method = 'post'; form.action = url;"
    " document.body.append(form); form.submit(); }"
)
APPS = {
    "flask": ("werkzeug", "examples.login.flask_app:app"),
    "starlette": ("uvicorn-h11", "examples.login.starlette_app:app"),
    "fastapi": ("uvicorn-httptools", "examples.login.fastapi_app:app"),
}

Tab = Callable[..., Any]


class Shop:
    """A server, and its users."""

    def __init__(self, port: int, stores: SQLStores) -> None:
        self.url = f"http://localhost:{port}"
        self.other_site = f"http://127.0.0.1:{port}"
        self.stores = stores


@pytest.fixture(scope="module", params=APPS)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    require("browser")
    folder: Path = tmp_path_factory.mktemp("login")
    database = f"sqlite:///{folder}/app.db"
    stores = SQLStores(database)
    stores.users.create("alice", SECRET, scopes=["orders:read"])
    stores.users.create("bob", SECRET)
    server, app = APPS[request.param]
    with running(server, app, {"AUTHMW_DATABASE": database, "AUTHMW_KEYS": f"{folder}/keys.json"}) as port:
        yield Shop(port, stores)
    stores.close()


@pytest.fixture
def tab(shop: Shop) -> Generator[Tab]:
    """Opens a page in a browser of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])

        def opened(path: str = "/", **options: Any) -> Any:
            page = browser.new_context(**options).new_page()
            page.goto(shop.url + path)
            return page

        yield opened
        browser.close()


def log_in(page: Any, username: str = "alice", password: str = SECRET, *, remember: bool = False) -> None:
    page.fill("#username", username)
    page.fill("#password", password)
    if remember:
        page.check("#remember")
    page.click("main button")


def is_posted(answer: Any) -> bool:
    return bool(answer.request.method == "POST")


def text(page: Any) -> str:
    content: str = page.inner_text("body")
    return content


def test_a_stranger_logs_in_and_gets_to_the_page(shop: Shop, tab: Tab) -> None:
    page = tab("/orders")
    assert page.url == f"{shop.url}/auth/login?next=/orders"
    log_in(page, password="wrong")
    assert "The user name or the password is wrong" in text(page)
    assert page.title().startswith("Error")
    assert page.input_value("#username") == "alice"
    assert page.input_value("#password") == ""
    log_in(page)
    assert page.url == f"{shop.url}/orders"
    (cookie,) = [each for each in page.context.cookies() if each["name"] == "__Host-session"]
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"], cookie["expires"]) == (True, True, "Lax", -1)
    assert page.evaluate("document.cookie") == ""


def test_going_back_after_logging_out_shows_no_page_of_the_user(shop: Shop, tab: Tab) -> None:
    page = tab()
    log_in(page)
    assert "Hello alice" in text(page)
    page.click("text=Log out")
    page.click("main button")
    assert "You are logged out" in text(page)
    page.go_back()
    page.reload()
    page.goto(f"{shop.url}/")
    assert page.url == f"{shop.url}/auth/login?next=/"


def test_a_navigation_and_a_fetch_of_the_same_url(shop: Shop, tab: Tab) -> None:
    page = tab("/public")
    assert page.evaluate(STATUS, ["/orders", {}]) == 401
    page.goto(f"{shop.url}/orders")
    log_in(page)
    assert page.evaluate(STATUS, ["/orders", {}]) == 200


def test_two_tabs_and_logging_out_everywhere(shop: Shop, tab: Tab) -> None:
    laptop, phone = tab(), tab()
    log_in(laptop)
    log_in(phone)
    second = laptop.context.new_page()
    second.goto(f"{shop.url}/auth/sessions")
    second.click("form[action$='/end-all'] button")
    assert "You are logged out" in text(second)
    phone.goto(f"{shop.url}/")
    assert "/auth/login" in phone.url
    laptop.goto(f"{shop.url}/")
    assert "/auth/login" in laptop.url


def test_a_page_that_was_open_while_the_session_ended(shop: Shop, tab: Tab) -> None:
    page = tab()
    log_in(page, "bob")
    assert "Hello bob" in text(page)
    shop.stores.users.set_password("bob", SECRET)
    page.wait_for_timeout(1500)  # the bound of the feed
    assert page.evaluate(STATUS, ["/", {}]) == 401
    assert [each for each in page.context.cookies() if each["name"] == "__Host-session"] == []
    page.goto(f"{shop.url}/public")
    assert "A shop" in text(page)
    page.goto(f"{shop.url}/")
    assert "/auth/login" in page.url


def test_a_form_of_another_site_changes_nothing(shop: Shop, tab: Tab) -> None:
    page = tab()
    log_in(page)
    before = page.context.cookies()
    page.goto(f"{shop.other_site}/public")
    with page.expect_response(is_posted) as posted:
        page.evaluate(POST_FORM, f"{shop.url}/auth/logout")
    assert posted.value.status == 403
    page.wait_for_url(f"{shop.url}/auth/logout")
    page.goto(f"{shop.url}/")
    assert "Hello alice" in text(page)
    assert {each["name"]: each["value"] for each in page.context.cookies(shop.url)} == {
        each["name"]: each["value"] for each in before
    }


def test_a_link_of_another_site_leads_in(shop: Shop, tab: Tab) -> None:
    page = tab()
    log_in(page)
    page.goto(f"{shop.other_site}/public")
    page.evaluate("url => { location.href = url; }", f"{shop.url}/")
    page.wait_for_url(f"{shop.url}/")
    assert "Hello alice" in text(page)


def test_who_is_remembered_has_a_cookie_that_outlives_the_browser(shop: Shop, tab: Tab) -> None:
    page = tab()
    log_in(page, remember=True)
    (cookie,) = [each for each in page.context.cookies() if each["name"] == "__Host-session"]
    assert cookie["expires"] > 0


def test_next_to_another_host_leads_home(shop: Shop, tab: Tab) -> None:
    page = tab("/auth/login?next=//127.0.0.1/")
    log_in(page)
    assert page.url == f"{shop.url}/"


def test_a_new_password_in_the_browser(shop: Shop, tab: Tab) -> None:
    shop.stores.users.create("carol", SECRET)
    page = tab("/auth/password")
    log_in(page, "carol")
    page.fill("#old_password", SECRET)
    page.fill("#new_password", "another long secret")
    page.fill("#new_password_again", "another long secret")
    page.click("main button")
    assert "Password changed" in text(page)
    page.goto(f"{shop.url}/")
    assert "Hello carol" in text(page)


def test_it_works_without_javascript(shop: Shop, tab: Tab) -> None:
    page = tab("/", java_script_enabled=False)
    log_in(page)
    assert "Hello alice" in text(page)

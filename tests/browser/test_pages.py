"""The pages in Chromium: accessible, whole on a small screen and with large text, usable by keyboard, no scripts."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from urllib.parse import urlsplit

import pytest

from authmw.pages import LANGUAGES, Page, SessionEntry, SessionsPage
from tests.browser.axe.package import script
from tests.browser.page_pictures import DESKTOP, LARGE, PHONE, SCHEMES, SIZES
from tests.browser.page_server import PageServer, page_server
from tests.pages.samples import NOW, PAGES
from tests.support import chromium, require

pytestmark = [pytest.mark.browser, pytest.mark.servers]

LONG = "Donaudampfschifffahrtsgesellschaftskapitän" * 10
HOSTILE: dict[str, Page] = {
    "long-name": SessionsPage(
        action="/s",
        form_token="f",
        entries=(SessionEntry(id="s", name=LONG, started_at=NOW, last_used_at=NOW, is_current=True),),
        now=NOW,
    )
}
FINDINGS = "async () => (await axe.run()).violations.map(v => `${v.id}: ${v.nodes.map(n => n.html).join(' ')}`)"
TARGETS = """
() => [...document.querySelectorAll('button, input:not([type=hidden]):not([hidden]), a:not(.problem a)')]
    .map(each => (each.type === 'checkbox' ? each.parentElement : each))
    .map(each => [each.outerHTML, each.getBoundingClientRect()])
    .filter(([, box]) => box.height < 44 || box.width < 44).map(([html]) => html)
"""
FOCUSED = """
() => {
    const each = document.activeElement
    return [each.name || each.textContent, getComputedStyle(each).outlineStyle]
}
"""
CUT = """
() => [...document.querySelectorAll('main, .button, .problem, label')]
    .filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.outerHTML)
"""
BUTTON = """
() => {
    const style = getComputedStyle(document.querySelector('.button'))
    return [style.borderTopStyle, style.borderTopColor === style.color, style.transitionDuration]
}
"""


@pytest.fixture(scope="module")
def playwright() -> Generator[Any]:
    require("browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Any) -> Generator[Any]:
    browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def large(playwright: Any) -> Generator[Any]:
    """Chromium of a person who has set the text to 200 %."""
    browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", LARGE])
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def server() -> Generator[PageServer]:
    require("browser")
    with page_server({**PAGES, **HOSTILE}) as server:
        yield server


def width_missing(page: Any) -> int:
    """By how many pixels the page is wider than the screen."""
    return int(page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def listen(page: Any) -> tuple[list[str], list[str]]:
    """The URLs that the page will have asked for, and what it will have complained of."""
    asked: list[str] = []
    complaints: list[str] = []

    def ask(request: Any) -> None:
        asked.append(request.url)

    def complain(message: Any) -> None:
        complaints.append(getattr(message, "text", str(message)))

    page.on("request", ask)
    page.on("console", complain)
    page.on("pageerror", complain)
    return asked, complaints


def is_of_policy(message: Any) -> bool:
    """Whether the console says that a form was not sent."""
    return "form-action" in message.text


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_on_any_page(browser: Any, server: PageServer, size: str, scheme: str) -> None:
    require("axe")
    found: dict[str, list[str]] = {}
    with browser.new_context(viewport=SIZES[size], color_scheme=scheme) as context:
        page = context.new_page()
        for name in server.pages:
            page.goto(f"{server.origin}/en/{name}")
            page.evaluate(script())
            found[name] = page.evaluate(FINDINGS)
    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_axe_finds_nothing_in_any_language(browser: Any, server: PageServer, language: str) -> None:
    require("axe")
    with browser.new_context() as context:
        page = context.new_page()
        for name in ("login-wrong-credentials", "change", "sessions", "failure-too-many"):
            page.goto(f"{server.origin}/{language}/{name}")
            page.evaluate(script())
            assert page.evaluate(FINDINGS) == []


def test_axe_can_find_something(browser: Any) -> None:
    require("axe")
    with browser.new_context() as context:
        page = context.new_page()
        page.set_content("<!doctype html><title>x</title><main><input>")
        page.evaluate(script())
        assert any(each.startswith("label: ") for each in page.evaluate(FINDINGS))


def test_no_page_has_to_be_scrolled_sideways_on_a_small_phone(browser: Any, server: PageServer) -> None:
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        for name in server.pages:
            page.goto(f"{server.origin}/en/{name}")
            assert width_missing(page) == 0, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_has_to_be_scrolled_sideways_with_text_twice_as_large(
    large: Any, server: PageServer, language: str
) -> None:
    with large.new_context(viewport=PHONE) as context:
        page = context.new_page()
        for name in server.pages:
            page.goto(f"{server.origin}/{language}/{name}")
            assert page.evaluate("() => getComputedStyle(document.body).fontSize") == "32px"
            assert width_missing(page) == 0, name
            # Nothing sticks out of what it stands in either.
            assert page.evaluate(CUT) == [], name


def test_everything_that_is_pressed_is_large_enough_for_a_finger(browser: Any, server: PageServer) -> None:
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        for name in server.pages:
            page.goto(f"{server.origin}/en/{name}")
            assert page.evaluate(TARGETS) == [], name


def test_no_page_complains_or_asks_for_anything(browser: Any, server: PageServer) -> None:
    with browser.new_context(viewport=DESKTOP) as context:
        page = context.new_page()
        asked, complaints = listen(page)
        urls = [f"{server.origin}/en/{name}" for name in server.pages]
        for url in urls:
            page.goto(url)
        assert complaints == []
        # The logo is in the page.
        assert [url for url in asked if urlsplit(url).scheme != "data"] == urls


def test_the_keyboard_goes_through_a_login_in_order_and_shows_where_it_is(browser: Any, server: PageServer) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{server.origin}/en/login")
        order = [page.evaluate(FOCUSED)]
        for _ in range(6):
            page.keyboard.press("Tab")
            order.append(page.evaluate(FOCUSED))
        names = ("username", "password", "remember", "Log in", "Forgot your password?", "Legal notice", "Privacy")
        assert order == [[name, "solid"] for name in names]


def test_a_problem_leads_to_its_field(browser: Any, server: PageServer) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{server.origin}/en/change-old-password-wrong")
        assert page.title().startswith("Error: ")
        page.get_by_role("alert").get_by_role("link").click()
        assert page.evaluate(FOCUSED)[0] == "old_password"
        described = page.locator("[name=old_password]").get_attribute("aria-describedby")
        assert page.locator(f"#{described}").inner_text().endswith("The password is wrong.")


def test_a_form_tells_its_origin_and_nothing_of_its_url(browser: Any, server: PageServer) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{server.origin}/en/login?token=s3cret")
        page.locator("[name=username]").fill("alice")
        page.locator("[name=password]").fill("correct horse")
        with page.expect_response("**/login"):
            page.keyboard.press("Enter")
    path, headers, body = server.posted.pop()
    assert (path, body) == ("/login", "csrf_token=f&username=alice&password=correct+horse&next=%2Forders")
    assert headers["Origin"] == server.origin
    assert headers["Sec-Fetch-Site"] == "same-origin"
    assert headers["Referer"] == f"{server.origin}/"


def test_a_form_may_lead_to_another_origin_only_if_that_is_named(browser: Any, server: PageServer) -> None:
    target = f"{server.origin}/en/changed"
    for form_origins, arrives in ((), False), ((server.origin,), True):
        with page_server(form_origins=form_origins) as elsewhere, browser.new_context() as context:
            elsewhere.redirect = target
            page = context.new_page()
            page.goto(f"{elsewhere.origin}/en/log-out")
            _, complaints = listen(page)
            if arrives:
                page.get_by_role("button").click()
                page.wait_for_url(target)
                assert complaints == []
            else:
                with page.expect_console_message(is_of_policy):
                    page.get_by_role("button").click()
                assert page.url == f"{elsewhere.origin}/en/log-out"


def test_a_printed_page_is_black_on_white_in_any_scheme(browser: Any, server: PageServer) -> None:
    with browser.new_context(color_scheme="dark") as context:
        page = context.new_page()
        page.goto(f"{server.origin}/en/sessions")
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        quiet = page.evaluate("() => getComputedStyle(document.querySelector('.sessions p')).color")
        assert quiet == "rgb(89, 98, 109)"
        assert not page.get_by_role("button").first.is_visible()


def test_forced_colours_leave_the_borders_and_no_motion_is_left_where_it_is_not_liked(
    browser: Any, server: PageServer
) -> None:
    with browser.new_context(forced_colors="active", reduced_motion="reduce") as context:
        page = context.new_page()
        page.goto(f"{server.origin}/en/login")
        assert page.evaluate(BUTTON) == ["solid", True, "0s"]

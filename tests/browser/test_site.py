"""The docs in Chromium: accessible in both palettes, whole on a phone and with large text, with few links."""

from __future__ import annotations

import random
import re
from collections.abc import Generator
from typing import Any, Final

import pytest

from tests.browser.axe.package import script
from tests.browser.page_pictures import LARGE, SCHEMES
from tests.browser.site_pictures import DESKTOP, PAGES, PHONE, SIZES
from tests.docs_site import built, served
from tests.support import chromium, require

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ACCESSIBLE: Final = [address for address in PAGES if address not in {"reference/authmw/", "security/threats/"}]
"""axe takes half a minute for each of the two longest pages, which have nothing that others have not."""
FINDINGS: Final = """
async () => (await axe.run()).violations
    .filter(each => ['serious', 'critical'].includes(each.impact))
    .map(each => ({...each, nodes: each.nodes.filter(node => !node.html.includes('md-typeset__scrollwrap"'))}))
    .filter(each => each.nodes.length)
    .map(each => `${each.id}: ${each.nodes.slice(0, 3).map(node => node.html.slice(0, 200)).join(' ')}`)
"""
# The theme wraps each table in a box that scrolls and has no tabindex. Chromium and Firefox reach it by keyboard.
WIDER: Final = """
() => [...document.querySelectorAll('.md-content__inner *')].filter(each => each.checkVisibility()).filter(each => {
    if (each.getBoundingClientRect().right <= document.documentElement.clientWidth + 1) return false
    for (let above = each; above && !above.matches('.md-content__inner'); above = above.parentElement)
        if (above !== each && getComputedStyle(above).overflowX !== 'visible') return false
    return !each.closest('.headerlink, .md-clipboard, .md-code__nav, svg')
}).map(each => each.outerHTML.slice(0, 150)).slice(0, 3)
"""
SIDEBAR: Final = """
() => [...document.querySelectorAll('.md-sidebar--primary .md-nav__link')]
    .filter(each => each.checkVisibility({visibilityProperty: true}) && each.getBoundingClientRect().height > 0)
    .filter(each => each.matches('a')).map(each => each.innerText)
"""
CUT_CODE: Final = """
() => [...document.querySelectorAll('.md-content pre > code')]
    .filter(each => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1)
    .filter(each => !['auto', 'scroll'].includes(getComputedStyle(each).overflowX)).map(each => each.innerText)
"""
CHARACTERS: Final = """
() => {
    const code = document.querySelector('.md-content pre > code')
    const style = getComputedStyle(code)
    const probe = document.createElement('span')
    probe.textContent = 'x'.repeat(100)
    code.append(probe)
    const width = probe.getBoundingClientRect().width
    probe.remove()
    return code.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - width
}
"""


@pytest.fixture(scope="module")
def origin() -> Generator[str]:
    require("browser")
    require("zensical")
    with served(built()) as origin:
        yield origin


@pytest.fixture(scope="module")
def addresses(origin: str) -> list[str]:
    """The chosen pages, and a fifth of the others."""
    site = built()
    found = sorted(f"{path.parent.relative_to(site)}/".removeprefix("./") for path in site.rglob("index.html"))
    return sorted({*PAGES, *random.Random(5).sample(found, len(found) // 5)})


@pytest.fixture(scope="module")
def playwright(origin: str) -> Generator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Any) -> Generator[Any]:
    browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
    yield browser
    browser.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_serious(browser: Any, origin: str, size: str, scheme: str) -> None:
    require("axe")
    found: dict[str, list[str]] = {}
    with browser.new_context(viewport=SIZES[size], color_scheme=scheme) as context:
        page = context.new_page()
        for address in ACCESSIBLE:
            page.goto(f"{origin}/{address}")
            page.evaluate(script())
            found[address] = page.evaluate(FINDINGS)
    assert {address: each for address, each in found.items() if each} == {}


def test_no_page_scrolls_sideways_on_a_phone(browser: Any, origin: str, addresses: list[str]) -> None:
    with browser.new_context(viewport=PHONE) as context:
        assert _wider(context, origin, addresses) == {}


def test_no_page_scrolls_sideways_with_text_at_200_percent(playwright: Any, origin: str, addresses: list[str]) -> None:
    browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", LARGE])
    with browser.new_context(viewport=DESKTOP) as context:
        assert _wider(context, origin, addresses) == {}
    browser.close()


def _wider(context: Any, origin: str, addresses: list[str]) -> dict[str, list[str]]:
    """Of each page what is wider than the screen, and not in a box that scrolls."""
    page = context.new_page()
    found: dict[str, list[str]] = {}
    for address in addresses:
        page.goto(f"{origin}/{address}", wait_until="domcontentloaded")
        found[address] = page.evaluate(WIDER)
    return {address: each for address, each in found.items() if each}


def test_what_is_wider_than_the_screen_is_noticed(browser: Any, origin: str) -> None:
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        page.goto(f"{origin}/why/")
        page.evaluate("() => document.querySelector('.md-content__inner p').style.minWidth = '500px'")
        assert len(page.evaluate(WIDER)) == 1


def test_the_sidebar_has_few_links_and_code_is_never_cut_off(browser: Any, origin: str, addresses: list[str]) -> None:
    with browser.new_context(viewport=DESKTOP) as context:
        page = context.new_page()
        for address in addresses:
            page.goto(f"{origin}/{address}", wait_until="domcontentloaded")
            links = page.evaluate(SIDEBAR)
            assert len(links) <= 30, (address, len(links), links)
            assert page.evaluate(CUT_CODE) == [], address


def test_a_hundred_characters_of_code_fit_on_a_desktop(browser: Any, origin: str) -> None:
    with browser.new_context(viewport=DESKTOP) as context:
        page = context.new_page()
        page.goto(f"{origin}/quickstart/")
        assert page.evaluate(CHARACTERS) >= 0


def test_a_tab_that_is_chosen_on_one_page_is_open_on_the_next(browser: Any, origin: str) -> None:
    with browser.new_context(viewport=DESKTOP) as context:
        page = context.new_page()
        page.goto(f"{origin}/quickstart/")
        page.locator(".tabbed-labels").first.get_by_text("FastAPI").click()
        page.goto(f"{origin}/tokens/")
        chosen = page.locator(".tabbed-set").first.locator("input:checked")
        assert page.locator(f"label[for={chosen.get_attribute('id')}]").inner_text() == "FastAPI"


def test_the_palette_follows_the_system_until_it_is_chosen(browser: Any, origin: str) -> None:
    scheme = "() => document.body.dataset.mdColorScheme"
    for system, found in {"light": "default", "dark": "slate"}.items():
        with browser.new_context(viewport=DESKTOP, color_scheme=system) as context:
            page = context.new_page()
            page.goto(origin)
            assert page.evaluate(scheme) == found
            page.locator("label[for=__palette_1]:visible").click()
            page.locator("label[for=__palette_2]:visible").click()
            page.goto(f"{origin}/quickstart/")
            assert page.evaluate(scheme) == "slate"


def test_a_drawing_has_the_colours_of_the_page(browser: Any, origin: str) -> None:
    colours = """
    () => [...document.querySelectorAll('svg.drawing')].map(each =>
        [getComputedStyle(each).backgroundColor, getComputedStyle(each.querySelector('text')).fill])
    """
    found: dict[str, list[list[str]]] = {}
    for scheme in SCHEMES:
        with browser.new_context(viewport=DESKTOP, color_scheme=scheme) as context:
            page = context.new_page()
            page.goto(f"{origin}/concepts/a-request/")
            found[scheme] = page.evaluate(colours)
            background = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
            assert {each[0] for each in found[scheme]} == {background}
    assert found["light"]
    assert found["light"] != found["dark"]


def test_an_entry_of_the_reference_is_folded_until_its_anchor_is_asked_for(browser: Any, origin: str) -> None:
    height = "() => document.documentElement.scrollHeight"
    with browser.new_context(viewport=DESKTOP) as context:
        page = context.new_page()
        page.goto(f"{origin}/reference/authmw/")
        assert page.evaluate(height) < 8000
        assert page.locator("[id='authmw.KeyRing.rotate']").is_visible() is False
        page.goto(f"{origin}/reference/authmw/?#authmw.KeyRing.rotate")
        page.locator("[id='authmw.KeyRing.rotate']").wait_for(state="visible")


def test_each_page_leads_to_the_next_and_back(browser: Any, origin: str) -> None:
    with browser.new_context(viewport=DESKTOP) as context:
        page = context.new_page()
        page.goto(f"{origin}/why/")
        page.locator(".md-footer__link--next").click()
        page.wait_for_url(re.compile(r"/quickstart/"))
        page.locator(".md-footer__link--prev").click()
        page.wait_for_url(re.compile(r"/why/"))


def test_the_markdown_of_a_page_is_one_click_away(browser: Any, origin: str) -> None:
    with browser.new_context(viewport=DESKTOP) as context:
        page = context.new_page()
        page.goto(f"{origin}/why/")
        page.get_by_role("link", name="View as Markdown").click()
        page.wait_for_url(re.compile(r"/why/index\.md"))


def test_no_page_loads_anything_from_elsewhere_or_complains(browser: Any, origin: str, addresses: list[str]) -> None:
    complaints: list[str] = []
    with browser.new_context(viewport=DESKTOP) as context:
        page = context.new_page()
        _listen(page, complaints, origin)
        for address in addresses[::4]:
            page.goto(f"{origin}/{address}")
            page.wait_for_load_state("networkidle")
    assert complaints == []


def _listen(page: Any, complaints: list[str], origin: str) -> None:
    def ask(request: Any) -> None:
        if not request.url.startswith((origin, "data:", "blob:")):
            complaints.append(request.url)

    def complain(error: Any) -> None:
        complaints.append(str(error))

    page.on("request", ask)
    page.on("pageerror", complain)

"""The search of the docs finds the page for a task first: each line of docs/.tasks.toml, and some more."""

from __future__ import annotations

import tomllib
from collections.abc import Generator
from typing import Any

import pytest

from tests.docs_site import built, served
from tests.support import ROOT, chromium, require

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TASKS: dict[str, list[str]] = tomllib.loads((ROOT / "docs" / ".tasks.toml").read_text())
MORE = {
    "quickstart/": ["quickstart"],
    "settings/": ["settings"],
    "reference/authmw/#authmw.KeyRing": ["keyring retire"],
    "reasons/token-audience/": ["token-audience"],
}
"""By their own titles, and names that only the reference and the pages of codes have."""
CASES = [(query, page) for table in (TASKS, MORE) for page, queries in table.items() for query in queries]
RESULTS = """
() => {
    const links = root => [...root.querySelectorAll('*')].flatMap(each => [
        ...(each.shadowRoot ? links(each.shadowRoot) : []),
        ...(each.matches('a[role=option]') ? [[each.href, each.innerText]] : []),
    ])
    return links(document)
}
"""


@pytest.fixture(scope="module")
def search() -> Generator[Any]:
    """A function from what is typed to the results: address within the site, and text."""
    require("browser")
    require("zensical")
    from playwright.sync_api import sync_playwright

    with served(built()) as origin, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{origin}/quickstart/")
        page.locator(".md-search__button").click()
        field = page.get_by_role("combobox")

        def results(query: str) -> list[tuple[str, str]]:
            field.fill("")
            page.wait_for_function(f"() => ({RESULTS})().length === 0")
            field.fill(query)
            page.wait_for_function(f"() => ({RESULTS})().length > 0", timeout=10_000)
            return [(_address(href, origin), text) for href, text in page.evaluate(RESULTS)]

        yield results
        browser.close()


def _address(href: str, origin: str) -> str:
    path, _, anchor = href.removeprefix(f"{origin}/").partition("#")
    return path.partition("?")[0] + (f"#{anchor}" if anchor else "")


def test_at_least_twenty_tasks_are_named() -> None:
    assert sum(map(len, TASKS.values())) >= 20


@pytest.mark.parametrize("query, page", CASES, ids=[query for query, _ in CASES])
def test_what_is_typed_finds_its_page_first(search: Any, query: str, page: str) -> None:
    found = [address for address, _ in search(query)]
    assert found[0] == page, found[:5]


def test_the_words_of_a_task_are_not_shown(search: Any) -> None:
    (_, text), *_ = search("why 401")
    assert "why 401" not in text
    assert text.startswith("Why a request got a 401")


def test_a_page_that_is_about_a_word_comes_before_the_reference(search: Any) -> None:
    addresses = [address for address, _ in search("revocation")]
    in_reference = [address.startswith("reference/") for address in addresses]
    assert in_reference[0] is False

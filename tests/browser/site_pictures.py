"""Pictures of the docs: ``python -m tests.browser.site_pictures FOLDER`` writes them as PNG files.

The chosen pages at the width of a phone and of a desktop, light and dark, and on a desktop with text at 200 %. ``--only
TEXT`` takes the pages with that text in their address; ``--site FOLDER`` takes what `make docs` has built, as it is.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from tests.browser.page_pictures import LARGE, SCHEMES
from tests.docs_site import built, served
from tests.support import chromium

PHONE: Final = {"width": 360, "height": 740}
DESKTOP: Final = {"width": 1360, "height": 800}
SIZES: Final = {"phone": PHONE, "desktop": DESKTOP}
PAGES: Final = (
    "",
    "quickstart/",
    "adapters/",
    "tokens/",
    "recipes/",
    "tutorial/deploy/",
    "concepts/a-request/",
    "performance/",
    "operating/stores/",
    "reasons/",
    "reasons/token-expired/",
    "reference/",
    "reference/authmw/",
    "reference/authmw_flask/",
    "security/threats/",
    "migrations/from-flask-login/",
)
"""One of each kind, by its address."""


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="take the pages with this text in their address")
    parser.add_argument("--site", type=Path, help="a folder that is built already")
    asked = parser.parse_args()
    from playwright.sync_api import sync_playwright

    asked.folder.mkdir(parents=True, exist_ok=True)
    with served(asked.site or built()) as origin, sync_playwright() as playwright:
        for size, viewport in SIZES.items():
            for scheme in SCHEMES:
                browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
                take(browser, origin, asked, f"{size}-{scheme}", viewport=viewport, color_scheme=scheme)
        large = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", LARGE])
        take(large, origin, asked, "desktop-large", viewport=DESKTOP)


def take(browser: Any, origin: str, asked: argparse.Namespace, name: str, **options: Any) -> None:
    """Write a picture of each page, as high as the page is, to 4,000 pixels; and close the browser."""
    page = browser.new_page(**options)
    for address in (each for each in PAGES if asked.only in each):
        page.goto(f"{origin}/{address}")
        page.wait_for_load_state("networkidle")
        height = min(4000, page.evaluate("() => document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": 0, "width": options["viewport"]["width"], "height": height}
        slug = address.strip("/").replace("/", "-") or "home"
        page.screenshot(path=asked.folder / f"{slug}-{name}.png", full_page=True, clip=clip)
    browser.close()


if __name__ == "__main__":
    main()

"""Pictures of the pages: ``python -m tests.browser.page_pictures FOLDER`` writes them as PNG files.

Every page in English, at the width of a phone and of a desktop, light and dark, and every page in every language at
twice the size of text. ``--only TEXT`` takes the pages with that text in their name.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from authmw.pages import LANGUAGES
from tests.browser.page_server import page_server
from tests.pages.samples import PAGES
from tests.support import chromium

PHONE: Final = {"width": 320, "height": 640}
DESKTOP: Final = {"width": 1280, "height": 800}
SIZES: Final = {"phone": PHONE, "desktop": DESKTOP}
SCHEMES: Final = ("light", "dark")


LARGE: Final = "--blink-settings=defaultFontSize=32"
"""What a person sets in the browser to have text at 200 %."""


def views() -> Iterator[tuple[str, str, tuple[str, ...], list[str], dict[str, Any]]]:
    """Each way to look: its size, its scheme, the languages, the arguments of Chromium, and those of the context."""
    for size, viewport in SIZES.items():
        for scheme in SCHEMES:
            yield size, scheme, ("en",), [], {"viewport": viewport, "color_scheme": scheme}
        yield size, "large", LANGUAGES, [LARGE], {"viewport": viewport}


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="take the pages with this text in their name")
    asked = parser.parse_args()
    from playwright.sync_api import sync_playwright

    asked.folder.mkdir(parents=True, exist_ok=True)
    with page_server() as server, sync_playwright() as playwright:
        for size, scheme, languages, arguments, options in views():
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", *arguments])
            page = browser.new_page(**options)
            for language in languages:
                for name in (each for each in PAGES if asked.only in each):
                    page.goto(f"{server.origin}/{language}/{name}")
                    page.screenshot(path=asked.folder / f"{name}-{size}-{scheme}-{language}.png", full_page=True)
            browser.close()


if __name__ == "__main__":
    main()

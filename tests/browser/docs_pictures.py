"""Pictures that pages of the docs show: ``python -m tests.browser.docs_pictures`` writes them into docs/pictures.

The login page of the demo in light and dark, and its docs page. Chromium is asked for few pixels, so that the files are
small.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

from tests.cli.test_demo import running
from tests.support import ROOT, chromium

PICTURES: Final = ROOT / "docs" / "pictures"
_LOGIN: Final = {"width": 420, "height": 540}
_DOCS: Final = {"width": 900, "height": 620}


def main() -> None:
    """Write the pictures."""
    from playwright.sync_api import sync_playwright

    from tests.browser.page_server import page_server

    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser: Any = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        with page_server() as server:
            for scheme in ("light", "dark"):
                page = browser.new_page(viewport=_LOGIN, color_scheme=scheme)
                page.goto(f"{server.origin}/en/login")
                _take(page, f"login-{scheme}.png")
        with running(Path(folder)) as demo:
            page = browser.new_page(viewport=_DOCS, color_scheme="light")
            page.goto(f"{demo.url}/docs")
            page.get_by_role("button", name="Authorize").first.click()
            page.wait_for_load_state("networkidle")
            _take(page, "docs-page-authorize.png")
        browser.close()


def _take(page: Any, name: str) -> None:
    page.screenshot(path=PICTURES / name)
    print(f"docs/pictures/{name}: {(PICTURES / name).stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()

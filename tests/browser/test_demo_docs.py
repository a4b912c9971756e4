"""What `make demo` says of a browser: both docs pages authorize by name and password, and operations can be tried."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.docs_reader import reading
from tests.cli.test_demo import running
from tests.support import chromium, require

pytestmark = [pytest.mark.browser, pytest.mark.servers]

ALICE = ("alice", "correct horse battery staple")


def statuses(browser: Any, url: str) -> list[int]:
    """What the page shows for each operation in turn, before and after somebody logs in."""
    with reading(browser, url) as reader:
        before = reader.try_out("post")[0]
        assert "Authorized" in reader.authorize("OAuth2PasswordBearer", *ALICE)
        return [before, reader.try_out("post")[0], reader.try_out("get", "/orders")[0], reader.try_out("get", "/me")[0]]


def test_both_docs_pages_of_the_demo_authorize_and_try_out(tmp_path: Path) -> None:
    require("browser")
    from playwright.sync_api import sync_playwright

    with running(tmp_path) as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for port in (demo.port, demo.port + 1):
            url = f"http://127.0.0.1:{port}/docs"
            assert f"http://127.0.0.1:{demo.port}/docs" in demo.printed
            assert statuses(browser, url) == [401, 403, 200, 200]
        browser.close()

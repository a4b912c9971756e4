"""People at the program of a page: Chromium, in front of a server whose clock can be moved on."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tests.programs.program import PASSWORD, UVICORN, Program
from tests.support import chromium

LONGER_THAN_A_TOKEN: Final = 11 * 60
"""Seconds. An access token lives for ten minutes."""
BOUND: Final = 5.0
"""Seconds within which connections end: the bound of the feed, and patience for a machine that is busy."""
_AHEAD: Final = "ahead"
MOVED: Final = f"""
import time
from pathlib import Path

real, ahead = time.time, Path("{_AHEAD}")
time.time = lambda: real() + float(ahead.read_text())
"""
"""What moves the clock of a server on, when it is imported there."""


class People:
    """People who open pages of one server.

    Args:
        url: of the server.
        ahead: the file that says how many seconds the clock of the server is ahead.
        browser: Chromium.
    """

    def __init__(self, url: str, ahead: Path, browser: Any) -> None:
        self.url = url
        self._ahead = ahead
        self._browser = browser
        self.shown: list[tuple[int, str]] = []
        """Status and type of each document that a person saw."""

    def open(self, path: str) -> Any:
        """A page in a browser of its own."""
        page = self._browser.new_context().new_page()
        page.on("response", self._note)
        page.goto(self.url + path)
        return page

    def logged_in(self, name: str, path: str, *, login: str = "/auth/login") -> Any:
        """The page at `path`, once a user has logged in on the page to which it led."""
        page = self.open(path)
        assert page.url == f"{self.url}{login}?next={path}"
        page.fill("#username", name)
        page.fill("#password", PASSWORD)
        page.click("main button")
        page.wait_for_url(self.url + path)
        return page

    def log_out_elsewhere(self, name: str, *, pages: str = "/auth") -> None:
        """A user logs out everywhere, in another browser."""
        page = self.logged_in(name, f"{pages}/sessions", login=f"{pages}/login")
        page.click("form[action$='/end-all'] button")
        page.wait_for_url(f"{self.url}{pages}/logout")

    def let_pass(self, seconds: float) -> None:
        """Move the clock of the server on."""
        self._ahead.write_text(str(float(self._ahead.read_text()) + seconds))

    def leads_to_the_login(self, page: Any) -> bool:
        """Whether the page, opened again, is the login page."""
        page.reload()
        return str(page.url).startswith(f"{self.url}/auth/login?next=")

    def leads_to_the_login_from(self, page: Any, path: str) -> bool:
        """Whether another page, opened in the same browser, is the login page."""
        page.goto(self.url + path)
        return str(page.url) == f"{self.url}/auth/login?next={path}"

    def _note(self, response: Any) -> None:
        if response.request.is_navigation_request() and response.status // 100 != 3:
            self.shown.append((response.status, response.headers.get("content-type", "")))

    @property
    def has_seen_pages_alone(self) -> bool:
        """Whether each document that a person saw was a page."""
        return bool(self.shown) and all(kind.startswith("text/html") for _, kind in self.shown)


@contextmanager
def people_at(
    program: Program, module: str, command: str = UVICORN, environment: Mapping[str, str] = MappingProxyType({})
) -> Generator[People]:
    """Serve the application `app` of a module of `program` for people."""
    (program.folder / f"moved_{module}.py").write_text(f"{MOVED}\nfrom {module} import app\n")
    with people_behind(program, f"moved_{module}:app", command, environment) as people:
        yield people


@contextmanager
def people_behind(
    program: Program, app: str, command: str, environment: Mapping[str, str] = MappingProxyType({})
) -> Generator[People]:
    """Serve what imports `MOVED` for people."""
    from playwright.sync_api import sync_playwright

    ahead = program.folder / _AHEAD
    ahead.write_text("0")
    with program.serve(app, command, environment) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield People(f"http://localhost:{server.port}", ahead, browser)
        browser.close()


def seconds_until(page: Any, happens: Callable[[], bool]) -> float:
    """Seconds until something happens; more than `BOUND` where it does not."""
    began = time.monotonic()
    while not happens() and time.monotonic() < began + 4 * BOUND:
        page.wait_for_timeout(100)
    return time.monotonic() - began

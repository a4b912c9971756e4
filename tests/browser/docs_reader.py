"""Somebody who reads the docs page in Chromium, offline: what they do, and what their browser complains of."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

_SOON: Final = 30_000
"""Milliseconds in which everything is there."""
_REFUSED: Final = "Failed to load resource"  # what Chromium says of each 401 and 403


class Reader:
    """A page of Chromium.

    Args:
        page: of Playwright.
        origins: where it may ask. Whatever is asked elsewhere fails, and is in `complaints`.
    """

    def __init__(self, page: Any, origins: Iterable[str]) -> None:
        self.page = page
        self.complaints: list[str] = []
        self._origins = frozenset(origins)
        page.set_default_timeout(_SOON)
        page.context.route("**/*", self._go_on)
        page.context.on("page", self._listen)
        self._listen(page)

    def open(self, url: str) -> None:
        """Load the docs page, until its operations are there."""
        self.page.goto(url)
        self.page.wait_for_selector(".opblock")

    def authorize(self, scheme: str, *values: str, scopes: Iterable[str] = ()) -> str:
        """Fill in the form of a scheme, field by field, and press Authorize: what the form says then."""
        form = self._form(scheme)
        fields = form.locator("input:not([type=checkbox])")
        for index, value in enumerate(values):
            fields.nth(index).fill(value)
        for scope in scopes:
            form.locator(f"label[for^='{scope}-']").click()
        form.locator("button.authorize").click()
        form.locator("h6, .errors").first.wait_for()
        said: str = form.inner_text()
        self._close()
        return said

    def log_out(self, scheme: str) -> None:
        """Press Logout in the form of a scheme."""
        self._form(scheme).get_by_text("Logout", exact=True).click()
        self._close()

    def try_out(self, method: str = "get", path: str = "/orders") -> tuple[int, str]:
        """Execute the operation: the status that the page shows, and all that it shows of the answer."""
        summary = self.page.locator(f".opblock-summary-path[data-path='{path}']")
        operation = self.page.locator(f".opblock-{method}").filter(has=summary)
        if not operation.locator(".opblock-body").count():
            operation.locator(".opblock-summary-control").click()
            operation.get_by_text("Try it out", exact=True).click()
        if operation.locator(".btn-clear").count():
            operation.locator(".btn-clear").click()
        operation.locator(".execute").click()
        answer = operation.locator(".live-responses-table tbody tr.response")
        shown: str = answer.inner_text()
        return int(answer.locator(".response-col_status").inner_text().split()[0]), shown

    def _form(self, scheme: str) -> Any:
        self.page.locator(".scheme-container .btn.authorize").click()
        return self.page.locator(".auth-container").filter(has=self.page.locator(f"h4:has-text('{scheme}')"))

    def _close(self) -> None:
        self.page.locator(".close-modal").click()

    def _listen(self, page: Any) -> None:
        page.on("console", self._hear)
        page.on("pageerror", self._stumble)

    def _stumble(self, error: Any) -> None:
        self.complaints.append(f"error: {error}")

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_REFUSED):
            self.complaints.append(f"{message.type}: {message.text}")

    def _go_on(self, route: Any) -> None:
        url: str = route.request.url
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" in self._origins:
            route.continue_()
        else:
            self.complaints.append(f"asked {url}")
            route.abort()


@contextmanager
def reading(browser: Any, url: str, *elsewhere: str) -> Generator[Reader]:
    """A reader with the page at `url` open, who in the end has nothing to complain of."""
    parts = urlsplit(url)
    context = browser.new_context()
    try:
        reader = Reader(context.new_page(), [f"{parts.scheme}://{parts.netloc}", *elsewhere])
        reader.open(url)
        yield reader
        assert reader.complaints == []
    finally:
        context.close()

"""A server of the sample pages, at ``/LANGUAGE/NAME``, that keeps what was asked of it."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from authmw.pages import Document, Page, render, texts_of
from tests.pages.samples import LOOK, PAGES


class PageServer(ThreadingHTTPServer):
    """Serves the pages of a mapping from name to page."""

    def __init__(self, pages: Mapping[str, Page], form_origins: Iterable[str] = ()) -> None:
        super().__init__(("127.0.0.1", 0), _Pages)
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        self.pages = pages
        self.form_origins = tuple(form_origins)
        self.redirect = ""
        """Where a form leads to; nowhere by default."""
        self.posted: list[tuple[str, Mapping[str, str], str]] = []
        """Path, headers and body of each form."""

    def document(self, path: str) -> Document | None:
        """The document at a path."""
        language, _, name = path.removeprefix("/").partition("/")
        page = self.pages.get(name)
        return None if page is None else render(page, LOOK, texts=texts_of(language), form_origins=self.form_origins)


class _Pages(BaseHTTPRequestHandler):
    """GET of a page, and POST of any form."""

    @property
    def _server(self) -> PageServer:
        assert isinstance(self.server, PageServer)
        return self.server

    def do_GET(self) -> None:
        document = self._server.document(urlsplit(self.path).path)
        self.send_response(404 if document is None else 200)
        for name, value in () if document is None else document.headers:
            self.send_header(name, value)
        content = b"" if document is None else document.content
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._server.posted.append((self.path, dict(self.headers), body))
        self.send_response(303 if self._server.redirect else 204)
        if self._server.redirect:
            self.send_header("Location", self._server.redirect)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test says what went wrong."""


@contextmanager
def page_server(pages: Mapping[str, Page] = PAGES, form_origins: Iterable[str] = ()) -> Generator[PageServer]:
    """A server that runs on a thread of its own."""
    with PageServer(pages, form_origins) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

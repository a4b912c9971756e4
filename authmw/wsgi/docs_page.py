"""The docs page as a WSGI application (PEP 3333)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from authmw.http.request import Environ, WSGIRequest

if TYPE_CHECKING:
    from authmw.http.response import StartResponse
    from authmw.openapi.docs_page.page import DocsPage


class DocsApplication:
    """Serves `page` below ``SCRIPT_NAME``. Mount it beside the API that it describes, at ``/docs``.

    Args:
        page: what is shown.
        root: from the page to the root of the application, as a relative URL: ``../../`` for ``/internal/docs/``.

    >>> from authmw.openapi.docs_page import DocsPage
    >>> application = DocsApplication(DocsPage("openapi.json"))
    """

    def __init__(self, page: DocsPage, root: str = "../") -> None:
        self.page = page
        self.root = root

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        request = WSGIRequest(environ)
        return serve(self.page, request, start_response, request.path, self.root)


def serve(
    page: DocsPage, request: WSGIRequest, start_response: StartResponse, path: str, root: str = "../"
) -> list[bytes]:
    """Serve one request for `path` below the page's own; see `DocsPage.respond`."""
    response = page.respond(request, path, root)
    start_response(response.status_line, list(response.headers))
    return [] if request.method == "HEAD" else [response.body]

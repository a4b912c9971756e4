"""The docs page as an ASGI application (ASGI 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authmw.asgi.endpoint import send_response, serve_http
from authmw.http.request import ASGIRequest, Receive, Scope, Send

if TYPE_CHECKING:
    from authmw.openapi.docs_page.page import DocsPage


class DocsApplication:
    """Serves `page` below ``root_path``. Mount it beside the API that it describes, at ``/docs``.

    Args:
        page: what is shown.
        root: from the page to the root of the application, as a relative URL: ``../../`` for ``/internal/docs/``.

    >>> from authmw.openapi.docs_page import DocsPage
    >>> application = DocsApplication(DocsPage("openapi.json"))
    """

    def __init__(self, page: DocsPage, root: str = "../") -> None:
        self.page = page
        self.root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection. There is nothing to be said over a websocket, so that is closed.

        Raises:
            ValueError: the scope is of a type nobody has heard of.
        """
        await serve_http(scope, receive, send, self._serve)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = ASGIRequest(scope)
        await serve(self.page, request, send, request.path, self.root)


async def serve(page: DocsPage, request: ASGIRequest, send: Send, path: str, root: str = "../") -> None:
    """Serve one request for `path` below the page's own; see `DocsPage.respond`."""
    response = page.respond(request, path, root)
    await send_response(response, request.method, send)

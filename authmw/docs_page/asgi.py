"""The docs page as an ASGI application (ASGI 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authmw.request import ASGIRequest, Receive, Scope, Send

if TYPE_CHECKING:
    from authmw.docs_page.page import DocsPage

_POLICY_VIOLATION = 1008  # RFC 6455 §7.4.1


class DocsApplication:
    """Serves `page` below ``root_path``. Mount it beside the API that it describes, at ``/docs``.

    Args:
        page: what is shown.
        root: from the page to the root of the application, as a relative URL: ``../../`` for ``/internal/docs/``.

    >>> from authmw.docs_page import DocsPage
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
        kind = scope["type"]
        if kind == "lifespan":
            await _lifespan(receive, send)
        elif kind == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        elif kind == "http":
            request = ASGIRequest(scope)
            await serve(self.page, request, send, request.path, self.root)
        else:
            raise ValueError(f"an ASGI scope of type {kind!r} cannot be served")


async def serve(page: DocsPage, request: ASGIRequest, send: Send, path: str, root: str = "../") -> None:
    """Serve one request for `path` below the page's own; see `DocsPage.respond`."""
    response = page.respond(request, path, root)
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else response.body})


async def _lifespan(receive: Receive, send: Send) -> None:
    """Nothing is started here and nothing ended, which a server has to be told."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return

"""ASGI application that serves a document or a service of authmw (ASGI 3)."""

from __future__ import annotations

from authmw.asgi.middleware import ASGIApp
from authmw.flow.flow import STORE_TIMEOUT, run_async
from authmw.flow.pool import default_pool
from authmw.http.mountable import NOT_FOUND, FlowResponder, Mountable, checked
from authmw.http.request import ASGIRequest, Receive, Scope, Send
from authmw.http.response import POLICY_VIOLATION, Response


class Mount:
    """Serves a docs page, the metadata of a protected resource, or the endpoints of a token service.

    Their paths are below ``root_path``. With `app`, the two are one application: `app` gets the requests to which
    `served` does not respond, websockets, and ``lifespan``.

    Args:
        served: the document or the service.
        app: gets everything else; without it, other requests are a 404, and websockets are closed.

    Raises:
        ConfigurationError: `served` cannot respond to requests.

    >>> from authmw.issuers import ProtectedResource
    >>> async def root(scope, receive, send): ...
    >>> application = Mount(ProtectedResource("https://api.example/orders", ["https://id.example"]), root)
    """

    def __init__(self, served: Mountable, app: ASGIApp | None = None) -> None:
        self.served: Mountable = checked(served)
        self.app = app
        self._pool = served.pool if isinstance(served, FlowResponder) else default_pool
        self._store_timeout = served.store_timeout if isinstance(served, FlowResponder) else STORE_TIMEOUT

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection.

        Raises:
            ValueError: the scope is of an unknown type, and there is no `app`.
        """
        if scope["type"] == "http":
            request = ASGIRequest(scope, receive)
            response = await self.respond(request)
            if response is None and self.app is not None:
                await self.app(scope, request.receive, send)
            else:
                await (response or NOT_FOUND).serve_asgi(scope, receive, send)
        elif self.app is not None:
            await self.app(scope, receive, send)
        else:
            await _serve_no_request(scope, receive, send)

    async def respond(self, request: ASGIRequest) -> Response | None:
        """The response to `request`; None for a request that is not for `served`."""
        found = self.served.respond(request)
        if found is None or isinstance(found, Response):
            return found
        return await run_async(found, pool=self._pool, store_timeout=self._store_timeout)


async def _serve_no_request(scope: Scope, receive: Receive, send: Send) -> None:
    """Close a websocket, and acknowledge the start and the end of the server."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        return
    if scope["type"] != "lifespan":
        raise ValueError(f"an ASGI scope of type {scope['type']!r} cannot be served")
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return

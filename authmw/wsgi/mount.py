"""WSGI application that serves a document or a service of authmw (PEP 3333)."""

from __future__ import annotations

from collections.abc import Iterable

from authmw.flow.flow import run
from authmw.flow.pool import default_pool
from authmw.http.mountable import NOT_FOUND, FlowResponder, Mountable, checked
from authmw.http.request import Environ, WSGIRequest
from authmw.http.response import Response, StartResponse, WSGIApp
from authmw.stores.asynchronous import check_for_wsgi


class Mount:
    """Serves a docs page, the metadata of a protected resource, or the endpoints of a token service.

    Their paths are below ``SCRIPT_NAME``. With `app`, the two are one application: `app` gets the
    requests to which `served` does not respond.

    Args:
        served: the document or the service.
        app: gets all other requests; without it they are a 404.

    Raises:
        ConfigurationError: `served` cannot respond to requests, or one of its stores is ``async def``.

    >>> from authmw.issuers import ProtectedResource
    >>> def root(environ, start_response): ...
    >>> application = Mount(ProtectedResource("https://api.example/orders", ["https://id.example"]), root)
    """

    def __init__(self, served: Mountable, app: WSGIApp | None = None) -> None:
        self.served: Mountable = checked(served)
        check_for_wsgi(served)
        self.app = app
        self._pool = served.pool if isinstance(served, FlowResponder) else default_pool

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        response = self.respond(WSGIRequest(environ))
        if response is None and self.app is not None:
            return self.app(environ, start_response)
        return (response or NOT_FOUND).serve_wsgi(environ, start_response)

    def respond(self, request: WSGIRequest) -> Response | None:
        """The response to `request`; None for a request that is not for `served`."""
        found = self.served.respond(request)
        return found if found is None or isinstance(found, Response) else run(found, pool=self._pool)

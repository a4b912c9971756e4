"""The docs page as routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from authmw.asgi.docs_page import serve
from authmw.engine import decorators
from authmw.http.request import ASGIRequest
from authmw.openapi.docs_page.page import way_up

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from authmw.openapi.docs_page.page import DocsPage


def docs_routes(page: DocsPage, path: str = "/docs", *, public: bool = False) -> list[Route]:
    """`page` and its files: ``Starlette(routes=[*routes, *docs_routes(page)])``.

    The API that it describes begins where these routes are: at the root of the application, under whatever
    ``root_path``, or where they are mounted together with those of the API.

    Args:
        page: what is shown.
        path: where the page is.
        public: let anybody read it, also under default deny. Otherwise it is guarded like any endpoint.

    >>> from authmw.openapi.docs_page import DocsPage
    >>> [route.path for route in docs_routes(DocsPage("openapi.json"))]
    ['/docs', '/docs/', '/docs/{path:path}']
    """
    place = path.rstrip("/")
    root = way_up(f"{place}/")
    found = [
        Route(f"{place}/", _Endpoint(page, "/", root), include_in_schema=False),
        Route(f"{place}/{{path:path}}", _Endpoint(page, "/{path}", root), include_in_schema=False),
    ]
    if place:
        found.insert(0, Route(place, _Endpoint(page, "", root), include_in_schema=False))
    if public:
        for route in found:
            decorators.public(route.endpoint)
    return found


class _Endpoint:
    """An ASGI application, so that Starlette does not answer for methods."""

    def __init__(self, page: DocsPage, path: str, root: str) -> None:
        self._page = page
        self._path = path
        self._root = root
        self.__name__ = f"docs{path}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = self._path.replace("{path}", scope["path_params"].get("path", ""))
        await serve(self._page, ASGIRequest(scope), send, path, self._root)

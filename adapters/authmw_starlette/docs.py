"""Routes of the docs page."""

from __future__ import annotations

from starlette.routing import Route

from authmw.engine import decorators
from authmw.openapi.docs_page.page import DocsPage, RoutedPage
from authmw_starlette.mounted import MountedEndpoint


def docs_routes(page: DocsPage, path: str = "/docs", *, public: bool = False) -> list[Route]:
    """`page` and its files: ``Starlette(routes=[*routes, *docs_routes(page)])``.

    The API that it describes begins where these routes are: at the root of the application, under any ``root_path``, or
    where they are mounted together with those of the API.

    Args:
        page: the page to show.
        path: the path of the page.
        public: anyone may read it, also under default deny. Otherwise it is guarded like any endpoint.

    >>> from authmw.openapi import DocsPage
    >>> [route.path for route in docs_routes(DocsPage("openapi.json"))]
    ['/docs', '/docs/', '/docs/{path:path}']
    """
    place = path.rstrip("/")
    places = [(f"{place}/", RoutedPage(page, "/")), (f"{place}/{{path:path}}", RoutedPage(page))]
    if place:
        places.insert(0, (place, RoutedPage(page, "")))
    routes: list[Route] = []
    for route_path, routed in places:
        endpoint = MountedEndpoint(routed, f"docs{route_path.removeprefix(place)}")
        routes.append(Route(route_path, decorators.public(endpoint) if public else endpoint, include_in_schema=False))
    return routes

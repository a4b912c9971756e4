"""The docs page as the endpoint of a router, which has found the path below the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from authmw.http.request import RequestHead
    from authmw.http.response import Response
    from authmw.openapi.docs_page.page import DocsPage


@dataclass(frozen=True, slots=True)
class RoutedPage:
    """The docs page at one route of a router, which has found the path below the page.

    Args:
        page: the page.
        path: the path after that of the page; by default a slash and the path parameter ``path``.
    """

    page: DocsPage
    path: str | None = None

    def respond(self, request: RequestHead) -> Response:
        """The response to `request`. The root of the application is the one in which the request was routed."""
        path = f"/{request.path_params.get('path', '')}" if self.path is None else self.path
        return self.page.respond(request, path, way_up(request.path))


def way_up(path: str) -> str:
    """The relative URL from a page at `path` to the root.

    >>> way_up("/docs/"), way_up("/internal/docs/"), way_up("/")
    ('../', '../../', './')
    """
    return "../" * (path.count("/") - 1) or "./"

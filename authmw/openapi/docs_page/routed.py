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
    """What a framework's adapter mounts at each route of a docs page.

    Args:
        page: what is shown.
        path: below the page's own; by default the path parameter ``path``, after a slash.
    """

    page: DocsPage
    path: str | None = None

    def respond(self, request: RequestHead) -> Response:
        """The response to `request`, which leads to the root of the application in which it was routed."""
        path = f"/{request.path_params.get('path', '')}" if self.path is None else self.path
        return self.page.respond(request, path, way_up(request.path))


def way_up(path: str) -> str:
    """From a page at `path` to the root, as a relative URL.

    >>> way_up("/docs/"), way_up("/internal/docs/"), way_up("/")
    ('../', '../../', './')
    """
    return "../" * (path.count("/") - 1) or "./"

"""Routes of the login pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from authmw.engine.decorators import own_credentials
from authmw.login.service import RoutedPage, check_pages
from authmw_starlette.mounted import MountedEndpoint

if TYPE_CHECKING:
    from authmw.login.service import LoginPages


def login_routes(pages: LoginPages) -> list[Route]:
    """The login pages: ``Starlette(routes=[Mount("/auth", routes=login_routes(LoginPages(session, stores)))])``.

    They are public under default deny, and look at the session themselves. In FastAPI, ``app.mount`` is not needed:
    ``app.router.routes += login_routes(pages)``, or ``app.mount("/auth", Starlette(routes=login_routes(pages)))``.

    Args:
        pages: the pages.

    >>> from authmw import Session
    >>> from authmw.login import LoginPages
    >>> from authmw.stores import MemoryStores
    >>> stores = MemoryStores()
    >>> login_routes(LoginPages(Session(stores), stores))[0].path
    '/login'
    """
    check_pages(pages, "login_routes")
    return [
        Route(path, own_credentials(MountedEndpoint(RoutedPage(pages, path), path)), name=path.strip("/"))
        for path in pages.paths
    ]

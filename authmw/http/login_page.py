"""Login page of an application, to which navigations are redirected: its address, and who is never sent there."""

from __future__ import annotations

from typing import Final

from authmw.errors import ConfigurationError
from authmw.http.navigation import is_navigation
from authmw.http.next_path import NEXT, REAUTHENTICATE, leads_back, next_of, path_seen
from authmw.http.request import RequestHead
from authmw.http.target import is_canonical

_LINE: Final = 'login="/login", or login="https://id.example/login" for a central one'


class LoginPage:
    """The login page of an application.

    Args:
        login: its path from the root of the host, as ``/login``, or ``/shop/login`` where the application is mounted at
            ``/shop``; or the https URL of a page on another host, which may have a query.

    Raises:
        ConfigurationError: it is neither.

    >>> from authmw.wsgi import WSGIRequest
    >>> opened = {"HTTP_SEC_FETCH_MODE": "navigate", "HTTP_SEC_FETCH_DEST": "document"}
    >>> request = WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": "/orders", "QUERY_STRING": "page=2", **opened})
    >>> LoginPage("/login").url_for(request)
    '/login?next=/orders%3Fpage%3D2'
    """

    def __init__(self, login: str) -> None:
        mistake = mistake_in_login(login)
        if mistake:
            raise ConfigurationError(mistake)
        self.url: str = login
        self.path: str = login if login.startswith("/") else ""
        """The path of a page of this host, from its root; empty for one of another host."""

    def paths_below(self, root: str) -> tuple[str, ...]:
        """The path of the page below `root`, where an application is mounted, as `PublicPaths` take it.

        With a slash at its end and without, since frameworks redirect from one to the other. Nothing if the page is not
        below `root`.

        >>> LoginPage("/shop/login").paths_below("/shop"), LoginPage("/shop/login").paths_below("/sh")
        (('/login', '/login/'), ())
        """
        prefix = "" if root == "/" else root
        if not self.path.startswith(f"{prefix}/"):
            return ()
        path = self.path[len(prefix) :].rstrip("/")
        return (path, f"{path}/") if path else ("/",)

    def url_for(self, request: RequestHead, *, reauthenticate: bool = False) -> str:
        """Where the browser of a navigation goes instead of a 401; empty for any other request.

        It is empty too where that would be the same request again: for the page itself and all below it, and where
        ``next`` leads back to the path of the request, as behind a proxy that moves paths and does not say so.

        Args:
            request: the request that is refused.
            reauthenticate: ask for a login also of a person who is logged in.
        """
        if not is_navigation(request) or self._is_at(request) or leads_back(request):
            return ""
        from urllib.parse import quote

        asked = next_of(request)
        params = [(NEXT, asked)] if asked else []
        if reauthenticate:
            params.append((REAUTHENTICATE, "1"))
        query = "&".join(f"{name}={quote(value, safe='/')}" for name, value in params)
        return f"{self.url}{'&' if '?' in self.url else '?'}{query}" if query else self.url

    def _is_at(self, request: RequestHead) -> bool:
        """Whether `request` is for the page, or for anything below it."""
        if not self.path:
            return False
        page = self.path.rstrip("/")
        paths = (path_seen(request), request.root.rstrip("/") + request.path)
        return any(path.rstrip("/") == page or bool(page and path.startswith(f"{page}/")) for path in paths)


def mistake_in_login(login: object) -> str:
    """The mistake in ``login=``, with the line to write; empty if there is none."""
    from authmw.http.location import mistake_in_url  # loads ipaddress

    if isinstance(login, str) and login.startswith("/"):
        if is_canonical(login):
            return ""
        return f"login={login!r} is no path that all layers read alike, without query and escapes: write {_LINE}"
    if not isinstance(login, str) or not login.startswith("https://"):
        return f"login= is the page to log in at, not {login!r}: write {_LINE}"
    wrong = mistake_in_url(login)
    return f"login={login!r} is no address of a page, since {wrong}: write {_LINE}" if wrong else ""

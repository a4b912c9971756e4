"""`DocsPage`: the settings of the docs page, and the file for each path below it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

from authmw.errors import ConfigurationError, explains_arguments
from authmw.identity.scopes import checked_scopes
from authmw.openapi.docs_page import html, responses, swagger_ui
from authmw.openapi.docs_page.policy import origin_of, origins_in, page_policy
from authmw.pages.policy import checked_origins

if TYPE_CHECKING:
    from authmw.http.request import RequestHead
    from authmw.http.response import Response

T = TypeVar("T")
Document = Mapping[str, Any]

_UP: Final = re.compile(r"\./|(?:\.\./)+")
_HTML: Final = "text/html; charset=utf-8"
_SCRIPT: Final = "text/javascript; charset=utf-8"
_OPENAPI: Final = "/openapi.json"
_REDIRECT: Final = "/oauth2-redirect.html"
_OWN: Final[Mapping[str, str]] = {
    "docs.css": "text/css; charset=utf-8",
    "docs.js": _SCRIPT,
    "document.js": _SCRIPT,
    "authorization.js": _SCRIPT,
    "requests.js": _SCRIPT,
    "oauth2-redirect.js": _SCRIPT,
}


@explains_arguments('DocsPage(document=lambda: openapi_document(app, title="..."))')
class DocsPage:
    """A page that shows an OpenAPI document with Swagger UI: read it, authorize by each scheme, and try operations.

    ``Mount(page)`` of `authmw.wsgi` and `authmw.asgi`, Flask's ``docs_blueprint`` and Starlette's ``docs_routes`` serve
    it. The page has a path like ``/docs/``, and its files are below that. Nothing comes from other hosts, the HTML has
    no script in it, and every URL is relative: so the page works offline, and under any prefix.

    A document without ``servers`` describes the API of the same application: its paths begin at the root of the
    application, also under a prefix. Relative URLs in it, as that of the token endpoint, are resolved against
    the URL of the server, as a directory (OpenAPI 3.1.1 §4.6).

    Args:
        openapi_url: the URL of the document, relative to the root of the application, or absolute.
        document: the document, or a function that makes it on each request for it. It is served at ``openapi.json``
            below the page, and ``openapi_url`` is not used.
        title: of the browser's tab; by default the title of the document.
        client_id: is filled in in the Authorize dialog.
        scopes: are ticked in the Authorize dialog.
        persist: keep the authorization when the page is reloaded. It ends with the tab. Passwords that were exchanged
            for a token are not kept.
        connect: other origins to which the page may send requests: of the API and of token endpoints. Those that
            `document` names are added.
        root: the path from the page to the root of the application, as a relative URL: ``../../`` for
            ``/internal/docs/``. A blueprint and routes compute it themselves.

    Raises:
        ConfigurationError: every mistake at once; Swagger UI's files are not installed.

    >>> page = DocsPage(document={"openapi": "3.1.1", "info": {"title": "Shop", "version": "1"}, "paths": {}})
    >>> from authmw.wsgi import WSGIRequest
    >>> page.respond(WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": "/"})).status
    200
    """

    def __init__(
        self,
        openapi_url: str = "openapi.json",
        *,
        document: Document | Callable[[], Document] | None = None,
        title: str = "",
        client_id: str = "",
        scopes: Iterable[str] = (),
        persist: bool = False,
        connect: Iterable[str] = (),
        root: str = "../",
    ) -> None:
        mistakes = [*_in_url(openapi_url), *_in_document(document), *_in_root(root)]
        origins = _checked(mistakes, lambda: checked_origins(connect, "connect"))
        ticked = _checked(mistakes, lambda: checked_scopes(scopes))
        directory = _checked(mistakes, swagger_ui.directory)
        if origins is None or ticked is None or directory is None or mistakes:
            raise ConfigurationError(*mistakes)
        self.openapi_url = openapi_url
        self.title = title
        self.client_id = client_id
        self.scopes: tuple[str, ...] = ticked
        self.persist = persist
        self.connect: tuple[str, ...] = origins
        self.root = root
        self._document = document
        self._directory = directory

    def respond(self, request: RequestHead, path: str | None = None, root: str = "") -> Response:
        """The response to a request.

        Args:
            request: its method and its ``If-None-Match`` are read.
            path: the path after that of the page: ``/`` is the page, an empty one redirects to it. By default the path
                of the request.
            root: the path from the page to the root of the application, as a relative URL; by default `self.root`.
        """
        path = request.path if path is None else path
        if request.method not in ("GET", "HEAD"):
            return responses.method_not_allowed()
        if path == "":
            return responses.slash_appended(request)
        if path == "/":
            return self._page(request, root or self.root)
        if path == _REDIRECT:
            return responses.uncached(html.REDIRECT, _HTML, (("Content-Security-Policy", page_policy()),))
        if path == _OPENAPI and self._document is not None:
            return responses.content(request, _json(self._made()), "application/json")
        return self._file(request, path.removeprefix("/"))

    def _page(self, request: RequestHead, root: str) -> Response:
        settings = {
            "openapi": self._openapi_url(root),
            "root": root,
            "title": self.title,
            "client": self.client_id,
            "scopes": " ".join(self.scopes),
            "persist": "yes" if self.persist else "no",
        }
        policy = page_policy(self._origins())
        body = html.docs(self.title or "API", settings)
        return responses.content(request, body, _HTML, (("Content-Security-Policy", policy),))

    def _openapi_url(self, root: str) -> str:
        if self._document is not None:
            return _OPENAPI.removeprefix("/")
        return self.openapi_url if origin_of(self.openapi_url) else root + self.openapi_url

    def _file(self, request: RequestHead, name: str) -> Response:
        """A file of the page. Only names from the two lists are read from the disk."""
        if name in _OWN:
            return responses.content(request, _own(name), _OWN[name])
        if name in swagger_ui.FILES:
            return responses.content(request, swagger_ui.read(self._directory, name), swagger_ui.FILES[name])
        return responses.not_found()

    def _origins(self) -> tuple[str, ...]:
        named = (origin_of(self.openapi_url),) if self._document is None else origins_in(self._made())
        return tuple(dict.fromkeys((*self.connect, *(each for each in named if each is not None))))

    def _made(self) -> Document:
        document = self._document
        return document() if callable(document) else document or {}

    def __repr__(self) -> str:
        return f"DocsPage({self.openapi_url!r})" if self._document is None else "DocsPage(document=...)"


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


def _checked(mistakes: list[str], check: Callable[[], T]) -> T | None:
    """The result of `check`; None where it raises, and then `mistakes` gets its mistakes."""
    try:
        return check()
    except ConfigurationError as error:
        mistakes += error.mistakes
        return None


def _in_url(url: object) -> Iterable[str]:
    if not isinstance(url, str):
        yield f"openapi_url={url!r} is no string: pass the document itself as document=..."
    elif not url or (":" in url and origin_of(url) is None):
        yield f'openapi_url={url!r} is neither a relative URL nor an https URL: write "openapi.json" or "https://api.example/..."'
    elif url.startswith("/"):
        yield (
            f"openapi_url={url!r} would miss a prefix. It is relative to the root of the application: write "
            f"{url.lstrip('/')!r}"
        )


def _in_root(root: object) -> Iterable[str]:
    if not isinstance(root, str) or not _UP.fullmatch(root):
        yield f'root={root!r} does not lead up from the page: write "../" for /docs/, "../../" for /internal/docs/'


def _in_document(document: object) -> Iterable[str]:
    if document is not None and not callable(document) and not isinstance(document, Mapping):
        yield f"document={type(document).__name__} is no document: pass a mapping, or a function that returns one"


def _json(document: Document) -> bytes:
    return json.dumps(dict(document), separators=(",", ":")).encode()


@cache
def _own(name: str) -> bytes:
    from pathlib import Path

    return Path(__file__).with_name("files").joinpath(name).read_bytes()

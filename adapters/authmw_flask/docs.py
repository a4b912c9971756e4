"""The docs page as a blueprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Blueprint, Response, request

from authmw.engine import decorators
from authmw.http.request import WSGIRequest
from authmw.openapi.docs_page.page import way_up
from authmw.wsgi.docs_page import serve

if TYPE_CHECKING:
    from authmw.openapi.docs_page.page import DocsPage

# Whatever is there: the page answers for methods itself, and the same as under any other server.
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def docs_blueprint(
    page: DocsPage, name: str = "authmw_docs", url_prefix: str = "/docs", *, public: bool = False
) -> Blueprint:
    """`page` and its files: ``app.register_blueprint(docs_blueprint(page))``.

    The API that it describes begins at the root of the application, under whatever ``SCRIPT_NAME``.

    Args:
        page: what is shown.
        name: of the blueprint.
        url_prefix: where the page is.
        public: let anybody read it, also under default deny. Otherwise it is guarded like any view.

    >>> from authmw.openapi.docs_page import DocsPage
    >>> from flask import Flask
    >>> app = Flask("shop")
    >>> app.register_blueprint(docs_blueprint(DocsPage("openapi.json")))
    >>> app.test_client().get("/docs/").status
    '200 OK'
    """
    blueprint = Blueprint(name, __name__, url_prefix=url_prefix)

    def show(path: str) -> Response:
        """Serve what is at `path` below the page."""
        asked = WSGIRequest(request.environ)
        started: list[Any] = []
        body = serve(page, asked, lambda *start: cast("Any", started.extend(start)), path, way_up(asked.path))
        status, headers = started
        response = Response(body, status, headers)
        if response.status_code == 304:  # Flask would say of what type the content is that is not there
            del response.headers["Content-Type"]
        return response

    def redirect() -> Response:
        return show("")

    def index() -> Response:
        return show("/")

    def file(path: str) -> Response:
        return show(f"/{path}")

    places = (("/", index), ("/<path:path>", file), *((("", redirect),) if url_prefix.strip("/") else ()))
    for rule, view in places:
        blueprint.add_url_rule(
            rule,
            view.__name__,
            decorators.public(view) if public else view,
            methods=_METHODS,
            provide_automatic_options=False,
        )
    return blueprint

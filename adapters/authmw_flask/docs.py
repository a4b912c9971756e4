"""Blueprint of the docs page."""

from __future__ import annotations

from flask import Blueprint

from authmw.engine import decorators
from authmw.openapi.docs_page.page import DocsPage, RoutedPage
from authmw_flask.mounted import add_view, mounted_view


def docs_blueprint(
    page: DocsPage, name: str = "authmw_docs", url_prefix: str = "/docs", *, public: bool = False
) -> Blueprint:
    """`page` and its files: ``app.register_blueprint(docs_blueprint(page))``.

    The API that it describes begins at the root of the application, under any ``SCRIPT_NAME``.

    Args:
        page: the page to show.
        name: of the blueprint.
        url_prefix: the path of the page.
        public: anyone may read it, also under default deny. Otherwise it is guarded like any view.

    >>> from authmw.openapi import DocsPage
    >>> from flask import Flask
    >>> app = Flask("shop")
    >>> app.register_blueprint(docs_blueprint(DocsPage("openapi.json")))
    >>> app.test_client().get("/docs/").status
    '200 OK'
    """
    blueprint = Blueprint(name, __name__, url_prefix=url_prefix)

    places = [("/", "index", RoutedPage(page, "/")), ("/<path:path>", "file", RoutedPage(page))]
    if url_prefix.strip("/"):
        places.append(("", "redirect", RoutedPage(page, "")))
    for rule, endpoint, routed in places:
        view = mounted_view(routed)
        add_view(blueprint, rule, endpoint, decorators.public(view) if public else view)
    return blueprint

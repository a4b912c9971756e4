"""Blueprint of the login pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from authmw.engine.decorators import own_credentials
from authmw.login.service import RoutedPage, check_pages
from authmw_flask.config import LOGIN_PAGES
from authmw_flask.mounted import add_view, mounted_view
from authmw_flask.tokens import keep_bodies

if TYPE_CHECKING:
    from authmw.login.service import LoginPages


def login_blueprint(pages: LoginPages, name: str = "login", url_prefix: str | None = None) -> Blueprint:
    """The login pages: ``app.register_blueprint(login_blueprint(LoginPages(session, stores), url_prefix="/auth"))``.

    They are public under default deny, and look at the session themselves. ``url_for("login.login")`` is the login
    page, ``url_for("login.logout")`` the one to log out.

    Args:
        pages: the pages.
        name: of the blueprint.
        url_prefix: the path below the application's root.

    >>> from authmw import Session
    >>> from authmw.login import LoginPages
    >>> from authmw.stores import MemoryStores
    >>> from flask import Flask
    >>> stores = MemoryStores()
    >>> app = Flask("shop")
    >>> app.register_blueprint(login_blueprint(LoginPages(Session(stores), stores), url_prefix="/auth"))
    >>> app.test_client().get("/auth/login").status
    '200 OK'
    """
    check_pages(pages, "login_blueprint")
    blueprint = Blueprint(name, __name__, url_prefix=url_prefix)
    for path in pages.paths:
        add_view(blueprint, path, _name(path), own_credentials(mounted_view(RoutedPage(pages, path))))
    blueprint.record(keep_bodies)
    blueprint.record(lambda state: state.app.extensions.setdefault(LOGIN_PAGES, pages))
    return blueprint


def _name(path: str) -> str:
    return path.strip("/").replace("/", "_").replace("-", "_")

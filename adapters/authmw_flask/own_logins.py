"""`login_user` and `logout_user`, as Flask-Login has them: for a view that authenticates users itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Response, after_this_request, current_app, request

from authmw.engine.context import call_here
from authmw.errors import ConfigurationError
from authmw.flow.flow import run
from authmw.http.request import RequestHead, WSGIRequest
from authmw_flask.config import LOGIN_PAGES

if TYPE_CHECKING:
    from authmw.login.service import LoginPages


def login_user(user: object, remember: bool = False) -> bool:
    """Begin a session for a user whom this view has authenticated, or has just registered.

    The response sets the cookie. `current_user` is that user from the next request on, so redirect. A view that checks
    passwords has to limit attempts, and to refuse forms of other sites, itself: the login page does both.

    Args:
        user: a user object with ``get_id()`` or an ``id``, or the id itself. It is looked up in the stores.
        remember: whether the session outlives the browser.

    Returns:
        Whether it began: False if the stores have no user with that id, or it is disabled.

    Raises:
        ConfigurationError: the application has no login pages, or `user` has no id.
        Unavailable: a store raised. The middleware answers 503.

    >>> from flask import redirect
    >>> def registered(account: object) -> object:
    ...     login_user(account)
    ...     return redirect("/")
    """
    pages = _pages("login_user")
    cookie = run(pages.log_in(_request(), _id_of(user), remember=remember), pool=pages.pool)
    if cookie is None:
        return False
    _set(cookie)
    return True


def logout_user() -> bool:
    """End the session of this request, if it has one. The response clears the cookie; `current_user` stays until then.

    Let a form post to the view, since a page of another site can have a link to it.

    Returns:
        True.

    Raises:
        ConfigurationError: the application has no login pages.
        Unavailable: a store raised. The middleware answers 503.
    """
    pages = _pages("logout_user")
    _set(run(pages.log_out(_request()), pool=pages.pool))
    return True


def _pages(asked: str) -> LoginPages:
    pages = current_app.extensions.get(LOGIN_PAGES)
    if pages is None:
        raise ConfigurationError(
            f"{asked} needs the login pages, which have the sessions: write LocalAuth(app, pages=True), or "
            'app.register_blueprint(login_blueprint(LoginPages(session, stores), url_prefix="/auth"))'
        )
    return cast("LoginPages", pages)


def _request() -> RequestHead:
    """The request as the guard sees it, with the credentials that may be hidden from the application."""
    call = call_here()
    return WSGIRequest(request.environ) if call is None else call.request


def _id_of(user: object) -> str:
    if isinstance(user, str):
        return user
    get_id: Any = getattr(user, "get_id", None)
    found = get_id() if callable(get_id) else getattr(user, "id", None)
    if found is None:
        raise ConfigurationError(
            f"login_user takes a user object or its id, and {type(user).__name__} has neither get_id() nor id"
        )
    return str(found)


def _set(cookie: tuple[str, str]) -> None:
    @after_this_request
    def add(response: Response) -> Response:
        response.headers.add(*cookie)
        return response

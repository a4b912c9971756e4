"""Names that applications know from Flask-Login and Flask-WTF: `login_required`, and what each template has."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from authmw import authenticated, csrf_token
from authmw_flask.proxies import current_user

if TYPE_CHECKING:
    from flask import Flask

T = TypeVar("T")


def login_required(view: T) -> T:
    """Require a caller: `authenticated`, under the name that it has in Flask-Login.

    A stranger who opens the page in a browser is sent to ``Auth(login="/login")``; everything else gets a 401.

    >>> @login_required
    ... def profile() -> str:
    ...     return "profile"
    """
    return authenticated(view)


def add_template_context(app: Flask) -> None:
    """Give each template of `app` the names ``current_user`` and ``csrf_token``, unless it has them already."""
    # Flask's own processor is the first, and of several processors the last one wins.
    app.template_context_processors[None].insert(1, lambda: {"current_user": current_user, "csrf_token": csrf_token})

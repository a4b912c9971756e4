"""Context of Jinja templates: the caller, as ``current_user``, and ``csrf_token`` for forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authmw.engine.form_token import csrf_token
from authmw.engine.user_view import UserView

if TYPE_CHECKING:
    from starlette.requests import Request


def template_context(request: Request) -> dict[str, Any]:
    """Names for templates: ``Jinja2Templates("templates", context_processors=[template_context])``.

    ``csrf_token()`` is the token of a form, as `authmw.csrf_token`. ``current_user`` is the caller.

    The caller is the user object of ``Auth(load_user=...)``, or else the principal. An attribute that the user object
    has is that of the user object, and any other one is that of the principal. There are ``is_authenticated``,
    ``is_anonymous``, ``display_name`` and ``get_id()`` in any case, also without a caller.

    A template cannot wait. In an ``async def`` endpoint the user object is there once ``await current_user_async(...)``
    or the dependency ``CurrentUser`` has loaded it; without that, there is the principal.

    Args:
        request: the request that is being served, given by Starlette.
    """
    return {"current_user": UserView.in_template(), "csrf_token": csrf_token}

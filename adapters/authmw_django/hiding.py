"""Credentials taken out of requests of Django, and of the reports that Django makes of errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.http import parse_cookie
from django.views.debug import get_default_exception_reporter_filter

if TYPE_CHECKING:
    from django.http import HttpRequest

    from authmw.engine.hidden_credentials import HiddenCredentials

_READ_ONCE: Final = ("headers", "COOKIES", "GET")
"""Attributes of a request that Django makes when they are first read."""


def hide(hidden: HiddenCredentials, request: HttpRequest) -> None:
    """Take the credentials out of `request`, for views and for the middleware further in."""
    shown = hidden.environ(request.META)
    request.META.clear()
    request.META.update(shown)
    scope: Any = getattr(request, "scope", None)
    if scope is not None:
        setattr(request, "scope", hidden.scope(scope))  # noqa: B010 - only requests under ASGI have it
    for name in _READ_ONCE:
        vars(request).pop(name, None)


class ReportFilter:
    """The filter of the project for reports of errors, which leaves out the credentials too.

    Django leaves out what has a name of its list, as cookies and, from 5.2 on, ``Authorization``. It puts the rest into
    the mail to the administrators, and into the page in debug mode.

    Args:
        hidden: the places of the credentials.
    """

    def __init__(self, hidden: HiddenCredentials) -> None:
        self._hidden = hidden
        self._inner: Any = get_default_exception_reporter_filter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def get_safe_request_meta(self, request: HttpRequest) -> dict[str, Any]:
        """``META`` for the report."""
        return self._hidden.environ(self._inner.get_safe_request_meta(request))

    def get_safe_cookies(self, request: HttpRequest) -> dict[str, Any]:
        """The cookies for the report."""
        cookies: dict[str, Any] = self._inner.get_safe_cookies(request)
        kept = parse_cookie(str(self._hidden.environ(request.META).get("HTTP_COOKIE", "")))
        return {name: value for name, value in cookies.items() if name in kept}

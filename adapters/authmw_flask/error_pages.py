"""Error handlers of a Flask application, asked for the page of a refused navigation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, cast

from flask import Flask, request
from werkzeug.exceptions import HTTPException, default_exceptions

from authmw.engine.refusal_pages import RefusalPages
from authmw.http.refusal import AccessRefused, Refusal

if TYPE_CHECKING:
    from authmw.http.response import Response

PAGES: Final = "authmw.pages"
"""The key of `ErrorPages` in ``app.extensions``."""


class ErrorPages:
    """The pages that the error handlers of `app` make of refused navigations.

    A handler is found as Flask finds it for ``abort(401)``: by the status or the class, that of the blueprint first.
    One for `AccessRefused` goes first of all.

    Args:
        app: the application.
        own: the handlers of authmw, which make no page.
    """

    def __init__(self, app: Flask, own: Callable[..., object]) -> None:
        self._app = app
        self._own = own
        self._pages = RefusalPages()

    def may_have(self, refusal: Refusal) -> bool:
        """Whether a handler of the application may be asked for the page of `refusal`."""
        if not self._pages.asks(refusal):
            return False
        # Flask adds empty tables while it looks handlers up, maybe in another thread: so lists.
        by_code = list(self._app.error_handler_spec.values())
        tables = [table for each in by_code for table in list(each.values())]
        return any(getattr(each, "__module__", "") != self._own.__module__ for some in tables for each in some.values())

    def response(self, refusal: Refusal) -> Response | None:
        """The page of `refusal`, made in the context of its request; None if no handler makes one."""
        if not self.may_have(refusal):
            return None
        error: Exception
        handler, error = self._of_refusals(), AccessRefused(refusal)
        name = f"errorhandler({refusal.status if handler is None else 'AccessRefused'}) of {self._app.name}"
        if handler is None:
            error = default_exceptions.get(refusal.status, HTTPException)(refusal.reason.description)
            handler = self._app.handle_http_exception
        try:
            answer: Any = self._app.ensure_sync(handler)(error)
            if answer is error:
                return None
            made = self._app.make_response(answer)
            made.direct_passthrough = False  # a file is read here
            with closing(made):
                return self._pages.response(refusal, name, made.status_code, list(made.headers), made.get_data())
        except Exception as raised:
            return self._pages.failed(refusal, name, raised)

    def _of_refusals(self) -> Callable[..., Any] | None:
        """The handler that the application has registered for `AccessRefused`."""
        for name in (*request.blueprints, None):
            found = self._app.error_handler_spec.get(name, {}).get(None, {}).get(AccessRefused)
            if found is not None and found is not self._own:
                return cast("Callable[..., Any]", found)
        return None

"""Responses of refusals in Flask: by an exception inside of it, and by ``process_response`` in front of it.

Preflights are answered in front of it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from flask import Flask, Response, current_app, has_request_context
from werkzeug.exceptions import HTTPException

from authmw.engine.context import call_here
from authmw.errors import Unavailable
from authmw.http import response as core
from authmw.http.refusal import AccessRefused, Refusal
from authmw.http.request import Environ
from authmw.http.response import StartResponse
from authmw.identity.calling import current_call
from authmw_flask.error_pages import PAGES, ErrorPages


class RefusedByFlask(AccessRefused, HTTPException):
    """A refusal with its whole response and no ``code``.

    Flask passes an HTTPException without a code to no error handler, and neither do the extensions with their own error
    handling. So status and challenge stay. A handler is asked for the page of a navigation, and `ErrorPages` looks at
    what it answers.
    """

    def __init__(self, refusal: Refusal) -> None:
        AccessRefused.__init__(self, refusal)
        self.response: Response = _response_of(refusal.response())
        self.description: str | None = None

    def get_response(self, *args: Any, **kwargs: Any) -> Any:
        """The response: the page of the application for a navigation, or else that of the refusal."""
        return _page_of(self.refusal) or self.response

    @property
    def data(self) -> NoReturn:
        """The attribute from which flask-restx would make a body of its own. It passes on to Flask what this raises.

        Raises:
            RefusedByFlask: always.
        """
        raise self


def answer_refusals(app: Flask) -> None:
    """Make `app` answer each `AccessRefused`, also one raised elsewhere, such as in a thread that a view waits for.

    It answers `Unavailable` by a 503, if a view asks a store that is down. A handler that the application has
    registered for one of them stays.
    """
    handlers = app.error_handler_spec[None][None]
    handlers.setdefault(AccessRefused, _answer)
    handlers.setdefault(Unavailable, _answer_outage)
    app.extensions[PAGES] = ErrorPages(app, _answer)


def _answer(refused: AccessRefused) -> Response:
    return _page_of(refused.refusal) or _response_of(refused.refusal.response())


def _page_of(refusal: Refusal) -> Response | None:
    """The page that an error handler of the application makes of `refusal`; None if none does."""
    pages = current_app.extensions.get(PAGES) if has_request_context() else None
    page = pages.response(refusal) if isinstance(pages, ErrorPages) else None
    return None if page is None else _response_of(page)


def _answer_outage(error: Unavailable) -> Response:
    call = call_here()
    if call is None:
        raise error
    return _answer(call.refuse(call.unavailable(error)))


def _response_of(response: core.Response) -> Response:
    answer = Response(response.body, response.status_line, list(response.headers))
    if not response.body:
        del answer.headers["Content-Type"]  # Flask adds it to a response that has none
    return answer


class FlaskResponses:
    """Sends a response that is made in front of Flask, after the functions that `app` runs on each response.

    These can add their headers, as Flask-CORS does. No route is matched, and no other code of the application runs.

    Args:
        app: the application.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __call__(self, response: core.Response, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Send `response`. If one of the functions fails, it is sent without their changes."""
        if not self._processes_responses():
            return response.serve_wsgi(environ, start_response)
        return self._send(lambda: response, response, environ, start_response)

    def refuse(
        self, refusal: Refusal, response: core.Response, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Send the response to `refusal`: for a navigation, the page of an error handler that the application has."""
        pages = self._app.extensions.get(PAGES)
        if not isinstance(pages, ErrorPages) or not pages.may_have(refusal):
            return self(response, environ, start_response)
        # Its route is matched, since a blueprint may have the handler. No view is called.
        make = lambda: pages.response(refusal) or response  # noqa: E731 - it is called in the context of the request
        return self._send(make, response, environ, start_response, routed=True)

    def _send(
        self,
        make: Callable[[], core.Response],
        fallback: core.Response,
        environ: Environ,
        start_response: StartResponse,
        *,
        routed: bool = False,
    ) -> Iterable[bytes]:
        try:
            answer = self._processed(make, environ, routed=routed)
        except Exception:
            # As Flask itself does when they fail on an error page. The response has to be sent in any case.
            self._app.logger.exception("Finalizing a response in front of Flask failed")
            answer = _response_of(fallback)
        return answer(environ, start_response)

    def _processes_responses(self) -> bool:
        """Whether there are such functions. Without them a refused request needs no context and no session."""
        is_own = type(self._app).process_response is not Flask.process_response
        return is_own or bool(self._app.after_request_funcs.get(None))

    def _processed(self, make: Callable[[], core.Response], environ: Environ, *, routed: bool) -> Response:
        context = self._app.request_context(environ)
        if not routed:
            context.url_adapter = None  # otherwise the context would match a route
        token = current_call.set(None)  # the functions see no caller, also below another middleware
        try:
            context.push()  # opens the session: pop also after a failure, as Flask does
            processed = self._app.process_response(_response_of(make()))
        finally:
            try:
                context.pop()
            finally:
                current_call.reset(token)
        if not callable(processed):
            raise TypeError(f"a function after the request returned {type(processed).__name__}, not the response")
        return processed

"""Refusals as responses of Django, and the record of errors, which they are no part of."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, ItemsView
from typing import TYPE_CHECKING, Any, Final, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from authmw.engine.context import call_here
from authmw.engine.error_pages import refusal_in
from authmw.errors import Unavailable
from authmw.http.refusal import AccessRefused, Refusal
from authmw_django.error_pages import page_of

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

    from authmw.http.response import Response

    GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]

_CHALLENGE: Final = "WWW-Authenticate"


class RefusalMiddleware:
    """Answers each `AccessRefused` that leaves a view, sync or async: ``"authmw_django.RefusalMiddleware"``.

    It is a part of `AuthMiddleware`, and for projects that have the middleware of `authmw.wsgi` or `authmw.asgi` around
    Django's handler. It may stand anywhere in ``MIDDLEWARE``. The middleware before it adds headers to refusals as to
    other responses.

    Args:
        get_response: the next middleware or the view, given by Django.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        # Django checks by this function, and awaits what `get_response` returns, which `__call__` returns too.
        self._is_async = bool(iscoroutinefunction(get_response))  # pyright: ignore[reportDeprecated] - asyncio's only on Python 3.11
        if self._is_async:
            markcoroutinefunction(self)
        keep_out_of_the_log()

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The answer to a refusal that a view raised, or to a store that is down; None for any other exception."""
        call = call_here()
        if isinstance(exception, Unavailable) and call is not None:
            exception = call.refuse(call.unavailable(exception))
        refusal = refusal_in(exception)
        return None if refusal is None else refused(refusal, request)


def refused(refusal: Refusal, request: HttpRequest) -> HttpResponse:
    """The response of `refusal` to `request`."""
    return DjangoResponse(page_of(refusal, request) or refusal.response(), request)


class DjangoResponse(HttpResponse):
    """A response of authmw. Django's own have one value for each header; this one sends each challenge in its own line.

    Django neither logs it nor mails it to the administrators: the audit log has it.
    """

    def __init__(self, response: Response, request: HttpRequest) -> None:
        super().__init__(b"".join(response.content_for(str(request.method))), status=response.status)
        self._has_been_logged = True  # as `django.utils.log.log_response` leaves a response that it has logged
        self._challenges = [value for name, value in response.headers if name == _CHALLENGE]
        if not response.body:
            del self.headers["Content-Type"]
        for name, value in response.headers:
            if name == "Set-Cookie" and self.has_header(name):
                self.cookies.load(self[name])  # a page may set more than one; Django's own have one header of a name
            self[name] = value
        if self._challenges:
            self[_CHALLENGE] = ", ".join(self._challenges)

    def items(self) -> ItemsView[str, str]:
        """The header lines, as Django's handlers send them."""
        lines = list(super().items())
        if self.get(_CHALLENGE) == ", ".join(self._challenges):
            lines = [line for line in lines if line[0] != _CHALLENGE]
            lines += [(_CHALLENGE, value) for value in self._challenges]
        return cast("ItemsView[str, str]", lines)


def _is_no_refusal(record: logging.LogRecord) -> bool:
    error: Any = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    return not isinstance(error, AccessRefused)


def keep_out_of_the_log() -> None:
    """Keep refusals that other middleware raises out of the log of errors, and so out of the mail to administrators.

    Django takes them for bugs. `AuthMiddleware` answers them, and the audit log has them.
    """
    logging.getLogger("django.request").addFilter(_is_no_refusal)  # once: a filter is not added again

"""Django middleware that answers a refusal, so that Django does not report it as an error."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, ItemsView
from typing import TYPE_CHECKING, Final, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from authmw.http.refusal import AccessRefused

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

    from authmw.http.response import Response

_CHALLENGE: Final = "WWW-Authenticate"


class RefusalMiddleware:
    """Answers each `AccessRefused` that leaves a view, sync or async: ``"authmw_django.RefusalMiddleware"``.

    It may stand anywhere in ``MIDDLEWARE``. The middleware before it adds headers to refusals as to other responses.
    `authmw.wsgi.AuthMiddleware` or `authmw.asgi.AuthMiddleware`, around Django's handler, authenticates the caller.

    Args:
        get_response: the next middleware or the view, given by Django.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self.get_response = get_response
        # Django checks by this function, and awaits what `get_response` returns, which `__call__` returns too.
        if iscoroutinefunction(get_response):  # pyright: ignore[reportDeprecated] - asyncio's only on Python 3.11
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The answer to a refusal that a view raised; None for any other exception."""
        return _Refusal(exception.refusal.response()) if isinstance(exception, AccessRefused) else None


class _Refusal(HttpResponse):
    """A refusal. Django's responses have one value for each header; this one sends each challenge in its own line."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.body, status=response.status)
        self._challenges = [value for name, value in response.headers if name == _CHALLENGE]
        for name, value in response.headers:
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

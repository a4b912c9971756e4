"""Exception handlers of Starlette and FastAPI applications, asked for the page of a refused navigation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from authmw.engine.refusal_pages import RefusalPages
from authmw.http.refusal import AccessRefused, Refusal
from authmw.http.response import Response

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope

    Handlers = Mapping[Any, Callable[..., Any]]

_FRAMEWORKS: Final = ("starlette", "fastapi", "authmw_starlette")
"""The packages whose handlers make no page of an application."""

pages: Final = RefusalPages()


async def page_of(refusal: Refusal, scope: Scope, receive: Receive, handlers: Handlers) -> Response | None:
    """The page that a handler of the application makes of a refused navigation; None if none does.

    A handler is found as Starlette finds it for ``HTTPException(401)``: by the status, then by the class. One for
    `AccessRefused` goes first of all.

    Args:
        refusal: the refusal.
        scope: of the request, as the handler gets it.
        receive: of the request.
        handlers: those of the application, by status and by class.
    """
    if not pages.asks(refusal):
        return None
    handler, error = _found(refusal, handlers)
    if handler is None:
        return None
    name = f"the exception handler {getattr(handler, '__qualname__', type(handler).__name__)}"
    try:
        request = Request(scope, receive)
        if _is_async(handler):
            answer = await handler(request, error)
        else:
            answer = await run_in_threadpool(handler, request, error)
        status, headers, body = await _sent(answer, scope, receive)
        return pages.response(refusal, name, status, headers, body)
    except Exception as raised:
        return pages.failed(refusal, name, raised)


def _found(refusal: Refusal, handlers: Handlers) -> tuple[Callable[..., Any] | None, Exception]:
    """The handler for `refusal`, and the exception that it gets."""
    own = _of_application(handlers.get(AccessRefused))
    if own is not None:
        return own, AccessRefused(refusal)
    # FastAPI's class is derived from Starlette's, and an application may have a handler for either.
    kinds = [each for each in handlers if isinstance(each, type) and issubclass(each, HTTPException)]
    kinds = [each for each in kinds if each.__module__.partition(".")[0] in _FRAMEWORKS]
    kinds.sort(key=lambda kind: len(kind.__mro__), reverse=True)
    by_class = [(handler, kind) for kind in kinds if (handler := _of_application(handlers[kind])) is not None]
    by_status = _of_application(handlers.get(refusal.status))
    handler, kind = by_class[0] if by_class else (None, HTTPException)
    error = kind(status_code=refusal.status, detail=refusal.reason.description)
    return by_status or handler, error


def _of_application(handler: Callable[..., Any] | None) -> Callable[..., Any] | None:
    module = str(getattr(handler, "__module__", ""))
    return None if module.partition(".")[0] in _FRAMEWORKS else handler


def _is_async(handler: object) -> bool:
    return iscoroutinefunction(handler) or iscoroutinefunction(getattr(handler, "__call__", None))  # noqa: B004


async def _sent(answer: Any, scope: Scope, receive: Receive) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body of a response of Starlette."""
    started: list[Message] = []
    chunks: list[bytes] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append(message)
        chunks.append(message.get("body", b""))

    await answer(scope, receive, send)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in started[0].get("headers", ())]
    return started[0]["status"], headers, b"".join(chunks)

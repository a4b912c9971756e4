"""Exception handler for refusals in Starlette and FastAPI applications, installed beside the application's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from starlette.websockets import WebSocket, WebSocketState

from authmw.http.refusal import AccessRefused, Refusal
from authmw_starlette.error_pages import page_of

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp, Receive, Scope

    from authmw.engine.context import Call

_HANDLERS: Final = "starlette.exception_handlers"


def let_refusals_through(scope: Scope) -> None:
    """Make the application that serves `scope` answer each `AccessRefused` with its refusal.

    Each Starlette application writes its own handlers into the scope, so this reaches the innermost one, also if one is
    mounted in another. A handler that the application has registered for `AccessRefused` stays. The exception is no
    ``HTTPException``: the application's handlers for those, or for a status, would drop the challenge.
    """
    # Starlette keeps its handlers here, as (by class, by status), for the routes and their endpoints.
    handlers = scope.get(_HANDLERS)
    if handlers is not None:
        handlers[0].setdefault(AccessRefused, _answer)


def carry(scope: Scope, refusal: Refusal) -> AccessRefused:
    """The exception by which `refusal` travels through the application that serves `scope`."""
    let_refusals_through(scope)
    return AccessRefused(refusal)


def refuse(connection: HTTPConnection, refusal: Refusal, call: Call | None = None) -> AccessRefused:
    """The exception by which `refusal` travels through the application that serves `connection`.

    Args:
        connection: of a request or a websocket, as its application has it.
        refusal: the refusal to send.
        call: the call that a middleware in front has made for the request.
    """
    let_refusals_through(connection.scope)
    return AccessRefused(refusal) if call is None else call.refuse(refusal)


def _receive_of(connection: HTTPConnection) -> Receive:
    """What the handler of a page may read: the request as its application has it."""
    return cast("Receive", getattr(connection, "receive", None))


async def _answer(connection: HTTPConnection, error: AccessRefused) -> ASGIApp | None:
    """The response to a request, which Starlette only calls, to send it. For a websocket the response is sent here."""
    response = error.refusal.response()
    if not isinstance(connection, WebSocket):
        by_class, by_status = connection.scope.get(_HANDLERS, ({}, {}))
        handlers: dict[Any, Any] = {**by_class, **by_status}
        page = await page_of(error.refusal, connection.scope, _receive_of(connection), handlers)
        return (page or response).serve_asgi
    if connection.application_state is WebSocketState.CONNECTED:
        await connection.close(response.close_code)
    else:
        connected = connection.client_state is not WebSocketState.CONNECTING
        await response.serve_asgi(connection.scope, connection.receive, connection.send, connected=connected)
    return None

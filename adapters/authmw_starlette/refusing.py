"""How a refusal leaves a Starlette or FastAPI application: by an exception handler that stands beside the app's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.websockets import WebSocket, WebSocketState

from authmw.http.refusal import AccessRefused
from authmw.http.response import POLICY_VIOLATION

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp, Scope

    from authmw.engine.context import Call
    from authmw.http.refusal import Refusal

_HANDLERS: Final = "starlette.exception_handlers"


def let_refusals_through(scope: Scope) -> None:
    """Have the application that serves `scope` answer `AccessRefused` by its refusal, wherever in it it is raised.

    Each application of Starlette writes its own handlers into the scope, so this reaches the innermost, also where one
    is mounted in another. A handler that the application has registered for `AccessRefused` stays. The exception is no
    ``HTTPException``: handlers that an application has for those, or for a status, would drop the challenge.
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
        refusal: what to answer.
        call: the request as a middleware in front knows it.
    """
    let_refusals_through(connection.scope)
    return AccessRefused(refusal) if call is None else call.refuse(refusal)


async def _answer(connection: HTTPConnection, error: AccessRefused) -> ASGIApp | None:
    """What Starlette calls as a response: all it does with one is to send it. A websocket is answered here."""
    response = error.refusal.response()
    if not isinstance(connection, WebSocket):
        return response.serve_asgi
    if connection.application_state is WebSocketState.CONNECTED:
        await connection.close(POLICY_VIOLATION)
    else:
        connected = connection.client_state is not WebSocketState.CONNECTING
        await response.serve_asgi(connection.scope, connection.receive, connection.send, connected=connected)
    return None

"""How a refusal leaves a FastAPI dependency: by the answer that middleware gives, where there is one and where not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from starlette.websockets import WebSocket, WebSocketState

from authmw.http.refusal import AccessRefused
from authmw.http.response import POLICY_VIOLATION

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp

    from authmw.http.refusal import Refusal

_HANDLERS: Final = "starlette.exception_handlers"


def let_refusals_through(connection: HTTPConnection) -> None:
    """Have `AccessRefused` answered by its refusal, wherever in the application it is raised.

    It is no ``HTTPException``: handlers that an application has for those, or for a status, would drop the challenge.
    """
    # Starlette keeps its handlers here, as (by class, by status), for the routes and their endpoints.
    handlers = connection.scope.get(_HANDLERS)
    if handlers is not None:
        handlers[0].setdefault(AccessRefused, _answer)


def refuse(connection: HTTPConnection, refusal: Refusal) -> NoReturn:
    """Answer `connection` with `refusal`.

    Raises:
        AccessRefused: always.
    """
    let_refusals_through(connection)
    raise AccessRefused(refusal)


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

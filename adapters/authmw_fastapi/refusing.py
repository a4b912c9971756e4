"""How a refusal leaves a FastAPI dependency: by the answer that middleware gives, where there is one and where not."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn

from starlette.websockets import WebSocket, WebSocketState

from authmw.asgi.middleware import refuse as answer_by
from authmw.http.refusal import AccessRefused

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp

    from authmw.http.refusal import Refusal

_HANDLERS: Final = "starlette.exception_handlers"
_POLICY_VIOLATION: Final = 1008  # RFC 6455 §7.4.1


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
        return partial(answer_by, response)
    if connection.application_state is WebSocketState.CONNECTED:
        await connection.close(_POLICY_VIOLATION)
    else:
        connected = connection.client_state is not WebSocketState.CONNECTING
        await answer_by(response, connection.scope, connection.receive, connection.send, connected=connected)
    return None

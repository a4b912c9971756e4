"""The Litestar application. Litestar evaluates annotations by what the module has."""

from __future__ import annotations

from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.datastructures import MutableScopeHeaders

from authmw import requires_scopes
from tests.frameworks.apps import LAYER, answer_later


@get("/{what:str}/{by:str}")
async def view(request: Request[Any, Any, Any]) -> Response[str]:
    own = await answer_later(**request.path_params)
    return Response(own.body, status_code=own.status, headers=own.headers, media_type="text/plain")


@get("/decorated")
@requires_scopes("admin")
async def decorated() -> str:
    return "secret"


async def layer(message: Any, scope: Any) -> None:
    if message["type"] == "http.response.start":
        MutableScopeHeaders.from_message(message)[LAYER[0]] = LAYER[1]


def make_app(**options: Any) -> Litestar:
    return Litestar([view, decorated], before_send=[layer], logging_config=None, **options)


@get(["/", "/{path:path}"], media_type="text/plain")
async def read(request: Request[Any, Any, Any]) -> str:
    return str(request.scope["path"])


def make_reader() -> Litestar:
    """An application that answers with the path that its router looked up."""
    return Litestar([read], logging_config=None, openapi_config=None)

"""Pages that need a login, in Starlette. Users are in app.db.

    authmw users create alice --scope orders:read
    uvicorn examples.login.starlette_app:app

Open http://localhost:8000/ in a browser.
"""

from __future__ import annotations

from html import escape

from authmw_starlette import LocalAuth, requires_scopes
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from authmw.login import LoginOptions
from authmw.pages import Look


async def home(request: Request) -> HTMLResponse:
    """The page of the caller."""
    name = escape(request.user.display_name)
    return HTMLResponse(f'<p>Hello {name}. <a href="/orders">Orders</a> <a href="/auth/logout">Log out</a>')


@requires_scopes("orders:read")
async def orders(request: Request) -> PlainTextResponse:
    """The orders of the caller."""
    return PlainTextResponse("No orders yet.")


async def about(request: Request) -> PlainTextResponse:
    """A page for everybody."""
    return PlainTextResponse("A shop.")


app = Starlette(routes=[Route("/", home), Route("/orders", orders), Route("/public", about)])
LocalAuth(app, pages=LoginOptions(look=Look("Shop", accent="#0b6e4f")), public=["/public"])

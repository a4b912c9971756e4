"""Pages that need a login, in FastAPI. Users are in app.db.

    authmw users create alice --scope orders:read
    uvicorn examples.login.fastapi_app:app

Open http://localhost:8000/ in a browser.
"""

from __future__ import annotations

from html import escape
from typing import Annotated

from authmw_fastapi import CurrentPrincipal, LocalAuth, Scopes
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from authmw import Principal
from authmw.login import LoginOptions
from authmw.pages import Look

app = FastAPI()
LocalAuth(app, pages=LoginOptions(look=Look("Shop", accent="#0b6e4f")), public=["/public"])


@app.get("/", response_class=HTMLResponse)
def home(caller: CurrentPrincipal) -> str:
    """The page of the caller."""
    return f'<p>Hello {escape(caller.display_name)}. <a href="/orders">Orders</a> <a href="/auth/logout">Log out</a>'


@app.get("/orders")
def orders(caller: Annotated[Principal, Scopes("orders:read")]) -> list[str]:
    """The orders of the caller."""
    return []


@app.get("/public")
def about() -> str:
    """A page for everybody."""
    return "A shop."

"""Pages that need a login, in Flask. Users are in app.db.

    authmw users create alice --scope orders:read
    flask --app examples.login.flask_app run

Open http://localhost:5000/ in a browser.
"""

from __future__ import annotations

from html import escape

from authmw_flask import LocalAuth, current_principal, requires_scopes
from flask import Flask

from authmw.login import LoginOptions
from authmw.pages import Look

app = Flask(__name__)
LocalAuth(app, pages=LoginOptions(look=Look("Shop", accent="#0b6e4f")), public=["/public"])


@app.get("/")
def home() -> str:
    """The page of the caller."""
    name = escape(current_principal.display_name)
    return f'<p>Hello {name}. <a href="/orders">Orders</a> <a href="/auth/logout">Log out</a>'


@app.get("/orders")
@requires_scopes("orders:read")
def orders() -> str:
    """The orders of the caller."""
    return "No orders yet."


@app.get("/public")
def about() -> str:
    """A page for everybody."""
    return "A shop."

"""A Flask application whose pages need a login, over an SQLite file.

    authmw users create alice --scope orders:read
    python examples/login_app.py

Open http://localhost:8000/ in a browser.
"""

from __future__ import annotations

import os
from pathlib import Path

from authmw_flask import LocalAuth, requires_scopes
from flask import Flask, render_template_string

from authmw.login import LoginOptions
from authmw.pages import Look

PAGE = """<!doctype html>
<html lang="en">
  <meta name="viewport" content="width=device-width">
  <meta name="color-scheme" content="light dark">
  <title>Orders</title>
  <style>body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 32rem; margin: 3rem auto; padding: 0 1rem }</style>
  <h1>Hello {{ current_user.display_name }}</h1>
  <p>{{ text }}</p>
  <p><a href="/orders">Orders</a> · <a href="/auth/sessions">Where you are logged in</a> ·
    <a href="/auth/password">Change your password</a> · <a href="/auth/logout">Log out</a></p>
</html>"""


def create_app(database: str = "sqlite:///app.db", keys: str | Path = "keys.json") -> Flask:
    app = Flask(__name__)
    LocalAuth(app, database=database, keys=keys, pages=LoginOptions(look=Look("Orders", accent="#0b6e4f")))

    @app.get("/")
    def home() -> str:
        """The page of the caller."""
        return render_template_string(PAGE, text="You are logged in.")

    @app.get("/orders")
    @requires_scopes("orders:read")
    def orders() -> str:
        """The orders of the caller."""
        return render_template_string(PAGE, text="Your orders: tea, cake.")

    return app


if __name__ == "__main__":
    create_app().run("127.0.0.1", int(os.environ.get("PORT", "8000")))

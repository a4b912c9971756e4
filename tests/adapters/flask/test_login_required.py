"""`login_required` is `authenticated`: above the route, where Flask never calls it, and below."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from authmw_flask import FlaskAuth, login_required
from flask import Flask

from authmw import authenticated
from tests.adapters.flask.shop import ask, shop_auth

View = Callable[[], str]
DECORATORS: Final[tuple[Callable[[View], View], ...]] = (login_required, authenticated)


@pytest.mark.parametrize("decorator", DECORATORS)
def test_it_asks_for_a_caller_in_any_order_with_the_route(decorator: Callable[[View], View]) -> None:
    app = Flask("shop", static_folder=None)

    @decorator
    @app.get("/above")
    def above() -> str:
        return "above"

    @app.get("/below")
    @decorator
    def below() -> str:
        return "below"

    @app.get("/undecorated")
    def undecorated() -> str:
        return "undecorated"

    FlaskAuth(app, shop_auth(), default="allow")
    asked = [ask(app, path).status_code for path in ("/above", "/below", "/undecorated")]
    assert asked == [401, 401, 200]
    assert [ask(app, path, as_="nobody-special").text for path in ("/above", "/below")] == ["above", "below"]

"""Decorated views keep their types, and the proxies have the type of what they stand for.

The type checkers run over this file too: a wrong ``assert_type`` fails ``make check``.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, assert_type

from authmw_flask import (
    FlaskAuth,
    any_of,
    authenticated,
    current_principal,
    current_user,
    public,
    requires,
    requires_scopes,
)
from flask import Blueprint, Flask, Response
from flask.views import MethodView

from authmw import Auth, HTTPBearer, Principal

app = Flask("shop")
orders = requires_scopes("orders:read")(Blueprint("orders", __name__))


@app.get("/orders/<int:number>")
@requires_scopes("orders:read", any_of("orders:list", "orders:admin"))
def order(number: int, *, page: int = 1) -> dict[str, int]:
    return {"number": number, "page": page}


@requires(lambda principal, request: principal.id == request.path_params["name"])
@orders.get("/people/<name>")
async def person(name: str) -> str:
    return name


@authenticated
def me() -> tuple[str, int]:
    return current_principal.id, 200


@public
def hello() -> Response:
    return Response("hello")


@requires_scopes("orders:write")
class Orders(MethodView):
    @requires_scopes("orders:read")
    def get(self, number: int) -> str:
        return str(number)


def test_decorated_views_keep_their_types() -> None:
    # This half is for the type checkers; it is never called.
    def checked() -> None:
        assert_type(order(1, page=2), dict[str, int])
        assert_type(me(), tuple[str, int])
        assert_type(hello(), Response)
        assert_type(Orders(), Orders)
        assert_type(Orders().get(1), str)
        assert_type(orders, Blueprint)

    assert callable(checked)
    assert list(inspect.signature(order).parameters) == ["number", "page"]
    assert inspect.iscoroutinefunction(person)
    assert (order.__name__, hello.__name__, Orders.__name__) == ("order", "hello", "Orders")


def test_the_proxies_have_the_type_of_a_principal() -> None:
    who: Principal = current_principal
    assert_type(who.id, str)
    assert_type(current_principal.id, str)
    assert_type(current_principal(), Principal)
    assert_type(current_user(), Principal)
    assert_type(current_user.id, str)
    assert_type(current_user.scopes, frozenset[str])
    assert_type(current_user.claims, Mapping[str, Any])
    assert_type(current_user.can("orders:read"), bool)
    assert not current_user.is_authenticated


def test_the_extension_is_typed() -> None:
    extension = FlaskAuth(auth=Auth(HTTPBearer()), default="deny", public=["/health"])
    assert_type(extension, FlaskAuth)
    assert_type(extension.init_app(Flask("other")), None)

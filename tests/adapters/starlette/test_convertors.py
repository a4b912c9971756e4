"""What the document says of a parameter of a path: by the convertor that reads it."""

from __future__ import annotations

from typing import Any

import pytest
from authmw_starlette import AuthMiddleware, openapi_document
from starlette.applications import Starlette
from starlette.convertors import CONVERTOR_TYPES, Convertor, IntegerConvertor
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.adapters.starlette.support import make_auth


class Colour(Convertor[str]):
    """A convertor of the application's own."""

    regex = "red|blue"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class Hexadecimal(IntegerConvertor):
    """One that extends Starlette's, and reads other texts."""

    regex = "[0-9a-f]+"

    def convert(self, value: str) -> int:
        return int(value, 16)


async def order(request: Request) -> Response:
    return PlainTextResponse("order")


@pytest.mark.parametrize(
    "convertor, schema",
    [
        ("int", {"type": "integer", "minimum": 0}),
        ("float", {"type": "number", "minimum": 0}),
        ("uuid", {"type": "string", "format": "uuid"}),
        ("str", {"type": "string"}),
        ("path", {"type": "string"}),
        ("colour", {"type": "string"}),
        ("hexadecimal", {"type": "string"}),
    ],
)
def test_a_convertor_describes_its_parameter(
    convertor: str, schema: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONVERTOR_TYPES, "colour", Colour())
    monkeypatch.setitem(CONVERTOR_TYPES, "hexadecimal", Hexadecimal())
    app = Starlette(routes=[Route(f"/orders/{{name:{convertor}}}", order)])
    app.add_middleware(AuthMiddleware, auth=make_auth())
    (item,) = openapi_document(app, title="Shop")["paths"].values()
    assert item["get"]["parameters"] == [{"name": "name", "in": "path", "required": True, "schema": schema}]

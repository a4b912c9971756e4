"""The paths that routers find in one ASGI scope: of the frameworks themselves, and models of those not installed here.

Each reader returns the path that its router looks up, or None if it looks up nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import cache
from io import BytesIO
from typing import Any, Final

from starlette._utils import get_route_path  # what its router calls; there is no public name

from authmw.http.request import Message, Scope
from tests.adapters.django.site import configure
from tests.frameworks.clients import exchange

Reader = Callable[[Scope], str | None]


def _starlette(scope: Scope) -> str:
    return get_route_path(scope)


@cache
def _litestar_app() -> Any:
    from tests.frameworks.litestar_app import make_reader

    return make_reader()


def _litestar(scope: Scope) -> str | None:
    return _text_of(_litestar_app(), scope)


@cache
def _quart_app() -> Any:
    from quart import Quart

    app = Quart("reader", static_folder=None)

    @app.route("/", defaults={"path": ""})
    @app.route("/<path:path>")
    async def read(path: str) -> str:
        return f"/{path}"

    return app


def _quart(scope: Scope) -> str | None:
    path = _text_of(_quart_app(), scope)
    return None if path == "/ " else path  # what Quart makes of a path that does not begin with the root path


@cache
def _falcon_app() -> Any:
    import falcon.asgi

    async def read(req: Any, resp: Any, **_: Any) -> None:
        resp.text = req.path

    app = falcon.asgi.App()
    app.add_sink(read)
    return app


def _falcon(scope: Scope) -> str | None:
    return _below_root(_text_of(_falcon_app(), scope), scope)


def _django(scope: Scope) -> str | None:
    configure()
    from django.core.handlers.asgi import ASGIRequest

    path: str = ASGIRequest(dict(scope), BytesIO()).path_info
    return path if path.startswith("/") else None  # no pattern matches any other path


def _blacksheep(scope: Scope) -> str:
    """As BlackSheep 2.6 in ``Application.instantiate_request`` and ``Route.match_by_path``."""
    raw: bytes = scope.get("raw_path", scope["path"].encode())
    root = scope["root_path"].encode()
    raw = (raw[len(root) :] or b"/") if root and raw.startswith(root) else raw
    path = raw.decode("latin-1")
    return _without_last_slash(path if path.startswith("/") else f"/{path}")  # /* matches also without the slash


def _sanic(scope: Scope) -> str | None:
    """As Sanic 25.12 in ``ASGIApp.create`` and ``Router.resolve``, which takes off one slash at the end."""
    raw: bytes = scope.get("raw_path", scope["path"].encode())
    return _below_root(_without_last_slash(raw.decode("latin-1")), scope)


def _without_last_slash(path: str) -> str:
    return path.removesuffix("/") or "/"


def _of_lenient_routes(scope: Scope) -> str:
    """As Werkzeug with ``strict_slashes=False``, and Falcon with ``strip_url_path_trailing_slash``."""
    return _without_last_slash(get_route_path(scope))


def _below_root(path: str | None, scope: Scope) -> str | None:
    """Falcon and Sanic leave the root path in front of a path: their routes begin with it."""
    root: str = scope["root_path"]
    return path[len(root) :] if path is not None and root.startswith("/") and path.startswith(f"{root}/") else path


READERS: Final[Mapping[str, Reader]] = {
    "Starlette": _starlette,
    "Litestar": _litestar,
    "Quart": _quart,
    "Falcon": _falcon,
    "Django": _django,
    "BlackSheep": _blacksheep,
    "Sanic": _sanic,
    "lenient": _of_lenient_routes,
}


@cache
def _loop() -> asyncio.Runner:
    return asyncio.Runner()


def _text_of(app: Any, scope: Scope) -> str | None:
    """The body of a 200, which is the path; None for any other response."""
    sent: list[Message] = []
    _loop().run(exchange(app, dict(scope), sent))
    if sent[0]["status"] != 200:
        return None
    body: bytes = b"".join(message.get("body", b"") for message in sent)
    return body.decode()

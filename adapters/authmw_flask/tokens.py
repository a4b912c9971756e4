"""The token service as a blueprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Blueprint, Response, request

from authmw.engine.decorators import own_credentials, public
from authmw.http.request import WSGIRequest
from authmw.oauth2.endpoints import endpoints_of
from authmw.oauth2.metadata import metadata_path
from authmw.oauth2.paths import WELL_KNOWN
from authmw.oauth2.wsgi import serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.blueprints import BlueprintSetupState

    from authmw.oauth2.service import TokenService

# Whatever is there: which of these an endpoint has, it says itself, and the same as under any other server.
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def token_blueprint(service: TokenService, name: str = "authmw", url_prefix: str | None = None) -> Blueprint:
    """The endpoints of `service`: ``app.register_blueprint(token_blueprint(service, url_prefix="/auth"))``.

    Register it where the path of the issuer is. The endpoints are public under default deny, and read the credentials
    of their callers themselves. Where the issuer has a path, its metadata is also where RFC 8414 §3.1 looks for it: at
    the root of the application, which has to be that of the host for clients to find it.

    Args:
        service: the configuration.
        name: of the blueprint.
        url_prefix: the path below the application's root.

    >>> from flask import Flask
    >>> from authmw.stores.memory import MemoryStores
    >>> from authmw.oauth2.service import TokenService
    >>> service = TokenService(issuer="https://shop.example/auth", stores=MemoryStores(), audience="orders")
    >>> app = Flask("shop")
    >>> app.register_blueprint(token_blueprint(service, url_prefix="/auth"))
    >>> app.test_client().get("/auth/token").status
    '405 Method Not Allowed'
    """
    blueprint = Blueprint(name, __name__, url_prefix=url_prefix)
    for path in endpoints_of(service):
        view = own_credentials(_view(service, path))
        blueprint.add_url_rule(path, _name(path), view, methods=_METHODS, provide_automatic_options=False)
    root = metadata_path(service.issuer)
    if root != WELL_KNOWN:
        blueprint.record(lambda state: _add_metadata(state, service, root))
    return blueprint


def _view(service: TokenService, path: str) -> Callable[[], Response]:
    def view() -> Response:
        started: list[Any] = []
        body = serve(service, WSGIRequest(request.environ), lambda *start: cast("Any", started.extend(start)), path)
        status, headers = started
        # Flask would add a Content-Type to an answer that has none.
        response = Response(body, status, headers)
        if all(each.lower() != "content-type" for each, _ in headers):
            del response.headers["Content-Type"]
        return response

    return view


def _name(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0].replace("-", "_")


def _add_metadata(state: BlueprintSetupState, service: TokenService, root: str) -> None:
    view = public(_view(service, WELL_KNOWN))
    state.app.add_url_rule(root, f"{state.name}_metadata", view, methods=_METHODS, provide_automatic_options=False)

"""Blueprint of the token service."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import Blueprint, Flask, request

from authmw.engine.declarations import needed_by
from authmw.engine.decorators import own_credentials
from authmw.http.request import WSGIRequest
from authmw.identity.requirement import Access
from authmw.oauth2.documents import metadata_path
from authmw.oauth2.endpoints import check_service, endpoints_of
from authmw.oauth2.paths import WELL_KNOWN
from authmw.oauth2.routed import RoutedEndpoint
from authmw_flask.mounted import add_view, mounted_view, put_first

if TYPE_CHECKING:
    from flask.blueprints import BlueprintSetupState

    from authmw.oauth2.service import TokenService


def token_blueprint(service: TokenService, name: str = "authmw", url_prefix: str | None = None) -> Blueprint:
    """The endpoints of `service`: ``app.register_blueprint(token_blueprint(service, url_prefix="/auth"))``.

    Register it at the path of the issuer. The endpoints are public under default deny, and read the credentials of
    their clients themselves. If the issuer has a path, its metadata is also at the root of the application, for clients
    that follow RFC 8414 §3.1. They find it there if the application is at the root of the host.

    Args:
        service: the token service.
        name: of the blueprint.
        url_prefix: the path below the application's root.

    >>> from flask import Flask
    >>> from authmw.stores import MemoryStores
    >>> from authmw.oauth2 import TokenService
    >>> service = TokenService(issuer="https://shop.example/auth", audience="orders", stores=MemoryStores())
    >>> app = Flask("shop")
    >>> app.register_blueprint(token_blueprint(service, url_prefix="/auth"))
    >>> app.test_client().get("/auth/token").status
    '405 Method Not Allowed'
    """
    check_service(service, "token_blueprint")
    blueprint = Blueprint(name, __name__, url_prefix=url_prefix)
    for path in endpoints_of(service):
        add_view(blueprint, path, _name(path), own_credentials(mounted_view(RoutedEndpoint(service, path))))
    root = metadata_path(service.issuer)
    blueprint.record(keep_bodies)
    if root != WELL_KNOWN:
        blueprint.record(lambda state: _add_metadata(state, service, root))
    return blueprint


def keep_bodies(state: BlueprintSetupState) -> None:
    """Read the bodies before any other function of the application does."""
    app = cast("Flask", state.app)

    def keep_body(endpoint: str | None, values: object) -> None:
        needed = needed_by(app.view_functions.get(endpoint or ""))
        if needed is not None and needed.access is Access.OWN_CREDENTIALS:
            WSGIRequest(request.environ).keep_body()

    app.url_value_preprocessor(keep_body)
    put_first(app.url_value_preprocessors[None])


def _name(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0].replace("-", "_")


def _add_metadata(state: BlueprintSetupState, service: TokenService, root: str) -> None:
    view = own_credentials(mounted_view(RoutedEndpoint(service, WELL_KNOWN)))
    add_view(cast("Flask", state.app), root, f"{state.name}_metadata", view)

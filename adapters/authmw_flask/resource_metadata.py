"""The metadata of a protected resource as a blueprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Blueprint, Response, request

from authmw.engine.decorators import public
from authmw.engine.protected_resource import resource_of
from authmw.wsgi.protected_resource import serve

if TYPE_CHECKING:
    from authmw.engine.auth import Auth
    from authmw.engine.protected_resource import ProtectedResource

# Whatever is there: the answer for each method is the same as under any other server.
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def resource_metadata_blueprint(resource: ProtectedResource | Auth, name: str = "authmw_resource") -> Blueprint:
    """The metadata of `resource` at the root of an application in which the guarded one is mounted.

    ``FlaskAuth(app, auth)`` answers for the resource of its `Auth` itself: this is for another application, whose
    root is that of the host. It is public under default deny.

    Args:
        resource: what to describe, or the `Auth` that has it.
        name: of the blueprint.

    Raises:
        ConfigurationError: there is nothing to describe.

    >>> from authmw.engine.protected_resource import ProtectedResource
    >>> from flask import Flask
    >>> app = Flask("root")
    >>> orders = ProtectedResource("https://shop.example/orders", ["https://id.example"])
    >>> app.register_blueprint(resource_metadata_blueprint(orders))
    >>> app.test_client().get("/.well-known/oauth-protected-resource/orders").status
    '200 OK'
    """
    described = resource_of(resource)
    blueprint = Blueprint(name, __name__)

    @public
    def metadata() -> Response:
        started: list[Any] = []
        body = serve(described, request.environ, lambda *start: cast("Any", started.extend(start)))
        status, headers = started
        response = Response(body, status, headers)
        if response.status_code == 204:  # Flask would say of what type the content is that is not there
            del response.headers["Content-Type"]
        return response

    blueprint.add_url_rule(
        described.metadata_path, "metadata", metadata, methods=_METHODS, provide_automatic_options=False
    )
    return blueprint

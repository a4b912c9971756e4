"""Blueprint of the metadata of a protected resource (RFC 9728)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from authmw.engine.decorators import public
from authmw.engine.protected_resource import ProtectedResource
from authmw_flask.mounted import add_view, mounted_view

if TYPE_CHECKING:
    from authmw.engine.auth import Auth


def resource_metadata_blueprint(resource: ProtectedResource | Auth, name: str = "authmw_resource") -> Blueprint:
    """The metadata of `resource` at the root of an application in which the guarded one is mounted.

    ``FlaskAuth(app, auth)`` itself serves the metadata of its `Auth`. This blueprint is for another application, at
    the root of the host. It is public under default deny.

    Args:
        resource: the resource, or the `Auth` that has it.
        name: of the blueprint.

    Raises:
        ConfigurationError: the `Auth` has no resource.

    >>> from authmw.issuers import ProtectedResource
    >>> from flask import Flask
    >>> app = Flask("root")
    >>> orders = ProtectedResource("https://shop.example/orders", ["https://id.example"])
    >>> app.register_blueprint(resource_metadata_blueprint(orders))
    >>> app.test_client().get("/.well-known/oauth-protected-resource/orders").status
    '200 OK'
    """
    described = ProtectedResource.of(resource)
    blueprint = Blueprint(name, __name__)
    add_view(blueprint, described.metadata_path, "metadata", public(mounted_view(described)))
    return blueprint

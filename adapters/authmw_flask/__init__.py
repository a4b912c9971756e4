"""authmw for Flask: ``FlaskAuth(app, auth)`` guards every view, static file and mount of an application.

Views declare what they need. No order of the decorators leaves a view open::

    app = Flask(__name__)
    FlaskAuth(app, Auth(HTTPBearer(lookup)))

    @app.get("/orders")
    @requires_scopes("orders:read")
    def orders() -> dict[str, str]:
        return {"hello": current_principal().id}
"""

from typing import TYPE_CHECKING

try:
    import flask as _  # noqa: F401 - only to see whether it is installed
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError('authmw_flask needs Flask: pip install "authmw[flask]"') from _error

from authmw import any_of, authenticated, optionally_authenticated, public, requires, requires_scopes
from authmw.errors import face
from authmw_flask.docs import docs_blueprint
from authmw_flask.extension import FlaskAuth
from authmw_flask.flask_login import login_required
from authmw_flask.openapi.document import openapi_document
from authmw_flask.openapi.generators import secure_openapi
from authmw_flask.openapi.secured import secured_document
from authmw_flask.proxies import current_principal, current_user
from authmw_flask.resource_metadata import resource_metadata_blueprint
from authmw_flask.signals import signal
from authmw_flask.tokens import token_blueprint

if TYPE_CHECKING:
    from authmw_flask.local import LocalAuth
    from authmw_flask.login import login_blueprint
    from authmw_flask.own_logins import login_user, logout_user

__all__ = [
    "FlaskAuth",
    "LocalAuth",
    "any_of",
    "authenticated",
    "current_principal",
    "current_user",
    "docs_blueprint",
    "login_blueprint",
    "login_required",
    "login_user",
    "logout_user",
    "openapi_document",
    "optionally_authenticated",
    "public",
    "requires",
    "requires_scopes",
    "resource_metadata_blueprint",
    "secure_openapi",
    "secured_document",
    "signal",
    "token_blueprint",
]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(
        __name__, {"local": "LocalAuth", "login": "login_blueprint", "own_logins": "login_user logout_user"}
    )

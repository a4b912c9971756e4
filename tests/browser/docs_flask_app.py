"""The API in Flask. Its page serves the document itself."""

from __future__ import annotations

from authmw_flask import FlaskAuth, current_principal, docs_blueprint, requires_scopes, token_blueprint
from flask import Flask

from authmw.openapi import DocsPage
from tests.browser.docs_api import AUTH, DOCUMENT, SERVICE

application = Flask("orders")
application.register_blueprint(token_blueprint(SERVICE, url_prefix="/auth"))
application.register_blueprint(
    docs_blueprint(DocsPage(document=lambda: DOCUMENT), url_prefix="/internal/docs", public=True)
)
application.register_blueprint(
    docs_blueprint(DocsPage(document=lambda: DOCUMENT, persist=True), "kept", "/kept", public=True)
)
FlaskAuth(application, AUTH)


@application.get("/orders")
@requires_scopes("orders:read")
def orders() -> dict[str, str]:
    """All orders."""
    return {"hello": current_principal.id}


@application.post("/orders")
@requires_scopes("orders:write")
def order() -> dict[str, str]:
    """One order more."""
    return {"hello": current_principal.id}

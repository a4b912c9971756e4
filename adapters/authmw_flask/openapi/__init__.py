"""OpenAPI documents of Flask applications: a whole one, or security for the one that an extension makes.

Nothing is imported of any extension: each is known by where its class comes from.
"""

from authmw_flask.openapi.document import openapi_document
from authmw_flask.openapi.generators import secure_openapi
from authmw_flask.openapi.secured import secured_document

__all__ = ["openapi_document", "secure_openapi", "secured_document"]

"""Entry point of ``authmw.frameworks`` for Starlette: the routes and the OpenAPI document of an application."""

from authmw_starlette.listing import routes_of
from authmw_starlette.openapi import openapi_document

__all__ = ["openapi_document", "routes_of"]

"""Entry point of ``authmw.frameworks`` for Starlette: the routes and the OpenAPI document of an application."""

from authmw_starlette.doors import doors_of
from authmw_starlette.listing import routes_of
from authmw_starlette.openapi import openapi_document
from authmw_starlette.walk import guards_of

__all__ = ["doors_of", "guards_of", "openapi_document", "routes_of"]

"""Entry point of ``authmw.frameworks`` for FastAPI: the routes and the OpenAPI document of an application."""

from authmw_starlette.doors import doors_of
from authmw_starlette.listing import routes_of
from authmw_starlette.walk import guards_of

from authmw_fastapi.openapi import openapi_document

__all__ = ["doors_of", "guards_of", "openapi_document", "routes_of"]

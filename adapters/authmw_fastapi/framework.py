"""FastAPI, for listings and documents of any application: an entry point of ``authmw.frameworks``."""

from authmw_starlette.listing import routes_of

from authmw_fastapi.openapi import openapi_document

__all__ = ["openapi_document", "routes_of"]

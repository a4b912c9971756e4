"""The routes of a FastAPI application, each with what protects it: middleware, decorators or dependencies."""

from authmw_starlette.listing import routes_of

__all__ = ["routes_of"]

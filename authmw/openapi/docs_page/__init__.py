"""The docs page: Swagger UI from an installed package, under a strict policy, at a path of your choice.

`DocsPage` says what the page shows. Serve it with `authmw.wsgi.Mount` or `authmw.asgi.Mount`, as a Flask
blueprint or as Starlette routes. Nothing comes from anywhere else, no script stands in the HTML, and every URL is
relative: so it works offline, and under any prefix.
"""

from authmw.openapi.docs_page.page import DocsPage

__all__ = ["DocsPage"]

"""The docs page: Swagger UI from an installed package, under a strict policy, at a path of your choice.

`DocsPage` says what the page shows. Serve it with `authmw.docs_page.wsgi.DocsApplication`, with
`authmw.docs_page.asgi.DocsApplication`, as a Flask blueprint or as Starlette routes. Nothing comes from anywhere else,
no script stands in the HTML, and every URL is relative: so it works offline, and under any prefix.
"""

from typing import TYPE_CHECKING

from authmw.lazy import lazily

if TYPE_CHECKING:
    from authmw.docs_page.page import DocsPage

__all__ = ["DocsPage"]

_HOMES = {"page": "DocsPage"}

if not TYPE_CHECKING:  # type checkers would take every misspelt name for one of ours
    __getattr__, __dir__ = lazily(__name__, _HOMES)

"""What is enforced, as an OpenAPI document and as a docs page."""

from typing import TYPE_CHECKING

from authmw.errors import face
from authmw.openapi.docs_page.page import DocsPage
from authmw.openapi.documents import Operation, document
from authmw.openapi.requirements import security
from authmw.openapi.schemes import security_schemes
from authmw.openapi.securing import secured

__all__ = [
    "DocsPage",
    "Operation",
    "document",
    "secured",
    "security",
    "security_schemes",
]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__)

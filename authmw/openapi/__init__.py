"""OpenAPI documents from the declarations that enforce: what a document says and what is refused cannot differ.

`security` says for one operation what its `Requirement` means under an `Auth`; `security_schemes` describes the
schemes; `secured` puts both, and the refusals, into the document that a framework's own generator made; `document`
makes a whole one from `Operation` records. All of them write OpenAPI 3.1, 3.0, and Swagger 2.0, as far as each can.
"""

from authmw.openapi.documents import Operation, document
from authmw.openapi.requirements import security
from authmw.openapi.schemes import security_schemes
from authmw.openapi.securing import RequirementOfOperation, secured
from authmw.openapi.versions import Version

__all__ = ["Operation", "RequirementOfOperation", "Version", "document", "secured", "security", "security_schemes"]

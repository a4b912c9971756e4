"""The refusals of an operation as its document describes them, in problem documents (RFC 9457).

What may come is described, also where it is seldom: 400, 401 and 429 wherever credentials are looked at, and 403 where
somebody who is known can be refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from authmw.schemes.session_cookie import SessionCookie

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authmw.engine import Auth
    from authmw.openapi.versions import Version
    from authmw.requirement import Requirement

SCHEMA: Final = "Refusal"
"""The name of the schema of their bodies."""

_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_TEXT: Final = {"type": "string"}
_BODY: Final[dict[str, Any]] = {
    "title": SCHEMA,
    "description": "Why a request was refused: a problem document (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": _TEXT,
        "title": {**_TEXT, "description": "The phrase of the status."},
        "status": {"type": "integer"},
        "detail": {**_TEXT, "description": "What is wrong, for people."},
        "code": {**_TEXT, "description": "What is wrong, for programs."},
        "error": {**_TEXT, "description": "The error code of RFC 6750 §3.1."},
        "error_description": _TEXT,
        "scope": {**_TEXT, "description": "All scopes that the operation needs."},
    },
}
_CHALLENGE: Final = {"WWW-Authenticate": ("What to authenticate by (RFC 9110 §11.6.1).", "string")}
_INSUFFICIENT: Final = {"WWW-Authenticate": ("The scopes that are needed (RFC 6750 §3.1).", "string")}
_WAIT: Final = {"Retry-After": ("Seconds to wait.", "integer")}


def schema() -> dict[str, Any]:
    """The schema of the body of a refusal."""
    return deepcopy(_BODY)


def looks_at_credentials(requirement: Requirement) -> bool:
    """Whether an operation with that requirement refuses anybody who keeps to its document."""
    return not requirement.is_open or requirement.optional


def refusals(
    auth: Auth, requirement: Requirement, *, method: str, version: Version, schema: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The Response Object for each status that an operation refuses by.

    Args:
        auth: who may be trusted.
        requirement: what the operation asks for. To one that is public nobody has to bring anything.
        method: in capitals.
        version: of the document.
        schema: the name that the schema of the body has in it.
    """
    if not looks_at_credentials(requirement):
        return
    body = {} if auth.render is not None else _body(version, schema)
    yield "400", _response("Credentials that contradict each other.", _CHALLENGE, version, body)
    bad = "Bad credentials." if requirement.is_open else "No credentials, or bad ones."
    yield "401", _response(bad, _CHALLENGE, version, body)
    if forbidden := _forbidden(auth, requirement, method):
        tells_scopes = requirement.all_scopes and any(scheme.auth_type == "Bearer" for scheme in auth.schemes)
        yield "403", _response(forbidden, _INSUFFICIENT if tells_scopes else {}, version, body)
    yield "429", _response("Too many attempts to authenticate.", _WAIT, version, body)


def _forbidden(auth: Auth, requirement: Requirement, method: str) -> str:
    """Why somebody who is known is refused; empty where nobody is."""
    reasons: list[str] = []
    if requirement.all_scopes:
        meanings = "; ".join(_explained(scope, auth.scopes) for scope in requirement.all_scopes)
        reasons.append(f"The caller lacks a scope. The operation names {meanings}.")
    if requirement.predicates:
        reasons.append("The caller may not do this.")
    if method not in _SAFE and any(isinstance(scheme, SessionCookie) for scheme in auth.schemes):
        reasons.append("The cookie came with a request from another site.")
    return " ".join(reasons)


def _explained(scope: str, scopes: Mapping[str, str]) -> str:
    return f"`{scope}` ({scopes[scope].rstrip('.')})" if scopes.get(scope) else f"`{scope}`"


def _body(version: Version, schema: str) -> dict[str, Any]:
    if version == "2.0":
        return {"schema": {"$ref": f"#/definitions/{schema}"}}
    return {"content": {"application/problem+json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}


def _response(
    description: str, headers: Mapping[str, tuple[str, str]], version: Version, body: dict[str, Any]
) -> dict[str, Any]:
    described = {
        name: {"description": text, **({"type": kind} if version == "2.0" else {"schema": {"type": kind}})}
        for name, (text, kind) in headers.items()
    }
    return {"description": description, **({"headers": described} if described else {}), **deepcopy(body)}

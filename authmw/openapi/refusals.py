"""Response Objects for the refusals of an operation: problem documents (RFC 9457).

Every possible refusal is described, also a rare one: 400, 401 and 429 where an operation reads credentials, and 403
where it can refuse an authenticated caller.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from authmw.http.reasons import Reason
from authmw.http.refusal import Refusal
from authmw.identity.requirement import Access, Requirement

if TYPE_CHECKING:
    from authmw.engine.auth import Auth
    from authmw.openapi.schemes import Version

SCHEMA: Final = "Refusal"
"""The name of the schema of their bodies."""

_TEXT: Final = {"type": "string"}
_BODY: Final[dict[str, Any]] = {
    "title": SCHEMA,
    "description": "Why a request was refused: a problem document (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {**_TEXT, "description": "The address of the page of the code, or about:blank."},
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
    """Whether an operation with that requirement reads credentials, so that it can refuse a request for them."""
    return not requirement.is_open or requirement.access is Access.OPTIONAL


def refusals(
    auth: Auth, requirement: Requirement, *, version: Version, schema: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(status, Response Object) for each refusal of an operation.

    Args:
        auth: the schemes by which requests authenticate.
        requirement: the requirement of the operation. A public one has no refusals.
        version: of the document.
        schema: the name of the schema of the body in it.
    """
    if not looks_at_credentials(requirement):
        return

    def answer(text: str, headers: Mapping[str, tuple[str, str]], refusal: Refusal) -> dict[str, Any]:
        refusal = replace(refusal, pages=auth.reason_pages)
        body = {} if auth.render is not None else _body(refusal, version, schema)
        return {"description": text, **_headers(headers, version), **body}

    yield "400", answer("Credentials that contradict each other.", _CHALLENGE, Refusal(Reason.AUTHORIZATION_DUPLICATE))
    if requirement.is_open:
        yield "401", answer("Bad credentials.", _CHALLENGE, Refusal(Reason.CREDENTIALS_MALFORMED))
    else:
        text = "No credentials, or bad ones."
        if requirement.step_ups:
            needed = " and ".join(each.in_words for each in requirement.step_ups)
            text += f" Or the caller is not {needed}."
        yield "401", answer(text, _CHALLENGE, Refusal(Reason.CREDENTIALS_MISSING))
    if forbidden := _forbidden(auth, requirement):
        scopes = requirement.all_scopes
        tells_scopes = scopes and any(scheme.auth_type in ("Bearer", "DPoP") for scheme in auth.schemes)
        refusal = Refusal(Reason.SCOPE_MISSING, scopes=scopes) if scopes else Refusal(Reason.FORBIDDEN)
        yield "403", answer(forbidden, _INSUFFICIENT if tells_scopes else {}, refusal)
    yield "429", answer("Too many attempts to authenticate.", _WAIT, Refusal(Reason.TOO_MANY_ATTEMPTS))


def _forbidden(auth: Auth, requirement: Requirement) -> str:
    """The reasons to refuse an authenticated caller, in words; empty where there are none."""
    reasons: list[str] = []
    if requirement.all_scopes:
        meanings = "; ".join(_explained(scope, auth.scopes) for scope in requirement.all_scopes)
        reasons.append(f"The caller lacks a scope. The operation names {meanings}.")
    if len(requirement.predicates) > len(requirement.step_ups):
        reasons.append("The caller may not do this.")
    return " ".join(reasons)


def _explained(scope: str, scopes: Mapping[str, str]) -> str:
    return f"`{scope}` ({scopes[scope].rstrip('.')})" if scopes.get(scope) else f"`{scope}`"


def _body(refusal: Refusal, version: Version, schema: str) -> dict[str, Any]:
    """The schema of the body, with a typical example."""
    kind, usual = "application/problem+json", refusal.problem()
    if version == "2.0":
        return {"schema": {"$ref": f"#/definitions/{schema}"}, "examples": {kind: usual}}
    return {"content": {kind: {"schema": {"$ref": f"#/components/schemas/{schema}"}, "example": usual}}}


def _headers(headers: Mapping[str, tuple[str, str]], version: Version) -> dict[str, Any]:
    described = {
        name: {"description": text, **({"type": kind} if version == "2.0" else {"schema": {"type": kind}})}
        for name, (text, kind) in headers.items()
    }
    return {"headers": described} if described else {}

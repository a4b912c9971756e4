"""The refusals of an operation as its document describes them: 401, 403 and 429, in problem documents (RFC 9457)."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authmw.openapi.versions import Version
    from authmw.requirement import Requirement

SCHEMA: Final = "Refusal"
"""The name of the schema of their bodies."""

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


def schema() -> dict[str, Any]:
    """The schema of the body of a refusal."""
    return deepcopy(_BODY)


def refusals(
    requirement: Requirement, scopes: Mapping[str, str], version: Version, schema: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The Response Object for each status that an operation with that requirement refuses by.

    Args:
        requirement: what the operation asks for. What is public and does not look at credentials refuses nobody.
        scopes: what scopes mean.
        version: of the document.
        schema: the name that the schema of the body has in it.
    """
    if requirement.is_open and not requirement.optional:
        return
    challenge = {"WWW-Authenticate": ("What to authenticate by (RFC 9110 §11.6.1).", "string")}
    needs_somebody = "" if requirement.is_open else "No credentials, or "
    yield "401", _response(f"{needs_somebody}bad ones.".capitalize(), challenge, version, schema)
    if requirement.all_scopes:
        meaning = "; ".join(_explained(scope, scopes) for scope in requirement.all_scopes)
        text = f"The caller lacks a scope. The operation names {meaning}."
        yield "403", _response(text, challenge, version, schema)
    elif requirement.predicates:
        yield "403", _response("The caller may not do this.", {}, version, schema)
    wait = {"Retry-After": ("Seconds to wait.", "integer")}
    yield "429", _response("Too many attempts to authenticate.", wait, version, schema)


def _explained(scope: str, scopes: Mapping[str, str]) -> str:
    return f"`{scope}` ({scopes[scope].rstrip('.')})" if scopes.get(scope) else f"`{scope}`"


def _response(
    description: str, headers: Mapping[str, tuple[str, str]], version: Version, schema: str
) -> dict[str, Any]:
    if version == "2.0":
        described: dict[str, Any] = {
            name: {"description": text, "type": kind} for name, (text, kind) in headers.items()
        }
        body: dict[str, Any] = {"schema": {"$ref": f"#/definitions/{schema}"}}
    else:
        described = {name: {"description": text, "schema": {"type": kind}} for name, (text, kind) in headers.items()}
        body = {"content": {"application/problem+json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}
    return {"description": description, **({"headers": described} if described else {}), **body}

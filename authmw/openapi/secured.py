"""Security for a document that a generator made: the schemes, what each operation needs, and how it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from authmw.openapi import refusals
from authmw.openapi.security import security
from authmw.openapi.security_schemes import security_schemes
from authmw.openapi.versions import Version, version_of
from authmw.requirement import AUTHENTICATED, Requirement

if TYPE_CHECKING:
    from authmw.engine import Auth

RequirementOf = Callable[[str, str], Requirement | None]
"""From a path of the document, as ``/orders/{number}``, and a method in capitals to what is enforced there; None where
no operation of the application is known, so that it stays as it is."""

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


def secured(document: Mapping[str, Any], auth: Auth, requirement_of: RequirementOf) -> dict[str, Any]:
    """`document` with the security that is enforced, in the place of what was written there by hand.

    Args:
        document: an OpenAPI 3.1 or 3.0 or a Swagger 2.0 document. It stays as it is.
        auth: who may be trusted.
        requirement_of: what is enforced for each operation.

    Raises:
        ConfigurationError: the document is of another version.

    >>> from authmw import Auth, HTTPBearer, Requirement
    >>> made = {"openapi": "3.1.1", "paths": {"/orders": {"get": {"responses": {}}}}}
    >>> done = secured(made, Auth(HTTPBearer()), lambda path, method: Requirement.all_of("orders:read"))
    >>> done["paths"]["/orders"]["get"]["security"]
    [{'HTTPBearer': ['orders:read']}]
    """
    version = version_of(document)
    result: dict[str, Any] = deepcopy(dict(document))
    known = [
        (operation, requirement)
        for path, method, operation in operations_in(result)
        if (requirement := requirement_of(path, method)) is not None
    ]
    schema = _placed_schema(result, version, [requirement for _, requirement in known])
    for operation, requirement in known:
        secure(operation, auth, requirement, version, schema)
    used = dict.fromkeys(scope for _, requirement in known for scope in requirement.all_scopes)
    schemes = section(result, version, "securitySchemes", "securityDefinitions")
    schemes.update(security_schemes(auth, version, used=used))
    return result


def operations_in(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method in capitals, operation) for every operation of a document."""
    for path, item in document.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                yield path, method.upper(), item[method]


def secure(operation: dict[str, Any], auth: Auth, requirement: Requirement, version: Version, schema: str) -> None:
    """Write the security of one operation, and its refusals where it does not describe those statuses itself."""
    operation["security"] = security(auth, requirement, version)
    responses = operation.setdefault("responses", {})
    for status, response in refusals.refusals(requirement, auth.scopes, version, schema):
        responses.setdefault(status, response)


def section(document: dict[str, Any], version: Version, name: str, name_in_swagger: str) -> dict[str, Any]:
    """The section of the components under that name, made where there is none."""
    if version == "2.0":
        found: dict[str, Any] = document.setdefault(name_in_swagger, {})
    else:
        found = document.setdefault("components", {}).setdefault(name, {})
    return found


def _placed_schema(document: dict[str, Any], version: Version, requirements: list[Requirement]) -> str:
    """The name under which the schema of refusals is in the document now; one that is taken is left alone."""
    if all(requirement.is_open and not requirement.optional for requirement in requirements or [AUTHENTICATED]):
        return refusals.SCHEMA  # nothing refers to it
    schemas = section(document, version, "schemas", "definitions")
    name, schema = refusals.SCHEMA, refusals.schema()
    while schemas.get(name, schema) != schema:
        name = f"Authmw{name}"
    schemas[name] = schema
    return name

"""Security added to a document of a generator: schemes, requirements and refusals of each operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from authmw.errors import ConfigurationError
from authmw.identity.requirement import Requirement
from authmw.openapi import refusals
from authmw.openapi.requirements import security
from authmw.openapi.schemes import Version, security_schemes

if TYPE_CHECKING:
    from authmw.engine.auth import Auth

RequirementOfOperation = Callable[[str, str], Requirement | None]
"""(path of the document, ``/orders/{number}``; method in capitals) → the requirement that is enforced there. None where
the application has no such operation: it stays as it is."""

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


def secured(document: Mapping[str, Any], auth: Auth, requirement_of: RequirementOfOperation) -> dict[str, Any]:
    """A copy of `document` with the security that is enforced. It replaces security that was written by hand.

    Only operations below ``paths`` belong to the application: webhooks and callbacks stay as they are.

    Args:
        document: an OpenAPI 3.1, OpenAPI 3.0 or Swagger 2.0 document. It is not changed.
        auth: the schemes by which requests authenticate.
        requirement_of: the requirement that is enforced for each operation.

    Raises:
        ConfigurationError: the document has another version, or its operations are in other files.

    >>> from authmw import Auth, HTTPBearer, Requirement
    >>> made = {"openapi": "3.1.1", "paths": {"/orders": {"get": {"responses": {}}}}}
    >>> done = secured(made, Auth(HTTPBearer()), lambda path, method: Requirement.all_of("orders:read"))
    >>> done["paths"]["/orders"]["get"]["security"]
    [{'HTTPBearer': ['orders:read']}]
    """
    version = version_of(document)
    result: dict[str, Any] = _unshared(document)
    _inline_path_items(result, requirement_of)
    known = [
        (operation, requirement)
        for path, method, operation in operations_in(result)
        if (requirement := requirement_of(path, method)) is not None
    ]
    requirements = [requirement for _, requirement in known]
    schema = refusals.SCHEMA
    if auth.render is None and any(map(refusals.looks_at_credentials, requirements)):
        schema = _placed_schema(result, version)
    for operation, requirement in known:
        secure(operation, auth, requirement, version, schema)
    used = dict.fromkeys(scope for requirement in requirements for scope in requirement.all_scopes)
    schemes = section(result, version, "securitySchemes", "securityDefinitions")
    schemes.update(security_schemes(auth, version, used=used))
    return result


def version_of(document: Mapping[str, Any]) -> Version:
    """The version in the ``openapi`` or ``swagger`` member of `document`.

    Raises:
        ConfigurationError: it is neither OpenAPI 3.1 or 3.0 nor Swagger 2.0.

    >>> version_of({"openapi": "3.1.0"})
    '3.1'
    """
    said = str(document.get("openapi") or document.get("swagger") or "")
    for version in ("3.1", "3.0", "2.0"):
        if said == version or said.startswith(f"{version}."):
            return version
    raise ConfigurationError(
        f"a document of OpenAPI 3.1, 3.0 or Swagger 2.0 is needed, and this is {said or 'neither'}"
    )


def operations_in(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method in capitals, operation) for every operation of a document."""
    for path, item in _path_items(document):
        for method in _METHODS:
            if isinstance(item.get(method), dict):
                yield path, method.upper(), item[method]


def secure(
    operation: dict[str, Any],
    auth: Auth,
    requirement: Requirement,
    version: Version,
    schema: str,
) -> None:
    """Write the security of one operation, and its refusals, except for statuses that it describes already."""
    operation["security"] = security(auth, requirement, version)
    responses: dict[Any, Any] = operation.get("responses") or {}
    described = {str(status) for status in responses}  # some generators use numbers
    for status, response in refusals.refusals(auth, requirement, version=version, schema=schema):
        if status not in described:
            responses[status] = response
    operation["responses"] = responses


def section(document: dict[str, Any], version: Version, name: str, name_in_swagger: str) -> dict[str, Any]:
    """The section of the components with that name, which is added if there is none."""
    if version != "2.0":
        document = _member(document, "components")
    return _member(document, name if version != "2.0" else name_in_swagger)


def _member(parent: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = parent.get(name) or {}
    parent[name] = found
    return found


def _path_items(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    paths: dict[Any, Any] = document.get("paths") or {}
    for path, item in paths.items():
        if str(path).startswith("/") and isinstance(item, dict):  # other members are extensions (x-...)
            yield path, cast("dict[str, Any]", item)


def _inline_path_items(document: dict[str, Any], requirement_of: RequirementOfOperation) -> None:
    """Replace each reference to a path item by a copy of it, since paths may differ in security."""
    for path, written in list(_path_items(document)):
        item, seen = written, list[object]()
        while (reference := item.get("$ref")) is not None:
            found = _referred_to(document, reference) if reference not in seen else None
            if found is None:
                if any(requirement_of(path, method.upper()) is not None for method in _METHODS):
                    raise ConfigurationError(
                        f"{path} refers to {reference}, which is not in this document: write its path item into it"
                    )
                break
            seen.append(reference)
            item = {**_unshared(found), **{name: value for name, value in item.items() if name != "$ref"}}
            document["paths"][path] = item


def _referred_to(document: dict[str, Any], reference: object) -> dict[str, Any] | None:
    """The object of this document to which a JSON Pointer in a fragment refers (RFC 6901 §6); None for none."""
    start, *names = str(reference).split("/")
    found: dict[str, Any] | None = document if start == "#" else None
    for name in names:
        below: object = None if found is None else found.get(_unescaped(name))
        found = cast("dict[str, Any]", below) if isinstance(below, dict) else None
    return found


def _unescaped(name: str) -> str:
    from urllib.parse import unquote

    return unquote(name).replace("~1", "/").replace("~0", "~")


def _unshared(value: Any) -> Any:
    """A deep copy without shared objects: generators use one object in several places, which may differ in security."""
    if isinstance(value, Mapping):
        return {name: _unshared(each) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType]  # Any, says mypy
    if isinstance(value, list | tuple):
        return [_unshared(each) for each in cast("list[Any]", value)]
    return value


def _placed_schema(document: dict[str, Any], version: Version) -> str:
    """Add the schema of refusals to the document. Returns its name, which is changed if another schema has it."""
    schemas = section(document, version, "schemas", "definitions")
    name, schema = refusals.SCHEMA, refusals.schema()
    while schemas.get(name, schema) != schema:
        name = f"Authmw{name}"
    schemas[name] = schema
    return name

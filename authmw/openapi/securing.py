"""Security for a document that a generator made: the schemes, what each operation needs, and how it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from authmw.errors import ConfigurationError
from authmw.identity.requirement import Requirement
from authmw.openapi import refusals
from authmw.openapi.requirements import security
from authmw.openapi.schemes import security_schemes
from authmw.openapi.versions import Version, version_of

if TYPE_CHECKING:
    from authmw.engine.auth import Auth

RequirementOfOperation = Callable[[str, str], Requirement | None]
"""From a path of the document, as ``/orders/{number}``, and a method in capitals to what is enforced there; None where
no operation of the application is known, so that it stays as it is."""

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


def secured(document: Mapping[str, Any], auth: Auth, requirement_of: RequirementOfOperation) -> dict[str, Any]:
    """`document` with the security that is enforced, in the place of what was written there by hand.

    Only what is below ``paths`` is an operation of the application: webhooks and callbacks stay as they are.

    Args:
        document: an OpenAPI 3.1 or 3.0 or a Swagger 2.0 document. It stays as it is.
        auth: who may be trusted.
        requirement_of: what is enforced for each operation.

    Raises:
        ConfigurationError: the document is of another version, or refers to other files for its operations.

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
        (method, operation, requirement)
        for path, method, operation in operations_in(result)
        if (requirement := requirement_of(path, method)) is not None
    ]
    requirements = [requirement for _, _, requirement in known]
    schema = refusals.SCHEMA
    if auth.render is None and any(map(refusals.looks_at_credentials, requirements)):
        schema = _placed_schema(result, version)
    for method, operation, requirement in known:
        secure(operation, auth, requirement, version, schema, method=method)
    used = dict.fromkeys(scope for requirement in requirements for scope in requirement.all_scopes)
    schemes = section(result, version, "securitySchemes", "securityDefinitions")
    schemes.update(security_schemes(auth, version, used=used))
    return result


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
    *,
    method: str = "GET",
) -> None:
    """Write the security of one operation, and its refusals where it does not describe those statuses itself."""
    operation["security"] = security(auth, requirement, version)
    responses: dict[Any, Any] = operation.get("responses") or {}
    described = {str(status) for status in responses}  # some generators have numbers
    for status, response in refusals.refusals(auth, requirement, method=method, version=version, schema=schema):
        if status not in described:
            responses[status] = response
    operation["responses"] = responses


def section(document: dict[str, Any], version: Version, name: str, name_in_swagger: str) -> dict[str, Any]:
    """The section of the components under that name, made where there is none."""
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
        if str(path).startswith("/") and isinstance(item, dict):  # the others are extensions
            yield path, cast("dict[str, Any]", item)


def _inline_path_items(document: dict[str, Any], requirement_of: RequirementOfOperation) -> None:
    """Write each path item that is elsewhere in the document where it is referred to: paths may differ in security."""
    for path, written in list(_path_items(document)):
        item, seen = written, list[object]()
        while (reference := item.get("$ref")) is not None:
            found = _referred_to(document, reference) if reference not in seen else None
            if found is None:
                if any(requirement_of(path, method.upper()) is not None for method in _METHODS):
                    raise ConfigurationError(
                        f"{path} is {reference}, which is not in this document: write its path item into it"
                    )
                break
            seen.append(reference)
            item = {**_unshared(found), **{name: value for name, value in item.items() if name != "$ref"}}
            document["paths"][path] = item


def _referred_to(document: dict[str, Any], reference: object) -> dict[str, Any] | None:
    """What a JSON Pointer in a fragment leads to (RFC 6901 §6), if it is an object of this document."""
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
    """A copy in which no two places are one object, as generators let them be: what is written to one is its own."""
    if isinstance(value, Mapping):
        return {name: _unshared(each) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType]  # Any, says mypy
    if isinstance(value, list | tuple):
        return [_unshared(each) for each in cast("list[Any]", value)]
    return value


def _placed_schema(document: dict[str, Any], version: Version) -> str:
    """The name under which the schema of refusals is in the document now; one that is taken is left alone."""
    schemas = section(document, version, "schemas", "definitions")
    name, schema = refusals.SCHEMA, refusals.schema()
    while schemas.get(name, schema) != schema:
        name = f"Authmw{name}"
    schemas[name] = schema
    return name

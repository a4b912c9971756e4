"""A whole OpenAPI document, for an application that has no generator of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from authmw.identity.requirement import AUTHENTICATED, Requirement
from authmw.openapi.securing import secured
from authmw.openapi.versions import WRITTEN_AS

if TYPE_CHECKING:
    from authmw.engine.auth import Auth

_METHODS: Final = frozenset({"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"})
_PARAMETER: Final = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path, as a route table and its view tell.

    Args:
        path: as OpenAPI writes it: ``/orders/{number}``.
        method: in capitals.
        requirement: what is enforced.
        name: what the operation is called in code; it becomes the ``operationId``, with the method where it is taken.
        doc: the docstring of its view: the first paragraph is the summary, what follows the description.
        parameters: Parameter Objects, as the converters of the path have them.
        tags: what it is listed under.
    """

    path: str
    method: str
    requirement: Requirement = AUTHENTICATED
    name: str = ""
    doc: str = ""
    parameters: tuple[Mapping[str, Any], ...] = ()
    tags: tuple[str, ...] = ()


def document(
    auth: Auth,
    operations: Iterable[Operation],
    *,
    title: str,
    version: str = "0.1.0",
    description: str = "",
    openapi: Literal["3.0", "3.1"] = "3.1",
    servers: Iterable[str] = (),
) -> dict[str, Any]:
    """An OpenAPI document of `operations`: paths, methods, parameters, summaries, and all that concerns security.

    What comes in a body and what goes out is not known here: for those, use a generator and `secured`. Of two
    operations of one path and method the first is described, as it is the first that frameworks call. Methods that
    OpenAPI does not know, as QUERY, are left out.

    Args:
        auth: who may be trusted.
        operations: what the application serves.
        title: of the API.
        version: of the API.
        description: of the API (CommonMark).
        openapi: the version of the specification.
        servers: the URLs under which the API is served. Without any, it is where the document is.

    >>> from authmw import Auth, HTTPBearer
    >>> made = document(Auth(HTTPBearer()), [Operation(path="/orders", method="GET", doc="All orders.")], title="Shop")
    >>> made["paths"]["/orders"]["get"]["summary"]
    'All orders.'
    """
    paths: dict[str, dict[str, Any]] = {}
    needed: dict[tuple[str, str], Requirement] = {}
    taken: set[str] = set()
    for operation in _with_one_name_for_each_path(operations):
        key = operation.path, operation.method
        if operation.method in _METHODS and key not in needed:
            needed[key] = operation.requirement
            paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, taken)
    made: dict[str, Any] = {
        "openapi": WRITTEN_AS[openapi],
        "info": {"title": title, "version": version, **({"description": description} if description else {})},
        **({"servers": [{"url": url} for url in each]} if (each := list(servers)) else {}),
        "paths": paths,
    }
    return secured(made, auth, lambda path, method: needed.get((path, method)))


def _with_one_name_for_each_path(operations: Iterable[Operation]) -> Iterator[Operation]:
    """The operations, their parameters named as they were first: ``/{a}`` and ``/{b}`` are one path (3.1.1 §4.8.8)."""
    first: dict[str, str] = {}
    for operation in operations:
        path = first.setdefault(_PARAMETER.sub("{}", operation.path), operation.path)
        if path == operation.path:
            yield operation
            continue
        names = dict(zip(_PARAMETER.findall(operation.path), _PARAMETER.findall(path), strict=True))
        renamed = tuple(
            {**each, "name": names.get(each["name"], each["name"])} if each.get("in") == "path" else each
            for each in operation.parameters
        )
        yield replace(operation, path=path, parameters=renamed)


def _described(operation: Operation, taken: set[str]) -> dict[str, Any]:
    summary, description = _told(operation.doc)
    responses = {"2XX": {"description": "What was asked for."}}
    if operation.parameters:
        responses["404"] = {"description": "There is no such thing."}
    described: dict[str, Any] = {
        "tags": list(operation.tags),
        "summary": summary,
        "description": description,
        "operationId": _operation_id(operation, taken),
        "parameters": [dict(parameter) for parameter in operation.parameters],
    }
    return {**{name: value for name, value in described.items() if value}, "responses": responses}


def _told(doc: str) -> tuple[str, str]:
    """The summary and the description in a docstring."""
    from inspect import cleandoc

    summary, _, description = cleandoc(doc).partition("\n\n")
    return " ".join(summary.split()), description.strip()


def _operation_id(operation: Operation, taken: set[str]) -> str:
    if not operation.name:
        return ""
    name = operation.name
    if name in taken:
        name = f"{name}_{operation.method.lower()}"
    number = 2
    while name in taken:
        name, number = f"{operation.name}_{operation.method.lower()}_{number}", number + 1
    taken.add(name)
    return name

"""OpenAPI document of an application without a generator, made from `Operation` records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from authmw.identity.requirement import AUTHENTICATED, Requirement
from authmw.openapi.securing import secured

if TYPE_CHECKING:
    from authmw.engine.auth import Auth

_METHODS: Final = frozenset({"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"})
_WRITTEN_AS: Final[Mapping[str, str]] = {"3.0": "3.0.4", "3.1": "3.1.1"}
_PARAMETER: Final = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path, as the route table and the view have it.

    Args:
        path: in the form of OpenAPI: ``/orders/{number}``.
        method: in capitals.
        requirement: the requirement that is enforced.
        name: of the operation in code. It becomes the ``operationId``; if another operation has it, with the method.
        doc: the docstring of its view: the first paragraph is the summary, the rest is the description.
        parameters: Parameter Objects, by the converters of the path.
        tags: the names of its groups in the document.
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
    """An OpenAPI document of `operations`: paths, methods, parameters, summaries, and everything about security.

    The bodies of requests and responses are unknown here: for them, use a generator and `secured`. Of two operations
    with one path and method the first is described, because frameworks call the first. Methods that OpenAPI does not
    have, as QUERY, are left out.

    Args:
        auth: the schemes by which requests authenticate.
        operations: the operations of the application.
        title: of the API.
        version: of the API.
        description: of the API (CommonMark).
        openapi: the version of the specification.
        servers: the URLs under which the API is served; by default the one under which the document is.

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
        "openapi": _WRITTEN_AS[openapi],
        "info": {"title": title, "version": version, **({"description": description} if description else {})},
        **({"servers": [{"url": url} for url in each]} if (each := list(servers)) else {}),
        "paths": paths,
    }
    return secured(made, auth, lambda path, method: needed.get((path, method)))


def _with_one_name_for_each_path(operations: Iterable[Operation]) -> Iterator[Operation]:
    """The operations, with one set of parameter names: ``/{a}`` and ``/{b}`` are one path (OpenAPI 3.1.1 §4.8.8)."""
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
    summary, description = _summary_and_description(operation.doc)
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


def _summary_and_description(doc: str) -> tuple[str, str]:
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

"""Security for an OpenAPI document that another program made of a Flask application, found by the route table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from authmw.engine.routes.route import Kind
from authmw.errors import ConfigurationError
from authmw_flask.listing import checked_guard_settings, unplaced_routes

if TYPE_CHECKING:
    from flask import Flask

    from authmw.identity.requirement import Requirement

_NAME: Final = re.compile(r"\{[^{}]*\}")


def secured_document(app: Flask, document: Mapping[str, Any], *, prefix: str | None = None) -> dict[str, Any]:
    """`document` with the security that `app` enforces, instead of security that was written by hand.

    Each path is looked up in the routes of `app`; the names of its parameters do not matter. Operations of other
    applications are not changed. Below a mounted application, the guard around it is described.

    Args:
        app: the application, guarded by `FlaskAuth`.
        document: an OpenAPI 3.1 or 3.0 or a Swagger 2.0 document. It is not changed.
        prefix: the path in front of its paths in the routes of `app`, such as ``/v1``. By default it is found by the
            document's ``servers`` or ``basePath``.

    Raises:
        ConfigurationError: `app` is not guarded, the document is of another version, or none of its paths is a route
            of `app`.

    >>> from authmw import Auth, HTTPBearer
    >>> from authmw_flask import FlaskAuth
    >>> from flask import Flask
    >>> app = Flask("shop")
    >>> _ = FlaskAuth(app, Auth(HTTPBearer()))
    >>> app.add_url_rule("/v1/orders", "orders", lambda: "")
    >>> made = {"openapi": "3.1.1", "servers": [{"url": "/v1"}], "paths": {"/orders": {"get": {"responses": {}}}}}
    >>> secured_document(app, made)["paths"]["/orders"]["get"]["security"]
    [{'HTTPBearer': []}]
    """
    from authmw.openapi import secured

    settings = checked_guard_settings(app)
    known = _Requirements(app)
    bases = _bases(document) if prefix is None else (prefix.rstrip("/"),)
    base = _best(bases, known, document)
    return secured(document, settings.auth, lambda path, method: known.requirement(base + path, method))


class _Requirements:
    """The requirements of the operations of an application, by path and method."""

    def __init__(self, app: Flask) -> None:
        self._exactly: dict[tuple[str, str], Requirement] = {}
        self._by_shape: dict[tuple[str, str], Requirement] = {}
        self._paths: set[str] = set()
        self._mounts: list[tuple[str, Requirement | None]] = []
        for route in unplaced_routes(app):
            if route.kind is Kind.MOUNT:
                # With no guard around it, the mounted application may still require something itself.
                around = None if route.requirement.is_open else route.requirement
                self._mounts.append((route.path.removesuffix("*"), around))
                continue
            self._paths.add(_nameless(route.path))
            self._exactly.setdefault((route.path, route.method), route.requirement)
            self._by_shape.setdefault((_nameless(route.path), route.method), route.requirement)

    def has(self, path: str) -> bool:
        """Whether there is a route or a mounted application at `path`."""
        return _nameless(path) in self._paths or any(_is_below(path, mount) for mount, _ in self._mounts)

    def requirement(self, path: str, method: str) -> Requirement | None:
        """The requirement at `path`; None if nothing is known about it."""
        for mount, requirement in self._mounts:
            if _is_below(path, mount):  # a dispatcher comes before the routes
                return requirement
        # HEAD needs the same as GET if it has no route of its own.
        for each in (method, "GET") if method == "HEAD" else (method,):
            found = self._exactly.get((path, each)) or self._by_shape.get((_nameless(path), each))
            if found is not None:
                return found
        return None


def _is_below(path: str, mount: str) -> bool:
    return f"{path}/".startswith(mount)


def _nameless(path: str) -> str:
    return _NAME.sub("{}", path)


def _best(bases: Iterable[str], known: _Requirements, document: Mapping[str, Any]) -> str:
    """The base under which most paths of the document are known; the first one of several.

    Raises:
        ConfigurationError: no path is known under any base.
    """
    written: dict[Any, Any] = document.get("paths") or {}
    paths = [str(path) for path in written if str(path).startswith("/")]
    counts = {base: sum(known.has(base + path) for path in paths) for base in bases}
    best = max(counts, key=lambda base: counts[base])
    if paths and not counts[best]:
        raise ConfigurationError(
            "no path of the document is a route of the application: give the path in front of them, as prefix='/v1'"
        )
    return best


def _bases(document: Mapping[str, Any]) -> Iterator[str]:
    """The possible paths in front of its paths, the longest first: the first parts of each may be ``SCRIPT_NAME``."""
    for path in _servers(document):
        parts = [part for part in path.split("/") if part]
        for start in range(len(parts)):
            yield "/" + "/".join(parts[start:])
    yield ""


def _servers(document: Mapping[str, Any]) -> Iterator[str]:
    from urllib.parse import urlsplit

    if isinstance(base := document.get("basePath"), str):
        yield base
    for server in cast("list[dict[str, Any]]", document.get("servers") or []):
        yield urlsplit(str(server.get("url", ""))).path

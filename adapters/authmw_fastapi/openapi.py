"""OpenAPI document of a FastAPI application, with the security that middleware, dependencies and decorators enforce.

FastAPI makes the document; its security is then replaced. Security that other dependencies document, from
`fastapi.security` or from the program, is kept: it is required as well, so each of its alternatives is combined with
each alternative of authmw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from authmw_starlette.listing import protections_of
from authmw_starlette.routes import inwards
from authmw_starlette.walk import Around, entries
from fastapi import FastAPI

from authmw.errors import ConfigurationError
from authmw.openapi import secured, security
from authmw.openapi.requirements import SecurityRequirement
from authmw.openapi.securing import operations_in, version_of
from authmw_fastapi.names import check_names
from authmw_fastapi.outer_urls import Roots, resolve_urls, roots_outside

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from authmw.engine.auth import Auth
    from authmw.identity.requirement import Requirement

_DOCUMENTED: Final = "_authmw_openapi"
_Needed = dict[tuple[str, str], dict["Auth", "Requirement"]]


def openapi_document(app: object) -> dict[str, Any]:
    """The OpenAPI document of `app`, as it serves it. The application need not be started.

    Args:
        app: the application, with middleware around it or without. Such middleware is known only if it is given.

    Raises:
        ConfigurationError: two different schemes have one name, or `app` is no FastAPI application.

    >>> from authmw import Auth, HTTPBearer
    >>> from authmw_fastapi import AuthMiddleware
    >>> app = FastAPI()
    >>> @app.get("/orders")
    ... def orders() -> list[str]:
    ...     return []
    >>> app.add_middleware(AuthMiddleware, auth=Auth(HTTPBearer()))
    >>> openapi_document(app)["paths"]["/orders"]["get"]["security"]
    [{'HTTPBearer': []}]
    """
    application = next((each for each in inwards(app) if isinstance(each, FastAPI)), None)
    if application is None:
        raise ConfigurationError(f"{type(app).__name__} is no FastAPI application: name the application itself")
    document_everything(app)
    return application.openapi()


def document_everything(app: object) -> None:
    """Make every FastAPI application in `app`, also those that are mounted, document what is enforced.

    Raises:
        ConfigurationError: two different schemes of one document have one name.
    """
    found = {id(entry.owner): (entry.owner, entry.outside) for entry in entries(app)}
    for owner, around in found.values():
        if isinstance(owner, FastAPI):
            _document(owner, around)
            check_names(owner, around)


def document_at_sight(connection: HTTPConnection) -> None:
    """Make the application of `connection` document what its dependencies enforce, unless it does so already."""
    app = connection.scope.get("app")
    if isinstance(app, FastAPI) and _documented(app) is None:
        _document(app, Around())


_asking: ContextVar[FastAPI | None] = ContextVar("authmw_fastapi_asking", default=None)
"""The application whose document is being made. If `_Documented` was wrapped by a program and then again here, the
inner one returns the document unchanged."""


class _Documented:
    """A replacement of ``app.openapi``, which adds the enforced security to the document of the original.

    Args:
        app: the application.
        around: the paths, guards and declarations around it, as far as they are known.
        inner: the original ``app.openapi``.
    """

    def __init__(self, app: FastAPI, around: Around, inner: Callable[[], dict[str, Any]]) -> None:
        self._app = app
        self.around = around
        self._inner = inner
        self._native: dict[str, Any] | None = None
        self._made: dict[str, Any] | None = None
        self._roots: Roots = {}

    def __call__(self) -> dict[str, Any]:
        is_part = _asking.get() is self._app
        token = _asking.set(self._app)
        try:
            document = self._inner()
        finally:
            _asking.reset(token)
        if is_part:
            return document
        known, roots = self._made, roots_outside(self._app, self.around)
        if known is not None and (document is known or document is self._native) and roots == self._roots:
            return known
        if document is known and self._native is not None:
            document = self._native
        made = _secured(document, self._app, self.around)
        resolve_urls(made, roots)
        self._native, self._made, self._roots = document, made, roots
        kept = self._app.openapi_schema
        if kept is not None and (kept is document or kept is known) and _documented(self._app) is self:
            self._app.openapi_schema = made  # where FastAPI keeps it, and programs look for it
        return made

    def forget(self) -> None:
        """Forget the document, so that the next call makes it again."""
        if self._made is not None and self._app.openapi_schema is self._made:
            self._app.openapi_schema = self._native
        self._native = self._made = None


def _documented(app: FastAPI) -> _Documented | None:
    """The `_Documented` of `app`, or None."""
    known: _Documented | None = getattr(app, _DOCUMENTED, None)
    return known


def _document(app: FastAPI, around: Around) -> None:
    inner: Callable[[], dict[str, Any]] = app.openapi
    known = _documented(app)
    if known is not None:
        # The outermost middleware knows most: an application does not know in which other one it is mounted.
        around = max(known.around, around, key=lambda each: len(each.guards) + len(each.asked))
        if known is inner and known.around == around:
            return
        known.forget()
        if known is inner:
            known.around = around
            return
    documented = _Documented(app, around, inner)
    setattr(app, _DOCUMENTED, documented)
    setattr(app, "openapi", documented)  # noqa: B010 - as FastAPI teaches; type checkers take it for a method only


def _secured(document: dict[str, Any], app: FastAPI, around: Around) -> dict[str, Any]:
    check_names(app, around)
    needed = _needed(app, around)
    made = document
    for auth in dict.fromkeys(auth for by in needed.values() for auth in by):
        made = secured(made, auth, partial(_needed_by, auth, needed))
    version = version_of(made)
    natively = {(path, method): operation.get("security") for path, method, operation in operations_in(document)}
    for path, method, operation in operations_in(made):
        if by := needed.get((path, method)):
            enforced = [security(auth, requirement, version) for auth, requirement in by.items()]
            names = {scheme.name for auth in by for scheme in auth.schemes}
            kept = [each for each in natively[path, method] or () if not names.issuperset(each)]
            operation["security"] = _all_of(*enforced, kept)
    return made


def _needed(app: FastAPI, around: Around) -> _Needed:
    """The requirements of each operation, by its path and method in the document of `app`."""
    found: _Needed = {}
    for entry in entries(app, around):
        if entry.owner is app and entry.route is not None:
            path = entry.path[len(around.prefix) :]
            for method in getattr(entry.route, "methods", None) or ():
                found.setdefault((path, method), dict(protections_of(entry, method).by))
    return found


def _needed_by(auth: Auth, needed: _Needed, path: str, method: str) -> Requirement | None:
    return needed.get((path, method), {}).get(auth)


def _all_of(*needed: list[SecurityRequirement]) -> list[SecurityRequirement]:
    """The alternatives of each list, combined with those of all others. An empty list requires nothing."""
    asking = [each for each in needed if each]
    combined = [_at_once(choice) for choice in product(*asking)] if asking else []
    return [each for index, each in enumerate(combined) if each not in combined[:index]]


def _at_once(choice: Iterable[SecurityRequirement]) -> SecurityRequirement:
    together: SecurityRequirement = {}
    for each in choice:
        for name, scopes in each.items():
            together[name] = list(dict.fromkeys((*together.get(name, ()), *scopes)))
    return together

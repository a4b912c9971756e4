"""Hooks into the Flask extensions that make OpenAPI documents, which add security to them.

No extension is imported. Security is added when a document is made, so the order of registering and guarding does not
matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from authmw.errors import ConfigurationError
from authmw_flask.openapi.secured import secured_document

if TYPE_CHECKING:
    from flask import Flask

Secure = Callable[[Mapping[str, Any]], dict[str, Any]]
"""A function from the document that was made to the one with security."""


def secure_openapi(app: Flask, generator: object = None, *, prefix: str | None = None) -> None:
    """Add the security that `app` enforces to every document that `generator` makes from now on.

    ``secure_openapi(app)`` is for APIFlask and flask-openapi3, ``secure_openapi(app, api)`` for flask-smorest and
    flask-restx, and ``secure_openapi(app, spec)`` for apispec. Security that was written there by hand is replaced.

    Args:
        app: the application, which `FlaskAuth` guards before the first document is made.
        generator: the ``Api`` or the ``APISpec``; by default `app`, for an application that makes its document itself.
        prefix: as for `secured_document`.

    Raises:
        ConfigurationError: `generator` is of no such extension, or has no document yet.

    >>> from apispec import APISpec
    >>> from authmw import Auth, HTTPBearer
    >>> from authmw_flask import FlaskAuth
    >>> from flask import Flask
    >>> app = Flask("shop")
    >>> app.add_url_rule("/orders", "orders", lambda: "")
    >>> spec = APISpec("Shop", "1.0", "3.1.0").path("/orders", operations={"get": {"responses": {}}})
    >>> secure_openapi(app, spec)
    >>> _ = FlaskAuth(app, Auth(HTTPBearer()))
    >>> spec.to_dict()["paths"]["/orders"]["get"]["security"]
    [{'HTTPBearer': []}]
    """
    made_by = app if generator is None else generator
    hook = next((_HOOKS[package] for package in _packages(made_by) if package in _HOOKS), None)
    if hook is None:
        raise ConfigurationError(_unknown(made_by, is_app=made_by is app))

    def secure(document: Mapping[str, Any]) -> dict[str, Any]:
        return secured_document(app, document, prefix=prefix)

    hook(made_by, secure)


def _packages(generator: object) -> list[str]:
    """The packages of its class and of the base classes, the nearest first."""
    return [each.__module__.partition(".")[0] for each in type(generator).__mro__]


def _unknown(generator: object, *, is_app: bool) -> str:
    if is_app:
        return (
            f"{type(generator).__name__} makes no document itself: pass the object that does, as in "
            "secure_openapi(app, api), or use openapi_document(app)"
        )
    return (
        f"{type(generator).__name__} is of no extension that is known here: "
        "add the security where its document is served, by secured_document(app, document)"
    )


def _apispec(spec: Any, secure: Secure) -> None:
    make = spec.to_dict
    spec.to_dict = lambda: secure(make())


def _smorest(api: Any, secure: Secure) -> None:
    if api.spec is None:
        raise ConfigurationError("the Api has no document yet: call api.init_app(app) before secure_openapi(app, api)")
    _apispec(api.spec, secure)


def _apiflask(app: Any, secure: Secure) -> None:
    """Add security before the application's own `spec_processor` runs, since there can be only one of those."""
    make = app._generate_spec

    def generate() -> Any:
        spec = make()
        _apispec(spec, secure)
        return spec

    app._generate_spec = generate


def _openapi3(app: Any, secure: Secure) -> None:
    make = app.generate_spec_json

    def generate() -> None:
        make()
        app.spec_json = secure(app.spec_json)

    app.generate_spec_json = generate


def _restx(api: Any, secure: Secure) -> None:
    """Replace the class of `api`: its document is a cached property, and only a class can have another one."""
    made_by: type[Any] = cast("Any", type(api))
    cached: Any = made_by.__schema__

    def schema(api: Any) -> dict[str, Any]:
        made: dict[str, Any] = cached.__get__(api, made_by)
        if "swagger" not in made:  # the document of an error
            return made
        if not made.get("definitions") and api.models:
            # flask-restx resolves references of payloads in the definitions, and elsewhere only if there are none.
            made = {**made, "definitions": {name: model.__schema__ for name, model in api.models.items()}}
        return secure(made)

    members = {"__module__": made_by.__module__, "__schema__": property(schema)}
    api.__class__ = type(made_by.__name__, (made_by,), members)


_HOOKS: Final[Mapping[str, Callable[[Any, Secure], None]]] = {
    "apiflask": _apiflask,
    "apispec": _apispec,
    "flask_openapi3": _openapi3,
    "flask_restx": _restx,
    "flask_smorest": _smorest,
}

"""``securitySchemes`` of a document: the schemes of an `Auth`, in each version of OpenAPI."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final, Literal

from authmw.errors import ConfigurationError

if TYPE_CHECKING:
    from authmw.engine.auth import Auth

Version = Literal["2.0", "3.0", "3.1"]
"""Version of a document. 2.0 is Swagger, which some generators still write. It has no bearer tokens: they become API
keys."""

_FLOWS_OF_SWAGGER: Final = {
    "authorizationCode": "accessCode",
    "password": "password",
    "clientCredentials": "application",
    "implicit": "implicit",
}

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")  # OpenAPI 3.1.1 §4.8.7: the keys of the components


def security_schemes(auth: Auth, version: Version = "3.1", *, used: Iterable[str] = ()) -> dict[str, Any]:
    """The ``components.securitySchemes`` of OpenAPI 3, or the ``securityDefinitions`` of Swagger 2.0.

    Args:
        auth: the schemes. Its scopes are those of every OAuth 2 flow that has no scopes itself.
        version: of the document.
        used: the scopes that operations name. A flow that does not describe one of them lists it without a description.

    Raises:
        ConfigurationError: the name of a scheme is not allowed in a document.

    >>> from authmw import Auth, OAuth2PasswordBearer
    >>> auth = Auth(OAuth2PasswordBearer("token"), scopes={"orders:read": "See orders"})
    >>> security_schemes(auth)["OAuth2PasswordBearer"]["flows"]["password"]["scopes"]
    {'orders:read': 'See orders'}
    """
    if mistakes := [_misnamed(scheme.name) for scheme in auth.schemes if not _NAME.fullmatch(scheme.name)]:
        raise ConfigurationError(*dict.fromkeys(mistakes))
    names = tuple(used)
    described = {scheme.name: _with_scopes(scheme.openapi(), auth.scopes, names) for scheme in auth.schemes}
    return described if version != "2.0" else {name: _in_swagger(each) for name, each in described.items()}


def _misnamed(name: str) -> str:
    return f"name={name!r} cannot name a scheme in an OpenAPI document: use letters, digits, dots, hyphens, underscores"


def _with_scopes(scheme: dict[str, Any], described: Mapping[str, str], used: tuple[str, ...]) -> dict[str, Any]:
    scheme = deepcopy(scheme)
    for flow in scheme.get("flows", {}).values():
        own = flow.get("scopes") or described
        flow["scopes"] = {**own, **{scope: described.get(scope, "") for scope in used if scope not in own}}
    return scheme


def _in_swagger(scheme: dict[str, Any]) -> dict[str, Any]:
    """Swagger 2.0 has ``basic``, ``apiKey`` in a header or the query, and ``oauth2`` with one flow."""
    extra = {"description": scheme["description"]} if "description" in scheme else {}
    kind = scheme["type"]
    if kind == "http" and scheme["scheme"] == "basic":
        return {"type": "basic", **extra}
    if kind == "apiKey":
        return scheme if scheme["in"] != "cookie" else _in_header("Cookie", f"The cookie {scheme['name']}.", extra)
    if kind == "oauth2" and scheme["flows"]:
        flows = scheme["flows"]
        flow = next((each for each in flows if each in _FLOWS_OF_SWAGGER), next(iter(flows)))
        return {"type": "oauth2", "flow": _FLOWS_OF_SWAGGER.get(flow, flow), **_flow_in_swagger(flows[flow]), **extra}
    word = str(scheme.get("scheme", "bearer")).title()
    return _in_header("Authorization", f"The word {word}, a space, and the value.", extra)


def _in_header(name: str, description: str, extra: dict[str, str]) -> dict[str, Any]:
    return {"type": "apiKey", "in": "header", "name": name, "description": description, **extra}


def _flow_in_swagger(flow: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flow.items() if name != "refreshUrl"}

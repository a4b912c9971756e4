"""The peer of the token endpoint: Authlib's server for Flask, as its documentation shows it."""

from __future__ import annotations

import hmac
from importlib import import_module
from typing import Any

from cryptography.hazmat.primitives import serialization
from flask import Flask
from joserfc.jwk import ECKey, RSAKey

from tests.benchmarks.cases import AUDIENCE, ISSUER

# These have no types.
_flask: Any = import_module("authlib.integrations.flask_oauth2")
_rfc6749: Any = import_module("authlib.oauth2.rfc6749")
_grants: Any = import_module("authlib.oauth2.rfc6749.grants")
_rfc9068: Any = import_module("authlib.oauth2.rfc9068")

_subjects: dict[str, str] = {}


def subject_of(token: str) -> str | None:
    """Whose opaque token of Authlib's it is."""
    return _subjects.get(token)


def bare_flask() -> Flask:
    """Flask, one view that is posted to."""
    app = Flask("peer")
    app.post("/token")(lambda: ({"access_token": "none"}, {"Cache-Control": "no-store"}))
    return app


def authlib(secrets: dict[str, str], key: Any = None, alg: str = "") -> Flask:
    """Authlib's server with the grant for client credentials.

    Args:
        secrets: of each client.
        key: signs JWTs of RFC 9068; opaque tokens without.
        alg: its algorithm.
    """
    app = Flask("peer")
    make: Any = type("Client", (_Client, _rfc6749.ClientMixin), {})
    clients = {name: make(name, secret) for name, secret in secrets.items()}
    server = _flask.AuthorizationServer(app, query_client=clients.get, save_token=_save)
    methods = {"TOKEN_ENDPOINT_AUTH_METHODS": ["client_secret_basic"]}
    server.register_grant(type("Grant", (_grants.ClientCredentialsGrant,), methods))
    if key is not None:
        server.register_token_generator("default", _generator(key, alg))
    app.post("/token")(server.create_token_response)
    return app


def _save(token: dict[str, Any], request: Any) -> None:
    if "." not in token["access_token"]:
        _subjects[token["access_token"]] = request.client.get_client_id()


class _Client:
    """A client that authenticates by its secret, for one grant."""

    def __init__(self, name: str, secret: str) -> None:
        self._name = name
        self._secret = secret.encode()

    def get_client_id(self) -> str:
        return self._name

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_client_secret(self, secret: str) -> bool:
        return hmac.compare_digest(self._secret, secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"


def _generator(key: Any, alg: str) -> Any:
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    # Imported once: from text it would be imported for each token.
    imported: Any = RSAKey.import_key(pem) if alg == "RS256" else ECKey.import_key(pem)

    def get_jwks(_: Any) -> Any:
        return imported

    def get_audiences(_: Any, client: Any, user: Any, scope: Any) -> str:
        return AUDIENCE

    members = {"get_jwks": get_jwks, "get_audiences": get_audiences}
    return type("Generator", (_rfc9068.JWTBearerTokenGenerator,), members)(issuer=ISSUER, alg=alg)

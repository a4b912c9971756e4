"""Authentication and scopes for any WSGI or ASGI application.

Every security scheme of OpenAPI, extracted and really verified by one engine; thin middleware that guards by default;
decorators that say what a view needs.

The names below are imported from their modules when they are first used, so that `import authmw` costs next to
nothing and a program loads what it uses.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from authmw.crypto.dpop.nonces import DPoPNonces
    from authmw.crypto.key import Key
    from authmw.crypto.keyring import KeyRing
    from authmw.crypto.passwords import PasswordHasher
    from authmw.crypto.signing import TokenIssuer, issue
    from authmw.engine.auth import Auth
    from authmw.engine.authentication import Authentication
    from authmw.engine.context import acting_as, carry_caller, current_principal
    from authmw.engine.decorators import authenticated, optionally_authenticated, public, requires, requires_scopes
    from authmw.engine.protected_resource import ProtectedResource
    from authmw.errors import AuthmwError, ConfigurationError, FlowError, Overloaded, StoreUnavailable, Unavailable
    from authmw.flow.call_mode import CallMode
    from authmw.flow.flow import Ask, Flow, Work
    from authmw.http.reasons import Reason
    from authmw.http.refusal import ALLOWED, AccessRefused, Body, Refusal
    from authmw.http.request import RequestHead
    from authmw.identity.credentials import (
        ApiKey,
        BasicCredentials,
        BearerToken,
        BoundToken,
        DigestResponse,
        DPoPToken,
        TrustedUser,
    )
    from authmw.identity.principal import ANONYMOUS, Principal
    from authmw.identity.requirement import Requirement, any_of
    from authmw.identity.verdict import Authenticated, Rejected, Verdict
    from authmw.issuers.audience import AnyAudience
    from authmw.issuers.introspection.verifier import IntrospectionVerifier
    from authmw.issuers.issuer import Issuer
    from authmw.issuers.openid_connect import OpenIdConnect
    from authmw.issuers.profiles import Profile
    from authmw.issuers.several import Issuers
    from authmw.schemes.api_key import APIKeyCookie, APIKeyHeader, APIKeyQuery
    from authmw.schemes.http_basic import HTTPBasic
    from authmw.schemes.http_bearer import HTTPBearer
    from authmw.schemes.http_digest import HTTPDigest
    from authmw.schemes.http_dpop import HTTPDPoP
    from authmw.schemes.oauth2 import (
        OAuth2,
        OAuth2AuthorizationCodeBearer,
        OAuth2ClientCredentialsBearer,
        OAuth2PasswordBearer,
    )
    from authmw.schemes.session_cookie import SessionCookie
    from authmw.schemes.trusted_header import TrustedHeader
    from authmw.stores import Stores
    from authmw.stores.revocation_feed import RevocationFeed
    from authmw.verifiers.api_key import ApiKeyVerifier
    from authmw.verifiers.digest import DigestVerifier
    from authmw.verifiers.dpop import DPoPVerifier
    from authmw.verifiers.jwt import JWTVerifier
    from authmw.verifiers.password import PasswordVerifier
    from authmw.verifiers.token import TokenVerifier

__all__ = [
    "ALLOWED",
    "ANONYMOUS",
    "APIKeyCookie",
    "APIKeyHeader",
    "APIKeyQuery",
    "AccessRefused",
    "AnyAudience",
    "ApiKey",
    "ApiKeyVerifier",
    "Ask",
    "Auth",
    "Authenticated",
    "Authentication",
    "AuthmwError",
    "BasicCredentials",
    "BearerToken",
    "Body",
    "BoundToken",
    "CallMode",
    "ConfigurationError",
    "DPoPNonces",
    "DPoPToken",
    "DPoPVerifier",
    "DigestResponse",
    "DigestVerifier",
    "Flow",
    "FlowError",
    "HTTPBasic",
    "HTTPBearer",
    "HTTPDPoP",
    "HTTPDigest",
    "IntrospectionVerifier",
    "Issuer",
    "Issuers",
    "JWTVerifier",
    "Key",
    "KeyRing",
    "OAuth2",
    "OAuth2AuthorizationCodeBearer",
    "OAuth2ClientCredentialsBearer",
    "OAuth2PasswordBearer",
    "OpenIdConnect",
    "Overloaded",
    "PasswordHasher",
    "PasswordVerifier",
    "Principal",
    "Profile",
    "ProtectedResource",
    "Reason",
    "Refusal",
    "Rejected",
    "RequestHead",
    "Requirement",
    "RevocationFeed",
    "SessionCookie",
    "StoreUnavailable",
    "Stores",
    "TokenIssuer",
    "TokenVerifier",
    "TrustedHeader",
    "TrustedUser",
    "Unavailable",
    "Verdict",
    "Work",
    "acting_as",
    "any_of",
    "authenticated",
    "carry_caller",
    "current_principal",
    "issue",
    "optionally_authenticated",
    "public",
    "requires",
    "requires_scopes",
]

_HOMES = {
    "engine.context": "acting_as carry_caller current_principal",
    "identity.credentials": "ApiKey BasicCredentials BearerToken BoundToken DPoPToken DigestResponse TrustedUser",
    "engine.decorators": "authenticated optionally_authenticated public requires requires_scopes",
    "crypto.dpop.nonces": "DPoPNonces",
    "engine.auth": "Auth",
    "engine.authentication": "Authentication",
    "errors": "AuthmwError ConfigurationError FlowError Overloaded StoreUnavailable Unavailable",
    "flow.call_mode": "CallMode",
    "flow.flow": "Ask Flow Work",
    "issuers.audience": "AnyAudience",
    "issuers.introspection.verifier": "IntrospectionVerifier",
    "issuers.issuer": "Issuer",
    "engine.protected_resource": "ProtectedResource",
    "issuers.profiles": "Profile",
    "issuers.several": "Issuers",
    "crypto.signing": "TokenIssuer issue",
    "crypto.key": "Key",
    "crypto.keyring": "KeyRing",
    "crypto.passwords": "PasswordHasher",
    "identity.principal": "ANONYMOUS Principal",
    "http.reasons": "Reason",
    "http.request": "RequestHead",
    "http.refusal": "ALLOWED AccessRefused Body Refusal",
    "identity.requirement": "Requirement any_of",
    "stores.revocation_feed": "RevocationFeed",
    "schemes.api_key": "APIKeyCookie APIKeyHeader APIKeyQuery",
    "schemes.http_basic": "HTTPBasic",
    "schemes.http_bearer": "HTTPBearer",
    "schemes.http_digest": "HTTPDigest",
    "schemes.http_dpop": "HTTPDPoP",
    "schemes.oauth2": "OAuth2 OAuth2AuthorizationCodeBearer OAuth2ClientCredentialsBearer OAuth2PasswordBearer",
    "issuers.openid_connect": "OpenIdConnect",
    "schemes.session_cookie": "SessionCookie",
    "schemes.trusted_header": "TrustedHeader",
    "stores": "Stores",
    "identity.verdict": "Authenticated Rejected Verdict",
    "verifiers.api_key": "ApiKeyVerifier",
    "verifiers.digest": "DigestVerifier",
    "verifiers.dpop": "DPoPVerifier",
    "verifiers.jwt": "JWTVerifier",
    "verifiers.password": "PasswordVerifier",
    "verifiers.token": "TokenVerifier",
}

_HOME_OF = {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names.split()}

if not TYPE_CHECKING:  # type checkers would take every misspelt name for one of ours

    def __getattr__(name):  # PEP 562
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
        return value

    def __dir__():
        return sorted({*globals(), *_HOME_OF})

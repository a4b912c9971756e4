"""Authentication and scopes for any WSGI or ASGI application.

Every security scheme of OpenAPI, extracted and really verified by one engine; thin middleware that guards by default;
decorators that say what a view needs.

The names below are imported from their modules when they are first used, so that `import authmw` costs next to
nothing and a program loads what it uses.
"""

from typing import TYPE_CHECKING

from authmw.lazy import lazily as _lazily

if TYPE_CHECKING:
    from authmw.context import acting_as, current_principal
    from authmw.credentials import (
        ApiKey,
        BasicCredentials,
        BearerToken,
        BoundToken,
        DigestResponse,
        DPoPToken,
        TrustedUser,
    )
    from authmw.decorators import authenticated, optionally_authenticated, public, requires, requires_scopes
    from authmw.dpop.nonces import DPoPNonces
    from authmw.engine import Auth, Authentication
    from authmw.errors import (
        AccessRefused,
        AuthmwError,
        ConfigurationError,
        FlowError,
        Overloaded,
        StoreUnavailable,
        Unavailable,
    )
    from authmw.flow import Ask, Flow, Work, nonblocking
    from authmw.issuers.access_tokens import AnyAudience
    from authmw.issuers.introspection import IntrospectionVerifier
    from authmw.issuers.issuer import Issuer
    from authmw.issuers.profiles import Profile
    from authmw.issuers.protected_resource import ProtectedResource
    from authmw.issuers.several import Issuers
    from authmw.issuing import TokenIssuer, issue
    from authmw.key import Key
    from authmw.keys import KeyRing
    from authmw.passwords import PasswordHasher
    from authmw.principal import ANONYMOUS, Principal
    from authmw.reasons import Reason
    from authmw.refusal import ALLOWED, Body, Refusal
    from authmw.request import RequestHead
    from authmw.requirement import Requirement, any_of
    from authmw.revocation import RevocationFeed
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
    from authmw.schemes.openid_connect import OpenIdConnect
    from authmw.schemes.session_cookie import SessionCookie
    from authmw.schemes.trusted_header import TrustedHeader
    from authmw.stores import Stores
    from authmw.verdict import Authenticated, Rejected, Verdict
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
    "current_principal",
    "issue",
    "nonblocking",
    "optionally_authenticated",
    "public",
    "requires",
    "requires_scopes",
]

_HOMES = {
    "context": "acting_as current_principal",
    "credentials": "ApiKey BasicCredentials BearerToken BoundToken DPoPToken DigestResponse TrustedUser",
    "decorators": "authenticated optionally_authenticated public requires requires_scopes",
    "dpop.nonces": "DPoPNonces",
    "engine": "Auth Authentication",
    "errors": "AccessRefused AuthmwError ConfigurationError FlowError Overloaded StoreUnavailable Unavailable",
    "flow": "Ask Flow Work nonblocking",
    "issuers.access_tokens": "AnyAudience",
    "issuers.introspection": "IntrospectionVerifier",
    "issuers.issuer": "Issuer",
    "issuers.protected_resource": "ProtectedResource",
    "issuers.profiles": "Profile",
    "issuers.several": "Issuers",
    "issuing": "TokenIssuer issue",
    "key": "Key",
    "keys": "KeyRing",
    "passwords": "PasswordHasher",
    "principal": "ANONYMOUS Principal",
    "reasons": "Reason",
    "request": "RequestHead",
    "refusal": "ALLOWED Body Refusal",
    "requirement": "Requirement any_of",
    "revocation": "RevocationFeed",
    "schemes.api_key": "APIKeyCookie APIKeyHeader APIKeyQuery",
    "schemes.http_basic": "HTTPBasic",
    "schemes.http_bearer": "HTTPBearer",
    "schemes.http_digest": "HTTPDigest",
    "schemes.http_dpop": "HTTPDPoP",
    "schemes.oauth2": "OAuth2 OAuth2AuthorizationCodeBearer OAuth2ClientCredentialsBearer OAuth2PasswordBearer",
    "schemes.openid_connect": "OpenIdConnect",
    "schemes.session_cookie": "SessionCookie",
    "schemes.trusted_header": "TrustedHeader",
    "stores": "Stores",
    "verdict": "Authenticated Rejected Verdict",
    "verifiers.api_key": "ApiKeyVerifier",
    "verifiers.digest": "DigestVerifier",
    "verifiers.dpop": "DPoPVerifier",
    "verifiers.jwt": "JWTVerifier",
    "verifiers.password": "PasswordVerifier",
    "verifiers.token": "TokenVerifier",
}

if not TYPE_CHECKING:  # type checkers would take every misspelt name for one of ours
    __getattr__, __dir__ = _lazily(__name__, _HOMES)

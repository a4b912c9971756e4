"""Authentication and scopes for any WSGI or ASGI application.

Every security scheme of OpenAPI, extracted and really verified by one engine; thin middleware that guards by default;
decorators that say what a view needs.

The names below are imported from their modules when they are first used, so that `import authmw` costs next to
nothing and a program loads what it uses.
"""

from typing import TYPE_CHECKING

from authmw.errors import face

if TYPE_CHECKING:
    from authmw.crypto.key import Key
    from authmw.crypto.keyring import KeyRing
    from authmw.crypto.signing import issue
    from authmw.engine.auth import Auth
    from authmw.engine.context import acting_as, carry_caller, current_principal
    from authmw.engine.declarations import requirement_of
    from authmw.engine.decorators import authenticated, optionally_authenticated, public, requires, requires_scopes
    from authmw.engine.form_token import csrf_token
    from authmw.engine.inherited import InheritedAuth
    from authmw.engine.own_user import current_user, current_user_async
    from authmw.errors import AuthmwError, ConfigurationError, Unavailable
    from authmw.events.console import log_to_console
    from authmw.http.challenge import Challenge
    from authmw.http.grammar import parse_params
    from authmw.http.navigation import is_navigation
    from authmw.http.next_path import safe_next
    from authmw.http.reasons import Reason
    from authmw.http.refusal import AccessRefused, Body, Refusal
    from authmw.http.request import RequestHead
    from authmw.identity.credentials import (
        ApiKey,
        BasicCredentials,
        BearerToken,
        DigestResponse,
        DPoPToken,
        TrustedUser,
    )
    from authmw.identity.principal import ANONYMOUS, Principal
    from authmw.identity.requirement import Requirement, any_of
    from authmw.identity.validity import Validity
    from authmw.identity.verdict import Authenticated, Rejected, Verdict
    from authmw.issuers.issuer import Issuer
    from authmw.issuers.openid_connect import OpenIdConnect
    from authmw.schemes.api_key import APIKeyCookie, APIKeyHeader, APIKeyQuery
    from authmw.schemes.base import AuthorizationScheme, SecurityScheme
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
    from authmw.schemes.session import Session
    from authmw.schemes.trusted_header import TrustedHeader
    from authmw.verifiers.api_key import ApiKeyVerifier
    from authmw.verifiers.digest import DigestVerifier
    from authmw.verifiers.dpop import DPoPVerifier
    from authmw.verifiers.jwt import JWTVerifier
    from authmw.verifiers.password import PasswordVerifier
    from authmw.verifiers.token import TokenVerifier

__all__ = [
    "ANONYMOUS",
    "APIKeyCookie",
    "APIKeyHeader",
    "APIKeyQuery",
    "AccessRefused",
    "ApiKey",
    "ApiKeyVerifier",
    "Auth",
    "Authenticated",
    "AuthmwError",
    "AuthorizationScheme",
    "BasicCredentials",
    "BearerToken",
    "Body",
    "Challenge",
    "ConfigurationError",
    "DPoPToken",
    "DPoPVerifier",
    "DigestResponse",
    "DigestVerifier",
    "HTTPBasic",
    "HTTPBearer",
    "HTTPDPoP",
    "HTTPDigest",
    "InheritedAuth",
    "Issuer",
    "JWTVerifier",
    "Key",
    "KeyRing",
    "OAuth2",
    "OAuth2AuthorizationCodeBearer",
    "OAuth2ClientCredentialsBearer",
    "OAuth2PasswordBearer",
    "OpenIdConnect",
    "PasswordVerifier",
    "Principal",
    "Reason",
    "Refusal",
    "Rejected",
    "RequestHead",
    "Requirement",
    "SecurityScheme",
    "Session",
    "TokenVerifier",
    "TrustedHeader",
    "TrustedUser",
    "Unavailable",
    "Validity",
    "Verdict",
    "acting_as",
    "any_of",
    "authenticated",
    "carry_caller",
    "csrf_token",
    "current_principal",
    "current_user",
    "current_user_async",
    "is_navigation",
    "issue",
    "log_to_console",
    "optionally_authenticated",
    "parse_params",
    "public",
    "requirement_of",
    "requires",
    "requires_scopes",
    "safe_next",
]

_HOMES = {
    "crypto.key": "Key",
    "crypto.keyring": "KeyRing",
    "crypto.signing": "issue",
    "engine.auth": "Auth",
    "engine.context": "acting_as carry_caller current_principal",
    "engine.form_token": "csrf_token",
    "engine.decorators": "authenticated optionally_authenticated public requires requires_scopes",
    "engine.declarations": "requirement_of",
    "engine.inherited": "InheritedAuth",
    "engine.own_user": "current_user current_user_async",
    "errors": "AuthmwError ConfigurationError Unavailable",
    "events.console": "log_to_console",
    "http.challenge": "Challenge",
    "http.grammar": "parse_params",
    "http.navigation": "is_navigation",
    "http.next_path": "safe_next",
    "http.reasons": "Reason",
    "http.refusal": "AccessRefused Body Refusal",
    "http.request": "RequestHead",
    "identity.credentials": "ApiKey BasicCredentials BearerToken DPoPToken DigestResponse TrustedUser",
    "identity.principal": "ANONYMOUS Principal",
    "identity.requirement": "Requirement any_of",
    "identity.validity": "Validity",
    "identity.verdict": "Authenticated Rejected Verdict",
    "issuers.issuer": "Issuer",
    "issuers.openid_connect": "OpenIdConnect",
    "schemes.api_key": "APIKeyCookie APIKeyHeader APIKeyQuery",
    "schemes.base": "AuthorizationScheme SecurityScheme",
    "schemes.http_basic": "HTTPBasic",
    "schemes.http_bearer": "HTTPBearer",
    "schemes.session": "Session",
    "schemes.http_digest": "HTTPDigest",
    "schemes.http_dpop": "HTTPDPoP",
    "schemes.oauth2": "OAuth2 OAuth2AuthorizationCodeBearer OAuth2ClientCredentialsBearer OAuth2PasswordBearer",
    "schemes.trusted_header": "TrustedHeader",
    "verifiers.api_key": "ApiKeyVerifier",
    "verifiers.digest": "DigestVerifier",
    "verifiers.dpop": "DPoPVerifier",
    "verifiers.jwt": "JWTVerifier",
    "verifiers.password": "PasswordVerifier",
    "verifiers.token": "TokenVerifier",
}

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__, _HOMES)

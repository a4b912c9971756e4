"""Authentication and scopes for any WSGI or ASGI application.

Every security scheme of OpenAPI, extracted and really verified by one engine; thin middleware that guards by default;
decorators that say what a view needs.
"""

from authmw.context import acting_as, current_principal
from authmw.credentials import ApiKey, BasicCredentials, BearerToken, DigestResponse, TrustedUser
from authmw.decorators import authenticated, public, requires, requires_scopes
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
from authmw.principal import ANONYMOUS, Principal
from authmw.reasons import Reason
from authmw.refusal import ALLOWED, Body, Refusal
from authmw.requirement import Requirement, any_of
from authmw.schemes.api_key import APIKeyCookie, APIKeyHeader, APIKeyQuery
from authmw.schemes.http_basic import HTTPBasic
from authmw.schemes.http_bearer import HTTPBearer
from authmw.schemes.oauth2 import (
    OAuth2,
    OAuth2AuthorizationCodeBearer,
    OAuth2ClientCredentialsBearer,
    OAuth2PasswordBearer,
)
from authmw.schemes.openid_connect import OpenIdConnect
from authmw.schemes.trusted_header import TrustedHeader
from authmw.verdict import Authenticated, Rejected, Verdict

__all__ = [
    "ALLOWED",
    "ANONYMOUS",
    "APIKeyCookie",
    "APIKeyHeader",
    "APIKeyQuery",
    "AccessRefused",
    "ApiKey",
    "Ask",
    "Auth",
    "Authenticated",
    "Authentication",
    "AuthmwError",
    "BasicCredentials",
    "BearerToken",
    "Body",
    "ConfigurationError",
    "DigestResponse",
    "Flow",
    "FlowError",
    "HTTPBasic",
    "HTTPBearer",
    "OAuth2",
    "OAuth2AuthorizationCodeBearer",
    "OAuth2ClientCredentialsBearer",
    "OAuth2PasswordBearer",
    "OpenIdConnect",
    "Overloaded",
    "Principal",
    "Reason",
    "Refusal",
    "Rejected",
    "Requirement",
    "StoreUnavailable",
    "TrustedHeader",
    "TrustedUser",
    "Unavailable",
    "Verdict",
    "Work",
    "acting_as",
    "any_of",
    "authenticated",
    "current_principal",
    "nonblocking",
    "public",
    "requires",
    "requires_scopes",
]

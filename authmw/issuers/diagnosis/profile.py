"""Hints about well-known issuers: the likely profile of an issuer, and how its tokens get an audience."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# Parts of the issuer's URL, and claims that no other issuer writes.
_SIGNS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "keycloak": (("/realms/",), ("realm_access", "resource_access")),
    "auth0": ((".auth0.com",), ("gty",)),
    "entra": (("//login.microsoftonline.com/", "//sts.windows.net/"), ("tid",)),
    "cognito": (("//cognito-idp.",), ("token_use",)),
    "okta": ((".okta.com", ".oktapreview.com"), ("cid",)),
    "google": (("//accounts.google.com",), ()),
    "zitadel": ((".zitadel.cloud",), ("urn:zitadel:iam:org:project:roles",)),
}
_AUDIENCE: Final[Mapping[str, str]] = {
    "keycloak": "in Keycloak add an audience mapper with {wanted} to a client scope of the client",
    "auth0": "with Auth0 the client asks for audience={wanted}, the identifier of the API",
    "entra": "with Entra the client asks for a scope of this API; aud is its client id in v2.0 tokens, its URI in v1.0",
    "cognito": "with Cognito the client asks for resource={wanted}; without one, the audience is the app client's id",
    "okta": "with Okta set the audience of the authorization server to {wanted}",
    "google": "with Google the caller asks for an ID token with the audience {wanted}",
    "zitadel": "with Zitadel the client asks for the scope urn:zitadel:iam:org:project:id:{{project id}}:aud",
}


def likely_profile(issuer: str, claims: Mapping[str, Any]) -> str | None:
    """The name of the profile that fits the name of the issuer, else its claims.

    >>> likely_profile("https://id.example/realms/shop", {}), likely_profile("https://id.example", {"cid": "0oa1"})
    ('keycloak', 'okta')
    """
    for name, (parts, _) in _SIGNS.items():
        if any(part in issuer for part in parts):
            return name
    for name, (_, signs) in _SIGNS.items():
        if any(sign in claims for sign in signs):
            return name
    return None


def audience_fix(profile: str | None, wanted: str, said: str) -> str:
    """The fix for a token whose ``aud`` is `said` and not `wanted`.

    >>> audience_fix("keycloak", "'shop-api'", "'account'")
    "in Keycloak add an audience mapper with 'shop-api' to a client scope of the client"
    """
    default = "the client asks for resource={wanted} (RFC 8707); or if {said} is this API, say audience={said}"
    return _AUDIENCE.get(profile or "", default).format(wanted=wanted, said=said)

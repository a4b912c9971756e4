"""OpenID Connect scheme of OpenAPI: a bearer token, with the URL of the provider's metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authmw.errors import ConfigurationError, explains_arguments
from authmw.issuers.discovery import issuer_of, well_known_urls
from authmw.issuers.issuer import Issuer
from authmw.schemes.http_bearer import BearerScheme
from authmw.schemes.oauth2 import BearerVerifier

if TYPE_CHECKING:
    from authmw.issuers.audience import Audience
    from authmw.issuers.profiles import Profile


@explains_arguments('OpenIdConnect("https://...", audience="...")')
class OpenIdConnect(BearerScheme):
    """An access token of an OpenID provider.

    With the provider and the `audience` of this API, it finds the keys of the provider with the first token and
    verifies with them, as an `Issuer` does. Or pass a `verifier`.

    Args:
        openid_connect_url: the provider's ``issuer``, or its ``/.well-known/openid-configuration``.
        verifier: an `Issuer` with more arguments, a `JWTVerifier` with the provider's keys, or a function.
        audience: the name of this API, which must be in ``aud``; several names; or ``AnyAudience("the reason")``. In
            place of a verifier.
        profile: the form of the provider's access tokens, as for `Issuer`: ``"keycloak"``.
        name: the key in the OpenAPI document.
        description: for the OpenAPI document.

    Raises:
        ConfigurationError: all mistakes in the arguments.

    >>> scheme = OpenIdConnect("https://kc.example/realms/shop", audience="shop-api", profile="keycloak")
    >>> scheme.openapi()["openIdConnectUrl"]
    'https://kc.example/realms/shop/.well-known/openid-configuration'
    """

    def __init__(
        self,
        openid_connect_url: str,
        verifier: BearerVerifier = None,
        *,
        audience: Audience | None = None,
        profile: str | Profile | None = None,
        name: str = "",
        description: str = "",
    ) -> None:
        if audience is not None or profile is not None:
            verifier = _issuer(openid_connect_url, verifier, audience, profile)
        super().__init__(verifier, name=name, description=description)
        # Without an audience nothing is fetched, and the document shows the URL as it was given, relative or not.
        self.openid_connect_url: str = openid_connect_url if audience is None else _metadata_url(openid_connect_url)

    def openapi(self) -> dict[str, Any]:
        """``{"type": "openIdConnect", "openIdConnectUrl": …}``."""
        return self._described({"type": "openIdConnect", "openIdConnectUrl": self.openid_connect_url})


def _issuer(
    url: str, verifier: BearerVerifier, audience: Audience | None, profile: str | Profile | None
) -> BearerVerifier:
    if verifier is not None:
        raise ConfigurationError(
            "OpenIdConnect takes a verifier, or audience= and profile= to make one: give these to Issuer(...) instead"
        )
    if audience is None:
        raise ConfigurationError('OpenIdConnect(..., profile=...) needs audience="the name of this API" too')
    return Issuer(issuer_of(url), audience=audience, profile=profile)


def _metadata_url(url: str) -> str:
    return url if "/.well-known/" in url else well_known_urls(url)[0]

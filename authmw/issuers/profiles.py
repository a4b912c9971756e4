"""Profiles of well-known issuers: the form of their access tokens, as data.

A profile names the claims of an issuer, and the rules that distinguish its access tokens from its other tokens. It
removes no check: signature, ``iss``, ``aud`` and ``exp`` are always verified, and the rules of a profile can only
refuse more tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from authmw.errors import ConfigurationError

Path = tuple[str, ...]
"""The member names on the way to a claim: ``("realm_access", "roles")``. ``{audience}``: each name of this API."""

_UNTYPED: Final = ("at+jwt", "jwt", None)
# OpenID Connect Core 1.0 §2 and §3.3.2.11: only an ID token has these. Back-Channel Logout 1.0 §2.4: `events`.
_HASHES: Final = ("at_hash", "c_hash", "s_hash", "events")
_ID_TOKEN: Final = ("nonce", *_HASHES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The form of an issuer's access tokens. Use `dataclasses.replace` to make a variant.

    Args:
        name: a label for people.
        types: the values of ``typ`` in the header of its access tokens; None stands for no ``typ``.
        scopes: the claims that hold scopes.
        roles: the claims that hold roles: a list, or an object whose member names are the roles.
        clients: the claims that hold the id of the client. The first one that is present counts; one must be present.
        required: further claims that its access tokens must have.
        values: claims, each with its allowed values.
        equal: pairs of claims that must have the same value.
        never: claims that other tokens of the issuer have, and its access tokens never have.
        audience_instead: the claim that names this API in tokens that have no ``aud`` at all.
        issuers: groups of templates that name the same issuer. ``*`` stands for the same tenant in all of a group.
        programs: claims and values that say that a client acts for itself and not for a user.
    """

    name: str
    types: tuple[str | None, ...] = ("at+jwt",)
    scopes: tuple[str, ...] = ("scope",)
    roles: tuple[Path, ...] = ()
    clients: tuple[str, ...] = ("client_id",)
    required: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    equal: tuple[tuple[str, str], ...] = ()
    never: tuple[str, ...] = _HASHES
    audience_instead: str = ""
    issuers: tuple[tuple[str, ...], ...] = ()
    programs: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def forms_of(self, issuer: str) -> frozenset[str]:
        """Every ``iss`` of this issuer: its name, and the equal names of the profile.

        >>> sorted(ENTRA.forms_of("https://sts.windows.net/8d2f/"))
        ['https://login.microsoftonline.com/8d2f/v2.0', 'https://sts.windows.net/8d2f/']
        """
        forms = {issuer}
        for group in self.issuers:
            tenants = (_tenant(template, issuer) for template in group)
            for tenant in tenants:
                if tenant is not None:
                    forms.update(template.replace("*", tenant) for template in group)
        return frozenset(forms)


def _tenant(template: str, issuer: str) -> str | None:
    before, star, after = template.partition("*")
    if not star:
        return "" if issuer == template else None
    tenant = issuer[len(before) : len(issuer) - len(after)]
    if issuer != before + tenant + after or not tenant or "/" in tenant:
        return None
    return tenant


RFC_9068: Final = Profile(name="rfc9068", roles=(("roles",),), required=("iat", "jti"))
"""Access tokens as in the specification (RFC 9068 §2.2)."""

AUTH0: Final = Profile(
    name="auth0",
    # With "RFC 9068" as the profile of the API: at+jwt and client_id; else JWT and azp.
    types=("at+jwt", "jwt"),
    # `permissions` is there with "Add Permissions in the Access Token".
    scopes=("scope", "permissions"),
    clients=("azp", "client_id"),
    required=("iat",),
    never=_ID_TOKEN,
    programs=MappingProxyType({"gty": "client-credentials"}),
)
"""Auth0. Its issuer ends with a slash. An API without an identifier of its own (no ``audience``) gets opaque tokens."""

KEYCLOAK: Final = Profile(
    name="keycloak",
    types=("at+jwt", "jwt"),
    roles=(("realm_access", "roles"), ("resource_access", "{audience}", "roles")),
    clients=("azp", "client_id"),
    required=("iat", "jti"),
    # Each of its tokens names its type in the payload; the others are ID, Refresh, Offline and Logout.
    values=MappingProxyType({"typ": ("Bearer", "DPoP")}),
)
"""Keycloak. ``aud`` holds this API only once its client has an audience mapper."""

ENTRA: Final = Profile(
    name="entra",
    types=("at+jwt", "jwt"),
    scopes=("scp",),
    roles=(("roles",),),
    # v2.0 says azp, v1.0 appid. Its ID tokens have neither.
    clients=("azp", "appid"),
    required=("iat", "tid"),
    never=_ID_TOKEN,
    issuers=(("https://login.microsoftonline.com/*/v2.0", "https://sts.windows.net/*/"),),
    programs=MappingProxyType({"idtyp": "app"}),
)
"""Microsoft Entra ID, v1.0 and v2.0: which one a tenant writes is in the manifest of the API."""

COGNITO: Final = Profile(
    name="cognito",
    types=(None, "jwt", "at+jwt"),
    roles=(("cognito:groups",),),
    required=("iat", "jti", "token_use"),
    values=MappingProxyType({"token_use": ("access",)}),
    never=_ID_TOKEN,
    audience_instead="client_id",
)
"""Amazon Cognito. Without resource binding its access tokens have no ``aud``: the audience is then the app client."""

OKTA: Final = Profile(
    name="okta",
    types=_UNTYPED,
    scopes=("scp",),
    roles=(("groups",),),
    # Its ID tokens have no cid; they have amr and idp.
    clients=("cid",),
    required=("iat", "jti"),
    never=(*_ID_TOKEN, "amr", "idp"),
)
"""Okta, with a custom authorization server. Access tokens of the org authorization server are only for Okta itself."""

GOOGLE: Final = Profile(
    name="google",
    types=("jwt", None),
    scopes=(),
    clients=("azp",),
    required=("iat",),
    # In a token of a service account azp and sub are the account. In the ID token of a login azp is the application.
    equal=(("azp", "sub"),),
    never=_ID_TOKEN,
    issuers=(("https://accounts.google.com", "accounts.google.com"),),
)
"""Google, for calls between services by service accounts. The access tokens of its users are opaque."""

ZITADEL: Final = Profile(
    name="zitadel",
    types=_UNTYPED,
    roles=(
        ("urn:zitadel:iam:org:project:roles",),
        ("urn:zitadel:iam:org:project:{audience}:roles",),
    ),
    clients=("client_id", "azp"),
    # Only access tokens have jti; only ID tokens have amr and auth_time.
    required=("iat", "jti"),
    never=(*_ID_TOKEN, "amr", "auth_time"),
)
"""Zitadel, with JWT as the type of the application's access tokens. The audience is the id of the project."""

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {profile.name: profile for profile in (RFC_9068, AUTH0, KEYCLOAK, ENTRA, COGNITO, OKTA, GOOGLE, ZITADEL)}
)
"""Every profile by its name."""


def profile_of(given: str | Profile | None) -> Profile:
    """The profile `given`, or the one with that name; the profile of RFC 9068 for None.

    Raises:
        ConfigurationError: no profile has this name.
    """
    if isinstance(given, Profile):
        return given
    if given is None:
        return RFC_9068
    if given not in PROFILES:
        raise ConfigurationError(
            f"profile={given!r} is none of {', '.join(PROFILES)}: name one, or pass a Profile(...)"
        )
    return PROFILES[given]

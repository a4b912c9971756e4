"""What the tokens of well-known issuers look like, as data.

A profile says where things are, and what tells an access token from the issuer's other tokens. It takes no check away:
signature, ``iss``, ``aud`` and ``exp`` are verified whatever it says, and what it adds can only refuse more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from authmw.errors import ConfigurationError

Path = tuple[str, ...]
"""The names that lead to a claim: ``("realm_access", "roles")``. ``{audience}`` stands for each name of this API."""

_UNTYPED: Final = ("at+jwt", "jwt", None)
# OpenID Connect Core 1.0 §2 and §3.3.2.11: only an ID token has these. Back-Channel Logout 1.0 §2.4: `events`.
_HASHES: Final = ("at_hash", "c_hash", "s_hash", "events")
_ID_TOKEN: Final = ("nonce", *_HASHES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How an issuer writes its access tokens. `dataclasses.replace` makes one that differs in some.

    Args:
        name: for people.
        types: the ``typ`` of the header that its access tokens have; None for none.
        scopes: the claims that hold scopes.
        roles: the claims that hold roles: a list, or an object whose names they are.
        clients: the claims that hold the client's id, the first there is. One has to be there.
        required: further claims that its access tokens have.
        values: claims that have to have one of these values.
        equal: claims that have to have the same value.
        never: claims that its access tokens do not have, and others of its tokens do.
        audience_instead: the claim that names this API in tokens that have no ``aud`` at all.
        issuers: templates that name one and the same issuer, where ``*`` stands for one and the same tenant.
        programs: claims whose value says that a client acts for itself, and for no user.
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
        """Every ``iss`` that this issuer writes: itself, and what the profile lists as equal.

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
"""Access tokens as the specification has them (RFC 9068 §2.2)."""

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
    # Each of its tokens says in the payload what it is: ID, Refresh, Offline and Logout are the others.
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
"""Okta, with a custom authorization server. Those of the org's own server are for Okta alone."""

GOOGLE: Final = Profile(
    name="google",
    types=("jwt", None),
    scopes=(),
    clients=("azp",),
    required=("iat",),
    # A service account that names its audience is azp and sub. With the ID token of a login azp is the application.
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
    """The profile that `given` is or names; RFC 9068's for None.

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

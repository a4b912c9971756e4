"""Profiles of well-known issuers: the form of their access tokens, as data.

A profile names the claims of an issuer, and the rules that distinguish its access tokens from its other tokens. It
removes no check: signature, ``iss``, ``aud`` and ``exp`` are always verified, and the rules of a profile can only
refuse more tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from authmw.crypto.claims import is_identifier
from authmw.errors import ConfigurationError
from authmw.identity.read_only import ReadOnlyDict

Path = tuple[str, ...]
"""The member names on the way to a claim: ``("realm_access", "roles")``. ``{audience}``: each name of this API."""

_UNTYPED: Final = ("at+jwt", "jwt", None)
# OpenID Connect Core 1.0 §2 and §3.3.2.11: only an ID token has these. Back-Channel Logout 1.0 §2.4: `events`.
_HASHES: Final = ("at_hash", "c_hash", "s_hash", "events")
# RFC 7662 §2.2, OpenID Connect Core 1.0 §5.1, Spring and UAA (`user_name`, `user_id`), AD FS (`upn`, `unique_name`).
_NAMES_OF_USERS: Final = (
    *("username", "preferred_username", "email", "name", "given_name", "family_name", "nickname", "phone_number"),
    *("user_name", "user_id", "upn", "unique_name"),
)
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
        programs: claims, each with the value that says that a client acts for itself and not for a user. ``*`` stands
            for any value, ``{client}`` for the id of the client; case does not matter.
        sessions: claims that only the token of a user's session has. With one of them, the name of a client in
            `programs` says nothing: users may choose their names.
        users_have: claims that each token of a user has. Without one of them, a client acts for itself.
        subject: the claim that identifies the user or the client. A name that users choose or change may identify
            another person tomorrow.
        clients_without_subject: whether a client acts for itself in a token that has no subject, or an empty one, and
            that names no user. By default such a token is refused.
    """

    name: str
    types: tuple[str | None, ...] = ("at+jwt",)
    scopes: tuple[str, ...] = ("scope",)
    roles: tuple[Path, ...] = ()
    clients: tuple[str, ...] = ("client_id",)
    required: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: ReadOnlyDict({}))
    equal: tuple[tuple[str, str], ...] = ()
    never: tuple[str, ...] = _HASHES
    audience_instead: str = ""
    issuers: tuple[tuple[str, ...], ...] = ()
    programs: Mapping[str, str] = field(default_factory=lambda: ReadOnlyDict({}))
    sessions: tuple[str, ...] = ()
    users_have: tuple[str, ...] = ()
    subject: str = "sub"
    clients_without_subject: bool = False

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

    def subject_in(self, claims: Mapping[str, Any], client: str | None) -> str | None:
        """The id of the user or the client; None if the token names neither of them.

        Args:
            claims: the claims of a token, or the members of an introspection response.
            client: the client in `claims`.
        """
        subject: object = claims.get(self.subject)
        if is_identifier(subject):
            return subject
        names_nobody = not any(claims.get(name) for name in _NAMES_OF_USERS)
        if self.clients_without_subject and (subject is None or subject == "") and names_nobody:
            return client
        return None

    def acts_for_itself(self, claims: Mapping[str, Any], subject: str, client: str | None) -> bool:
        """Whether a client acts for itself, and not for a user (RFC 9068 §2.2, and what the issuer writes)."""
        if client is None:
            return False
        if subject == client or not all(name in claims for name in self.users_have):
            return True
        is_session = any(name in claims for name in self.sessions)
        return any(
            name in claims and (value == "*" or _is(claims[name], value.replace("{client}", client)))
            for name, value in self.programs.items()
            if not (is_session and "{client}" in value)
        )


def _is(claim: object, value: str) -> bool:
    return isinstance(claim, str) and claim.lower() == value.lower()


def _tenant(template: str, issuer: str) -> str | None:
    before, star, after = template.partition("*")
    if not star:
        return "" if issuer == template else None
    tenant = issuer[len(before) : len(issuer) - len(after)]
    if issuer != before + tenant + after or not tenant or "/" in tenant:
        return None
    return tenant


RFC_9068: Final = Profile(
    name="rfc9068",
    roles=(("roles",),),
    required=("iat", "jti"),
)
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
    # No user is called so: the subject of a user begins with the name of a connection and "|".
    programs=ReadOnlyDict({"gty": "client-credentials", "sub": "{client}@clients"}),
)
"""Auth0. Its issuer ends with a slash. An API without an identifier of its own (no ``audience``) gets opaque tokens."""

KEYCLOAK: Final = Profile(
    name="keycloak",
    types=("at+jwt", "jwt"),
    roles=(("realm_access", "roles"), ("resource_access", "{audience}", "roles")),
    clients=("azp", "client_id"),
    required=("iat", "jti"),
    # Each of its tokens names its type in the payload; the others are ID, Refresh, Offline and Logout.
    values=ReadOnlyDict({"typ": ("Bearer", "DPoP")}),
    # A service account is a user to Keycloak. Its scope `service_account` adds the first two, and a mapper can remove
    # them; `username` is there in introspection. A user may be called so too, if the client has no service account.
    programs=ReadOnlyDict(
        {
            "clientHost": "*",
            "clientAddress": "*",
            "preferred_username": "service-account-{client}",
            "username": "service-account-{client}",
        }
    ),
    sessions=("sid", "session_state"),
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
    # `idtyp` is there only where the API asks for it. A token without `scp` is of an application.
    programs=ReadOnlyDict({"idtyp": "app"}),
    users_have=("scp",),
)
"""Microsoft Entra ID, v1.0 and v2.0: which one a tenant writes is in the manifest of the API."""

COGNITO: Final = Profile(
    name="cognito",
    types=(None, "jwt", "at+jwt"),
    roles=(("cognito:groups",),),
    required=("iat", "jti", "token_use"),
    values=ReadOnlyDict({"token_use": ("access",)}),
    never=_ID_TOKEN,
    audience_instead="client_id",
    users_have=("username",),
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
    users_have=("uid",),
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

PROFILES: Final[Mapping[str, Profile]] = ReadOnlyDict(
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


def checked_profile(given: str | Profile | None) -> tuple[Profile, list[str]]:
    """The profile as by `profile_of`, and the mistake in its name."""
    try:
        return profile_of(given), []
    except ConfigurationError as error:
        return RFC_9068, list(error.mistakes)

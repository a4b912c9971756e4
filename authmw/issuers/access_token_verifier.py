"""Verifier of the JWT access tokens of one issuer: `JWTVerifier` with the rules of a profile. It fetches nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from authmw.crypto.claims import Check, ClaimRules, Claims, interned, is_identifier
from authmw.crypto.jose.strict_json import parse_object
from authmw.crypto.jws import Header, shown
from authmw.crypto.keyring import KeyRing
from authmw.flow.durations import Seconds
from authmw.http.reasons import Reason
from authmw.identity.principal import Principal, checked_principal
from authmw.identity.scopes import is_scope
from authmw.identity.verdict import Rejected
from authmw.issuers.audience import AnyAudience, Audience
from authmw.issuers.profiles import Path, Profile
from authmw.verifiers.jwt import JWTVerifier, ScopeClaim


@dataclass(frozen=True, slots=True)
class AccessTokenRules(ClaimRules):
    """Rules for the claims of an access token, from a profile.

    Args:
        profile: the rules that distinguish access tokens from other tokens of the issuer.
        issuers: every spelling of the ``iss``.
        any_audience: whether ``aud`` may be anything.
    """

    profile: Profile
    issuers: frozenset[str]
    any_audience: bool

    @property
    def checks(self) -> tuple[tuple[str, Check], ...]:
        """All checks with their names, in the order in which they run."""
        return (*ClaimRules.checks.__get__(self), ("access token", self._access_token))

    def refuse(self, header: Header, claims: Claims, now: float) -> Rejected | None:
        """Why the token is refused at `now` (seconds since the epoch); None if it is not."""
        return ClaimRules.refuse(self, header, claims, now) or self._access_token(header, claims, now)

    def _issuer(self, _header: Header, claims: Claims, _now: float) -> Rejected | None:
        issuer: object = claims.get("iss")
        if isinstance(issuer, str) and issuer in self.issuers:
            return None
        return Rejected(Reason.TOKEN_ISSUER, f"iss is {shown(issuer)}")

    def _audience(self, header: Header, claims: Claims, now: float) -> Rejected | None:
        if self.any_audience:
            return None
        instead = self.profile.audience_instead
        if instead and "aud" not in claims:
            named: object = claims.get(instead)
            if isinstance(named, str) and named in self.audiences:
                return None
            return Rejected(Reason.TOKEN_AUDIENCE, f"there is no aud, and {instead} is {shown(named)}")
        return ClaimRules._audience(self, header, claims, now)

    def _has_subject(self, claims: Claims) -> bool:
        return self.profile.subject_in(claims, client_in(self.profile, claims)) is not None

    def _access_token(self, _header: Header, claims: Claims, _now: float) -> Rejected | None:
        """The refusal of a token that is not an access token but another token of the issuer."""
        profile = self.profile
        for name in profile.never:
            if name in claims:
                return Rejected(Reason.TOKEN_TYPE, f"{name} is there, which no access token has ({profile.name})")
        for name, allowed in profile.values.items():
            if claims.get(name) not in allowed:
                wanted = " or ".join(allowed)
                return Rejected(Reason.TOKEN_TYPE, f"{name} is {shown(claims.get(name))}, not {wanted}")
        for name, other in profile.equal:
            if name not in claims or claims[name] != claims.get(other):
                return Rejected(Reason.TOKEN_TYPE, f"{name} is not {other} ({profile.name})")
        if client_in(profile, claims) is None:
            wanted = " or ".join(profile.clients)
            return Rejected(Reason.TOKEN_TYPE, f"no client is named: {wanted} is missing or no identifier")
        return None


class AccessTokenVerifier(JWTVerifier):
    """Verifies the access tokens of one issuer with the keys of `keys`, as `JWTVerifier` does.

    Args:
        keys: public keys.
        issuer: the exact ``iss``.
        audience: the name of this API.
        profile: the form of its access tokens.
        types: the accepted values of ``typ``, in place of those of the profile.
        scopes: the claims with the scopes, in place of those of the profile.
        role_prefix: makes a scope from a role: ``role:admin``. Empty: the role itself is the scope. None: no roles.
        subject_prefix: put in front of the ``sub`` to make the id of the principal.
        leeway: seconds by which the clock of the issuer may differ.
        required: further claims that must be present.
        clock: the time, in seconds since the epoch.

    Raises:
        ConfigurationError: all mistakes in the arguments.
    """

    def __init__(
        self,
        keys: KeyRing,
        *,
        issuer: str,
        audience: Audience,
        profile: Profile,
        types: Collection[str | None] | None = None,
        scopes: ScopeClaim | None = None,
        role_prefix: str | None = "role:",
        subject_prefix: str = "",
        leeway: Seconds = 30,
        required: Collection[str] = (),
        clock: Callable[[], float],
    ) -> None:
        any_audience = isinstance(audience, AnyAudience)
        super().__init__(
            keys,
            issuer=issuer,
            audience=None if isinstance(audience, AnyAudience) else audience,
            types=profile.types if types is None else types,
            leeway=leeway,
            required=(*profile.required, *required),
            scopes=profile.scopes if scopes is None else scopes,
            clock=clock,
        )
        self.profile = profile
        self.rules: ClaimRules = AccessTokenRules(
            self.rules.issuer,
            self.rules.audiences,
            self.rules.types,
            self.rules.leeway,
            self.rules.required,
            profile,
            profile.forms_of(issuer),
            any_audience,
        )
        self._role_prefix = role_prefix
        self._subject_prefix = subject_prefix
        self._role_paths = tuple(_paths(profile.roles, self.rules.audiences))

    def granted(self, claims: Mapping[str, Any]) -> frozenset[str] | Rejected:
        """The scopes that `claims` grant, and a scope for each role."""
        scopes = super().granted(claims)
        prefix = self._role_prefix
        if isinstance(scopes, Rejected) or prefix is None:
            return scopes
        if prefix:
            # A client chooses the scopes that it asks for. It must not get a role by asking for a scope of that name.
            scopes = frozenset(scope for scope in scopes if not scope.startswith(prefix))
        roles = frozenset(prefix + role for path in self._role_paths for role in _names_at(path, claims))
        return scopes | frozenset(filter(is_scope, roles))

    def _principal(self, claims: Mapping[str, Any], scopes: frozenset[str], payload: bytes) -> Principal:
        client = client_in(self.profile, claims)
        subject = self.profile.subject_in(claims, client) or ""  # the rules refuse a token without one
        return checked_principal(
            self._subject_prefix + subject,
            scopes,
            self._kind or ("client" if self.profile.acts_for_itself(claims, subject, client) else "user"),
            partial(parse_object, payload),  # parsed when it is called
            self.scheme,
            interned(client),
            claims.get("jti"),
            claims["exp"],
        )


def client_in(profile: Profile, claims: Claims) -> str | None:
    """The client in `claims`; None if there is none, or if it is not an identifier."""
    for name in profile.clients:
        if name in claims:
            client: object = claims[name]
            return client if isinstance(client, str) and is_identifier(client) else None
    return None


def _paths(templates: tuple[Path, ...], audiences: Collection[str]) -> Iterator[Path]:
    for path in templates:
        if any("{audience}" in name for name in path):
            for audience in sorted(audiences):
                yield tuple(name.replace("{audience}", audience) for name in path)
        else:
            yield path


def _names_at(path: Path, claims: Claims) -> Iterator[str]:
    """The strings of the list, or the member names of the object, at `path`. Any other value holds no roles."""
    found: object = claims
    for name in path:
        if not isinstance(found, Mapping):
            return
        found = cast("Mapping[str, object]", found).get(name)
    if isinstance(found, list | dict):
        yield from (name for name in cast("list[object]", found) if isinstance(name, str))

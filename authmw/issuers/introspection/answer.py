"""What an authorization server says of a token (RFC 7662 §2.2): is it active, for us, from whom we trust, now?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, cast

from authmw.crypto.claims import is_date, is_identifier
from authmw.crypto.jose.strict_json import parse_object
from authmw.crypto.jws import shown
from authmw.http.reasons import Reason
from authmw.identity.principal import Principal, PrincipalKind
from authmw.identity.scopes import is_scope, parse_scope
from authmw.identity.verdict import Rejected
from authmw.issuers.fetching.fetch import Fetched, FetchFailed
from authmw.stores.revoked import Issuance
from authmw.verifiers.jwt import ScopeClaim

Members = Mapping[str, Any]
"""The members of an answer."""

_OK: Final = 200
_BAD_REQUEST: Final = 400
_OWN_FAULT: Final = frozenset({400, 401, 403})

# What servers tell of the kind of a token, each by a member of its own, and the values of an access token.
# Several answer "active" for a refresh token or an ID token as well: those are not for APIs.
_KINDS: Final[Mapping[str, frozenset[str]]] = {
    "token_type": frozenset({"bearer", "dpop", "access_token"}),  # RFC 7662 §2.2, as in RFC 6749 §7.1
    "typ": frozenset({"bearer", "dpop", "jwt", "at+jwt", "application/at+jwt"}),  # Keycloak
    "token_use": frozenset({"access", "access_token"}),  # Ory Hydra
}


def members_of(answer: Fetched, server: str) -> Members | None:
    """What is said of an active token; None of an inactive one, and of a kind that the server does not introspect.

    Args:
        answer: what the server answered.
        server: who that is, for the message.

    Raises:
        FetchFailed: the answer says neither.
    """
    if _is_of_no_known_kind(answer):
        return None
    if answer.status != _OK:
        hint = ": are the credentials of this API right?" if answer.status in _OWN_FAULT else ""
        raise FetchFailed(f"{server}: introspection is answered by {answer.status}{hint}")
    try:
        members = parse_object(answer.body)
    except ValueError as error:
        raise FetchFailed(f"{server}: introspection is answered by no JSON object: {error}") from None
    active: object = members.get("active")
    # §2.2: a boolean. Whatever else is there says neither yes nor no.
    if active is not True and active is not False:
        raise FetchFailed(f"{server}: introspection is answered without active")
    return members if active else None


def _is_of_no_known_kind(answer: Fetched) -> bool:
    """Whether the server says that it introspects no tokens of this kind, as some do of every JWT.

    The error is that of revocation (RFC 7009 §2.2.1). Who sent the token brought it about, so it is no failure.
    """
    if answer.status != _BAD_REQUEST:
        return False
    try:
        return parse_object(answer.body).get("error") == "unsupported_token_type"
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """What the members of an active token must say.

    Args:
        audiences: one of these must be in ``aud``; None for any.
        issuer: the exact ``iss``; None for any, and for none.
        leeway: seconds by which the server's clock may differ.
        scopes: where the scopes are.
        kind: what the principals are; None to tell clients from users.
        names: of the server that is asked, where they are known: an ``iss`` that is there is one of them.
    """

    audiences: frozenset[str] | None
    issuer: str | None
    leeway: float
    scopes: ScopeClaim
    kind: PrincipalKind | None
    names: frozenset[str] = frozenset()

    def judge(self, members: Members, scheme: str, now: float) -> Principal | Rejected:
        """Who it is, or why the token is refused."""
        refused = (
            self._type(members)
            or self._issuer(members)
            or self._audience(members)
            or self._times(members, now)
            or _identifiers(members)
        )
        if refused is not None:
            return refused
        try:
            scopes = _granted(self.scopes, members)
        except Exception as error:  # a function of the application may trip over what a server writes
            return Rejected(Reason.TOKEN_CLAIMS, f"the scopes: {type(error).__name__}")
        return self._principal(members, scopes, scheme)

    def _type(self, members: Members) -> Rejected | None:
        # RFC 9449 §6.2: who is to look at the binding has to be told of it.
        if str(members.get("token_type")).lower() == "dpop" and "cnf" not in members:
            return Rejected(Reason.TOKEN_TYPE, "token_type is DPoP, and there is no cnf")
        for name, accepted in _KINDS.items():
            value: object = members.get(name)
            if value is not None and not (isinstance(value, str) and value.lower() in accepted):
                return Rejected(Reason.TOKEN_TYPE, f"{name} is {shown(value)}")
        # A refresh token is active, too. Where any audience will do, nothing else would tell it (RFC 7662 §2.2).
        if self.audiences is None and all(members.get(name) is None for name in _KINDS):
            return Rejected(Reason.TOKEN_TYPE, "nothing says that it is an access token, and any audience will do")
        return None

    def _issuer(self, members: Members) -> Rejected | None:
        issuer: object = members.get("iss")
        # A sub is unique within an issuer only, and a server may answer for several.
        is_known = not self.names or issuer is None or (isinstance(issuer, str) and issuer in self.names)
        if issuer == self.issuer or (self.issuer is None and is_known):
            return None
        return Rejected(Reason.TOKEN_ISSUER, f"iss is {shown(issuer)}")

    def _audience(self, members: Members) -> Rejected | None:
        audience: object = members.get("aud")
        if self.audiences is None or not self.audiences.isdisjoint(_texts(audience)):
            return None
        return Rejected(Reason.TOKEN_AUDIENCE, f"aud is {shown(audience)}")

    def _times(self, members: Members, now: float) -> Rejected | None:
        expires, begins, issued = (members.get(name) for name in ("exp", "nbf", "iat"))
        if not all(value is None or is_date(value) for value in (expires, begins, issued)):
            return Rejected(Reason.TOKEN_CLAIMS, "exp, nbf or iat is no number of seconds")
        if expires is not None and expires <= now - self.leeway:
            return Rejected(Reason.TOKEN_EXPIRED, f"expired {now - expires:.0f} s ago")
        if begins is not None and begins > now + self.leeway:
            return Rejected(Reason.TOKEN_NOT_YET_VALID, f"nbf is {begins - now:.0f} s ahead")
        return None

    def _principal(self, members: Members, scopes: frozenset[str], scheme: str) -> Principal:
        client_id: str | None = members.get("client_id")
        subject: str = members.get("sub") or cast("str", client_id)
        username: object = members.get("username")
        return Principal(
            subject,
            scopes=scopes,
            # RFC 9068 §2.2, and for opaque tokens too: a client that acts for itself.
            kind=self.kind or ("client" if subject == client_id else "user"),
            claims=MappingProxyType(dict(members)),
            scheme=scheme,
            client_id=client_id,
            credential_id=members.get("jti"),
            expires_at=members.get("exp"),
            name=cast("str", username) if is_identifier(username) else "",
        )


def issuance_of(principal: Principal) -> Issuance:
    """Whatever the token of `principal` can be revoked by."""
    claims = principal.claims
    return Issuance(principal.credential_id, claims.get("sid"), principal.id, principal.client_id, claims.get("iat"))


def _identifiers(members: Members) -> Rejected | None:
    for name in ("sub", "client_id", "jti", "sid"):
        if members.get(name) is not None and not is_identifier(members[name]):
            return Rejected(Reason.TOKEN_CLAIMS, f"{name} is no identifier")
    if members.get("sub") is None and members.get("client_id") is None:
        return Rejected(Reason.TOKEN_CLAIMS, "neither sub nor client_id says who it is")
    return None


def _texts(value: object) -> frozenset[str]:
    """The strings in a string or a list of strings; nothing for anything else."""
    values = cast("list[object]", value) if isinstance(value, list) else [value]
    texts = [each for each in values if isinstance(each, str)]
    return frozenset(texts) if len(texts) == len(values) else frozenset()


def _granted(where: ScopeClaim, members: Members) -> frozenset[str]:
    if callable(where):
        return _scopes_in(where(members))
    names = (where,) if isinstance(where, str) else where
    return frozenset(scope for name in names for scope in _scopes_in(members.get(name, "")))


def _scopes_in(value: object) -> frozenset[str]:
    # RFC 7662 §2.2: a string, with spaces between the scopes. Several servers send a list.
    if isinstance(value, str):
        return parse_scope(value)
    if not isinstance(value, Iterable) or isinstance(value, bytes | Mapping):
        raise ValueError("neither a string nor a list of strings")
    scopes = list(cast("Iterable[object]", value))
    if not all(isinstance(scope, str) and is_scope(scope) for scope in scopes):
        raise ValueError("not a list of scopes")
    return frozenset(cast("list[str]", scopes))

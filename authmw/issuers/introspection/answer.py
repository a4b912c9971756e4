"""Introspection response (RFC 7662 §2.2): its parser, and the rules for the members of an active token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from authmw.crypto.claims import is_date, is_identifier
from authmw.crypto.jose.strict_json import parse_object
from authmw.crypto.jws import shown
from authmw.errors import Unavailable
from authmw.http.reasons import Reason
from authmw.identity.principal import Principal, PrincipalKind
from authmw.identity.scopes import is_scope, parse_scope
from authmw.identity.verdict import Rejected
from authmw.issuers.fetching.fetch import Fetched, FetchFailed
from authmw.issuers.profiles import RFC_9068, Profile
from authmw.stores.revoked import Issuance
from authmw.verifiers.jwt import ScopeClaim

Members = Mapping[str, Any]
"""The members of an introspection response."""

_OK: Final = 200
_BAD_REQUEST: Final = 400
_OWN_FAULT: Final = frozenset({400, 401, 403})

# Members in which servers name the type of a token, with the values of an access token. Some servers answer "active"
# for a refresh token or an ID token too: an API must not accept these.
_ACCESS_TOKEN_TYPES: Final[Mapping[str, frozenset[str]]] = {
    "token_type": frozenset({"bearer", "dpop", "access_token"}),  # RFC 7662 §2.2, as in RFC 6749 §7.1
    "typ": frozenset({"bearer", "dpop", "jwt", "at+jwt", "application/at+jwt"}),  # Keycloak
    "token_use": frozenset({"access", "access_token"}),  # Ory Hydra
}


def members_of(answer: Fetched, server: str) -> Members | None:
    """The members of an active token; None for an inactive token, or one of a type that the server does not introspect.

    Args:
        answer: the response of the server.
        server: the host of the server, for the error message.

    Raises:
        FetchFailed: the response does not say whether the token is active.
    """
    if _is_unsupported_type(answer):
        return None
    if answer.status != _OK:
        hint = ": are the credentials of this API right?" if answer.status in _OWN_FAULT else ""
        raise FetchFailed(f"{server}: introspection is answered by {answer.status}{hint}")
    try:
        members = parse_object(answer.body)
    except ValueError as error:
        raise FetchFailed(f"{server}: introspection is answered by no JSON object: {error}") from None
    active: object = members.get("active")
    # RFC 7662 §2.2: a boolean. Any other value means neither yes nor no.
    if active is not True and active is not False:
        raise FetchFailed(f"{server}: introspection is answered without active")
    return members if active else None


def _is_unsupported_type(answer: Fetched) -> bool:
    """Whether the server says that it introspects no tokens of this type, as some servers say of every JWT.

    The error code is that of revocation (RFC 7009 §2.2.1). The client caused it by its token, so it is not a failure of
    the server.
    """
    if answer.status != _BAD_REQUEST:
        return False
    try:
        return parse_object(answer.body).get("error") == "unsupported_token_type"
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """Rules for the members of an active token.

    Args:
        audiences: one of these must be in ``aud``; None to accept any.
        issuer: the exact ``iss``; None to accept any or none.
        leeway: seconds by which the server's clock may differ.
        scopes: the members with the scopes.
        kind: the kind of the principals; None to distinguish clients and users by ``sub``.
        names: the names of the server, if they are known: an ``iss`` in the response must be one of them.
        profile: says which member names the caller, and which callers are clients that act for themselves.
    """

    audiences: frozenset[str] | None
    issuer: str | None
    leeway: float
    scopes: ScopeClaim
    kind: PrincipalKind | None
    names: frozenset[str] = frozenset()
    profile: Profile = RFC_9068

    def judge(self, members: Members, scheme: str, now: float) -> Principal | Rejected:
        """The principal, or why the token is refused."""
        refused = (
            self._type(members)
            or self._issuer(members)
            or self._audience(members)
            or self._times(members, now)
            or self._identifiers(members)
        )
        if refused is not None:
            return refused
        try:
            scopes = _granted(self.scopes, members)
        except Unavailable:
            raise
        except Exception as error:  # a function of the application may fail on the members that a server sends
            return Rejected(Reason.TOKEN_CLAIMS, f"the scopes: {type(error).__name__}")
        return self._principal(members, scopes, scheme)

    def _type(self, members: Members) -> Rejected | None:
        # RFC 9449 §6.2: the response must contain the binding, otherwise it cannot be checked.
        if str(members.get("token_type")).lower() == "dpop" and "cnf" not in members:
            return Rejected(Reason.TOKEN_TYPE, "token_type is DPoP, and there is no cnf")
        for name, accepted in _ACCESS_TOKEN_TYPES.items():
            value: object = members.get(name)
            if value is not None and not (isinstance(value, str) and value.lower() in accepted):
                return Rejected(Reason.TOKEN_TYPE, f"{name} is {shown(value)}")
        # A refresh token is active, too (RFC 7662 §2.2). With any audience accepted, nothing else distinguishes it.
        if self.audiences is None and all(members.get(name) is None for name in _ACCESS_TOKEN_TYPES):
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

    def _identifiers(self, members: Members) -> Rejected | None:
        for name in ("client_id", "jti", "sid"):
            if members.get(name) is not None and not is_identifier(members[name]):
                return Rejected(Reason.TOKEN_CLAIMS, f"{name} is no identifier")
        if self.profile.subject_in(members, members.get("client_id")) is None:
            # RFC 7662 §2.2: sub is optional. Without it, all users of a client would be one principal.
            name = self.profile.subject
            detail = f"{name} is missing or no identifier: see Profile(subject=, clients_without_subject=)"
            return Rejected(Reason.TOKEN_CLAIMS, detail)
        return None

    def _principal(self, members: Members, scopes: frozenset[str], scheme: str) -> Principal:
        client_id: str | None = members.get("client_id")
        subject = self.profile.subject_in(members, client_id) or ""  # `_identifiers` refuses a token without one
        username: object = members.get("username")
        return Principal(
            subject,
            scopes=scopes,
            kind=self.kind or ("client" if self.profile.acts_for_itself(members, subject, client_id) else "user"),
            claims=members,
            scheme=scheme,
            client_id=client_id,
            credential_id=members.get("jti"),
            expires_at=members.get("exp"),
            name=username if is_identifier(username) else "",
        )


def issuance_of(principal: Principal) -> Issuance:
    """Everything that the token of `principal` can be revoked by."""
    claims = principal.claims
    return Issuance(principal.credential_id, claims.get("sid"), principal.id, principal.client_id, claims.get("iat"))


def _texts(value: object) -> frozenset[str]:
    """The strings in a string or a list of strings; empty for any other value."""
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

"""The introspection endpoint (RFC 7662).

Each request asks the store, and not the feed of this process: a token that any process revoked is inactive at once, a
JWT too. A token that the client may not see has the same response as one that does not exist (§2.2).
"""

from __future__ import annotations

from typing import Any, Protocol, assert_never

from authmw.crypto.claims import is_identifier
from authmw.flow.flow import Ask, Flow
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.identity.principal import Principal
from authmw.oauth2.audit import Decision
from authmw.oauth2.client_authentication import ClientAuthentication, find_client
from authmw.oauth2.presented_token import Found, FoundRefreshToken, TokenLookup, find, read_presented
from authmw.oauth2.reply import OAuthError, invalid_client, json_response
from authmw.stores.ports import RevocationStore, UserStore
from authmw.stores.records import Client, TokenRecord
from authmw.stores.revoked import Issuance, Revoked
from authmw.stores.rotation import same_digest
from authmw.verifiers.accounts import checked_user

_Members = dict[str, Any]


class TokenIntrospection(TokenLookup, ClientAuthentication, Protocol):
    """What tokens are introspected with."""

    @property
    def users(self) -> UserStore:
        """Users, by name."""
        ...

    @property
    def revocations(self) -> RevocationStore:
        """Revocations, which every process follows."""
        ...


def introspect(service: TokenIntrospection, request: RequestHead) -> Flow[Response]:
    """The members of an active token; ``{"active":false}`` for all that the client may not know (RFC 7662 §2.2)."""
    decision = Decision("introspect", request)
    presented = yield from read_presented(service, request)
    if isinstance(presented, OAuthError):
        return decision.refused(presented)
    client = presented.client
    # RFC 7662 §2.1: the endpoint "MUST also require some form of authorization", and a public client has none.
    if client.auth_method == "none":
        basic = request.authorization is not None
        return decision.refused(invalid_client(service.realm, basic=basic, detail="a public client"))
    decision.client = client.id
    members = yield from _members(service, client, presented.token)
    decision.completed("introspected", active="no" if members is None else "yes")
    return json_response({"active": False} if members is None else {"active": True, **members})


def _members(service: TokenIntrospection, client: Client, text: str) -> Flow[_Members | None]:
    found = yield from find(service, text)
    if found is None:
        return None
    audience = _audience(found)
    issuance = _issuance(found)
    if issuance.client_id != client.id and client.audiences.isdisjoint(audience):
        return None
    # An opaque token of another issuer that shares the store is no token here, though the client may see both.
    if isinstance(found, TokenRecord) and found.audience.isdisjoint(service.audience):
        return None
    if not _is_current(found, service.clock()):
        return None
    if (yield from _is_revoked(service, client, issuance)):
        return None
    members: _Members = {"iss": service.issuer, "sub": issuance.subject, "client_id": issuance.client_id}
    match found:
        case FoundRefreshToken():
            if not (yield from _has_active_user(service, found)):
                return None
            members |= _of_session(found)
        case TokenRecord():
            members |= _of_record(found)
        case Principal():
            members |= _of_jwt(found)
        case _:
            assert_never(found)
    if audience:
        members["aud"] = audience[0] if len(audience) == 1 else audience
    return {name: value for name, value in members.items() if value is not None}


# Visibility


def _audience(found: Found) -> list[str]:
    """The APIs that may see the token. A refresh token is for no API, but only for its client."""
    match found:
        case FoundRefreshToken():
            return []
        case TokenRecord():
            return sorted(found.audience)
        case Principal():
            said = found.claims.get("aud", [])
            return [said] if isinstance(said, str) else said
        case _:
            assert_never(found)


def _issuance(found: Found) -> Issuance:
    match found:
        case FoundRefreshToken(family=family):
            return Issuance(None, family.id, family.subject, family.client_id, family.created_at)
        case TokenRecord():
            return Issuance(found.id, found.family_id, found.subject, found.client_id, found.created_at)
        case Principal():
            session_id = found.claims.get("sid")
            family_id = session_id if is_identifier(session_id) else None
            return Issuance(found.credential_id, family_id, found.id, found.client_id, found.claims.get("iat"))
        case _:
            assert_never(found)


# Activity


def _is_current(found: Found, now: float) -> bool:
    match found:
        case FoundRefreshToken(token=token, family=family):
            return family.is_live(now) and same_digest(token.digest, family.current)
        case TokenRecord():
            return found.revoked_at is None and now < found.expires_at
        case Principal():
            # No leeway, which is for a verifier whose clock may differ: this is the clock that signed the token.
            return found.expires_at is not None and now < found.expires_at
        case _:
            assert_never(found)


def _is_revoked(service: TokenIntrospection, client: Client, issuance: Issuance) -> Flow[bool]:
    revoked = Revoked()
    for revocation in (yield from Ask(service.revocations.find_revocations, issuance.keys)):
        revoked.note(revocation)
    if revoked.refuses(issuance):
        return True
    if issuance.client_id in (None, client.id):
        return False
    owner = yield from find_client(service, issuance.client_id)
    return issuance.client_id != service.first_party if owner is None else owner.disabled


def _has_active_user(service: TokenIntrospection, found: FoundRefreshToken) -> Flow[bool]:
    user = checked_user((yield from Ask(service.users.find, found.family.username)))
    return user is not None and user.id == found.family.subject and not user.disabled


# Members of the response (RFC 7662 §2.2)


def _of_session(found: FoundRefreshToken) -> _Members:
    family = found.family
    return {
        "username": family.username,
        "scope": _scope(family.scopes),
        "exp": int(min(family.expires_at, family.idle_until)),
        "iat": int(max(family.created_at, family.rotated_at)),
        "sid": family.id,
    }


def _of_record(found: TokenRecord) -> _Members:
    return {
        "token_type": "Bearer",
        "scope": _scope(found.scopes),
        "exp": int(found.expires_at),
        "iat": int(found.created_at),
        "jti": found.id,
        "sid": found.family_id,
    }


def _of_jwt(found: Principal) -> _Members:
    claims = found.claims
    members = {name: claims.get(name) for name in ("exp", "iat", "nbf", "jti", "sid", "auth_time")}
    return {"token_type": "Bearer", "scope": _scope(found.scopes), **members}


def _scope(scopes: frozenset[str]) -> str | None:
    return " ".join(sorted(scopes)) or None

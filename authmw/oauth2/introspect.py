"""The introspection endpoint (RFC 7662).

The store is asked each time, and not what this process has followed so far: a token that was revoked anywhere reads
inactive at once, a JWT too. What is not for the caller to see is answered as if it did not exist.
"""

from __future__ import annotations

from typing import Any, Protocol, assert_never

from authmw.crypto.claims import is_identifier
from authmw.flow.flow import Ask, Flow
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.identity.principal import Principal
from authmw.oauth2.client_authentication import ClientAuthentication, find_client
from authmw.oauth2.decisions import Decision
from authmw.oauth2.presented_token import Found, Refreshing, TokenLookup, find, read_presented
from authmw.oauth2.reply import OAuthError, invalid_client, json_response
from authmw.stores.ports import RevocationStore, UserStore
from authmw.stores.records import Client, TokenRecord
from authmw.stores.revoked import Issuance, Revoked
from authmw.verifiers.accounts import checked_user

_Members = dict[str, Any]


class TokenIntrospection(TokenLookup, ClientAuthentication, Protocol):
    """What tokens are introspected with."""

    @property
    def users(self) -> UserStore:
        """Users, by name."""

    @property
    def revocations(self) -> RevocationStore:
        """Revocations, which every process follows."""


def introspect(service: TokenIntrospection, request: RequestHead) -> Flow[Response]:
    """What the token is good for; ``{"active":false}`` for whatever the caller is not to know more of (§2.2)."""
    decision = Decision("introspect", request)
    presented = yield from read_presented(service, request)
    if isinstance(presented, OAuthError):
        return decision.refused(presented)
    client = presented.client
    # §2.1: the endpoint "MUST also require some form of authorization", and a client that only says its name has none.
    if client.auth_method == "none":
        basic = request.authorization is not None
        return decision.refused(invalid_client(service.realm, basic=basic, detail="a public client"))
    decision.client = client.id
    members = yield from _members(service, client, presented.token)
    decision.taken("introspected", active="no" if members is None else "yes")
    return json_response({"active": False} if members is None else {"active": True, **members})


def _members(service: TokenIntrospection, client: Client, text: str) -> Flow[_Members | None]:
    found = yield from find(service, text)
    if found is None:
        return None
    audience = _audience(found)
    issuance = _issuance(found)
    if issuance.client_id != client.id and client.audiences.isdisjoint(audience):
        return None
    # No API of this issuer takes a token for another one's: not even where its client may see both.
    if isinstance(found, TokenRecord) and found.audience.isdisjoint(service.audience):
        return None
    if not _is_current(found, service.clock()):
        return None
    if (yield from _is_revoked(service, client, issuance)):
        return None
    members: _Members = {"iss": service.issuer, "sub": issuance.subject, "client_id": issuance.client_id}
    match found:
        case Refreshing():
            if not (yield from _has_its_user(service, found)):
                return None
            members |= _of_login(found)
        case TokenRecord():
            members |= _of_record(found)
        case Principal():
            members |= _of_jwt(found)
        case _:
            assert_never(found)
    if audience:
        members["aud"] = audience[0] if len(audience) == 1 else audience
    return {name: value for name, value in members.items() if value is not None}


# Who may see it


def _audience(found: Found) -> list[str]:
    """The APIs that may see it. A refresh token is for none of them, and only for the client that has it."""
    match found:
        case Refreshing():
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
        case Refreshing(family=family):
            return Issuance(None, family.id, family.subject, family.client_id, family.created_at)
        case TokenRecord():
            return Issuance(found.id, found.family_id, found.subject, found.client_id, found.created_at)
        case Principal():
            session_id = found.claims.get("sid")
            family_id = session_id if is_identifier(session_id) else None
            return Issuance(found.credential_id, family_id, found.id, found.client_id, found.claims.get("iat"))
        case _:
            assert_never(found)


# Whether it is active


def _is_current(found: Found, now: float) -> bool:
    match found:
        case Refreshing(token=token, family=family):
            return family.is_live(now) and family.current == token.digest
        case TokenRecord():
            return found.revoked_at is None and now < found.expires_at
        case Principal():
            # No leeway: that is for a verifier whose clock may differ, and here is the clock that signed.
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


def _has_its_user(service: TokenIntrospection, found: Refreshing) -> Flow[bool]:
    user = checked_user((yield from Ask(service.users.find, found.family.username)))
    return user is not None and user.id == found.family.subject and not user.disabled


# What is told (§2.2)


def _of_login(found: Refreshing) -> _Members:
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
    told = {name: claims.get(name) for name in ("exp", "iat", "nbf", "jti", "sid")}
    return {"token_type": "Bearer", "scope": _scope(found.scopes), **told}


def _scope(scopes: frozenset[str]) -> str | None:
    return " ".join(sorted(scopes)) or None

"""The refresh grant: each refresh token gets one successor (RFC 6749 §6, RFC 9700 §4.14.2).

The order makes it safe. Everything that may refuse the request comes first and changes nothing; then an opaque access
token is stored; the rotation, the one atomic step, is last. If the session is ended before the rotation, this request
is refused; if it is ended afterwards, the new tokens are there to be revoked.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Protocol, assert_never

from authmw.crypto.chained_tokens import RefreshToken, new_salt
from authmw.errors import FlowError
from authmw.events.hub import hub
from authmw.events.records import ReuseDetected
from authmw.flow.flow import Ask, Flow
from authmw.http.form import Form
from authmw.http.request import RequestHead
from authmw.oauth2.access_tokens import Grant, Issued, TokenIssuance, issue
from authmw.oauth2.granted_scopes import ScopeLimits, granted_scopes, requested_scopes
from authmw.oauth2.reply import OAuthError, invalid_grant, invalid_request
from authmw.stores.ports import FamilyStore, UserStore
from authmw.stores.records import (
    LONGEST_ACCESS_TOKEN,
    Client,
    Outcome,
    RefreshFamily,
    RevocationKind,
    Rotation,
    RotationAnswer,
)
from authmw.stores.revocation import TokenStores, end_session, refuse_access_tokens
from authmw.verifiers.accounts import checked_user


class FamilyLookup(Protocol):
    """What is needed to find the family of a refresh token."""

    @property
    def issuer(self) -> str:
        """The issuer; a refresh token of another one is not found."""
        ...

    @property
    def families(self) -> FamilyStore:
        """Sessions."""
        ...


class SessionIssuance(FamilyLookup, TokenStores, TokenIssuance, ScopeLimits, Protocol):
    """What the tokens of sessions are issued with."""


class SessionRenewal(SessionIssuance, Protocol):
    """What sessions are refreshed with."""

    @property
    def users(self) -> UserStore:
        """Users, by name."""
        ...


def refresh(service: SessionRenewal, request: RequestHead, form: Form, client: Client) -> Flow[Issued | OAuthError]:
    """The next tokens of a session."""
    text = form.get("refresh_token")
    if text is None:
        return invalid_request("A refresh_token is needed.")
    requested = requested_scopes(form)
    if isinstance(requested, OAuthError):
        return requested
    return (yield from refresh_session(service, client, text, requested))


def refresh_session(
    service: SessionRenewal,
    client: Client,
    text: str,
    requested: frozenset[str] | None = None,
    *,
    room: int | None = None,
) -> Flow[Issued | OAuthError]:
    """The next tokens of the session that the refresh token `text` belongs to.

    Args:
        service: the token service.
        client: the client that presents the token, authenticated if it is confidential.
        text: the refresh token.
        requested: the scopes in the request, which the session must have; None for all of them.
        room: as for `issue`. A refresh token whose access token does not fit stays unused.
    """
    now = service.clock()
    token = RefreshToken.parse(text)
    if token is None:
        return invalid_grant(detail="not a refresh token")
    family = yield from find_family(service, token)
    # RFC 6749 §6: the token is bound to its client. Another client that presents it changes nothing: else an
    # attacker with the token could end the session.
    if family is None or family.client_id != client.id:
        return invalid_grant(detail="no family of this client")
    refused = yield from _refused(service, family, now)
    if refused is not None:
        return refused
    scopes = yield from _scopes(service, client, family, requested)
    if isinstance(scopes, OAuthError):
        return scopes
    grant = Grant(
        subject=family.subject,
        kind="user",
        client_id=client.id,
        scopes=scopes,
        family_id=family.id,
        ends_at=family.expires_at,
        # RFC 9068 §2.2.1: a refresh does not change the time. A family of a browser session may be younger than that.
        authenticated_at=family.created_at if family.session_id is None else None,
    )
    issued = yield from issue(service, grant, now, room=room)
    if isinstance(issued, OAuthError):
        return issued
    return (yield from _rotate(service, client, token, issued, now))


def find_family(service: FamilyLookup, token: RefreshToken) -> Flow[RefreshFamily | None]:
    """The family of `token`, of any client, whether it is live or has ended; None for none.

    A family of another issuer is not found, though it may be in the same store.
    """
    if not token.is_of(service.issuer):
        return None
    family = _checked_family((yield from Ask(service.families.find_family, token.key)))
    # Compared again, in constant time: a store may match loosely.
    return family if family is not None and compare_digest(family.key.encode(), token.key.encode()) else None


def _checked_family(found: object) -> RefreshFamily | None:
    if found is not None and not isinstance(found, RefreshFamily):
        raise FlowError(f"find_family answers a RefreshFamily or None, not {type(found).__name__}")
    return found


def _refused(service: TokenStores, family: RefreshFamily, now: float) -> Flow[OAuthError | None]:
    """The error for a session that cannot be refreshed any more; None for one that can."""
    if not family.is_live(now):
        yield from _revoke_again(service, family, now)
        return invalid_grant(detail=f"{family.id} has ended")
    return (yield from end_if_revoked(service, family))


def end_if_revoked(service: TokenStores, family: RefreshFamily) -> Flow[OAuthError | None]:
    """End a session that began before its user or client was revoked, but was stored only afterwards."""
    keys: tuple[tuple[RevocationKind, str], ...] = (("user", family.subject), ("client", family.client_id or ""))
    revocations = yield from Ask(service.revocations.find_revocations, keys)
    if all(each.at <= family.created_at for each in revocations):
        return None
    yield from end_session(service, family.id)
    return invalid_grant(detail=f"{family.id} is from before its user or client was revoked")


def _revoke_again(service: TokenStores, family: RefreshFamily, now: float) -> Flow[None]:
    """Revoke the access tokens of a session that has ended: the process that ended it may have stopped before that."""
    if family.revoked_at is None or now - family.revoked_at >= LONGEST_ACCESS_TOKEN:
        return
    published = yield from Ask(service.revocations.find_revocations, (("family", family.id),))
    if not published:
        yield from refuse_access_tokens(service, family.id, now)


def _scopes(
    service: SessionRenewal, client: Client, family: RefreshFamily, requested: frozenset[str] | None
) -> Flow[frozenset[str] | OAuthError]:
    """The scopes of the next access token: no more than was granted, nor than user and client may have now."""
    if requested is not None and not requested <= family.scopes:
        # RFC 6749 §6: "MUST NOT include any scope not originally granted".
        return OAuthError("invalid_scope", "The scope exceeds what was granted.")
    user = checked_user((yield from Ask(service.users.find, family.username)))
    if user is None or user.id != family.subject or user.disabled:
        return invalid_grant(detail=f"{family.id} is of a user who is gone or disabled")
    return granted_scopes(
        requested or family.scopes, family.scopes, user.scopes, service.ceiling(client), service.scopes
    )


def _rotate(
    service: SessionRenewal, client: Client, token: RefreshToken, issued: Issued, now: float
) -> Flow[Issued | OAuthError]:
    """Use the token up in one atomic step, and act on the outcome."""
    salt = new_salt(entropy=service.entropy)
    successor = token.successor(salt)
    rotation = Rotation(
        token.key,
        token.digest,
        successor.digest,
        salt,
        client.id,
        now,
        idle_until=now + service.lifetimes.idle,
        grace=service.lifetimes.grace,
    )
    answer = _checked((yield from Ask(service.families.rotate, rotation)))
    family = answer.family
    if answer.outcome is Outcome.UNKNOWN or family is None:
        return invalid_grant(detail="no family of this client")
    match answer.outcome:
        case Outcome.ROTATED:
            next_token = successor
        case Outcome.RACED:
            # RFC 9700 §4.14.2 leaves room for a grace: the client refreshed twice at once, or the response was lost. It
            # gets the same successor, not a second one.
            next_token = token.successor(family.salt)
        case Outcome.REUSED:
            # RFC 9700 §4.14.2: one of the two parties that used the token is an attacker, and it cannot be known which.
            yield from refuse_access_tokens(service, family.id, now)
            if hub.listening:
                hub.emit(ReuseDetected(principal=family.subject, session=family.id, client=client.id))
            return invalid_grant(detail=f"{family.id} is ended: a refresh token was used again")
        case Outcome.ENDED:
            yield from _revoke_again(service, family, now)
            return invalid_grant(detail=f"{family.id} has ended")
        case _:
            assert_never(answer.outcome)
    # Again: users and clients may be in another store, and a change of them in the meantime did not find this session.
    revoked = yield from end_if_revoked(service, family)
    return issued.with_refresh_token(next_token.text) if revoked is None else revoked


def _checked(answer: object) -> RotationAnswer:
    if not isinstance(answer, RotationAnswer):
        raise FlowError(f"rotate answers a RotationAnswer, not {type(answer).__name__}")
    return answer

"""The refresh grant: each refresh token is good for one successor (RFC 6749 §6, RFC 9700 §4.14.2).

The order is what makes it safe. Everything that may refuse the request comes first and changes nothing; an access
token that a store has to know is stored next; the one atomic step is the rotation, last. Whoever ends the login before
that step refuses this request, and whoever ends it afterwards finds the new token to revoke.
"""

from __future__ import annotations

from dataclasses import replace
from hmac import compare_digest
from typing import Protocol, assert_never

from authmw.errors import FlowError
from authmw.flow.flow import Ask, Flow
from authmw.http.request import RequestHead
from authmw.oauth2.access_tokens import Grant, Issued, TokenIssuance, issue
from authmw.oauth2.ending import TokenStores, end_session, refuse_access_tokens
from authmw.oauth2.form import Form
from authmw.oauth2.granted_scopes import ScopeLimits, granted_scopes, requested_scopes
from authmw.oauth2.refresh_tokens import RefreshToken, new_salt
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
from authmw.verifiers.accounts import checked_user


class FamilyLookup(Protocol):
    """Where the family of a refresh token is looked up."""

    @property
    def issuer(self) -> str:
        """The issuer; a refresh token of another one is not found."""

    @property
    def families(self) -> FamilyStore:
        """Sessions."""


class SessionIssuance(FamilyLookup, TokenStores, TokenIssuance, ScopeLimits, Protocol):
    """What the tokens of sessions are issued with."""


class SessionRenewal(SessionIssuance, Protocol):
    """What sessions are refreshed with."""

    @property
    def users(self) -> UserStore:
        """Users, by name."""


def refresh(service: SessionRenewal, request: RequestHead, form: Form, client: Client) -> Flow[Issued | OAuthError]:
    """The next tokens of a login."""
    text = form.get("refresh_token")
    if text is None:
        return invalid_request("A refresh_token is needed.")
    requested = requested_scopes(form)
    if isinstance(requested, OAuthError):
        return requested
    return (yield from refresh_login(service, client, text, requested))


def refresh_login(
    service: SessionRenewal, client: Client, text: str, requested: frozenset[str] | None = None
) -> Flow[Issued | OAuthError]:
    """The next tokens of the login that the refresh token `text` is from.

    Args:
        service: the configuration.
        client: who presents the token, authenticated as far as it can be.
        text: the refresh token.
        requested: the scopes that were asked for, which the login must have; None for all of them.
    """
    now = service.clock()
    token = RefreshToken.parse(text)
    if token is None:
        return invalid_grant(detail="not a refresh token")
    family = yield from find_family(service, token)
    # A token of another client's tells nothing and changes nothing (T8): who found it must not be able to burn it.
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
    )
    issued = yield from issue(service, grant, now)
    if isinstance(issued, OAuthError):
        return issued
    return (yield from _rotate(service, client, token, issued, now))


def find_family(service: FamilyLookup, token: RefreshToken) -> Flow[RefreshFamily | None]:
    """The login that `token` is from, whoever's it is, and whether it goes on or has ended; None for none.

    One that was begun at another issuer is none, though it may be in the same store.
    """
    if not token.is_of(service.issuer):
        return None
    family = _checked_family((yield from Ask(service.families.find_family, token.key)))
    # The store compared already; this one does so in constant time, and backs up a store that matches loosely.
    return family if family is not None and compare_digest(family.key.encode(), token.key.encode()) else None


def _checked_family(found: object) -> RefreshFamily | None:
    if found is not None and not isinstance(found, RefreshFamily):
        raise FlowError(f"find_family answers a RefreshFamily or None, not {type(found).__name__}")
    return found


def _refused(service: TokenStores, family: RefreshFamily, now: float) -> Flow[OAuthError | None]:
    """Why the login cannot be refreshed any more."""
    if not family.is_live(now):
        yield from _refuse_again(service, family, now)
        return invalid_grant(detail=f"{family.id} has ended")
    return (yield from refuse_if_overtaken(service, family))


def refuse_if_overtaken(service: TokenStores, family: RefreshFamily) -> Flow[OAuthError | None]:
    """End a login that began before its user or client was revoked and was stored afterwards: nobody else has."""
    keys: tuple[tuple[RevocationKind, str], ...] = (("user", family.subject), ("client", family.client_id or ""))
    revocations = yield from Ask(service.revocations.find_revocations, keys)
    if all(each.at <= family.created_at for each in revocations):
        return None
    yield from end_session(service, family.id)
    return invalid_grant(detail=f"{family.id} is from before its user or client was revoked")


def _refuse_again(service: TokenStores, family: RefreshFamily, now: float) -> Flow[None]:
    """See to it that the access tokens of a login that was ended are refused: who ended it may have died meanwhile."""
    if family.revoked_at is None or now - family.revoked_at >= LONGEST_ACCESS_TOKEN:
        return
    published = yield from Ask(service.revocations.find_revocations, (("family", family.id),))
    if not published:
        yield from refuse_access_tokens(service, family.id, now)


def _scopes(
    service: SessionRenewal, client: Client, family: RefreshFamily, requested: frozenset[str] | None
) -> Flow[frozenset[str] | OAuthError]:
    """What the refreshed token allows: no more than was granted, nor than user and client may have by now."""
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
    """The one step that uses the token up, and what follows from how it went."""
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
            following = successor
        case Outcome.RACED:
            # T10: the client raced with itself, or the answer was lost: it gets the same successor, not another.
            following = token.successor(family.salt)
        case Outcome.REUSED:
            # RFC 9700 §4.14.2: one of the two who used it is a thief, and nobody can tell which.
            yield from refuse_access_tokens(service, family.id, now)
            return invalid_grant(detail=f"{family.id} is ended: a refresh token was used again")
        case Outcome.ENDED:
            yield from _refuse_again(service, family, now)
            return invalid_grant(detail=f"{family.id} has ended")
        case _:
            assert_never(answer.outcome)
    # Again, since users and clients may be kept elsewhere: who ended those meanwhile did not find this login.
    overtaken = yield from refuse_if_overtaken(service, family)
    return replace(issued, refresh_token=following.text) if overtaken is None else overtaken


def _checked(answer: object) -> RotationAnswer:
    if not isinstance(answer, RotationAnswer):
        raise FlowError(f"rotate answers a RotationAnswer, not {type(answer).__name__}")
    return answer

"""The password grant, off unless the application turns it on (RFC 6749 §4.3, RFC 9700 §2.4)."""

from __future__ import annotations

from typing import Protocol

from authmw.crypto.chained_tokens import RefreshToken, new_salt
from authmw.crypto.opaque_tokens import new_id
from authmw.flow.flow import Ask, Flow
from authmw.http.form import Form
from authmw.http.request import RequestHead
from authmw.http.user_agent import agent_name
from authmw.identity.credentials import BasicCredentials
from authmw.identity.verdict import Rejected
from authmw.oauth2.access_tokens import Grant, Issued, issue
from authmw.oauth2.client_authentication import ClientRegistry, is_disabled
from authmw.oauth2.granted_scopes import granted_scopes, requested_scopes
from authmw.oauth2.refresh import SessionIssuance, end_if_revoked
from authmw.oauth2.reply import OAuthError, invalid_grant, invalid_request, throttled
from authmw.stores.records import Client, RefreshFamily, User
from authmw.stores.revocation import refuse_access_tokens
from authmw.verifiers.password import PasswordVerifier


class PasswordLogin(SessionIssuance, ClientRegistry, Protocol):
    """What users log in with by name and password."""

    @property
    def passwords(self) -> PasswordVerifier:
        """Verifies user names and passwords."""
        ...


def password(
    service: PasswordLogin, request: RequestHead, form: Form, client: Client, *, room: int | None = None
) -> Flow[Issued | OAuthError]:
    """A login by user name and password, in the form that FastAPI's ``OAuth2PasswordRequestForm`` reads.

    Args:
        service: the token service.
        request: the request, for its source and its ``User-Agent``.
        form: its form.
        client: the client that the user logs in with.
        room: as for `issue`. No session begins whose access token does not fit.
    """
    username, secret = form.get("username"), form.get("password")
    if username is None or secret is None:
        return invalid_request("A username and a password are needed.")
    requested = requested_scopes(form)
    if isinstance(requested, OAuthError):
        return requested
    return (yield from log_in(service, request, client, BasicCredentials(username, secret), requested, room=room))


def log_in(
    service: PasswordLogin,
    request: RequestHead,
    client: Client,
    credentials: BasicCredentials,
    requested: frozenset[str] | None,
    *,
    room: int | None = None,
) -> Flow[Issued | OAuthError]:
    """Begin a session for the user, if the password is right.

    An unknown user, a wrong password and a disabled account get the same response after the same work (RFC 6749 §5.2,
    ``invalid_grant``). A source that tried too often, and an account that is attempted too often, get another one,
    whether the account exists or not.

    Args:
        service: the token service.
        request: the request, for its source and its ``User-Agent``.
        client: the client that the user logs in with.
        credentials: the user name and the password.
        requested: the scopes in the request; None for all that the user and the client may have.
        room: as for `password`.
    """
    # Dated before the password is verified, so that a change of it in the meantime ends this session too.
    began = service.clock()
    user = yield from service.passwords.find_user(credentials, request)
    if isinstance(user, Rejected):
        return throttled(user) or invalid_grant(
            "The user name or password is wrong.",
            detail=f"{user.reason.code} {user.detail}".rstrip(),
            reason=user.reason.code,
        )
    scopes = granted_scopes(requested, user.scopes, service.ceiling(client), service.scopes)
    if isinstance(scopes, OAuthError):
        return scopes
    family, issued = yield from _begin(service, request, client, user, scopes=scopes, now=began, room=room)
    if isinstance(issued, OAuthError):
        return issued
    revoked = yield from _end_if_changed(service, client, family, user, credentials)
    return issued if revoked is None else revoked


def _end_if_changed(
    service: PasswordLogin, client: Client, family: RefreshFamily, user: User, credentials: BasicCredentials
) -> Flow[OAuthError | None]:
    """End the session if its user or client was changed during the login: the change did not find the session yet."""
    refused = yield from end_if_revoked(service, family)
    if refused is not None:
        return refused
    # A database shows a change only when its transaction ends, dated earlier. So what was read before the session was
    # stored is read again.
    holds = yield from service.passwords.still_matches(user, credentials)
    if holds and not (yield from is_disabled(service, client)):
        return None
    yield from Ask(service.families.end_family, family.id, family.created_at)
    yield from refuse_access_tokens(service, family.id, family.created_at)
    return invalid_grant(detail=f"{family.id} was overtaken by a change of its user or client")


def _begin(
    service: SessionIssuance,
    request: RequestHead,
    client: Client,
    user: User,
    *,
    scopes: frozenset[str],
    now: float,
    room: int | None,
) -> Flow[tuple[RefreshFamily, Issued | OAuthError]]:
    token = None
    if "refresh_token" in client.grant_types:
        token = RefreshToken.new(service.issuer, entropy=service.entropy)
    ends_at = now + (service.lifetimes.access if token is None else service.lifetimes.refresh)
    family = RefreshFamily(
        id=new_id("login", entropy=service.entropy),
        key=new_salt(entropy=service.entropy) if token is None else token.key,  # unique, and without a token
        current="" if token is None else token.digest,
        subject=user.id,
        username=user.username,
        client_id=client.id,
        scopes=scopes,
        created_at=now,
        expires_at=ends_at,
        idle_until=min(now + service.lifetimes.idle, ends_at),
        name=agent_name(request),
    )
    grant = Grant(
        subject=user.id,
        kind="user",
        client_id=client.id,
        scopes=scopes,
        family_id=family.id,
        ends_at=ends_at,
        authenticated_at=now,
    )
    issued = yield from issue(service, grant, now, room=room)
    if isinstance(issued, OAuthError):
        return family, issued
    yield from Ask(service.families.add_family, family)
    return family, issued if token is None else issued.with_refresh_token(token.text)

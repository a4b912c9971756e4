"""Access tokens (RFC 9068): how they are issued, and the response that carries them (RFC 6749 §5.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from authmw.crypto.claims import is_identifier
from authmw.crypto.opaque_tokens import Entropy
from authmw.crypto.signing import TokenIssuer
from authmw.errors import ConfigurationError
from authmw.flow.flow import Ask, Flow
from authmw.http.response import Response
from authmw.identity.principal import PrincipalKind
from authmw.oauth2.lifetimes import Lifetimes
from authmw.oauth2.reply import OAuthError, invalid_grant, json_text_response, quoted
from authmw.stores.new_records import make_token
from authmw.stores.ports import RevocationStore, TokenKeeper


class TokenIssuance(Protocol):
    """What access tokens are issued with."""

    @property
    def audience(self) -> tuple[str, ...]:
        """The APIs that the tokens are for."""
        ...

    @property
    def lifetimes(self) -> Lifetimes:
        """How long tokens and sessions live."""
        ...

    @property
    def token_signer(self) -> TokenIssuer | None:
        """Signs JWTs; None where access tokens are opaque."""
        ...

    @property
    def tokens(self) -> TokenKeeper:
        """Opaque access tokens."""
        ...

    @property
    def revocations(self) -> RevocationStore:
        """Revocations, which every process follows."""
        ...

    @property
    def entropy(self) -> Entropy:
        """The source of random bytes."""
        ...


class Grant(NamedTuple):
    """What a client is granted.

    Args:
        subject: the id of the user, or of the client where it acts for itself.
        kind: which of the two it is.
        client_id: the client that is given the token.
        scopes: what the token allows.
        family_id: the session that the token belongs to; None for none.
        ends_at: when that session ends, in seconds since the epoch; its tokens end by then.
        authenticated_at: when the user logged in, in seconds since the epoch; None where that is not known.
    """

    subject: str
    kind: PrincipalKind
    client_id: str
    scopes: frozenset[str]
    family_id: str | None = None
    ends_at: float | None = None
    authenticated_at: float | None = None

    @property
    def scope(self) -> str:
        """The scopes as RFC 6749 §3.3 writes them; empty for none."""
        return " ".join(sorted(self.scopes))


class Issued:
    """The tokens that were issued for a grant.

    Args:
        grant: what was granted.
        access_token: valid for `expires_in` seconds.
        refresh_token: gets the next access token; None for a grant without one.
    """

    __slots__ = ("access_token", "expires_in", "grant", "refresh_token")

    def __init__(self, grant: Grant, access_token: str, expires_in: int, refresh_token: str | None = None) -> None:
        self.grant: Grant = grant
        self.access_token: str = access_token
        self.expires_in: int = expires_in
        self.refresh_token: str | None = refresh_token

    def with_refresh_token(self, text: str) -> Issued:
        """The same tokens, and that refresh token."""
        return Issued(self.grant, self.access_token, self.expires_in, text)

    def response(self) -> Response:
        """The successful response (RFC 6749 §5.1)."""
        members = f'"access_token":{quoted(self.access_token)},"token_type":"Bearer","expires_in":{self.expires_in}'
        if self.refresh_token is not None:
            members += f',"refresh_token":{quoted(self.refresh_token)}'
        # RFC 6749 §5.1 requires it where it differs from the request; it is always there. §3.3 has no empty scope.
        if self.grant.scopes:
            members += f',"scope":{quoted(self.grant.scope)}'
        return json_text_response(f"{{{members}}}")


def issue(service: TokenIssuance, grant: Grant, now: float, *, room: int | None = None) -> Flow[Issued | OAuthError]:
    """An access token for `grant`. An opaque one is stored before this returns.

    Args:
        service: the token service.
        grant: what is granted.
        now: the time, in seconds since the epoch.
        room: the octets that a cookie has room for; None where the token is sent in a body.
    """
    # RFC 9068 §5, RFC 9700 §4.15: the two kinds of subjects share one name space, and none may look like the other.
    # Auth0 writes @clients behind the id of a client, and verifiers that know that take such a subject for the client.
    of_client = (grant.client_id, f"{grant.client_id}@clients")
    if not is_identifier(grant.subject) or (grant.kind == "user" and grant.subject in of_client):
        return invalid_grant(detail="the user's id is no sub, or is the client's id: give the user another id")
    lifetime = service.lifetimes.access
    if grant.ends_at is not None:
        lifetime = max(1, min(lifetime, int(grant.ends_at - now)))
    if service.token_signer is not None:
        # For a token of a client it makes no difference when the client was revoked.
        after = (yield from _last_revoked(service, grant.subject)) if grant.kind == "user" else None
        token = _signed(service.token_signer, grant, lifetime, after)
        if not isinstance(token, OAuthError):
            token = _fitting(token, room)
    else:
        token = yield from _stored(service, grant, lifetime, now, room)
    return token if isinstance(token, OAuthError) else Issued(grant, token, lifetime)


def _fitting(token: str, room: int | None) -> str | OAuthError:
    if room is None or len(token) <= room:
        return token
    return OAuthError("invalid_scope", "The scopes do not fit into a cookie: ask for fewer.")


def _last_revoked(service: TokenIssuance, user_id: str) -> Flow[float | None]:
    """When all tokens of the user were revoked; None for never."""
    found = yield from Ask(service.revocations.find_revocations, (("user", user_id),))
    return max((each.at for each in found), default=None)


def _signed(signer: TokenIssuer, grant: Grant, lifetime: int, after: float | None) -> str | OAuthError:
    try:
        return signer.issue_granted(
            grant.subject,
            grant.kind,
            scopes=grant.scopes,
            client_id=grant.client_id,
            lifetime=lifetime,
            after=after,
            claims=_claims_of_login(grant),
        )
    except ConfigurationError as error:
        return OAuthError("invalid_scope", "The scopes do not fit into a token: ask for fewer.", detail=str(error))


def _claims_of_login(grant: Grant) -> dict[str, Any]:
    """The claims of a login: its session, and the time at which the user was authenticated (RFC 9068 §2.2.1)."""
    claims: dict[str, Any] = {} if grant.family_id is None else {"sid": grant.family_id}
    return claims if grant.authenticated_at is None else {**claims, "auth_time": int(grant.authenticated_at)}


def _stored(
    service: TokenIssuance, grant: Grant, lifetime: int, now: float, room: int | None
) -> Flow[str | OAuthError]:
    token, record = make_token(
        grant.subject,
        sorted(grant.scopes),
        lifetime=lifetime,
        kind=grant.kind,
        client_id=grant.client_id,
        prefix="at",
        now=now,
        entropy=service.entropy,
    )
    record = replace(record, audience=frozenset(service.audience), family_id=grant.family_id)
    fitting = _fitting(token, room)
    if not isinstance(fitting, OAuthError):
        yield from Ask(service.tokens.add_token, record)
    return fitting

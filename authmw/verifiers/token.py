"""Verifies opaque access tokens by asking a store, each time, so that what is revoked is refused at once.

With a feed of revocations a token may be remembered instead, and is refused within the feed's bound.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from hmac import compare_digest
from typing import TYPE_CHECKING, ClassVar

from authmw.crypto.opaque_tokens import checked_prefix, has_checksum, token_digest
from authmw.errors import FlowError
from authmw.flow.call_mode import CallMode
from authmw.flow.flow import Ask, Flow, ask_now
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import BearerToken
from authmw.identity.principal import Principal
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores.ports import TokenStore, require_methods
from authmw.stores.records import TokenRecord
from authmw.stores.revoked import Issuance

if TYPE_CHECKING:
    from authmw.stores.revocation_feed import RevocationFeed


class TokenVerifier:
    """Verifies opaque bearer tokens. A token without our prefix, as a JWT, is left to the next alternative.

    Args:
        tokens: where tokens are found by their digest.
        prefix: what our tokens begin with, before the underscore.
        audience: the name of this API, or several, one of which the token has to be for. With None, a token that is
            for any API by name is refused.
        revocations: what was revoked. With it a verified token may be remembered until it expires, and so whoever
            revokes or disables has to publish that too: the store of tokens is no longer asked each time.
        clock: seconds since the epoch.

    >>> from authmw import Auth, HTTPBearer
    >>> from authmw.stores import MemoryTokens
    >>> auth = Auth(HTTPBearer(TokenVerifier(MemoryTokens())))
    """

    accepts: ClassVar[tuple[type, ...]] = (BearerToken,)
    """The credentials it verifies: what it cannot, no scheme may give it."""
    scheme: str = ""
    """The name of the scheme that principals are authenticated by."""

    version: int
    """Only there with a feed: verdicts of a verifier without it are not to be remembered."""

    def __init__(
        self,
        tokens: TokenStore,
        *,
        prefix: str = "at",
        audience: str | Collection[str] | None = None,
        revocations: RevocationFeed | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        require_methods("TokenVerifier", tokens, "find_token")
        self._tokens = tokens
        self._prefix = checked_prefix(prefix)
        self._start = f"{prefix}_"
        self._clock = clock
        self._audiences = frozenset([audience] if isinstance(audience, str) else audience or ())
        self._revocations = revocations
        if revocations is not None:
            self.version = 0
        self._is_asked_directly = CallMode.of(tokens.find_token) is CallMode.NONBLOCKING

    def verify(self, credentials: BearerToken, request: RequestHead) -> Verdict | Flow[Verdict] | None:
        """Whether the token is known, valid and not revoked; None when it is not one of ours."""
        token = credentials.token
        if not token.startswith(self._start):
            return None
        if not has_checksum(token, self._prefix):
            return Rejected(Reason.TOKEN_UNKNOWN, "the length or the checksum is wrong")
        sought = token_digest(token)
        if self._is_asked_directly:
            return self._judge(sought, ask_now(self._tokens.find_token, sought))
        return self._ask(sought)

    def _ask(self, sought: str) -> Flow[Verdict]:
        record = yield from Ask(self._tokens.find_token, sought)
        verdict = self._judge(sought, record)
        return verdict if isinstance(verdict, (Authenticated, Rejected)) else (yield from verdict)

    def _judge(self, sought: str, record: object) -> Verdict | Flow[Verdict]:
        if record is None:
            return Rejected(Reason.TOKEN_UNKNOWN)
        if not isinstance(record, TokenRecord):
            raise FlowError(f"find_token answers a TokenRecord or None, not {type(record).__name__}")
        # The store compared already; this one does so in constant time, and backs up a store that matches loosely.
        if not compare_digest(record.digest.encode(), sought.encode()):
            return Rejected(Reason.TOKEN_UNKNOWN)
        if record.revoked_at is not None:
            return Rejected(Reason.TOKEN_REVOKED, f"token {record.id}")
        if record.expires_at <= self._clock():
            return Rejected(Reason.TOKEN_EXPIRED, f"token {record.id}")
        # RFC 7519 §4.1.3, for opaque tokens too: what is for another API is not for this one.
        if (record.audience or self._audiences) and record.audience.isdisjoint(self._audiences):
            return Rejected(Reason.TOKEN_AUDIENCE, f"token {record.id}")
        principal, feed = _principal(record, self.scheme), self._revocations
        authenticated = Authenticated(principal, remember_until=None if feed is None else record.expires_at)
        return authenticated if feed is None else feed.check(_issuance(record), authenticated)


def _issuance(record: TokenRecord) -> Issuance:
    return Issuance(record.id, record.family_id, record.subject, record.client_id, record.created_at)


def _principal(record: TokenRecord, scheme: str) -> Principal:
    return Principal(
        record.subject,
        scopes=record.scopes,
        kind=record.kind,
        scheme=scheme,
        client_id=record.client_id,
        credential_id=record.id,
        expires_at=record.expires_at,
    )

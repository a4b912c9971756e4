"""Verifier of opaque access tokens, by a store of tokens.

The store is asked for each request, so a revoked token is refused at once. With a feed of revocations a verdict may be
remembered instead. Then a revoked token is refused within the bound of the feed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from hmac import compare_digest
from typing import TYPE_CHECKING, ClassVar

from authmw.crypto.opaque_tokens import checked_prefix, has_checksum, token_digest
from authmw.errors import FlowError, explains_arguments
from authmw.flow.application_code import is_of_application
from authmw.flow.call_mode import CallMode
from authmw.flow.clocks import now
from authmw.flow.flow import Ask, Flow, ask_now
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import BearerToken
from authmw.identity.principal import Principal
from authmw.identity.validity import Validity
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores.ports import TokenStore, require_methods
from authmw.stores.records import TokenRecord
from authmw.stores.revoked import Issuance

if TYPE_CHECKING:
    from authmw.stores.revocation_feed import RevocationFeed


@explains_arguments("TokenVerifier(stores.tokens)")
class TokenVerifier:
    """Verifies opaque bearer tokens. A token with another prefix, as a JWT, is left to the next alternative.

    Args:
        tokens: finds tokens by their digest.
        prefix: the text before the underscore, with which the tokens of the store begin.
        audience: the name of this API, or several, one of which must be in the audience of the token. With None, a
            token with any audience is refused.
        revocations: the feed of revocations. With it a verified token may be remembered until it expires, and the store
            of tokens is not asked each time. So each revocation and each disabled user has to be published too.
        clock: seconds since the epoch.

    >>> from authmw import Auth, HTTPBearer
    >>> from authmw.stores import MemoryTokens
    >>> auth = Auth(HTTPBearer(TokenVerifier(MemoryTokens())))
    """

    asks: ClassVar[tuple[str, ...]] = ("find_token",)
    """The methods of stores that it calls."""
    accepts: ClassVar[tuple[type, ...]] = (BearerToken,)
    """The types of credentials that it verifies. A scheme of another type refuses it at construction."""
    ignores_request: ClassVar[bool] = True
    """Its verdicts may be remembered. A subclass has to say so again: it may look at the request."""
    scheme: str = ""
    """The name of the scheme that the verifier belongs to; goes into `Principal.scheme`."""

    version: int
    """Present only with a feed. The verdicts of a verifier without this attribute are never remembered."""

    def __init__(
        self,
        tokens: TokenStore,
        *,
        prefix: str = "at",
        audience: str | Collection[str] | None = None,
        revocations: RevocationFeed | None = None,
        clock: Callable[[], float] = now,
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
        self._is_foreign = is_of_application(tokens.find_token)

    @property
    def expects(self) -> str:
        """The kind of token that it knows, for the log."""
        return f"a token that begins with {self._start}"

    def verify(self, credentials: BearerToken, request: RequestHead) -> Verdict | Flow[Verdict] | None:
        """The verdict on the token; None if its prefix is another one."""
        token = credentials.token
        if not token.startswith(self._start):
            return None
        if not has_checksum(token, self._prefix):
            return Rejected(Reason.TOKEN_UNKNOWN, "the length or the checksum is wrong")
        sought = token_digest(token)
        if self._is_asked_directly and not (self._is_foreign and request.around is not None):
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
        # Defence in depth: the store may compare loosely, as without case. This compares exactly and in constant time.
        if not compare_digest(record.digest.encode(), sought.encode()):
            return Rejected(Reason.TOKEN_UNKNOWN)
        if record.revoked_at is not None:
            return Rejected(Reason.TOKEN_REVOKED, f"token {record.id}")
        if record.expires_at <= self._clock():
            return Rejected(Reason.TOKEN_EXPIRED, f"token {record.id}")
        # RFC 7519 §4.1.3, applied to opaque tokens: a token for another API is refused.
        if (record.audience or self._audiences) and record.audience.isdisjoint(self._audiences):
            return Rejected(Reason.TOKEN_AUDIENCE, f"token {record.id}")
        principal, feed = _principal(record, self.scheme), self._revocations
        authenticated = Authenticated(
            principal,
            remember_until=None if feed is None else record.expires_at,
            validities=(Validity(record.expires_at, self._clock),),
        )
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

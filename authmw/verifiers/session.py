"""Verifier of browser sessions, by a store of sessions.

What is verified is remembered in this process for a minute, and the revocation feed tells what has ended meanwhile. So
a session that this process has seen within the last minute asks no store. Without a feed the stores are asked for each
request.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar, Final

from authmw.crypto.chained_tokens import SessionToken, new_salt
from authmw.crypto.form_tokens import is_form_token
from authmw.crypto.opaque_tokens import Entropy
from authmw.errors import FlowError, Unavailable
from authmw.flow.bounded_cache import BoundedCache
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds, seconds
from authmw.flow.flow import Ask, Flow
from authmw.http.form import FORM_FIELD, FORM_HEADER, BadForm, read_form
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import SessionValue
from authmw.identity.principal import Principal
from authmw.identity.verdict import Authenticated, Rejected, Remembered, Verdict
from authmw.stores.ports import require_methods
from authmw.stores.renewal import is_within_grace
from authmw.stores.revoked import Issuance
from authmw.stores.rotation import same_digest
from authmw.stores.session_ports import SessionStore, UserDirectory
from authmw.stores.session_records import BrowserSession, Renewal, RenewalAnswer, RenewalOutcome
from authmw.verifiers.accounts import checked_user

if TYPE_CHECKING:
    from authmw.stores.records import User
    from authmw.stores.revocation_feed import RevocationFeed

GRACE: Final = 30.0
"""Seconds in which requests that were under way with the cookie before a renewal are served."""
SLACK: Final = 10
"""A use is written at most once per this part of the idle lifetime, and a session may live that much longer."""
_REMEMBERED: Final = 65_536


class SessionVerifier:
    """Verifies the cookie of a browser session, for the scheme `Session`.

    The scopes are those that the user has now. If they have changed since the session was begun or renewed, the session
    is renewed: the response sets another cookie (ASVS 7.2.4). A value that was replaced within the last 30 seconds is
    served too, with the same successor, since a page has several requests under way. If the user has proved who it is
    meanwhile, the value gets no successor, and is as old as the session: whoever copied a cookie does not get the one
    that comes of a password.

    Args:
        sessions: finds, renews and touches sessions.
        users: finds users by their id.
        cookie: makes the ``Set-Cookie`` header of a session and a value.
        revocations: the feed of revocations. Without it nothing is remembered.
        remember_for: seconds for which a verified session is remembered in this process.
        clock: seconds since the epoch.
        entropy: makes random bytes.
    """

    asks: ClassVar[tuple[str, ...]] = ("find_session", "renew_session", "touch_session", "find_by_id")
    """The methods of stores that it calls."""
    accepts: ClassVar[tuple[type, ...]] = (SessionValue,)
    """The types of credentials that it verifies."""
    scheme: str = ""
    """The name of the scheme that the verifier belongs to; goes into `Principal.scheme`."""

    def __init__(
        self,
        sessions: SessionStore,
        users: UserDirectory,
        *,
        cookie: Callable[[BrowserSession, str], tuple[str, str]],
        revocations: RevocationFeed | None = None,
        remember_for: Seconds = 60.0,
        clock: Callable[[], float] = now,
        entropy: Entropy = os.urandom,
    ) -> None:
        require_methods("SessionVerifier", sessions, "find_session", "renew_session", "touch_session")
        require_methods("SessionVerifier", users, "find_by_id")
        self.sessions = sessions
        self.users = users
        self._cookie = cookie
        self._feed = revocations
        self._clock = clock
        self._entropy = entropy
        self._remember_for: float = seconds(remember_for, "remember_for")
        self._known = BoundedCache[bytes, Remembered](
            0 if revocations is None else _REMEMBERED, longest=max(self._remember_for, 0.0), clock=clock
        )

    def verify(self, credentials: SessionValue, request: RequestHead, /) -> Verdict | Flow[Verdict]:
        """The verdict on the cookie."""
        known = None if credentials.needs_form_token else self.recall(_written(credentials.value))
        return self._verify(credentials, request) if known is None else known

    def recall(self, written: bytes) -> Remembered | None:
        """The verdict that is remembered for a value of the cookie; None where it is not.

        Args:
            written: what follows the name of the cookie in the request: ``=`` and the value.
        """
        return self._known.get(sha256(written).digest())  # so that no credential stays in memory

    def find(self, value: str) -> Flow[tuple[BrowserSession, User] | Rejected]:
        """The live session of a value of the cookie, and its user."""
        token = SessionToken.parse(value)
        if token is None:
            return Rejected(Reason.SESSION_ENDED, "the length or the checksum is wrong")
        session = checked_session((yield from Ask(self.sessions.find_session, token.key)))
        at = self._clock()
        if session is None:
            return Rejected(Reason.SESSION_ENDED, "there is no such session")
        if not session.is_live(at):
            return Rejected(Reason.SESSION_ENDED, f"{session.id} {_end_of(session, at)}")
        is_current = same_digest(token.digest, session.current)
        if not is_current and not is_within_grace(session, token.digest, at, GRACE):
            return Rejected(Reason.SESSION_ENDED, f"{session.id} has another cookie since its renewal")
        user = checked_user((yield from Ask(self.users.find_by_id, session.subject)), "find_by_id")
        if user is None or user.id != session.subject or user.disabled:
            return Rejected(Reason.SESSION_ENDED, f"{session.id}: its user is disabled or gone")
        return session, user

    def find_unrevoked(self, value: str) -> Flow[tuple[BrowserSession, User] | Rejected]:
        """As `find`, and no revocation refuses the session, as one whose publisher was interrupted behind it."""
        found = yield from self.find(value)
        if isinstance(found, Rejected):
            return found
        verdict = yield from self._checked(found[0], Authenticated(principal_of_session(*found, self.scheme)))
        return verdict if isinstance(verdict, Rejected) else found

    def _verify(self, credentials: SessionValue, request: RequestHead) -> Flow[Verdict]:
        value = credentials.value
        token = SessionToken.parse(value)
        if token is not None and credentials.needs_form_token and not (yield from _has_form_token(request, token)):
            return Rejected(Reason.CROSS_SITE, "neither Sec-Fetch-Site nor Origin, and no form token of this session")
        found = yield from self.find(value)
        if token is None or isinstance(found, Rejected):
            return found if isinstance(found, Rejected) else Rejected(Reason.SESSION_ENDED)
        session, user = found
        headers: tuple[tuple[str, str], ...] = ()
        # A websocket has no response that a browser takes a cookie from for certain: the next request renews.
        may_renew = not request.is_websocket
        if may_renew and session.scopes != user.scopes and same_digest(token.digest, session.current):
            renewed = yield from self.renew(session, token, user)
            if renewed is None:
                return Rejected(Reason.SESSION_ENDED, f"{session.id} ended during its renewal")
            session = renewed
        if not same_digest(token.digest, session.current):
            successor = _successor_of(session, token)
            if successor is None:
                # What the user has proved belongs to the other cookie. This one has what held when the session began.
                session = replace(session, authenticated_at=session.created_at, amr=(), acr="")
            elif may_renew:
                headers = (self._cookie(session, successor),)
        session = yield from self._touched(session)
        authenticated = Authenticated(principal_of_session(session, user, self.scheme), headers=headers)
        verdict = yield from self._checked(session, authenticated)
        is_settled = same_digest(token.digest, session.current) and session.scopes == user.scopes
        if is_settled and isinstance(verdict, Authenticated):
            self._keep(value, verdict, session)
        return verdict

    def renew(self, session: BrowserSession, token: SessionToken, user: User) -> Flow[BrowserSession | None]:
        """Give the session another cookie, which is derived from `token`; the session, or None if it has ended."""
        salt = new_salt(entropy=self._entropy)
        renewal = self._renewal(session, token, token.successor(salt), salt, user)
        after = _checked_answer((yield from Ask(self.sessions.renew_session, renewal)))
        return after.session if after.outcome in (RenewalOutcome.RENEWED, RenewalOutcome.RACED) else None

    def renew_by_proof(
        self,
        session: BrowserSession,
        token: SessionToken,
        user: User,
        *,
        authenticated_at: float,
        amr: tuple[str, ...] | None = None,
    ) -> Flow[tuple[BrowserSession, str] | None]:
        """Give the session of a user who has proved who it is another cookie, which nobody can derive from `token`.

        Args:
            session: the session.
            token: the value of its cookie.
            user: the user, as it is now.
            authenticated_at: when the user proved it.
            amr: how; None to keep what the session has.

        Returns:
            The session and the value of its cookie; None if the session has ended or has another cookie by now.
        """
        current: SessionToken | None = token
        if not same_digest(token.digest, session.current):  # it was replaced a moment ago
            current = SessionToken.parse(_successor_of(session, token) or "")
        if current is None:
            return None
        successor = current.replacement(entropy=self._entropy)
        renewal = self._renewal(session, current, successor, "", user)
        renewal = replace(renewal, grace=0.0, authenticated_at=authenticated_at, amr=amr)
        after = _checked_answer((yield from Ask(self.sessions.renew_session, renewal)))
        self.forget(token.text)
        if after.session is None or after.outcome is not RenewalOutcome.RENEWED:
            return None
        return after.session, successor.text

    def _renewal(
        self, session: BrowserSession, token: SessionToken, successor: SessionToken, salt: str, user: User
    ) -> Renewal:
        digests = token.digest, successor.digest
        return Renewal(session.key, *digests, salt, self._clock(), user.scopes, GRACE)

    def forget(self, value: str) -> None:
        """Forget what is remembered of a value of the cookie, as after a log-out."""
        self._known.drop(sha256(_written(value)).digest())

    def _touched(self, session: BrowserSession) -> Flow[BrowserSession]:
        """The session, with this use written if the last one was long enough ago."""
        at = self._clock()
        if at - session.last_used_at < interval_of(session):
            return session
        with suppress(Unavailable):  # the request is as good as before; the next one writes it
            yield from Ask(self.sessions.touch_session, session.key, at)
            idle_until = min(max(session.idle_until, at + session.idle_for), session.expires_at)
            return replace(session, last_used_at=at, idle_until=idle_until)
        return session

    def _checked(self, session: BrowserSession, authenticated: Authenticated) -> Flow[Verdict]:
        if self._feed is None:
            return authenticated
        issued_at = session.authenticated_at
        issuance = Issuance(session.id, session.id, session.subject, None, issued_at)
        verdict = self._feed.check(issuance, authenticated)
        if not isinstance(verdict, (Authenticated, Rejected)):
            verdict = yield from verdict
        if isinstance(verdict, Rejected):
            return Rejected(Reason.SESSION_ENDED, f"{session.id} is revoked")
        return verdict

    def _keep(self, value: str, verdict: Authenticated, session: BrowserSession) -> None:
        if verdict.still_holds is not None:
            until = min(
                self._clock() + self._remember_for,
                session.last_used_at + interval_of(session),  # then the next use is written
                session.expires_at,
                session.idle_until,
            )
            self._known.put(sha256(_written(value)).digest(), Remembered(*verdict), until, verdict.still_holds)


def _successor_of(session: BrowserSession, token: SessionToken) -> str | None:
    """The current value of a session whose value before it is `token`; None if it cannot be derived.

    It is derived after a change of rights, and random after a proof.
    """
    return token.successor(session.salt).text if session.salt else None


def _written(value: str) -> bytes:
    """`value` as it stands behind the name of its cookie."""
    return b"=" + value.encode()


def interval_of(session: BrowserSession) -> float:
    """Seconds in which one use of the session is written: the tenth by which its idle lifetime is longer."""
    return session.idle_for / (SLACK + 1)


def principal_of_session(session: BrowserSession, user: User, scheme: str) -> Principal:
    """The principal of a session: its user, with ``sid``, ``auth_time``, ``amr`` and ``acr`` among the claims."""
    claims: dict[str, Any] = {
        **user.attributes,
        "sid": session.id,
        "auth_time": session.authenticated_at,
        "amr": list(session.amr),
    }
    # How a user logged in is no attribute of the user: without this, one could pass for a level of authentication.
    claims.pop("acr", None)
    if session.acr:
        claims["acr"] = session.acr
    return Principal(
        user.id,
        scopes=user.scopes,
        claims=claims,
        scheme=scheme,
        credential_id=session.id,
        expires_at=session.expires_at,
        name=user.username,
    )


def checked_session(found: object) -> BrowserSession | None:
    """The answer of a store of sessions. Raises `FlowError` if it is neither a session nor None."""
    if found is not None and not isinstance(found, BrowserSession):
        raise FlowError(f"find_session answers a BrowserSession or None, not {type(found).__name__}")
    return found


def _checked_answer(answer: object) -> RenewalAnswer:
    if not isinstance(answer, RenewalAnswer):
        raise FlowError(f"renew_session answers a RenewalAnswer, not {type(answer).__name__}")
    return answer


def _end_of(session: BrowserSession, at: float) -> str:
    if session.ended_at is not None:
        return "was ended"
    return "has reached its absolute end" if session.expires_at <= at else "was idle for too long"


def _has_form_token(request: RequestHead, token: SessionToken) -> Flow[bool]:
    """Whether the request has the form token of the session: in a header, or in a form without files."""
    if request.is_websocket:
        return False
    given = request.header(FORM_HEADER)
    if given is None and request.method == "POST":
        form = yield from read_form(request)
        given = None if isinstance(form, BadForm) else form.get(FORM_FIELD)
    return is_form_token(given, token.family)

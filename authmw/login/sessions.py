"""Browser sessions: begin one at a login, renew it at another, list and end them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, nextafter

from authmw.crypto.chained_tokens import SessionToken
from authmw.crypto.opaque_tokens import Entropy, new_id
from authmw.flow.flow import Ask, Flow
from authmw.http.cookies import cookies_named
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.http.user_agent import agent_name
from authmw.identity.verdict import Rejected
from authmw.login.kept import KeptForLogin
from authmw.login.lifetimes import SessionLifetimes
from authmw.schemes.session import Session
from authmw.stores.records import RefreshFamily, User
from authmw.stores.revocation import end_browser_session, end_other_sessions, end_session, end_user, revoke_before
from authmw.stores.rotation import same_digest
from authmw.stores.session_records import BrowserSession
from authmw.verifiers.accounts import checked_user

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LoggedInUser:
    """The caller of a page: a session, its user, and the value of the cookie that was sent.

    Args:
        session: the session.
        user: its user.
        value: the value of the cookie.
    """

    session: BrowserSession
    user: User
    value: str = field(repr=False)

    @property
    def token(self) -> SessionToken:
        """The value, parsed."""
        token = SessionToken.parse(self.value)
        if token is None:
            raise ValueError("the value was verified before")
        return token


class BrowserSessions:
    """What pages do with the sessions of their callers.

    Args:
        scheme: the scheme, which knows the cookie.
        kept: the stores.
        lifetimes: how long sessions live.
        entropy: makes random bytes.
    """

    def __init__(
        self, scheme: Session, kept: KeptForLogin, lifetimes: SessionLifetimes, *, entropy: Entropy = os.urandom
    ) -> None:
        self.scheme = scheme
        self.kept = kept
        self.lifetimes = lifetimes
        self._entropy = entropy
        self._clock: Callable[[], float] = kept.clock

    def caller(self, request: RequestHead) -> Flow[LoggedInUser | None]:
        """The caller of `request`, by its cookie; None without a live session.

        What caused the request is not looked at: a page that changes something does that itself.
        """
        values = cookies_named(request, self.scheme.cookie)
        if len(values) != 1:
            return None
        found = yield from self.scheme.sessions.find_unrevoked(values[0])
        return None if isinstance(found, Rejected) else LoggedInUser(*found, values[0])

    def begin(
        self,
        request: RequestHead,
        user: User,
        *,
        amr: tuple[str, ...],
        remember: bool,
        authenticated_at: float,
    ) -> Flow[tuple[BrowserSession, tuple[str, str]] | Rejected]:
        """Log `user` in: a new session, and the header that sets its cookie.

        The cookie is always another one than before (fixation, ASVS 7.2.4). A session of the same user that the browser
        has already is renewed, so that its other requests go on. One of another user ends.

        Args:
            request: the request of the login.
            user: who has proved who it is.
            amr: how (RFC 8176).
            remember: whether the user asked to be remembered.
            authenticated_at: when the first step of the login began. What ended the user's sessions since then ends
                this one too.
        """
        before = yield from self.caller(request)
        if before is not None and before.user.id == user.id and before.session.remembered == remember:
            renewed = yield from self.scheme.sessions.renew_by_proof(
                before.session, before.token, user, authenticated_at=authenticated_at, amr=amr
            )
            if renewed is not None:
                session, value = renewed
                return (yield from self._unless_revoked(session, value, authenticated_at))
        token = SessionToken.new(entropy=self._entropy)
        idle_for = self.lifetimes.idle_for(remember=remember)
        expires_at = authenticated_at + self.lifetimes.ends_after(remember=remember)
        session = BrowserSession(
            id=new_id("session", entropy=self._entropy),
            key=token.key,
            current=token.digest,
            subject=user.id,
            scopes=user.scopes,
            created_at=authenticated_at,
            authenticated_at=authenticated_at,
            expires_at=expires_at,
            idle_for=idle_for,
            idle_until=min(self._clock() + idle_for, expires_at),
            last_used_at=self._clock(),
            amr=amr,
            remembered=remember,
            name=agent_name(request),
        )
        yield from Ask(self.kept.browser_sessions.add_session, session)
        begun = yield from self._unless_revoked(session, token.text, authenticated_at)
        if before is not None and not isinstance(begun, Rejected):
            yield from self.end(before.session.id)
        return begun

    def user_of(self, caller: LoggedInUser) -> Flow[User | None]:
        """The user of the caller, as it is now."""
        return checked_user((yield from Ask(self.kept.users.find_by_id, caller.user.id)), "find_by_id")

    def only(self, caller: LoggedInUser, user: User) -> Flow[tuple[str, str]]:
        """End all that a user has but the session of a caller who has just proved the password.

        A copy of its cookie ends too, and with it what it has opened (ASVS 7.4.3).

        Returns:
            The header that sets another cookie for the session.
        """
        at = self._clock()
        yield from revoke_before(self.kept, user.id, at)
        yield from self.end_others(caller)
        proved_at = max(self._clock(), nextafter(at, inf))  # later than what is revoked
        renewed = yield from self.scheme.sessions.renew_by_proof(
            caller.session, caller.token, user, authenticated_at=proved_at
        )
        return self.scheme.cleared if renewed is None else self.scheme.setting(*renewed)

    def end(self, session_id: str) -> Flow[None]:
        """End a browser session."""
        yield from end_browser_session(self.kept, self.kept.browser_sessions, session_id)

    def end_presented(self, request: RequestHead) -> Flow[tuple[BrowserSession, ...]]:
        """End the session of the cookie of `request`.

        A value that was replaced ends its session too: whoever logs out means the session. What has ended before is
        ended again, since that may have been interrupted.

        Returns:
            The sessions that lived until now.
        """
        ended: tuple[BrowserSession, ...] = ()
        for value in cookies_named(request, self.scheme.cookie)[:2]:
            token = SessionToken.parse(value)
            session = None
            if token is not None:
                session = yield from Ask(self.kept.browser_sessions.find_session, token.key)
            if token is None or session is None:
                continue
            if same_digest(token.digest, session.current) or same_digest(token.digest, session.previous):
                if session.is_live(self._clock()):
                    ended += (session,)
                yield from self.end(session.id)
                self.scheme.sessions.forget(value)
        return ended

    def end_own(self, caller: LoggedInUser, session_id: str) -> Flow[bool]:
        """End a session of the caller: a browser session, or a chain of refresh tokens. False where it has none."""
        subject = caller.user.id
        browsers, families = yield from self.of_user(subject)
        if any(each.id == session_id for each in browsers):
            yield from self.end(session_id)
            return True
        if any(each.id == session_id for each in families):
            yield from end_session(self.kept, session_id)
            return True
        return False

    def end_everything(self, caller: LoggedInUser) -> Flow[int]:
        """End every session of the caller, and revoke every token; the number of sessions that ended."""
        self.scheme.sessions.forget(caller.value)
        return (yield from end_user(self.kept, caller.user.id))

    def end_others(self, caller: LoggedInUser) -> Flow[int]:
        """End every session of the caller but the one of this request; the number of sessions that ended."""
        return (yield from end_other_sessions(self.kept, caller.user.id, caller.session))

    def of_user(self, subject: str) -> Flow[tuple[tuple[BrowserSession, ...], tuple[RefreshFamily, ...]]]:
        """The live browser sessions and the live chains of refresh tokens of a user."""
        at = self._clock()
        browsers = yield from Ask(self.kept.browser_sessions.sessions_of, subject, at)
        families = yield from Ask(self.kept.families.families_of, subject, at)
        return browsers, families

    def _unless_revoked(
        self, session: BrowserSession, value: str, authenticated_at: float
    ) -> Flow[tuple[BrowserSession, tuple[str, str]] | Rejected]:
        """The session and its cookie, unless the user was disabled or changed during the login.

        Such a change ends the sessions that it finds. This one may not have been there yet.
        """
        revocations = yield from Ask(self.kept.revocations.find_revocations, (("user", session.subject),))
        user = checked_user((yield from Ask(self.kept.users.find_by_id, session.subject)), "find_by_id")
        is_gone = user is None or user.disabled
        if not is_gone and all(each.at < authenticated_at for each in revocations):
            return session, self.scheme.setting(session, value)
        yield from self.end(session.id)
        return Rejected(Reason.SESSION_ENDED, f"{session.id} was overtaken by a change of its user")

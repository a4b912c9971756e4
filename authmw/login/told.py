"""Log records and events of the login pages, by the logger ``authmw.login`` at INFO.

No user name of a failed login is told: people type passwords into that field.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from time import perf_counter
from typing import Final

from authmw.events import log
from authmw.events.hub import hub
from authmw.events.records import LoggedIn, LoginFailed, UserChanged
from authmw.http.request import RequestHead
from authmw.identity.calling import active_call
from authmw.identity.verdict import Rejected
from authmw.stores.records import User
from authmw.stores.session_records import BrowserSession

logger: Final = logging.getLogger("authmw.login")


class Told:
    """What is told of one request.

    Args:
        request: the request, for its source.
    """

    __slots__ = ("_began", "_request")

    def __init__(self, request: RequestHead) -> None:
        self._request = request
        self._began = perf_counter()

    def logged_in(self, user: User, session: str) -> None:
        """A session began, or was renewed by a login."""
        if hub.listening:
            took = perf_counter() - self._began
            hub.emit(LoggedIn(principal=user.id, session=session, source=self._request.client, seconds=took))
        self._write("logged in", principal=user.id, session=session)

    def refused(self, rejected: Rejected) -> None:
        """A login failed, or the proof of an old password."""
        code = rejected.reason.code
        if hub.listening:
            took = perf_counter() - self._began
            hub.emit(LoginFailed(code=code, source=self._request.client, seconds=took))
        self._write("login failed", code=code, detail=rejected.detail)

    def logged_out(self, principal: str, session: str) -> None:
        """A session was ended by its user."""
        self._write("logged out", principal=principal, session=session)

    def ended(self, sessions: Iterable[BrowserSession]) -> None:
        """Sessions were ended by those who presented them."""
        for each in sessions:
            self.logged_out(each.subject, each.id)

    def changed(self, principal: str, change: str) -> None:
        """The user changed its password or verified its address."""
        if hub.listening:
            hub.emit(UserChanged(principal=principal, change=change))
        self._write(f"changed {change}", principal=principal)

    def asked_for_link(self, mails: int) -> None:
        """Somebody asked for a new password."""
        self._write("asked for a new password", mails=mails)

    def _write(self, event: str, **more: log.Field) -> None:
        call = active_call()
        debug = self._request.debug or (call is not None and call.request.debug)
        if log.is_written(logger, logging.INFO, debug=debug):
            log.write(logger, logging.INFO, event, {"source": self._request.client, **more}, debug=debug)

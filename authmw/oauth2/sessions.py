"""Log out here, log out everywhere: the logins of users, listed and ended.

A session is a refresh family. What ending one does is in `authmw.oauth2.ending`.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from authmw.flow.flow import Ask, Flow, run, run_async
from authmw.flow.pool import WorkPool
from authmw.oauth2.ending import TokenStores, end_client, end_session, end_user, refuse_access_tokens
from authmw.stores.records import RefreshFamily

T = TypeVar("T")


class SessionStores(TokenStores, Protocol):
    """The stores of sessions, and how they are asked."""

    @property
    def pool(self) -> WorkPool:
        """The threads for slow work."""

    @property
    def store_timeout(self) -> float:
        """Seconds that a store may take to answer on an event loop."""


class Sessions:
    """The sessions of users, for the pages and commands of an application that is served by WSGI.

    Who may end what is for the application to decide: `subject` has to come from whoever is authenticated.

    Args:
        service: the token service that began the sessions.

    >>> from authmw.stores.memory import MemoryStores
    >>> from authmw.oauth2.service import TokenService
    >>> service = TokenService(issuer="https://id.example", audience="orders", stores=MemoryStores())
    >>> Sessions(service).list("alice")
    ()
    >>> Sessions(service).end_all("alice")
    0
    """

    def __init__(self, service: SessionStores) -> None:
        self._service = service

    def list(self, subject: str) -> tuple[RefreshFamily, ...]:
        """The sessions of the user with the id `subject` that go on, oldest first.

        The ``id`` of each is the ``sid`` of its access tokens: so a page can tell the one it is shown in.
        """
        return self._run(list_sessions(self._service, subject))

    def end(self, session_id: str, *, subject: str) -> bool:
        """End one session of `subject`; False where there is none of that id that goes on and is theirs."""
        return self._run(end_own_session(self._service, session_id, subject))

    def end_all(self, subject: str) -> int:
        """End every session of `subject`, and refuse every access token, from a session or not; how many ended."""
        return self._run(end_user(self._service, subject))

    def end_client(self, client_id: str) -> int:
        """End every session that was given to a client, and refuse every token of it; how many ended.

        The client itself is not refused: it may get new ones, unless it is disabled.
        """
        return self._run(end_client(self._service, client_id))

    def _run(self, flow: Flow[T]) -> T:
        return run(flow, pool=self._service.pool)


class AsyncSessions:
    """The same for an application on an event loop: ``await AsyncSessions(service).end_all("alice")``.

    Args:
        service: the token service that began the sessions.
    """

    def __init__(self, service: SessionStores) -> None:
        self._service = service

    async def list(self, subject: str) -> tuple[RefreshFamily, ...]:
        """See `Sessions.list`."""
        return await self._run(list_sessions(self._service, subject))

    async def end(self, session_id: str, *, subject: str) -> bool:
        """See `Sessions.end`."""
        return await self._run(end_own_session(self._service, session_id, subject))

    async def end_all(self, subject: str) -> int:
        """See `Sessions.end_all`."""
        return await self._run(end_user(self._service, subject))

    async def end_client(self, client_id: str) -> int:
        """See `Sessions.end_client`."""
        return await self._run(end_client(self._service, client_id))

    async def _run(self, flow: Flow[T]) -> T:
        return await run_async(flow, pool=self._service.pool, store_timeout=self._service.store_timeout)


def list_sessions(service: TokenStores, subject: str) -> Flow[tuple[RefreshFamily, ...]]:
    """The sessions of a user that go on, oldest first."""
    return (yield from Ask(service.families.families_of, subject, service.clock()))


def end_own_session(service: TokenStores, session_id: str, subject: str) -> Flow[bool]:
    """End a session of `subject`; whether there was one."""
    live = yield from list_sessions(service, subject)
    if all(family.id != session_id for family in live):
        return False
    # First, as well as last: one that has ended is listed no more, so that whoever was interrupted after that would
    # not find it again, and its access tokens would live on.
    yield from refuse_access_tokens(service, session_id, service.clock())
    yield from end_session(service, session_id)
    return True

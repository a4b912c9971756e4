"""Sessions of users, for an application to list and to end: one of them, or all.

A session is a refresh family. `authmw.stores.revocation` says what ending one does.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from authmw.flow.flow import Ask, Flow, run, run_async
from authmw.flow.pool import WorkPool
from authmw.stores.records import RefreshFamily
from authmw.stores.revocation import TokenStores, end_client, end_session, end_user, refuse_access_tokens

T = TypeVar("T")


class SessionStores(TokenStores, Protocol):
    """The stores of sessions, and how they are asked."""

    @property
    def pool(self) -> WorkPool:
        """The threads for slow work."""
        ...

    @property
    def store_timeout(self) -> float:
        """Seconds that a store may take to answer on an event loop."""
        ...


class Sessions:
    """The sessions of users, for the pages and commands of an application that is served by WSGI.

    The application decides who may end what: take `subject` from the authenticated principal, never from the request.

    Args:
        service: the token service that began the sessions.

    >>> from authmw.stores import MemoryStores
    >>> from authmw.oauth2 import TokenService
    >>> service = TokenService(issuer="https://id.example", audience="orders", stores=MemoryStores())
    >>> Sessions(service).list("alice")
    ()
    >>> Sessions(service).end_all("alice")
    0
    """

    def __init__(self, service: SessionStores) -> None:
        self._service = service

    def list(self, subject: str) -> tuple[RefreshFamily, ...]:
        """The live sessions of the user with the id `subject`, oldest first.

        The ``id`` of each is the ``sid`` of its access tokens, so that a page can mark the one it is shown in.
        """
        return self._run(list_sessions(self._service, subject))

    def end(self, session_id: str, *, subject: str) -> bool:
        """End one session; False where `subject` has no live session of that id."""
        return self._run(end_own_session(self._service, session_id, subject))

    def end_all(self, subject: str) -> int:
        """End every session of `subject`, and revoke every access token; the number of sessions that ended."""
        return self._run(end_user(self._service, subject))

    def end_client(self, client_id: str) -> int:
        """End every session of a client, and revoke every token of it; the number of sessions that ended.

        The client itself is not disabled: it may get new tokens.
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
    """The live sessions of a user, oldest first."""
    return (yield from Ask(service.families.families_of, subject, service.clock()))


def end_own_session(service: TokenStores, session_id: str, subject: str) -> Flow[bool]:
    """End a live session of `subject`. Returns whether there was one."""
    live = yield from list_sessions(service, subject)
    if all(family.id != session_id for family in live):
        return False
    # First, as well as last: a session that has ended is not listed. If this were interrupted in between, a repetition
    # would not find the session, and its access tokens would stay valid.
    yield from refuse_access_tokens(service, session_id, service.clock())
    yield from end_session(service, session_id)
    return True

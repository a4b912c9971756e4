"""Log out here, log out everywhere: the logins of users, listed and ended.

A session is a refresh family. Ending one writes in this order: the family, so that nothing is refreshed any more; its
opaque access tokens; and then what every process follows, so that what is published tells that the rest was done. Each
of these may be done twice, and whoever was interrupted does them all again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from authmw.flow import Ask, Flow, run, run_async
from authmw.oauth2.access_tokens import refuse_login
from authmw.oauth2.kept import Kept
from authmw.ports import RefreshFamily, Revocation

if TYPE_CHECKING:
    from authmw.oauth2.service import TokenService

T = TypeVar("T")


class Sessions:
    """The sessions of users, for the pages and commands of an application that is served by WSGI.

    Who may end what is for the application to decide: `subject` has to come from whoever is authenticated.

    Args:
        service: the token service that began the sessions.

    >>> from authmw.memory import MemoryStores
    >>> from authmw.oauth2.service import TokenService
    >>> service = TokenService(issuer="https://id.example", stores=MemoryStores(), audience="orders")
    >>> Sessions(service).list("alice")
    ()
    >>> Sessions(service).end_all("alice")
    0
    """

    def __init__(self, service: TokenService) -> None:
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

    def __init__(self, service: TokenService) -> None:
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


def list_sessions(service: Kept, subject: str) -> Flow[tuple[RefreshFamily, ...]]:
    """The sessions of a user that go on, oldest first."""
    return (yield from Ask(service.families.families_of, subject, service.clock()))


def end_session(service: Kept, session_id: str) -> Flow[None]:
    """End a session, whoever's it is. Again does everything again."""
    now = service.clock()
    yield from Ask(service.families.end_family, session_id, now)
    yield from refuse_login(service, session_id, now)


def end_own_session(service: Kept, session_id: str, subject: str) -> Flow[bool]:
    """End a session of `subject`; whether there was one."""
    live = yield from list_sessions(service, subject)
    if all(family.id != session_id for family in live):
        return False
    # First, as well as last: one that has ended is listed no more, so that whoever was interrupted after that would
    # not find it again, and its access tokens would live on.
    yield from refuse_login(service, session_id, service.clock())
    yield from end_session(service, session_id)
    return True


def end_user(service: Kept, subject: str) -> Flow[int]:
    """End all sessions of a user and refuse every access token; how many ended."""
    now = service.clock()
    ended = yield from Ask(service.families.end_families, subject, now)
    yield from Ask(service.tokens.revoke_subject_tokens, subject, now)
    return (yield from _publish(service, Revocation.of_user(subject, now), ended))


def end_client(service: Kept, client_id: str) -> Flow[int]:
    """End all sessions of a client and refuse every token of it; how many ended."""
    now = service.clock()
    ended = yield from Ask(service.families.end_client_families, client_id, now)
    yield from Ask(service.tokens.revoke_client_tokens, client_id, now)
    return (yield from _publish(service, Revocation.of_client(client_id, now), ended))


def _publish(service: Kept, revocation: Revocation, ended: tuple[RefreshFamily, ...]) -> Flow[int]:
    yield from Ask(service.revocations.publish, revocation)
    # Each by itself too: an ``iat`` has whole seconds, and of the second of a logout only the family tells which
    # tokens are from before it.
    for family in ended:
        yield from Ask(service.revocations.publish, Revocation.of_family(family.id, revocation.at))
    return len(ended)

"""Loading of the application's own user object for a principal: once in a request, in both drivers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from authmw.errors import ConfigurationError
from authmw.flow.call_mode import CallMode
from authmw.flow.flow import Ask, Flow, run, run_async
from authmw.flow.pool import WorkPool, is_on_event_loop
from authmw.flow.shared_flow import shared
from authmw.flow.single_flight import SingleFlight
from authmw.http.request import RequestHead, WSGIRequest
from authmw.identity.principal import Principal

LoadUser = Callable[[Principal], object]
"""A function of the principal, ``def`` or ``async def``, that returns the user object; None if there is none."""


class Keeper(Protocol):
    """What keeps the loaded user for one request: the call."""

    own_user: tuple[Principal, object] | None
    """The principal that a user was loaded for, and the user; None before that."""

    @property
    def request(self) -> RequestHead:
        """The head of the request."""
        ...


class UserLoading:
    """Loads users by `load`. All that ask at once for the user of one request share one call of it.

    Args:
        load: the function of the application.
        pool: for the driver of WSGI.
        store_timeout: seconds that `load` may take under ASGI.
    """

    def __init__(self, load: LoadUser, pool: WorkPool, store_timeout: float) -> None:
        self._load = load
        self._pool = pool
        self._store_timeout = store_timeout
        # A call that others wait for is given up after that many seconds, and one of them makes its own.
        self._flights = SingleFlight[object](longest=30.0)

    def load(self, keeper: Keeper, principal: Principal, asked: str) -> object:
        """The user of `principal`, or None.

        Args:
            keeper: keeps the user for the request.
            principal: an authenticated principal.
            asked: the name of the class that was asked for, for the error message.

        Raises:
            ConfigurationError: `load` would block an event loop, or has to be awaited.
            Unavailable: `load` raised.
        """
        kept = keeper.own_user
        if kept is not None and kept[0] is principal:
            return kept[1]
        mode = CallMode.of(self._load)
        if mode is CallMode.ASYNC or (mode is not CallMode.NONBLOCKING and _would_block_others(keeper)):
            why = "load_user= is async def" if mode is CallMode.ASYNC else "load_user= would block the event loop"
            raise ConfigurationError(f"{why}: in an async def view write `await current_user_async({asked})`")
        return run(self._user(keeper, principal), pool=self._pool)

    async def load_async(self, keeper: Keeper, principal: Principal, thread: Callable[..., Awaitable[Any]]) -> object:
        """As `load`, on an event loop.

        Args:
            keeper: keeps the user for the request.
            principal: an authenticated principal.
            thread: calls a function that may block on a thread.
        """
        flow = self._user(keeper, principal)
        return await run_async(flow, pool=self._pool, store_timeout=self._store_timeout, thread=thread)

    def _user(self, keeper: Keeper, principal: Principal) -> Flow[object]:
        # The keeper outlives the flight, so nothing else has its `id` meanwhile.
        return shared(self._flights, (id(keeper), id(principal)), lambda: self._loaded(keeper, principal))

    def _loaded(self, keeper: Keeper, principal: Principal) -> Flow[object]:
        kept = keeper.own_user
        if kept is not None and kept[0] is principal:  # another thread has loaded it since this one looked
            return kept[1]
        user: object = yield from Ask(self._load, principal)
        keeper.own_user = principal, user
        return user


def _would_block_others(keeper: Keeper) -> bool:
    """Whether other requests would wait for a function that blocks here. Under WSGI a thread serves one request."""
    return is_on_event_loop() and not isinstance(keeper.request, WSGIRequest)

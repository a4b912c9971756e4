"""Promises to strangers in Starlette: the public endpoint that the route table names has to be the one that is reached.

The table is read in front of all layers of the application. A layer may change the request, or the table itself, and
routes may choose by anything that it writes into the scope. So each router on the way to a public endpoint is asked
again when the request arrives there.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence
from functools import cache
from types import MethodType
from typing import TYPE_CHECKING, Final, NoReturn

from starlette.routing import BaseRoute, Router

from authmw.asgi.routed import Routed, needs_note, routed_here
from authmw.engine.context import Call, call_here, enforce
from authmw.engine.promise import PathPromise, Promise, promises_of
from authmw.http.reasons import Reason
from authmw.http.refusal import AccessRefused, Refusal
from authmw.http.request import ASGIRequest
from authmw.identity.requirement import AUTHENTICATED, Requirement
from authmw_starlette.refusing import let_refusals_through
from authmw_starlette.routers import fallback_of
from authmw_starlette.routes import (
    Step,
    asked_from,
    behind_layers,
    closed_by_dispatch,
    leads_to_misplaced,
    needed,
    owners_of,
    registered_without_wrapper,
)
from authmw_starlette.slots import Slot, slot_of_routes

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from authmw.engine.auth import Auth
    from authmw.http.request import RequestHead
    from authmw.identity.principal import Principal

logger: Final = logging.getLogger("authmw")
_SHOWN: Final = 3
"""Paths by which a router is named in a message."""


class WayPromise(Promise):
    """The promise to a stranger who was let in for one public endpoint of a route table.

    Args:
        steps: the way to the endpoint.
        auth: the engine that let the stranger in.
    """

    def __init__(self, steps: list[Step], auth: Auth) -> None:
        self._steps = steps
        self._auth = auth
        self.kept: bool = not steps  # the application itself is the endpoint
        _place_all(steps)

    def arrive(self, target: object, scope: Scope) -> None:
        """Check that `target` is on the way, and note the end of it.

        Raises:
            AccessRefused: the request would reach an endpoint that is not public.
        """
        index = next((index for index, step in enumerate(self._steps) if step.target is target), None)
        if index is None:
            _refuse(AUTHENTICATED, scope)
        again: list[Step] = []
        requirement = needed(asked_from(self._steps[index], scope, again), self._auth) or AUTHENTICATED
        if not requirement.is_open:
            _refuse(requirement, scope)
        if not _place_all(again[1:]):
            _refuse(AUTHENTICATED, scope)
        self._steps[index:] = again
        if self._steps[-1].target is target:
            self.kept = True


class Checkpoint:
    """Stands in front of a step, inside of all layers around it: strangers are asked for, and predicates get its scope.

    Args:
        app: what is called next.
        target: the step.
    """

    closes = False
    """Whether it lets nobody reach what is registered without its enforcing wrapper."""

    def __init__(self, app: ASGIApp, target: object) -> None:
        self.app = app
        self.target = target

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the connection on."""
        for promise in promises_of(scope):
            if isinstance(promise, WayPromise):
                promise.arrive(self.target, scope)
            elif isinstance(promise, PathPromise):
                self._look_at(promise, scope)
        if self.closes and leads_to_misplaced(self.target, scope):
            _refuse(_MISPLACED, scope)
        call = call_here()
        if call is None or not needs_note(call, scope):
            return self.app(scope, receive, send)
        return self._pass(call, scope, receive, send)

    async def _pass(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        routed = Routed(call, scope)
        token = routed_here.set(routed)
        try:
            await self.app(scope, receive, send)
        finally:
            routed.end()
            routed_here.reset(token)

    def _look_at(self, promise: PathPromise, scope: Scope) -> None:
        """Refuse a stranger whom a layer leads away from the public path to an endpoint that is not public.

        A layer further in may do so too. So there are checkpoints on all of the way, also in what was mounted since.
        """
        call, way = call_here(), list[Step]()
        asked = asked_from(Step(self.target, None, (), ""), scope, way)
        if not promise.holds(ASGIRequest(scope), self.target):
            requirement = needed(asked, None if call is None else call.auth) or AUTHENTICATED
            if not requirement.is_open:
                _refuse(requirement, scope)
        if not _place_all(way[1:]) or not place_everywhere(fallback_of(self.target)):
            _refuse(AUTHENTICATED, scope)


def place_everywhere(app: object) -> bool:
    """Put a checkpoint behind the layers of each router and route of `app` and of what it mounts.

    Returns:
        False if a router hides where it calls its routes.
    """
    steps = [
        step
        for owner in owners_of(app)
        for step in (Step(getattr(owner, "router", owner), None, (), ""), *behind_layers(owner))
    ]
    hiding = [step for step in steps if not _place(step) and isinstance(step.target, Router)]
    return not hiding


def close_misplaced(app: object) -> bool:
    """Let nobody reach what is registered in `app` without its enforcing wrapper. False if a router hides its calls."""
    place_everywhere(app)
    hides = False
    for owner in owners_of(app):
        slot = _slot_of(getattr(owner, "router", owner))
        if slot is not None:
            slot.held.closes = True
        elif registered_without_wrapper(owner):
            hides = True
    return not hides


def misplaced_endpoint(principal: Principal, request: RequestHead) -> bool:
    """Always False. It is the requirement of an endpoint that was registered without its enforcing wrapper."""
    return False


_MISPLACED: Final = Requirement(predicates=(misplaced_endpoint,))


def warn_of_dispatch(app: object, logged: set[str]) -> None:
    """Log a warning for each class of `app` with a public method that stays closed, since the class dispatches itself.

    Args:
        app: the application.
        logged: the classes that are not named again; new ones are added.
    """
    for name in closed_by_dispatch(app):
        if name not in logged:
            logged.add(name)
            logger.warning(
                "a public method of %s needs credentials, since the class chooses itself what answers a request, by "
                "dispatch or __init__: mark the class @public if all of it is, or leave the choice to HTTPEndpoint",
                name,
            )


def hiding_routers(app: object) -> tuple[str, ...]:
    """A sentence for each router of `app` whose layers do not show where its routes are called.

    Such a layer could lead a stranger away from a public path, and no checkpoint would see it.
    """
    routers = {
        id(each): each for owner in owners_of(app) if isinstance(each := getattr(owner, "router", owner), Router)
    }
    return tuple(
        f"a router with the routes {', '.join(_paths_of(each))} has a layer, or __call__ or app of its own class, "
        "that does not show what it calls, and could lead from a public path to any of them: keep what the layer calls "
        "in an attribute, as app, make the class a layer, or leave out public="
        for each in routers.values()
        if _slot_of(each) is None
    )


def _paths_of(router: Router) -> list[str]:
    return [str(getattr(route, "path", route)) for route in router.routes][:_SHOWN]


def _refuse(requirement: Requirement, scope: Scope) -> NoReturn:
    let_refusals_through(scope)
    enforce(requirement)
    call = call_here()
    # A guard further in has authenticated the caller by other credentials.
    raise AccessRefused(Refusal(Reason.CREDENTIALS_MISSING, pages="" if call is None else call.auth.reason_pages))


def _place_all(steps: Sequence[Step]) -> bool:
    """Put a checkpoint in front of each step. False if one of them does not show where it is called."""
    hiding = [step.target for step in steps if not _place(step) and isinstance(step.target, Router | BaseRoute)]
    for target in hiding:
        _log_hidden(type(target).__qualname__)
    return not hiding


def _place(step: Step) -> bool:
    """Put a checkpoint in front of a step, if there is none. False if the step does not show how it is called."""
    if step.holder is not None:
        # Once it is there, it is itself the innermost that calls something by ``app``.
        if Checkpoint not in (type(step.holder), type(step.holder.app)):
            step.holder.app = Checkpoint(step.holder.app, step.target)
        return True
    slot = _slot_of(step.target)
    if slot is None:
        return False
    if type(slot.held) is not Checkpoint:
        slot.put(Checkpoint(slot.held, step.target))
    return True


def _slot_of(router: object) -> Slot | None:
    if not isinstance(router, Router) or _leads_elsewhere(router):
        return None
    return slot_of_routes(router, lambda called: _calls_routes(called, router))


def _leads_elsewhere(router: Router) -> bool:
    """Whether `router` is of a program's own class, whose ``__call__`` or ``app`` no checkpoint stands behind."""
    kinds = type(router).__mro__
    defining = (next(kind for kind in kinds if name in vars(kind)) for name in ("__call__", "app"))
    return not all(kind.__module__.startswith(("starlette.", "fastapi.")) for kind in defining)


def _is_checkpoint_of(target: object, called: object) -> bool:
    return type(called) is Checkpoint and called.target is target


def _calls_routes(called: object, router: Router) -> bool:
    return called == router.app if isinstance(called, MethodType) else _is_checkpoint_of(router, called)


@cache
def _log_hidden(name: str) -> None:
    logger.error(
        "no caller without credentials reaches the endpoints of a %s, since a layer of it does not show what it calls: "
        "keep that in an attribute, as app, or name the public paths by public=",
        name,
    )

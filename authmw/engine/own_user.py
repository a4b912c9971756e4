"""The application's own user object of the caller: `current_user` and `current_user_async`.

The credential is verified, and the requirements of the view are checked, before and without it.
"""

from __future__ import annotations

from typing import Final, TypeVar

from authmw.engine.context import Call, call_here
from authmw.engine.user_loading import UserLoading
from authmw.errors import ConfigurationError
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.calling import outside_of_a_call
from authmw.identity.principal import Principal
from authmw.identity.requirement import Requirement
from authmw.identity.verdict import Rejected

T = TypeVar("T")


def current_user(kind: type[T]) -> T:
    """The user object of the caller of this request, as ``Auth(load_user=...)`` loads it: once in a request.

    For views that are ``def``. In an ``async def`` write ``await current_user_async(Account)``.

    Args:
        kind: the class of the user object. It is checked, so that the type is true.

    Raises:
        AccessRefused: there is no caller (401), the caller is a client that acts for itself (403), or there is no such
            user any more (401 ``authmw.token-user-gone``). The middleware makes the response from it.
        Unavailable: ``load_user`` raised. The middleware answers 503.
        ConfigurationError: no ``load_user`` is set, it returned something else than a `kind`, it is ``async def``, or
            it would block the event loop.

    >>> from authmw import Auth, HTTPBearer, acting_as
    >>> auth = Auth(HTTPBearer(), load_user=lambda principal: f"{principal.id}@example.org")
    >>> with acting_as(Principal("alice"), auth):
    ...     current_user(str)
    'alice@example.org'
    """
    call = _call()
    principal = call.authentication.principal
    loading = _loading(call, principal, kind)
    user = _kept(call, principal) if loading is None else loading.load(call, principal, kind.__name__)
    return _checked(call, principal, user, kind)


async def current_user_async(kind: type[T]) -> T:
    """As `current_user`, for ``async def`` views: `load_user` may be ``def`` or ``async def``.

    A ``def`` is called on a thread. One that takes longer than ``Auth(store_timeout=...)`` is a 503.
    """
    call = _call()
    return await user_of(call, call.authentication.principal, kind)


async def user_of(call: Call, principal: Principal, kind: type[T]) -> T:
    """The user object of `principal` in the request of `call`; see `current_user_async`."""
    loading = _loading(call, principal, kind)
    if loading is None:
        return _checked(call, principal, _kept(call, principal), kind)
    return _checked(call, principal, await loading.load_async(call, principal, call.request.call_blocking), kind)


def _call() -> Call:
    call = call_here()
    if call is None:
        raise outside_of_a_call()
    return call


def _kept(call: Call, principal: Principal) -> object:
    kept = call.own_user
    return kept[1] if kept is not None and kept[0] is principal else None


def _loading(call: Call, principal: Principal, kind: type) -> UserLoading | None:
    """What loads the user of a caller who may have one; None where an adapter has put it into the call."""
    if not isinstance(kind, type):  # pyright: ignore[reportUnnecessaryIsInstance] - not all callers check types
        raise ConfigurationError(f"current_user takes the class of your user object, as Account, not {kind!r}")
    loading = call.auth.user_loading
    if _kept(call, principal) is not None:
        return loading
    call.enforce(_USER, principal)
    if loading is None:
        name = kind.__name__
        raise ConfigurationError(
            f"nothing says how to find the {name} of a caller: write Auth(..., load_user=load_user), a function of the "
            f"principal that returns the {name} or None"
        )
    return loading


def _checked(call: Call, principal: Principal, user: object, kind: type[T]) -> T:
    if user is None:
        rejected = Rejected(Reason.TOKEN_USER_GONE, f"load_user finds nobody with the id {principal.id!r}")
        raise call.refuse(call.auth.reject(call.authentication, rejected, call.request))
    if not isinstance(user, kind):
        raise ConfigurationError(f"load_user returned a {type(user).__name__}, where a {kind.__name__} was asked for")
    return user


def is_a_user(principal: Principal, request: RequestHead) -> bool:
    """Whether a principal can have a user object: a client that acts for itself has none."""
    return principal.kind != "client"


_USER: Final = Requirement(predicates=(is_a_user,))

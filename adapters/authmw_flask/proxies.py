"""Proxies of the current principal, in the manner of Flask's ``request`` and ``g``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from werkzeug.local import LocalProxy

from authmw.engine import context, own_user
from authmw.identity.principal import Principal

T = TypeVar("T")

if TYPE_CHECKING:

    class CurrentPrincipal(Principal):
        """A principal that may also be called, as `authmw.current_principal` is."""

        def __call__(self) -> Principal:
            """The principal itself."""
            ...

    class CurrentUser(Principal):
        """A principal that may also be called, as `authmw.current_user` is."""

        @overload
        def __call__(self) -> Principal: ...
        @overload
        def __call__(self, kind: type[T]) -> T: ...
        def __call__(self, kind: type[Any] | None = None) -> Any:
            """The principal itself, or its user object."""
            ...


class _Proxy(LocalProxy[Principal]):
    def __call__(self) -> Principal:
        return context.current_principal()


class _UserProxy(LocalProxy[Principal]):
    def __call__(self, kind: type[Any] | None = None) -> Any:
        return context.current_principal() if kind is None else own_user.current_user(kind)


# Typed as the object that it stands for, as Flask types its own proxies.
current_principal: CurrentPrincipal = cast("CurrentPrincipal", _Proxy(context.current_principal))
"""The caller: the principal of the request that is being served; anonymous outside of a request.

``current_principal().id`` works as well, so that it does not matter which ``current_principal`` was imported.
"""

current_user: CurrentUser = cast("CurrentUser", _UserProxy(context.current_principal))
"""A proxy of the principal too, under the name that is usual in Flask applications.

``current_user(Account)`` is the application's own user object: see `authmw.current_user`.
"""

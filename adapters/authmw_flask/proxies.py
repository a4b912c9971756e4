"""Proxies of the current principal, in the manner of Flask's ``request`` and ``g``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from werkzeug.local import LocalProxy

from authmw.engine import context, own_user
from authmw.engine.user_view import UserView
from authmw.identity.principal import Principal

T = TypeVar("T")

if TYPE_CHECKING:

    class CurrentPrincipal(Principal):
        """A principal that may also be called, as `authmw.current_principal` is."""

        def __call__(self) -> Principal:
            """The principal itself."""
            ...

    class CurrentUser(Principal):
        """The user object or the principal, which may also be called, as `authmw.current_user` is."""

        is_anonymous: bool
        is_active: bool

        def get_id(self) -> str | None:
            """The identifier, as Flask-Login calls it; None without a caller."""
            ...

        def __getattr__(self, name: str) -> Any:
            """An attribute of the user object."""
            ...

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


class _UserProxy(LocalProxy[Any]):
    @property
    def is_authenticated(self) -> bool:
        return UserView.here().is_authenticated

    @property
    def is_anonymous(self) -> bool:
        return UserView.here().is_anonymous

    @property
    def is_active(self) -> bool:
        return UserView.here().is_active

    def get_id(self) -> str | None:
        return UserView.here().get_id()

    def __getattr__(self, name: str) -> Any:
        return getattr(UserView.here(), name)

    def __call__(self, kind: type[Any] | None = None) -> Any:
        return context.current_principal() if kind is None else own_user.current_user(kind)


# Typed as the object that it stands for, as Flask types its own proxies.
current_principal: CurrentPrincipal = cast("CurrentPrincipal", _Proxy(context.current_principal))
"""The caller: the principal of the request that is being served; anonymous outside of a request.

``current_principal().id`` works as well, so that it does not matter which ``current_principal`` was imported.
"""

current_user: CurrentUser = cast("CurrentUser", _UserProxy(lambda: UserView.here().behind))
"""The caller as Flask-Login knows one: the user object of ``Auth(load_user=...)``, or else the principal.

An attribute that the user object has is that of the user object, and any other one is that of the principal. There are
``is_authenticated``, ``is_active``, ``is_anonymous`` and ``get_id()`` in any case, also without a caller. Templates
have it under this name.

``current_user(Account)`` is the user object with its type: see `authmw.current_user`.
"""

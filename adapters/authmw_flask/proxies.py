"""Proxy of the current principal, in the manner of Flask's ``request`` and ``g``."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from werkzeug.local import LocalProxy

from authmw.engine import context
from authmw.identity.principal import Principal

if TYPE_CHECKING:

    class CurrentPrincipal(Principal):
        """A principal that may also be called, as `authmw.current_principal` is."""

        def __call__(self) -> Principal:
            """The principal itself."""
            ...


class _Proxy(LocalProxy[Principal]):
    def __call__(self) -> Principal:
        return context.current_principal()


# Typed as the object that it stands for, as Flask types its own proxies.
current_principal: CurrentPrincipal = cast("CurrentPrincipal", _Proxy(context.current_principal))
"""The caller: the principal of the request that is being served; anonymous outside of a request.

``current_principal().id`` works as well, so that it does not matter which ``current_principal`` was imported.
"""

current_user: CurrentPrincipal = current_principal
"""The same proxy under the name that is usual in Flask applications."""

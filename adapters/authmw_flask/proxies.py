"""The current principal, the way Flask hands out ``request`` and ``g``: as a proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from werkzeug.local import LocalProxy

from authmw.engine import context
from authmw.identity.principal import Principal

if TYPE_CHECKING:

    class CurrentPrincipal(Principal):
        """A principal that may be called for, as `authmw.current_principal` is."""

        def __call__(self) -> Principal:
            """The principal itself."""
            ...


class _Proxy(LocalProxy[Principal]):
    def __call__(self) -> Principal:
        return context.current_principal()


# Typed as what it stands for, as Flask types its own proxies.
current_principal: CurrentPrincipal = cast("CurrentPrincipal", _Proxy(context.current_principal))
"""Who is calling: the principal of the request being served here, anonymous outside of one.

``current_principal().id`` works as well, so that it does not matter which ``current_principal`` was imported.
"""

current_user: CurrentPrincipal = current_principal
"""The same under the name that Flask applications know."""

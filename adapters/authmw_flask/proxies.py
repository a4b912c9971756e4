"""The current principal, the way Flask hands out ``request`` and ``g``: as a proxy."""

from __future__ import annotations

from typing import cast

from werkzeug.local import LocalProxy

from authmw import context
from authmw.principal import Principal

# Typed as what it stands for, as Flask types its own proxies.
current_principal: Principal = cast("Principal", LocalProxy(context.current_principal))
"""Who is calling: the principal of the request being served here, anonymous outside of one."""

current_user: Principal = current_principal
"""The same under the name that Flask applications know."""

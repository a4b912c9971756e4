"""Scopes that operations need and ``Auth(scopes=...)`` does not have: mostly misspelt, and then a 403 for everyone."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from authmw.engine.auth import Auth
from authmw.errors import nearest

logger: Final = logging.getLogger("authmw")


def undeclared(needed: Iterable[tuple[str, str]], auth: Auth) -> list[str]:
    """A sentence for each scope that `auth` does not declare. None where it declares no scopes at all.

    Args:
        needed: who needs a scope, and the scope.
        auth: the engine in front.

    >>> from authmw import HTTPBearer
    >>> auth = Auth(HTTPBearer(), scopes={"orders:read": "See orders"})
    >>> undeclared([("orders", "order:read")], auth)
    ['orders needs "order:read", which is not in Auth(scopes=...): write "orders:read"']
    """
    if not auth.scopes:
        return []
    found: dict[str, None] = {}
    for place, scope in needed:
        if scope not in auth.scopes:
            near = nearest(scope, auth.scopes)
            line = f'write "{near}"' if near else f'add it, as Auth(..., scopes={{"{scope}": "..."}})'
            told = f'{place} needs "{scope}", which is not in Auth(scopes=...): {line}'
            found[told] = None
    return list(found)


def warn_of_undeclared(needed: Iterable[tuple[str, str]], auth: Auth, logged: set[str] | None = None) -> None:
    """Log a warning for each scope that `auth` does not declare, when an application starts.

    It is no error: the operation is closed, and an application may have declared some of its scopes only.

    Args:
        needed: who needs a scope, and the scope.
        auth: the engine in front.
        logged: the warnings that are not repeated; new ones are added.
    """
    for sentence in undeclared(needed, auth):
        if logged is None or sentence not in logged:
            logger.warning("%s", sentence)
        if logged is not None:
            logged.add(sentence)

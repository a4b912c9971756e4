"""Dispatchers of class-based views: they run in front of the method that answers, and may call another one.

Those of Django and of Django REST framework call the method that the request names. One of the project may take the
name from a header, or answer itself. So a stranger who is let in for one method gets to such a class only where that
opens nothing else.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any, Final

from authmw.engine.reached import chain_of

_NAMES: Final = ("setup", "dispatch", "initialize_request", "initial")
_KNOWN: Final = frozenset({"django", "rest_framework", "authmw"})
"""Packages whose dispatchers call the method that the request names."""


def own_dispatchers(view_class: type) -> dict[str, int]:
    """The dispatchers that are the project's: name → the place of the class that defines it among all inherited."""
    found: dict[str, int] = {}
    for name in _NAMES:
        own = next((each for each in chain_of(getattr(view_class, name, None)) if not is_known(each)), None)
        if own is not None:
            inherited = enumerate(view_class.__mro__)
            around = [place for place, kind in inherited if _is_among(own, chain_of(vars(kind).get(name)))]
            found[name] = around[-1] if around else 0
    return found


def stands_above(place: int, view_class: type, handler: str) -> bool:
    """Whether the class at `place` is the one that defines the method `handler`, or one that this class inherits."""
    declaring = next((kind for kind in view_class.__mro__ if handler in vars(kind)), object)
    return issubclass(declaring, view_class.__mro__[place])


def is_known(function: object) -> bool:
    """Whether `function` is of Django, of Django REST framework, or a wrapper of authmw."""
    if not isinstance(function, FunctionType):
        return False
    return str(function.__globals__.get("__name__", "")).partition(".")[0] in _KNOWN


def _is_among(one: object, several: Any) -> bool:
    return any(each is one for each in several)

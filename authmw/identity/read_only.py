"""Read-only dict, for the claims of a principal. JSON encoders take it for the dict that it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

V = TypeVar("V")


class ReadOnlyDict(dict[str, V]):
    """A dict that cannot be changed. Values may be changed if they can be.

    >>> import json
    >>> json.dumps(ReadOnlyDict(team="a"))
    '{"team": "a"}'
    >>> ReadOnlyDict()["team"] = "b"
    Traceback (most recent call last):
    TypeError: this dict is read-only: change a copy of it, dict(...)
    """

    __slots__ = ()

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("this dict is read-only: change a copy of it, dict(...)")

    if not TYPE_CHECKING:  # type checkers keep the signatures of dict
        __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)

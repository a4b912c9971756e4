"""Several schemes at once: ``|`` for one of them, ``&`` for all of them, as OpenAPI means it."""

from __future__ import annotations

from itertools import product
from typing import Any

from authmw.errors import ConfigurationError
from authmw.schemes.base import Alternatives, SecurityScheme


class _Combined(Alternatives):
    def __init__(self, parts: tuple[Alternatives, ...]) -> None:
        self.parts = parts

    @property
    def schemes(self) -> tuple[SecurityScheme[Any], ...]:
        """Every scheme in it, in the order of declaration."""
        return tuple(scheme for part in self.parts for scheme in part.schemes)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.parts))})"


class OneOf(_Combined):
    """One of the parts: the first that finds credentials of its kind decides."""

    @classmethod
    def of(cls, left: Alternatives, right: Alternatives) -> OneOf:
        """``left | right``, flat."""
        return cls(_flat(cls, left) + _flat(cls, right))


class AllOf(_Combined):
    """All of the parts at once. The last one says who the principal is."""

    @classmethod
    def of(cls, left: Alternatives, right: Alternatives) -> AllOf:
        """``left & right``, flat.

        Raises:
            ConfigurationError: two parts would have to share the one ``Authorization`` header of a request.
        """
        parts = _flat(cls, left) + _flat(cls, right)
        combined = cls(parts)
        if all(_authorizations(way) > 1 for way in ways(combined)):
            raise ConfigurationError(
                "a request has one Authorization header, so two schemes that read it cannot both be needed: "
                "move one to a header of its own (APIKeyHeader), or combine them with |"
            )
        return combined


Way = tuple[SecurityScheme[Any], ...]
"""Schemes that are needed at once. The last one says who it is."""


def ways(accept: Alternatives) -> tuple[Way, ...]:
    """Every way to be let in, in the order in which they are tried.

    >>> from authmw import APIKeyHeader, HTTPBasic, HTTPBearer
    >>> [len(way) for way in ways(APIKeyHeader("X-Site") & (HTTPBearer() | HTTPBasic()) | HTTPBasic())]
    [2, 2, 1]
    """
    if isinstance(accept, OneOf):
        return tuple(way for part in accept.parts for way in ways(part))
    if isinstance(accept, AllOf):
        return tuple(sum(parts, ()) for parts in product(*map(ways, accept.parts)))
    return (accept.schemes,)


def _authorizations(way: Way) -> int:
    """How many of the schemes read the ``Authorization`` header, each once."""
    return len({id(scheme) for scheme in way if scheme.in_authorization})


def _flat(kind: type[_Combined], node: object) -> tuple[Alternatives, ...]:
    if not isinstance(node, Alternatives):
        raise ConfigurationError(
            f"{node!r} is no security scheme: combine schemes, as HTTPBearer(...) | HTTPBasic(...)"
        )
    return node.parts if isinstance(node, kind) else (node,)

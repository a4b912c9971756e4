"""The ``security`` of an operation: what its requirement means, in OpenAPI's words (OpenAPI 3.1.1 §4.8.30).

An operation's security is a list of alternatives. Each is an object with the schemes that are needed at once, each
with the scopes it has to bring. So ``|`` becomes alternatives, ``&`` one object, ``any_of`` an alternative for each
choice. No alternative at all is public; an empty one lets in whoever brings nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

from authmw.openapi.versions import Version
from authmw.schemes.base import Alternatives, SecurityScheme
from authmw.schemes.combined import AllOf, OneOf

if TYPE_CHECKING:
    from authmw.engine import Auth
    from authmw.requirement import Requirement

Alternative = tuple[SecurityScheme[Any], ...]
"""Schemes that are needed at once. The last one says who it is, and so has the scopes."""

SecurityRequirement = dict[str, list[str]]
"""The Security Requirement Object: by the name of each scheme needed, the scopes."""


def security(auth: Auth, requirement: Requirement, version: Version = "3.1") -> list[SecurityRequirement]:
    """The ``security`` of an operation with that requirement.

    Scopes stand where the version allows them: with every scheme in 3.1 (as roles, where it is not OAuth 2), with
    ``oauth2`` and ``openIdConnect`` before. Predicates have no words in OpenAPI.

    Args:
        auth: who may be trusted.
        requirement: what the operation asks for.
        version: of the document.

    >>> from authmw import APIKeyHeader, Auth, HTTPBasic, HTTPBearer, Requirement
    >>> auth = Auth(APIKeyHeader("X-Site") & HTTPBearer() | HTTPBasic())
    >>> security(auth, Requirement.all_of("orders:read"))
    [{'APIKeyHeader': [], 'HTTPBearer': ['orders:read']}, {'HTTPBasic': ['orders:read']}]
    """
    if requirement.is_open and not requirement.optional:
        return []
    found = [
        _written(alternative, scopes, version)
        for alternative in alternatives(auth.accept)
        for scopes in _choices(requirement)
    ]
    if requirement.is_open:
        found.append({})
    return [each for index, each in enumerate(found) if each not in found[:index]]


def alternatives(accept: Alternatives) -> tuple[Alternative, ...]:
    """Every way to be let in, in the order in which they are tried.

    >>> from authmw import HTTPBasic, HTTPBearer
    >>> len(alternatives(HTTPBearer() | HTTPBasic()))
    2
    """
    if isinstance(accept, OneOf):
        return tuple(each for part in accept.parts for each in alternatives(part))
    if isinstance(accept, AllOf):
        return tuple(sum(parts, ()) for parts in product(*map(alternatives, accept.parts)))
    return (accept.schemes,)


def carries_scopes(described: dict[str, Any], version: Version) -> bool:
    """Whether the scheme with that description may have scopes behind its name."""
    return version == "3.1" or described["type"] in ("oauth2", "openIdConnect" if version == "3.0" else "oauth2")


def _choices(requirement: Requirement) -> Iterator[list[str]]:
    """Each set of scopes that is enough."""
    for chosen in product(*(group.scopes for group in requirement.alternatives)):
        yield list(dict.fromkeys(requirement.scopes + chosen))


def _written(alternative: Alternative, scopes: list[str], version: Version) -> SecurityRequirement:
    written: SecurityRequirement = {scheme.name: [] for scheme in alternative}
    identity = alternative[-1]
    if carries_scopes(identity.openapi(), version):
        written[identity.name] = list(scopes)
    return written

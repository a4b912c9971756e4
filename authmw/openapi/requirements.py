"""The ``security`` of an operation: what its requirement means, in OpenAPI's words (OpenAPI 3.1.1 §4.8.30).

An operation's security is a list of alternatives. Each is an object with the schemes that are needed at once, each
with the scopes it has to bring. So ``|`` becomes alternatives, ``&`` one object, ``any_of`` an alternative for each
choice. No alternative at all is public; an empty one lets in whoever brings nothing.

What the engine never lets decide is left out: an alternative that needs all that an earlier one does, since that one
decides before it; and one that needs two kinds of credentials in the one ``Authorization`` header of a request.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

from authmw.identity.requirement import Access
from authmw.openapi.versions import Version
from authmw.schemes.base import Alternatives, Way, ways

if TYPE_CHECKING:
    from authmw.engine.auth import Auth
    from authmw.identity.requirement import Requirement

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
    if requirement.is_open and requirement.access is not Access.OPTIONAL:
        return []
    found = [
        _written(alternative, scopes, version)
        for alternative in alternatives(auth.accept)
        for scopes in _choices(requirement)
    ]
    least = [
        each
        for index, each in enumerate(found)
        if each not in found[:index] and not any(_asks_for_less(other, each) for other in found)
    ]
    return [*least, {}] if requirement.is_open else least


def alternatives(accept: Alternatives) -> tuple[Way, ...]:
    """Every way to be let in, in the order in which they are tried.

    >>> from authmw import APIKeyHeader, HTTPBasic, HTTPBearer
    >>> len(alternatives(HTTPBearer() | HTTPBasic()))
    2
    >>> len(alternatives(HTTPBearer() | APIKeyHeader("X-Site") & HTTPBearer()))
    1
    """
    # One is left: `AllOf` refuses what nobody can send.
    possible = tuple(way for way in ways(accept) if not _needs_two_authorizations(way))
    names = [{scheme.name for scheme in way} for way in possible]
    return tuple(way for index, way in enumerate(possible) if not any(each <= names[index] for each in names[:index]))


def carries_scopes(described: dict[str, Any], version: Version) -> bool:
    """Whether the scheme with that description may have scopes behind its name."""
    if version == "2.0":
        return described["type"] == "oauth2" and bool(described["flows"])  # without a flow it is not OAuth 2 there
    return version == "3.1" or described["type"] in ("oauth2", "openIdConnect")


def _needs_two_authorizations(way: Way) -> bool:
    return len({scheme.auth_type for scheme in way if scheme.in_authorization}) > 1


def _asks_for_less(one: SecurityRequirement, other: SecurityRequirement) -> bool:
    """Whether `other` is `one` with more scopes."""
    return (
        one.keys() == other.keys()
        and one != other
        and all(set(scopes) <= set(other[name]) for name, scopes in one.items())
    )


def _choices(requirement: Requirement) -> Iterator[list[str]]:
    """Each set of scopes that is enough, in the order of declaration."""
    for chosen in product(*(group.scopes for group in requirement.alternatives)):
        enough = {*requirement.scopes, *chosen}
        yield [scope for scope in requirement.all_scopes if scope in enough]


def _written(alternative: Way, scopes: list[str], version: Version) -> SecurityRequirement:
    written: SecurityRequirement = {scheme.name: [] for scheme in alternative}
    identity = alternative[-1]
    if carries_scopes(identity.openapi(), version):
        written[identity.name] = list(scopes)
    return written

"""``security`` of an operation: its requirement as Security Requirement Objects (OpenAPI 3.1.1 §4.8.30).

The security of an operation is a list of alternatives. Each is an object with the schemes that are needed together, and
with the scopes of each. So ``|`` becomes alternatives, ``&`` becomes one object, and ``any_of`` becomes one alternative
for each choice. An empty list is public. An empty object in it allows requests without credentials.

Alternatives that never decide are left out: one that needs everything that an earlier one needs, since the earlier one
decides first; and one that needs two kinds of credentials in the only ``Authorization`` header of a request.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

from authmw.engine.authentication import in_order_of_evaluation
from authmw.identity.requirement import Access, Requirement
from authmw.openapi.schemes import Version
from authmw.schemes.base import Alternatives, Way, ways

if TYPE_CHECKING:
    from authmw.engine.auth import Auth

SecurityRequirement = dict[str, list[str]]
"""Security Requirement Object: name of a scheme → scopes."""


def security(auth: Auth, requirement: Requirement, version: Version = "3.1") -> list[SecurityRequirement]:
    """The ``security`` of an operation with that requirement.

    Scopes are written where the version allows them: in 3.1 with every scheme (as roles, if it is not OAuth 2), in
    earlier versions with ``oauth2`` and ``openIdConnect``. OpenAPI cannot express predicates.

    Args:
        auth: the schemes by which requests authenticate.
        requirement: the requirement of the operation.
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
    """Every combination of schemes that can authenticate a request, in the order of declaration.

    A combination is left out if another one, which is evaluated before it, needs a part of its schemes.

    >>> from authmw import APIKeyHeader, HTTPBasic, HTTPBearer
    >>> len(alternatives(HTTPBearer() | HTTPBasic()))
    2
    >>> len(alternatives(HTTPBearer() | APIKeyHeader("X-Site") & HTTPBearer()))
    1
    """
    # At least one is left: `AllOf` refuses combinations that no request can have.
    possible = [way for way in sum(in_order_of_evaluation(accept), ()) if not _needs_two_authorizations(way)]
    names = [{scheme.name for scheme in way} for way in possible]
    least = [way for index, way in enumerate(possible) if not any(each <= names[index] for each in names[:index])]
    return tuple(dict.fromkeys(way for way in ways(accept) if way in least))


def carries_scopes(described: dict[str, Any], version: Version) -> bool:
    """Whether a scheme with that description may have scopes in a Security Requirement Object."""
    if version == "2.0":
        return described["type"] == "oauth2" and bool(described["flows"])  # without a flow it is an API key there
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
    """Each set of scopes that meets the requirement, in the order of declaration."""
    for chosen in product(*(group.scopes for group in requirement.alternatives)):
        enough = {*requirement.scopes, *chosen}
        yield [scope for scope in requirement.all_scopes if scope in enough]


def _written(alternative: Way, scopes: list[str], version: Version) -> SecurityRequirement:
    written: SecurityRequirement = {scheme.name: [] for scheme in alternative}
    identity = alternative[-1]
    if carries_scopes(identity.openapi(), version):
        written[identity.name] = list(scopes)
    return written

"""The ``security`` of an operation says exactly what its requirement means (OpenAPI 3.1.1 §4.8.30)."""

from __future__ import annotations

import pytest

from authmw import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    Auth,
    HTTPBasic,
    HTTPBearer,
    HTTPDigest,
    OAuth2,
    OAuth2PasswordBearer,
    OpenIdConnect,
    Requirement,
    any_of,
)
from authmw.identity.requirement import AUTHENTICATED, OPTIONAL, OWN_CREDENTIALS, PUBLIC, Access
from authmw.openapi import security
from authmw.openapi.schemes import Version
from authmw.schemes.base import Alternatives
from tests.openapi.declared import READ, VERSIONS, WRITE

A = APIKeyHeader("X-A", name="A")
B = APIKeyQuery("b", name="B")
C = APIKeyCookie("c", name="C")
D = APIKeyHeader("X-D", name="D")
BEARER, BASIC = HTTPBearer(name="Bearer"), HTTPBasic(name="Basic")

SHAPES: dict[str, tuple[Alternatives, list[str]]] = {
    "one": (A, ["A"]),
    "either": (A | B, ["A", "B"]),
    "both": (A & B, ["A+B"]),
    "three of either": (A | B | C, ["A", "B", "C"]),
    "three at once": (A & B & C, ["A+B+C"]),
    "& binds more tightly": (A & B | C, ["A+B", "C"]),
    "either of pairs": (A & B | C & D, ["A+B", "C+D"]),
    "one and either": (A & (B | C), ["A+B", "A+C"]),
    "either and one": ((A | B) & C, ["A+C", "B+C"]),
    "either and either": ((A | B) & (C | D), ["A+C", "A+D", "B+C", "B+D"]),
    "three deep": (A & (B | C & (D | A)), ["A+B", "A+C+D", "A+C"]),
    "a scheme twice": (A & B | A & C, ["A+B", "A+C"]),
    "the same twice": (A | A, ["A"]),
    "the longer one first": (A & B | A, ["A+B", "A"]),
    "the longer one never decides": (A | A & B, ["A"]),
    "nor does one in another order": (A & B | B & A, ["A+B"]),
    "two kinds in one header cannot be sent": ((BEARER | A) & (BASIC | B), ["Bearer+B", "A+Basic", "A+B"]),
}


def written(accept: Alternatives, requirement: Requirement = AUTHENTICATED, version: Version = "3.1") -> list[str]:
    return ["+".join(each) for each in security(Auth(accept), requirement, version)]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_alternatives_are_a_list_and_what_is_needed_at_once_one_object(shape: str, version: Version) -> None:
    accept, expected = SHAPES[shape]
    assert [sorted(each.split("+")) for each in written(accept, version=version)] == [
        sorted(each.split("+")) for each in expected
    ]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("requirement", [PUBLIC, OWN_CREDENTIALS])
def test_public_is_an_empty_list(requirement: Requirement, version: Version) -> None:
    assert security(Auth(A | B), requirement, version) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_optional_adds_an_empty_alternative_at_the_end(version: Version) -> None:
    assert security(Auth(A | B & C), OPTIONAL, version) == [{"A": []}, {"B": [], "C": []}, {}]


def test_what_is_optional_and_asks_for_something_is_not_open() -> None:
    needed = Requirement(Access.OPTIONAL, scopes=(READ,))
    assert security(Auth(A), needed) == [{"A": [READ]}]


def test_scopes_stand_with_the_scheme_that_says_who_it_is() -> None:
    assert security(Auth(A & B | C), Requirement.all_of(READ)) == [{"A": [], "B": [READ]}, {"C": [READ]}]


CHOICES: dict[str, tuple[Requirement, list[list[str]]]] = {
    "all": (Requirement.all_of(WRITE, READ), [[WRITE, READ]]),
    "any": (Requirement.all_of(any_of(READ, WRITE)), [[READ], [WRITE]]),
    "all and any": (Requirement.all_of("admin", any_of(READ, WRITE)), [["admin", READ], ["admin", WRITE]]),
    "two groups": (
        Requirement.all_of(any_of("a", "b"), any_of("c", "d")),
        [["a", "c"], ["a", "d"], ["b", "c"], ["b", "d"]],
    ),
    "overlapping groups": (Requirement.all_of(any_of("a", "b"), any_of("a", "c")), [["a"], ["b", "c"]]),
    "any of what is needed": (Requirement.all_of(READ, any_of(READ, WRITE)), [[READ]]),
    "no choice": (Requirement.all_of(any_of(READ, WRITE), any_of(READ), any_of(WRITE)), [[READ, WRITE]]),
    "twice": (Requirement.all_of(any_of(WRITE, READ), any_of(READ, WRITE)), [[WRITE], [READ]]),
    "a predicate has no words": (Requirement(predicates=(lambda principal, request: True,)), [[]]),
}


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_of_scopes_that_is_enough_is_an_alternative_and_no_other(name: str) -> None:
    requirement, expected = CHOICES[name]
    assert security(Auth(A), requirement) == [{"A": scopes} for scopes in expected]


OAUTH = OAuth2PasswordBearer("token", name="OAuth")
OPENID = OpenIdConnect("https://op.example", name="OpenID")


@pytest.mark.parametrize(
    "version, expected",
    [
        # "For other security scheme types, the array MAY contain a list of role names" (3.1.1), "MUST be empty" (3.0.4)
        ("3.1", {"OAuth": [READ], "OpenID": [READ], "Bearer": [READ], "Digest": [READ], "A": [READ], "Flow": [READ]}),
        ("3.0", {"OAuth": [READ], "OpenID": [READ], "Bearer": [], "Digest": [], "A": [], "Flow": [READ]}),
        # OpenID Connect, and OAuth 2 without a flow, have no words in 2.0 and are API keys there.
        ("2.0", {"OAuth": [READ], "OpenID": [], "Bearer": [], "Digest": [], "A": [], "Flow": []}),
    ],
)
def test_scopes_stand_only_where_the_version_allows_them(version: Version, expected: dict[str, list[str]]) -> None:
    schemes = OAUTH | OPENID | BEARER | HTTPDigest(name="Digest") | A | OAuth2({}, name="Flow")
    found = security(Auth(schemes), Requirement.all_of(READ), version)
    assert found == [{name: scopes} for name, scopes in expected.items()]


def test_choices_that_a_version_cannot_tell_apart_are_one_alternative() -> None:
    assert security(Auth(A), Requirement.all_of(any_of(READ, WRITE)), "3.0") == [{"A": []}]

"""Requirements: what several of them need together, and what is missing."""

from __future__ import annotations

import pytest

from authmw import Principal, RequestHead, Requirement, any_of
from authmw.identity.requirement import AUTHENTICATED, OPTIONAL, OWN_CREDENTIALS, PUBLIC


def _one(principal: Principal, request: RequestHead) -> bool:
    return True


def _other(principal: Principal, request: RequestHead) -> bool:
    return True


LEFT = Requirement(scopes=("a", "b"), alternatives=(any_of("x", "y"),), predicates=(_one,))
RIGHT = Requirement(scopes=("b", "c"), alternatives=(any_of("x", "y"), any_of("z", "a")), predicates=(_one, _other))


def test_together_they_need_all_that_each_needs_and_each_thing_once() -> None:
    both = LEFT & RIGHT
    assert both.scopes == ("a", "b", "c")
    assert both.alternatives == (any_of("x", "y"), any_of("z", "a"))
    assert both.predicates == (_one, _other)
    assert both.all_scopes == ("a", "b", "c", "x", "y", "z")
    assert Requirement.together([LEFT, RIGHT]) == both
    assert Requirement.together([]) is None


def test_one_includes_another_if_the_other_adds_nothing() -> None:
    assert (LEFT & RIGHT).includes(LEFT)
    assert (LEFT & RIGHT).includes(RIGHT)
    assert not LEFT.includes(RIGHT)
    assert LEFT.includes(PUBLIC)
    assert not PUBLIC.includes(AUTHENTICATED)
    for more in (Requirement(scopes=("d",)), Requirement(alternatives=(any_of("d", "e"),))):
        assert not LEFT.includes(more)
    assert not Requirement(predicates=(_one,)).includes(Requirement(predicates=(_other,)))


@pytest.mark.parametrize("open_one", [PUBLIC, OPTIONAL, OWN_CREDENTIALS])
def test_what_is_open_to_all_is_open_until_something_is_needed(open_one: Requirement) -> None:
    assert open_one.is_open
    for needed in (Requirement(scopes=("a",)), Requirement(alternatives=(any_of("a", "b"),)), AUTHENTICATED):
        for both in (open_one & needed, needed & open_one):
            assert not both.is_open
            assert not both.public
    assert not Requirement(open_one.access, scopes=("a",)).is_open
    assert not Requirement(open_one.access, alternatives=(any_of("a", "b"),)).is_open
    assert not Requirement(open_one.access, predicates=(_one,)).is_open


@pytest.mark.parametrize(
    "granted, missing",
    [
        ("", ("a", "b", "x", "y")),
        ("a b", ("x", "y")),
        ("a b x", ()),
        ("a b y", ()),
        ("b x", ("a",)),
        ("a x y z", ("b",)),
    ],
)
def test_missing_is_each_scope_and_each_group_of_which_none_is_granted(granted: str, missing: tuple[str, ...]) -> None:
    assert LEFT.missing(frozenset(granted.split())) == missing

"""Lock on access: looser means that some caller passes now who did not before, judged by the engine itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain, combinations, product
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import Auth, ConfigurationError, HTTPBearer, Principal, any_of
from authmw.engine.adapter import OneOperation
from authmw.engine.authentication import NOBODY, Authentication
from authmw.engine.guard import Guard, Passage
from authmw.engine.routes.lock.callers import NOBODY as NO_CALLER
from authmw.engine.routes.lock.callers import Identity, callers_by
from authmw.engine.routes.lock.comparison import Direction, changes
from authmw.engine.routes.lock.lock import Lock, LockedRoute, read_requirement, written
from authmw.engine.routes.lock.predicates import LockedPredicate
from authmw.engine.routes.patterns import PlacedGuard
from authmw.engine.routes.route import Protection
from authmw.http.refusal import ALLOWED
from authmw.http.request import RequestHead
from authmw.identity.requirement import Access, AnyOf, Predicate, Requirement
from tests.requests import wsgi_request

AUTH: Final = Auth(HTTPBearer())
SCOPES: Final = ("a", "b", "c")
SCHEME: Final = AUTH.schemes[0]


def is_first(principal: Principal, request: RequestHead) -> bool:
    return "first" in principal.name


def is_second(principal: Principal, request: RequestHead) -> bool:
    return "second" in principal.name


def subsets(values: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    return chain.from_iterable(combinations(values, size) for size in range(len(values) + 1))


CALLERS: Final = [
    NOBODY,
    *(
        Authentication(Principal("x", scopes=scopes, name=" ".join(passes)), SCHEME)
        for scopes, passes in product(subsets(SCOPES), subsets(("first", "second")))
    ),
]
PREDICATES: Final[tuple[Predicate, ...]] = (is_first, is_second)
requirements: Final = st.builds(
    Requirement,
    st.sampled_from(Access),
    st.lists(st.sampled_from(SCOPES), unique=True, max_size=2).map(tuple),
    st.lists(
        st.lists(st.sampled_from(SCOPES), unique=True, min_size=1).map(lambda scopes: AnyOf(tuple(scopes))), max_size=2
    ).map(tuple),
    st.lists(st.sampled_from(PREDICATES), unique=True).map(tuple),
)


def passes(caller: Authentication, requirement: Requirement) -> bool:
    return AUTH.decide(caller, requirement, wsgi_request()) is ALLOWED


def has(caller: Authentication, member: object) -> bool:
    principal = caller.principal
    if isinstance(member, LockedPredicate):
        return member.name.removeprefix(f"{__name__}.is_") in principal.name
    return principal.is_authenticated if member is Identity.AUTHENTICATED else member in principal.scopes


@given(requirements, requirements)
def test_access_is_looser_exactly_if_a_caller_passes_now_who_did_not_before(
    before: Requirement, now: Requirement
) -> None:
    new = [caller for caller in CALLERS if passes(caller, now) and not passes(caller, before)]
    lacking = callers_by(now).unlike(callers_by(before))
    assert (lacking is not None) is bool(new)
    if lacking is not None:
        assert any(not any(has(caller, each) for each in lacking) for caller in new)


@given(requirements)
def test_where_nobody_passes_everybody_else_is_new(requirement: Requirement) -> None:
    assert callers_by(requirement).unlike(NO_CALLER) is not None
    assert NO_CALLER.unlike(callers_by(requirement)) is None


patterns: Final = st.sampled_from(["/a", "/a/*", "/a/b", "/a/b/*", "/*", "GET /a/*", "POST /a/b"])
PATHS: Final = ["/", "/a", "/a/x", "/a/b", "/a/b/x", "/z"]
needed: Final = st.sampled_from(["a", "b", any_of("a", "b"), ("a", "b")])


@st.composite
def guards(draw: Any) -> Guard:
    while True:
        try:
            return Guard(
                AUTH,
                OneOperation(None),
                default=draw(st.sampled_from(["deny", "deny", "allow"])),
                public=draw(st.lists(patterns, unique=True, max_size=2)),
                leave=draw(st.lists(patterns, unique=True, max_size=1)),
                needs=draw(st.dictionaries(patterns, needed, max_size=3)),
            )
        except ConfigurationError:  # a pattern that never applies
            continue


SOME_CALLERS: Final = [
    NOBODY,
    *(Authentication(Principal("x", scopes=scopes), SCHEME) for scopes in subsets(("a", "b"))),
]


def gets_past(guard: Guard, caller: Authentication, method: str, path: str) -> bool:
    request = wsgi_request(method=method, path=path)
    return guard.leaves(request) or isinstance(guard.admit(caller, request), Passage)


@given(guards(), guards())
def test_patterns_are_looser_exactly_if_a_caller_gets_past_the_guard_now(before: Guard, now: Guard) -> None:
    old, new = (Lock((PlacedGuard(guard.settings),), ()) for guard in (before, now))
    found = {change.direction for change in changes(old, new)}
    outcomes = [
        (gets_past(before, caller, method, path), gets_past(now, caller, method, path))
        for caller, method, path in product(SOME_CALLERS, ("GET", "POST", "PATCH"), PATHS)
    ]
    assert (Direction.LOOSER in found) is ((False, True) in outcomes), (before.settings, now.settings)
    assert bool(found) is any(was is not has for was, has in outcomes)


scope_tokens: Final = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'), min_size=1, max_size=8
)


@given(
    st.builds(
        Requirement,
        st.sampled_from(Access),
        st.lists(scope_tokens, unique=True, max_size=3).map(lambda scopes: tuple(sorted(scopes))),
        st.lists(st.lists(scope_tokens, unique=True, min_size=1, max_size=3), max_size=2).map(
            lambda groups: tuple(AnyOf(tuple(each)) for each in groups)
        ),
        st.just((LockedPredicate("shop.view.<locals>.<lambda>", "0123456789ab"),)) | st.just(()),
    )
)
def test_a_requirement_that_is_written_and_read_lets_the_same_callers_pass(requirement: Requirement) -> None:
    text = written(requirement)
    again = read_requirement(text.split(" "))
    assert written(again) == text
    assert callers_by(again) == callers_by(requirement)


@pytest.mark.parametrize("scopes", [(",",), (",", "a,b"), ("a", "b")])
def test_a_comma_in_a_scope_separates_nothing(scopes: tuple[str, ...]) -> None:
    requirement = Requirement.all_of(any_of(*scopes))
    assert read_requirement(written(requirement).split(" ")) == requirement


def route(path: str, requirement: Requirement, verb: str = "GET") -> LockedRoute:
    return LockedRoute(verb, path, Protection.DECLARED, requirement)


def test_a_lock_is_read_as_it_was_written() -> None:
    guard = Guard(
        AUTH,
        OneOperation(None),
        default="allow",
        public=["/docs/*", "GET /a"],
        leave=["/own/*"],
        needs={"/my files/*": any_of("a", "b"), "POST /\N{SNOWMAN}": "a"},
    )
    inner = PlacedGuard(Guard(AUTH, OneOperation(None), default="deny", public=[]).settings, "/inner app")
    lock = Lock((PlacedGuard(guard.settings), inner), (route("/a b/{name}", Requirement.all_of("a")),))
    again = Lock.parse(lock.text())
    assert again.text() == lock.text()
    assert changes(lock, again) == []
    assert [each.prefix for each in again.guards] == ["", "/inner app"]
    assert all(line.isascii() for line in lock.text().splitlines())


@pytest.mark.parametrize(
    "requirement, words",
    [
        (Requirement(Access.PUBLIC), "anyone"),
        (Requirement(Access.OPTIONAL), "optional"),
        (Requirement(Access.OWN_CREDENTIALS), "own-credentials"),
        (Requirement(), "authenticated"),
        (Requirement.all_of("a", "b"), '"a" "b"'),
        (Requirement.all_of(any_of("a", "b"), "c"), '"c" any_of("a","b")'),
    ],
)
def test_the_words_of_a_lock_are_the_same_in_each_version(requirement: Requirement, words: str) -> None:
    assert written(requirement) == words
    assert read_requirement(words.split()) == requirement


@pytest.mark.parametrize(
    "line",
    [
        "<<<<<<< HEAD",
        "GET /a",
        "GET /a declared",
        "GET /a declared nonsense",
        'GET /a unheard-of "a"',
        "GUARD / default open",
        "GUARD / public nonsense",
        "GUARD / needs /a",
        "GUARD / leave /a authenticated",
        "GUARD",
    ],
)
def test_a_line_that_is_none_of_a_lock_is_named_by_its_number(line: str) -> None:
    with pytest.raises(ConfigurationError, match="line 2 of the lock cannot be read"):
        Lock.parse(f"# comment\n{line}\n")


def between(before: list[LockedRoute], now: list[LockedRoute]) -> list[tuple[str, str]]:
    found = changes(Lock((), tuple(before)), Lock((), tuple(now)))
    return [(change.direction.value, change.label) for change in found]


def test_each_difference_has_its_direction() -> None:
    a, both, one = Requirement.all_of("a"), Requirement.all_of("a", "b"), Requirement.all_of(any_of("a", "b"))
    before = [route("/same", a), route("/in", both), route("/out", a), route("/gone", a), route("/other", a)]
    now = [route("/same", a), route("/in", a), route("/out", both), route("/new", one), route("/other", one)]
    assert between(before, now) == [
        ("looser", "GET /in"),
        ("looser", "GET /other"),
        ("tighter", "GET /out"),
        ("new", "GET /new"),
        ("gone", "GET /gone"),
    ]


def test_another_name_of_a_parameter_hides_nothing() -> None:
    before, now = route("/a/{id}", Requirement.all_of("a")), route("/a/{number}", Requirement())
    assert between([before], [now]) == [("looser", "GET /a/{number}")]


def test_one_of_two_routes_of_a_path_that_is_opened_is_noticed() -> None:
    closed, opened = route("/a", Requirement.all_of("a")), route("/a", Requirement(Access.PUBLIC))
    assert between([closed], [closed, opened]) == [("looser", "GET /a")]
    assert between([closed, opened], [closed]) == [("tighter", "GET /a")]


def test_one_of_two_routes_of_a_path_that_is_closed_further_makes_it_tighter() -> None:
    before = LockedRoute("GET", "/a", Protection.DECLARED, Requirement())
    same = LockedRoute("GET", "/a", Protection.RULE, Requirement())
    assert between([before], [same, route("/a", Requirement.all_of("a"))]) == [("tighter", "GET /a")]


def test_another_protection_with_the_same_callers_is_a_change() -> None:
    declared, rule = (LockedRoute("GET", "/a", each, Requirement()) for each in (Protection.DECLARED, Protection.RULE))
    assert between([declared], [rule]) == [("changed", "GET /a")]


def test_a_route_that_is_left_alone_or_unprotected_is_open_whatever_it_declares() -> None:
    closed = route("/a", Requirement.all_of("a"))
    for protection in (Protection.LEFT_ALONE, Protection.UNPROTECTED, Protection.MISPLACED):
        opened = LockedRoute("GET", "/a", protection, Requirement.all_of("a"))
        assert between([closed], [opened]) == [("looser", "GET /a")]
    unreachable = LockedRoute("GET", "/a", Protection.UNREACHABLE, Requirement.all_of("a"))
    assert between([closed], [unreachable]) == [("tighter", "GET /a")]


def test_who_passes_now_is_said() -> None:
    def why(before: Requirement, now: Requirement) -> str:
        [change] = changes(Lock((), (route("/a", before),)), Lock((), (route("/a", now),)))
        return change.why

    a, first = Requirement.all_of("a"), Requirement(predicates=(is_first,))
    assert why(a, Requirement(Access.PUBLIC)) == "a caller without credentials passes now"
    assert why(a, Requirement()) == "a caller without a passes now"
    assert why(Requirement.all_of(any_of("b", "a")), Requirement()) == "a caller with none of a b passes now"
    assert why(first, Requirement()) == f"a caller whom {__name__}.is_first() refuses passes now"
    other = Requirement(predicates=(LockedPredicate(f"{__name__}.is_first", "0" * 12),))
    assert why(first, other).startswith(f"{__name__}.is_first() has changed")


def owner_of(what: str) -> Predicate:
    def is_owner(principal: Principal, request: RequestHead) -> bool:
        return bool(principal.id == request.path_params[what])

    return is_owner


class Callable:
    def __init__(self, what: str) -> None:
        self.what = what

    def __call__(self, principal: Principal, request: RequestHead) -> bool:
        return principal.id == self.what

    def method(self, principal: Principal, request: RequestHead) -> bool:
        return principal.id == self.what


def with_more(what: object, principal: Principal, request: RequestHead) -> bool:
    return principal.id == what


def method(what: str) -> Predicate:
    return Callable(what).method


def partial_of_text(what: str) -> Predicate:
    return partial(with_more, what)


def partial_of_set(what: str) -> Predicate:
    return partial(with_more, {what, "c"})


def partial_of_mapping(what: str) -> Predicate:
    return partial(with_more, {"of": [what]})


def partial_of_function(what: str) -> Predicate:
    return partial(with_more, owner_of(what))


MAKERS: Final = [
    owner_of,
    Callable,
    method,
    partial_of_text,
    partial_of_set,
    partial_of_mapping,
    partial_of_function,
]


@pytest.mark.parametrize("make", MAKERS)
def test_the_sum_of_a_predicate_has_what_it_was_made_with(make: Any) -> None:
    one, same, other = (LockedPredicate.of(make(what)) for what in ("a", "a", "b"))
    assert one == same
    assert (one.name, len(one.code)) == (other.name, 12)
    assert one.code != other.code


def test_the_sum_of_a_callable_object_has_its_class_and_its_name_is_that_of_the_class() -> None:
    class Other(Callable):
        """The same call, and another class."""

    one, other = LockedPredicate.of(Callable("a")), LockedPredicate.of(Other("a"))
    assert one.name == f"{__name__}.Callable"
    assert one.code != other.code


def in_module(source: str, directory: Any) -> Any:
    from importlib.util import module_from_spec, spec_from_file_location
    from linecache import checkcache

    path = directory / "checks.py"
    path.write_text(source)
    checkcache()
    spec = spec_from_file_location("checks", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return LockedPredicate.of(module.check)


@pytest.mark.parametrize(
    "before, now, is_same",
    [
        ("def check(p, r):\n    return p.id == 'a'\n", 'def check(p, r):  # why\n\n    return (p.id == "a")\n', True),
        ("def check(p, r):\n    return p.id == 'a'\n", "def check(p, r):\n    return p.id == 'b'\n", False),
        ("check = lambda p, r: p.id == 'a'\n", "check = lambda p, r: (p.id == 'a')  # why\n", True),
        ("check = lambda p, r: p.id == 'a'\n", "check = lambda p, r: p.id != 'a'\n", False),
        (
            "check, x = lambda p, r: True, lambda p, r: False\n",
            "x, check = lambda p, r: True, lambda p, r: False\n",
            False,
        ),
    ],
)
def test_the_sum_of_a_predicate_changes_with_its_code_and_not_with_its_layout(
    before: str, now: str, is_same: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    one, other = in_module(before, tmp_path), in_module(now, tmp_path)
    assert one.name == other.name
    assert (one.code == other.code) is is_same


def test_a_predicate_of_a_lock_lets_nobody_pass() -> None:
    assert LockedPredicate("a", "")(Principal("alice"), wsgi_request()) is False


def test_the_sum_of_a_predicate_that_holds_itself_comes_to_an_end() -> None:
    def recursive(of: list[object]) -> Predicate:
        def check(principal: Principal, request: RequestHead) -> bool:
            return bool(of) and not callable(of[0]) and check.__name__ == "check"

        of.append(of)
        return check

    assert LockedPredicate.of(recursive(["a"])) == LockedPredicate.of(recursive(["a"]))
    assert LockedPredicate.of(recursive(["a"])) != LockedPredicate.of(recursive(["b"]))

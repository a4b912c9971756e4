"""What a document says and what is refused are one: each is held against the other, for declarations of any shape.

The tests read the document as a client does. How a credential is sent they take from its ``securitySchemes``, what to
send from its ``security``, and what comes then they ask a guarded WSGI and a guarded ASGI application: for every set
of credentials that fits into one request, and not only for those that the document names.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Final

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from authmw import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    Auth,
    ConfigurationError,
    HTTPBasic,
    HTTPBearer,
    Principal,
    Requirement,
    any_of,
    optionally_authenticated,
    public,
)
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.engine.decorators import Requires
from authmw.flow import CallMode
from authmw.identity.requirement import AUTHENTICATED, OPTIONAL, PUBLIC, Access
from authmw.openapi import Operation, document
from authmw.schemes.base import Alternatives
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.contract.cases import Answer, Case
from tests.contract.clients import environ_of, scope_of
from tests.support import examples

SECRETS: Final = {
    "Bearer": "t0ken",
    "Basic": "alice:pa55word",
    **{name: f"{name}-k3y" for name in ("First", "Second", "Query", "Cookie")},
}
"""By the name of each scheme, the one credential that its lookup knows."""
SCOPES: Final = ("orders:read", "orders:write", "admin")

Granted = Mapping[str, frozenset[str]]
"""By the name of a scheme, the scopes of whom its credential is."""


@dataclass
class Shop:
    """Schemes that know one credential each, and whose principals have the scopes that a test gives them."""

    granted: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    def __post_init__(self) -> None:
        self.schemes: dict[str, Alternatives] = {
            "Bearer": HTTPBearer(self.knows("Bearer"), name="Bearer"),
            "Basic": HTTPBasic(self.knows("Basic"), name="Basic"),
            "First": APIKeyHeader("X-First", self.knows("First"), name="First"),
            "Second": APIKeyHeader("X-Second", self.knows("Second"), name="Second"),
            "Query": APIKeyQuery("key", self.knows("Query"), name="Query"),
            "Cookie": APIKeyCookie("key", self.knows("Cookie"), name="Cookie"),
        }

    def knows(self, name: str) -> Callable[..., Principal | None]:
        @CallMode.NONBLOCKING
        def lookup(*presented: str) -> Principal | None:
            known = ":".join(presented) == SECRETS[name]
            return Principal(name, scopes=self.granted.get(name, frozenset())) if known else None

        return lookup


@dataclass
class Declared:
    """What accepts requests, by which engine, and what its one operation needs."""

    shop: Shop
    auth: Auth
    requirement: Requirement

    def __post_init__(self) -> None:
        operation = Operation(path="/", method="GET", requirement=self.requirement)
        self.document = document(self.auth, [operation], title="Shop")
        self.security: list[dict[str, list[str]]] = self.document["paths"]["/"]["get"]["security"]
        self.schemes: dict[str, dict[str, Any]] = self.document["components"]["securitySchemes"]

    def __repr__(self) -> str:
        return f"Declared({self.auth.accept}, {self.requirement}) documented as {self.security}"

    def guarded(self, app: Any) -> Any:
        """`app`, which says what it needs as any application does."""
        if self.requirement.is_open:
            return (optionally_authenticated if self.requirement.access is Access.OPTIONAL else public)(app)
        return Requires(self.requirement)(app)


Tree = str | tuple[str, Any, Any]
"""The name of a scheme, or ``|`` or ``&`` with what stands on either side of it."""

names_of_schemes = st.sampled_from(list(SECRETS))
trees: st.SearchStrategy[Tree] = st.recursive(
    names_of_schemes, lambda below: st.tuples(st.sampled_from("|&"), below, below), max_leaves=6
)


def combined(tree: Tree, schemes: Mapping[str, Alternatives]) -> Alternatives:
    if isinstance(tree, str):
        return schemes[tree]
    left, right = (combined(part, schemes) for part in tree[1:])
    try:
        return left & right if tree[0] == "&" else left | right
    except ConfigurationError:  # two that need the one Authorization header
        return left | right


named_scopes = st.lists(st.sampled_from(SCOPES), min_size=1, max_size=3, unique=True)
groups = named_scopes.map(lambda scopes: any_of(*scopes))
scoped = st.lists(st.sampled_from(SCOPES) | groups, min_size=1, max_size=3).map(lambda each: Requirement.all_of(*each))
requirements = st.sampled_from([PUBLIC, OPTIONAL, AUTHENTICATED]) | scoped | scoped


@st.composite
def declarations(draw: st.DrawFn) -> Declared:
    shop = Shop()
    declared = Declared(shop, Auth(combined(draw(trees), shop.schemes)), draw(requirements))
    # Where every way needs two Authorization headers, nobody is let in, and no request can show it.
    assume(not declared.security or any(fits_into_one_request(declared, each) for each in declared.security))
    return declared


# What a client does with the document.


def sent(declared: Declared, names: Iterable[str]) -> Case:
    """The request that carries the credentials of the schemes with those names."""
    headers: list[tuple[bytes, bytes]] = []
    query: list[str] = []
    for name in names:
        match declared.schemes[name]:
            case {"type": "http", "scheme": "bearer"}:
                headers.append((b"Authorization", f"Bearer {SECRETS[name]}".encode()))
            case {"type": "http", "scheme": "basic"}:
                headers.append((b"Authorization", b"Basic " + base64.b64encode(SECRETS[name].encode())))
            case {"type": "apiKey", "in": "header", "name": parameter}:
                headers.append((parameter.encode(), SECRETS[name].encode()))
            case {"type": "apiKey", "in": "cookie", "name": parameter}:
                headers.append((b"Cookie", f"{parameter}={SECRETS[name]}".encode()))
            case {"type": "apiKey", "in": "query", "name": parameter}:
                query.append(f"{parameter}={SECRETS[name]}")
            case other:
                raise AssertionError(f"a client cannot send {other}")
    return Case("it", Answer(200), tuple(headers), "/?" + "&".join(query))


def reading_authorization(declared: Declared, names: Iterable[str]) -> list[str]:
    return [name for name in names if declared.schemes[name]["type"] == "http"]


def fits_into_one_request(declared: Declared, names: Iterable[str]) -> bool:
    return len(reading_authorization(declared, names)) <= 1


def promised(declared: Declared, names: frozenset[str], granted: Granted) -> int:
    """The status that the document of a guarded operation promises to a request with exactly those credentials."""
    enough = [each for each in declared.security if each.keys() <= names]
    if reading_authorization(declared, names):
        # What is in the Authorization header decides alone.
        enough = [each for each in enough if reading_authorization(declared, each)]
    if not enough:
        return 401
    # Of several ways the first decides, each with one entry for every choice of scopes.
    deciding = [each for each in enough if each.keys() == enough[0].keys()]
    satisfied = any(
        set(each[name]) <= granted.get(name, frozenset()) for each in deciding for name in each if each[name]
    )
    return 200 if satisfied or not any(any(each.values()) for each in deciding) else 403


# What the applications do.


def wsgi_asker(declared: Declared) -> Callable[[list[Case]], list[int]]:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [])
        return [b""]

    guarded = WSGIMiddleware(declared.guarded(app), declared.auth)

    def ask(case: Case) -> int:
        statuses: list[int] = []

        def start_response(status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], object]:
            statuses.append(int(status[:3]))
            return lambda _: None

        guarded(environ_of(case), start_response)
        return statuses[-1]

    return lambda cases: [ask(case) for case in cases]


def asgi_asker(declared: Declared) -> Callable[[list[Case]], list[int]]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    guarded = ASGIMiddleware(declared.guarded(app), declared.auth)

    async def ask(cases: list[Case]) -> list[int]:
        statuses: list[int] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        for case in cases:
            await guarded(scope_of(case), receive, send)
        return statuses

    return lambda cases: asyncio.run(ask(cases))


ASKERS: Final = {"wsgi": wsgi_asker, "asgi": asgi_asker}
INTERFACES = pytest.mark.parametrize("interface", ASKERS)
EXAMPLES = settings(max_examples=examples(250))


def answers(
    declared: Declared, interface: str, requests: Iterable[tuple[frozenset[str], Granted]]
) -> Iterator[tuple[frozenset[str], Granted, int]]:
    """Each request, with who had which scopes, and its status."""
    ask = ASKERS[interface](declared)
    for granted, names in _by_grant(requests):
        declared.shop.granted.clear()
        declared.shop.granted.update(granted)
        statuses = ask([sent(declared, sorted(each)) for each in names])
        yield from ((each, granted, status) for each, status in zip(names, statuses, strict=True))


def _by_grant(
    requests: Iterable[tuple[frozenset[str], Granted]],
) -> Iterator[tuple[dict[str, frozenset[str]], list[frozenset[str]]]]:
    found: dict[tuple[tuple[str, frozenset[str]], ...], list[frozenset[str]]] = {}
    for names, granted in requests:
        found.setdefault(tuple(sorted(granted.items())), []).append(names)
    return ((dict(granted), names) for granted, names in found.items())


def exactly(alternative: Mapping[str, list[str]]) -> Granted:
    """The scopes that an alternative names, where it names them."""
    return {name: frozenset(scopes) for name, scopes in alternative.items()}


@INTERFACES
@given(declared=declarations())
@EXAMPLES
def test_exactly_what_an_alternative_names_passes(interface: str, declared: Declared) -> None:
    named = declared.security or [{}]
    assert all(fits_into_one_request(declared, alternative) for alternative in named), declared
    for names, granted, status in answers(
        declared, interface, [(frozenset(alternative), exactly(alternative)) for alternative in named if alternative]
    ):
        assert status == 200, (declared, names, granted)


@INTERFACES
@given(declared=declarations())
@EXAMPLES
def test_whoever_brings_nothing_gets_in_where_the_document_says_so_and_nowhere_else(
    interface: str, declared: Declared
) -> None:
    [(_, _, status)] = answers(declared, interface, [(frozenset(), {})])
    says_so = declared.security == [] or {} in declared.security
    event(f"open: {says_so}")
    assert status == (200 if says_so else 401), declared


@INTERFACES
@given(declared=declarations())
@EXAMPLES
def test_with_one_scope_less_than_an_alternative_names_it_is_a_403(interface: str, declared: Declared) -> None:
    asked: list[tuple[frozenset[str], Granted]] = []
    for alternative in declared.security:
        for name, scopes in alternative.items():
            asked += [
                (frozenset(alternative), {**exactly(alternative), name: frozenset(scopes) - {scope}})
                for scope in scopes
            ]
    for names, granted, status in answers(declared, interface, asked):
        assert status == promised(declared, names, granted), (declared, names, granted)


@INTERFACES
@given(
    declared=declarations(),
    grants=st.lists(st.dictionaries(names_of_schemes, st.frozensets(st.sampled_from(SCOPES))), max_size=2),
)
@EXAMPLES
def test_of_all_credentials_that_fit_into_a_request_only_those_pass_that_the_document_names(
    interface: str, declared: Declared, grants: list[Granted]
) -> None:
    if declared.requirement.is_open:
        return
    every = [
        frozenset(names)
        for size in range(len(declared.schemes) + 1)
        for names in combinations(sorted(declared.schemes), size)
        if fits_into_one_request(declared, names)
    ]
    held: list[Granted] = [{}, *grants, *map(exactly, declared.security)]
    statuses: set[int] = set()
    for names, granted, status in answers(
        declared, interface, [(names, granted) for granted in held for names in every]
    ):
        assert status == promised(declared, names, granted), (declared, names, granted)
        statuses.add(status)
    assert {str(status) for status in statuses - {200}} <= declared.document["paths"]["/"]["get"]["responses"].keys()


@given(declared=declarations())
@EXAMPLES
def test_only_optional_operations_offer_to_bring_nothing_and_only_public_ones_name_nothing(declared: Declared) -> None:
    assert (declared.security == []) is (declared.requirement == PUBLIC)
    assert ({} in declared.security) is (declared.requirement == OPTIONAL)

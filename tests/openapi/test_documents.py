"""A whole document from a list of operations: complete, valid, and true about which operation is called."""

from __future__ import annotations

from itertools import combinations
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import Auth, HTTPBearer, Requirement
from authmw.identity.requirement import PUBLIC
from authmw.openapi import Operation, document
from tests.openapi.declared import READ, every_scheme, mistakes_in

AUTH = Auth(HTTPBearer())
NUMBER: dict[str, Any] = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}
VERSIONS: tuple[Literal["3.0", "3.1"], ...] = ("3.0", "3.1")


def documented(*operations: Operation, **options: Any) -> Any:
    return document(AUTH, operations, title="Shop", **options)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_document_is_valid(version: Literal["3.0", "3.1"]) -> None:
    operations = [
        Operation(path="/orders", method="GET", requirement=Requirement.all_of(READ), name="orders", tags=("shop",)),
        Operation(path="/orders", method="POST", name="orders"),
        Operation(path="/orders/{number}", method="DELETE", name="order", parameters=(NUMBER,), doc="Drop it.\n\nNow."),
        Operation(path="/health", method="GET", requirement=PUBLIC),
    ]
    servers = ["https://shop.example/v1"]
    made = document(every_scheme(), operations, title="Shop", description="*Ours*", openapi=version, servers=servers)
    assert mistakes_in(made, version) == []
    assert made["openapi"].startswith(version)
    assert made["info"] == {"title": "Shop", "version": "0.1.0", "description": "*Ours*"}
    assert made["servers"] == [{"url": "https://shop.example/v1"}]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_application_without_operations_has_a_valid_document(version: Literal["3.0", "3.1"]) -> None:
    made = documented(openapi=version)
    assert mistakes_in(made, version) == []
    assert (made["paths"], "servers" in made, "schemas" in made["components"]) == ({}, False, False)


@pytest.mark.parametrize(
    "doc, told",
    [
        ("", {}),
        ("All orders.", {"summary": "All orders."}),
        ("All\n    orders.\n    ", {"summary": "All orders."}),
        (
            "All orders.\n\n    The newest\n      first.\n",
            {"summary": "All orders.", "description": "The newest\n  first."},
        ),
    ],
)
def test_a_docstring_is_a_summary_and_a_description(doc: str, told: dict[str, str]) -> None:
    made = documented(Operation(path="/", method="GET", doc=doc))["paths"]["/"]["get"]
    assert {name: made[name] for name in ("summary", "description") if name in made} == told


def test_of_two_operations_of_one_path_and_method_the_first_is_told_as_it_is_the_one_that_is_called() -> None:
    first = Operation(path="/", method="GET", requirement=Requirement.all_of(READ), name="first")
    made = documented(first, Operation(path="/", method="GET", requirement=PUBLIC, name="second"))["paths"]["/"]["get"]
    assert (made["operationId"], made["security"]) == ("first", [{"HTTPBearer": [READ]}])


@pytest.mark.parametrize("method", ["QUERY", "CONNECT", "PROPFIND", "", "get"])
@pytest.mark.parametrize("version", VERSIONS)
def test_what_openapi_has_no_place_for_is_left_out(method: str, version: Literal["3.0", "3.1"]) -> None:
    made = documented(Operation(path="/", method=method), openapi=version)
    assert made["paths"] == {}
    assert mistakes_in(made, version) == []


def test_paths_that_differ_in_the_names_of_their_parameters_only_are_one_path() -> None:
    other = {**NUMBER, "name": "id"}
    query: dict[str, Any] = {"name": "id", "in": "query", "schema": {}}
    made = documented(
        Operation(path="/orders/{number}", method="GET", parameters=(NUMBER,), requirement=PUBLIC),
        Operation(path="/orders/{id}", method="DELETE", parameters=(other, query)),
    )
    assert list(made["paths"]) == ["/orders/{number}"]
    item = made["paths"]["/orders/{number}"]
    assert item["delete"]["parameters"] == [NUMBER, query]
    assert (item["get"]["security"], item["delete"]["security"]) == ([], [{"HTTPBearer": []}])
    assert mistakes_in(made, "3.1") == []


operations = st.builds(
    Operation,
    path=st.sampled_from(["/", "/a", "/b", "/c"]),
    method=st.sampled_from(["GET", "POST", "PUT"]),
    name=st.sampled_from(["", "a", "b", "a_get", "a_get_2", "a_post"]),
)


@given(st.lists(operations, max_size=12))
def test_no_two_operations_have_one_id(listed: list[Operation]) -> None:
    made = documented(*listed)
    ids = [each["operationId"] for item in made["paths"].values() for each in item.values() if "operationId" in each]
    assert not [one for one, other in combinations(ids, 2) if one == other]
    assert sum(bool(name) for name in ids) == len(
        {(each.path, each.method) for index, each in enumerate(listed) if _is_first(listed, index) and each.name}
    )


def _is_first(listed: list[Operation], index: int) -> bool:
    key = listed[index].path, listed[index].method
    return key not in [(each.path, each.method) for each in listed[:index]]

"""Dash behind authmw, as its page says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.programs.asking import ask, statuses
from tests.programs.conftest import MakeProgram
from tests.programs.program import GUNICORN

pytestmark = pytest.mark.programs
USERS: Final = ("alice", "bob", "carol", "")
SHOW: Final[dict[str, Any]] = {
    "output": "shown.children",
    "outputs": {"id": "shown", "property": "children"},
    "inputs": [{"id": "item", "property": "value", "value": "tea"}],
    "changedPropIds": ["item.value"],
}
ORDER: Final[dict[str, Any]] = {
    "output": "done.children",
    "outputs": {"id": "done", "property": "children"},
    "inputs": [{"id": "order", "property": "n_clicks", "value": 1}],
    "changedPropIds": ["order.n_clicks"],
}


@pytest.fixture(scope="module")
def url(program: MakeProgram) -> Iterator[str]:
    dash = program("dash")
    dash.create_user("alice", "dashboard", "orders:write")
    dash.create_user("bob", "dashboard")
    dash.create_user("carol")
    with dash.serve("dashboard:app", GUNICORN) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.mark.parametrize("path", ["/", "/_dash-layout", "/_dash-dependencies", "/anything"])
def test_the_page_and_what_it_loads_need_the_scope(url: str, path: str) -> None:
    assert statuses(url + path, *USERS) == [200, 200, 403, 401]


def test_assets_need_it_too(url: str) -> None:
    for path in ("/assets/none.css", "/_dash-component-suites/dash/deps/none.js", "/_favicon.ico"):
        assert statuses(url + path, "carol", "") == [403, 401]


def test_a_callback_knows_who_is_calling(url: str) -> None:
    callback = f"{url}/_dash-update-component"
    assert statuses(callback, *USERS, method="POST", json=SHOW) == [200, 200, 403, 401]
    shown = ask(callback, "bob", "POST", json=SHOW).json()
    assert shown["response"]["shown"]["children"] == "bob looks at tea"


def test_a_callback_may_need_more(url: str) -> None:
    callback = f"{url}/_dash-update-component"
    assert statuses(callback, *USERS, method="POST", json=ORDER) == [200, 403, 403, 401]
    assert ask(callback, "alice", "POST", json=ORDER).json()["response"]["done"]["children"] == "ordered"
    assert ask(callback, "bob", "POST", json=ORDER).json()["code"] == "authmw.scope-missing"

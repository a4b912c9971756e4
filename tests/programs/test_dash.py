"""Dash behind authmw, as its page says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.programs.asking import ask, statuses
from tests.programs.conftest import MakeProgram
from tests.programs.people import LONGER_THAN_A_TOKEN, People, people_at
from tests.programs.program import GUNICORN, PASSWORD
from tests.support import require

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


@pytest.fixture
def people(program: MakeProgram) -> Iterator[People]:
    require("browser")
    made = program("dash")
    made.create_user("alice", "dashboard")
    made.create_user("carol")
    with people_at(made, "dashboard_with_login", GUNICORN) as people:
        yield people


@pytest.mark.browser
def test_people_log_in_and_go_on_for_longer_than_a_token_lives(people: People) -> None:
    page = people.logged_in("alice", "/")
    for item in ("tea", "coffee"):
        page.fill("#item", item)
        page.wait_for_selector(f"text=alice looks at {item}")
        people.let_pass(LONGER_THAN_A_TOKEN)
    people.log_out_elsewhere("alice")

    def is_callback(answer: Any) -> bool:
        return "_dash-update-component" in answer.url

    with page.expect_response(is_callback) as refused:
        page.fill("#item", "milk")
    assert refused.value.status == 401
    assert "alice looks at coffee" in page.inner_text("body")  # the page stays as it was
    assert people.leads_to_the_login(page)
    page = people.open("/auth/login")
    page.fill("#username", "carol")
    page.fill("#password", PASSWORD)
    page.click("main button")
    assert people.shown[-1][0] == 403
    page.goto(f"{people.url}/auth/sessions")
    assert "Where you are logged in" in page.inner_text("body")
    assert people.has_seen_pages_alone

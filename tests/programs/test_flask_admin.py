"""Flask-Admin behind authmw, as its page says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
import requests

from tests.programs.asking import ask, statuses
from tests.programs.conftest import MakeProgram
from tests.programs.people import BOUND, LONGER_THAN_A_TOKEN, People, people_at
from tests.programs.program import GUNICORN, PASSWORD
from tests.support import require

pytestmark = pytest.mark.programs
USERS: Final = ("alice", "bob", "carol", "")


@pytest.fixture(scope="module")
def url(program: MakeProgram) -> Iterator[str]:
    shop = program("flask-admin")
    shop.create_user("alice", "admin")
    shop.create_user("bob", "support")
    shop.create_user("carol")
    with shop.serve("shop:app", GUNICORN, {"FLASK_SECRET_KEY": "only for this test"}) as server:
        yield f"http://127.0.0.1:{server.port}"


def test_who_may_see_what(url: str) -> None:
    table = {
        "/": [200, 200, 200, 200],
        "/admin/": [200, 200, 403, 401],
        "/admin/orders/": [200, 200, 403, 401],
        "/admin/orders/new/": [200, 403, 403, 401],
        "/admin/orders/edit/?id=1": [302, 403, 403, 401],
        "/admin/static/admin/css/bootstrap4/admin.css": [200, 200, 403, 401],
    }
    assert {path: statuses(url + path, *USERS) for path in table} == table


def test_only_an_administrator_changes_a_row(url: str) -> None:
    with requests.Session() as browser:
        browser.auth = ("alice", PASSWORD)
        form = browser.get(f"{url}/admin/orders/new/", timeout=60).text
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
        assert found is not None, form
        created = {"item": "tea", "csrf_token": found[1]}
        assert browser.post(f"{url}/admin/orders/new/", created, timeout=60, allow_redirects=False).status_code == 302
        forged = browser.post(f"{url}/admin/orders/new/", {"item": "coffee"}, timeout=60, allow_redirects=False)
        assert forged.status_code == 200  # the form again, with its error
    assert "tea" in ask(f"{url}/admin/orders/", "bob").text
    assert "coffee" not in ask(f"{url}/admin/orders/", "bob").text
    for path in ("new/", "edit/?id=1", "delete/", "action/", "ajax/update/", "/delete/", "../ORDERS/delete/"):
        assert statuses(f"{url}/admin/orders/{path}", *USERS[1:], method="POST", data={"id": "1"}) == [403, 403, 401]


def test_a_page_shows_what_its_user_may_do(url: str) -> None:
    pages = [ask(f"{url}/admin/orders/", user).text for user in ("alice", "bob")]
    assert ["/admin/orders/delete/" in page for page in pages] == [True, False]


@pytest.fixture
def people(program: MakeProgram) -> Iterator[People]:
    require("browser")
    made = program("flask-admin")
    made.create_user("alice", "admin")
    made.create_user("bob", "support")
    with people_at(made, "shop_with_login", GUNICORN, {"FLASK_SECRET_KEY": "only for this test"}) as people:
        yield people


def order(people: People, page: Any, item: str) -> None:
    page.goto(f"{people.url}/admin/orders/new/")
    page.fill("#item", item)
    page.click("input[type=submit]")


@pytest.mark.browser
def test_people_log_in_and_go_on_for_longer_than_a_token_lives(people: People) -> None:
    page = people.logged_in("alice", "/admin/orders/")
    order(people, page, "tea")
    people.let_pass(LONGER_THAN_A_TOKEN)
    order(people, page, "coffee")
    assert page.url == f"{people.url}/admin/orders/"
    assert {"tea", "coffee"} <= set(page.inner_text("table").split())
    # The session ends while a form is filled in.
    page.goto(f"{people.url}/admin/orders/new/")
    page.fill("#item", "milk")
    people.log_out_elsewhere("alice")
    page.wait_for_timeout(BOUND * 200)
    page.click("input[type=submit]")
    assert people.shown[-1][0] == 401
    assert "Nothing was changed" in page.inner_text("body")
    assert people.leads_to_the_login_from(page, "/admin/orders/")
    assert "milk" not in people.logged_in("bob", "/admin/orders/").inner_text("body")
    bob = people.logged_in("bob", "/admin/")
    bob.goto(f"{people.url}/admin/orders/new/")
    assert people.shown[-1][0] == 403
    assert people.has_seen_pages_alone

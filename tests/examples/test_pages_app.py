"""The pages log in, stay logged in and log out by cookies, which neither a script nor another site gets at."""

from __future__ import annotations

from pathlib import Path

import pytest
from authmw_sqlalchemy import SQLStores
from starlette.testclient import TestClient

from authmw.crypto.keyring import KeyRing
from authmw.testing import AsUser
from examples.pages_app import create_app
from tests.examples.running import free_port, get, running

pytestmark = pytest.mark.usefixtures("cheap_hashes")

URL = "https://shop.example"
ALICE = {"username": "alice", "password": "correct horse battery staple"}
SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def browser(tmp_path: Path) -> TestClient:
    database, keys = f"sqlite:///{tmp_path / 'app.db'}", tmp_path / "keys.json"
    KeyRing.generate().save(keys)
    stores = SQLStores(database)
    stores.users.create("alice", ALICE["password"], scopes=["orders:read"])
    stores.close()
    return TestClient(create_app(database, keys, URL), base_url=URL)


def test_the_page_is_for_everybody_and_the_orders_are_not(browser: TestClient) -> None:
    assert "Log in" in browser.get("/").text
    assert browser.get("/orders").status_code == 401


def test_the_orders_are_those_of_the_user(browser: TestClient, as_user: AsUser) -> None:
    with as_user("bob", "orders:read"):
        assert browser.get("/orders").json()["for"] == "bob"


def test_after_a_login_the_cookie_opens_it_until_the_logout(browser: TestClient) -> None:
    login = browser.post("/auth/login", data=ALICE, headers=SAME)
    assert login.json() == {"expires_in": 600, "scope": "orders:read"}
    assert browser.get("/orders").json() == {"orders": ["tea", "cake"], "for": "alice"}
    before = dict(browser.cookies)
    assert browser.post("/auth/refresh", headers=SAME).status_code == 200
    assert browser.get("/orders").status_code == 200
    assert browser.post("/auth/logout", headers=SAME).status_code == 204
    assert browser.get("/orders").status_code == 401
    # A copy of the cookies from before is good for no refresh either.
    for name, value in before.items():
        browser.cookies.set(name, value)
    assert browser.post("/auth/refresh", headers=SAME).status_code == 400


def test_no_answer_and_no_script_has_a_token(browser: TestClient) -> None:
    login = browser.post("/auth/login", data=ALICE, headers=SAME)
    cookies = login.headers.get_list("set-cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    tokens = [cookie.partition("=")[2].partition(";")[0] for cookie in cookies]
    assert [token in login.text for token in tokens] == [False, False]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_can_log_nobody_in(browser: TestClient, site: str) -> None:
    assert browser.post("/auth/login", data=ALICE, headers={"Sec-Fetch-Site": site}).status_code == 403
    assert browser.get("/orders").status_code == 401


def test_a_wrong_password_sets_no_cookie(browser: TestClient) -> None:
    refused = browser.post("/auth/login", data={**ALICE, "password": "wrong"}, headers=SAME)
    assert refused.status_code == 400
    assert "set-cookie" not in refused.headers


@pytest.mark.servers
def test_it_runs_by_itself(tmp_path: Path) -> None:
    KeyRing.generate().save(tmp_path / "keys.json")
    with running("pages_app.py", tmp_path, free_port()) as (port, _):
        assert get(port, "/orders")[0] == 401

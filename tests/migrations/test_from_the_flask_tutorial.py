"""From the tutorial of Flask, as its page says: the same users, passwords and posts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import pytest
import requests

from tests.login.browser import Browser
from tests.migrations.conftest import Migration
from tests.migrations.http_browser import FLASK, PASSWORD, browser_of, logged_in
from tests.programs.program import Program

pytestmark = pytest.mark.programs
SECRET: Final = {"FLASK_SECRET_KEY": "only for this test"}
STORED: Final = """
from flaskr import create_app
from flaskr.auth import local_auth
from flaskr.db import get_db
with create_app().app_context():
    user = local_auth.local.stores.users.find("{name}")
    rows = get_db().execute("SELECT count(*) FROM user WHERE username = '{name}'").fetchone()
    print(rows[0], user and user.id, user and user.password_hash)
"""


@dataclass(frozen=True)
class Moved:
    """The program after, running, and the cookies that a browser has of the one before."""

    port: int
    cookies: dict[str, str]
    program: Program
    said: str
    """What `move_users.py` printed."""

    def logged_in(self, name: str = "alice", path: str = "/1/update") -> Browser:
        """A browser in which a user has logged in."""
        return logged_in(self.port, name, PASSWORD + name, path)

    def stored(self, name: str) -> list[str]:
        """The number of rows of a user in the table of the tutorial, its id and its hash in the stores."""
        return self.program.run("python", "-c", STORED.format(name=name), environment=SECRET).stdout.split()


@pytest.fixture(scope="module")
def moved(migration: Callable[[str], Migration]) -> Iterator[Moved]:
    made = migration("the-flask-tutorial")
    with made.before.serve("flaskr", FLASK, SECRET) as server:
        url = f"http://127.0.0.1:{server.port}"
        for name in ("alice", "bob", "carol", "d:ave"):
            form = {"username": name, "password": PASSWORD + name}
            assert requests.post(f"{url}/auth/register", form, timeout=60).url == f"{url}/auth/login"
        with requests.Session() as old:
            assert old.post(f"{url}/create", {"title": "no"}, timeout=60).url == f"{url}/auth/login"
            form = {"username": "alice", "password": f"{PASSWORD}alice"}
            assert "Log out" in old.post(f"{url}/auth/login", form, timeout=60).text
            assert "First by alice" in old.post(f"{url}/create", {"title": "First"}, timeout=60).text
            assert "Hello by alice" in old.post(f"{url}/1/update", {"title": "Hello"}, timeout=60).text
            cookies = {name: value or "" for name, value in old.cookies.items()}
        with requests.Session() as other:
            form = {"username": "bob", "password": f"{PASSWORD}bob"}
            assert "Log out" in other.post(f"{url}/auth/login", form, timeout=60).text
            assert other.post(f"{url}/1/update", {"title": "Mine"}, timeout=60).status_code == 403
    assert set(cookies) == {"session"}
    after = made.move()
    ran = [after.run("python", "move_users.py", environment=SECRET) for _ in range(2)]  # it may run again
    assert [each.returncode for each in ran] == [0, 0], ran
    assert ran[0].stdout == ran[1].stdout
    with after.serve("flaskr", FLASK, SECRET) as server:
        yield Moved(server.port, cookies, after, ran[0].stdout)


@pytest.mark.parametrize("name, status, changed", [("alice", 200, 302), ("bob", 403, 403)])
def test_a_user_logs_in_with_the_same_password_and_changes_its_own_posts_alone(
    moved: Moved, name: str, status: int, changed: int
) -> None:
    browser = browser_of(moved.port)
    sent = browser.open("/1/update", follow=False)
    assert sent.header("location") == "/auth/login?next=/1/update"
    login = browser.open(sent.header("location"))
    fields = {**login.form.fields, "username": name, "password": PASSWORD + name}
    assert browser.post(login.form.action, fields).header("location") == "/1/update"
    assert browser.open("/1/update").status == status
    assert browser.post("/1/update", {"title": "Hello"}).status == changed
    assert "Hello by alice" in browser.open("/").text


def test_a_user_posts(moved: Moved) -> None:
    browser = moved.logged_in()
    assert browser.post("/create", {"title": "Second"}).header("location") == "/"
    assert "Second by alice" in browser.open("/").text


def test_another_site_posts_nothing(moved: Moved) -> None:
    browser = moved.logged_in()
    browser.post("/create", {"title": "Spam"}, sec_fetch_site="cross-site")
    assert "Spam" not in browser.open("/").text


def test_a_stranger_reads_and_is_sent_to_log_in_for_the_rest(moved: Moved) -> None:
    browser = browser_of(moved.port)
    home = browser.open("/")
    assert (home.status, "Hello by alice" in home.text, "Log out" in home.text) == (200, True, False)
    assert 'href="/auth/login"' in home.text
    assert browser.post("/create", {"title": "Spam"}).status == 401
    assert "Spam" not in browser.open("/").text


def test_sessions_of_before_end(moved: Moved) -> None:
    browser = browser_of(moved.port, **moved.cookies)
    assert browser.open("/1/update", follow=False).status == 303
    assert "Log out" not in browser.open("/").text


def test_the_hash_is_replaced_at_the_login_and_the_id_stays(moved: Moved) -> None:
    rows, user_id, before = moved.stored("carol")
    assert (rows, user_id, before.partition(":")[0]) == ("1", "3", "scrypt")
    for _ in range(2):
        login = browser_of(moved.port)
        page = login.submit(login.open("/auth/login"), username="carol", password=f"{PASSWORD}carol")
        assert "carol" in page.text
    assert moved.stored("carol")[2].startswith("$argon2id$")


def test_a_name_that_cannot_be_used_is_told(moved: Moved) -> None:
    assert moved.said.startswith("'d:ave' was not moved: ")
    assert moved.said.count("\n") == 1


def test_the_form_of_the_page_logs_out(moved: Moved) -> None:
    browser = moved.logged_in()
    kept = dict(browser.jar)
    assert "You are logged out" in browser.submit(browser.open("/")).text
    assert browser_of(moved.port, **kept).open("/1/update", follow=False).status == 303


def test_who_registers_is_logged_in_and_posts(moved: Moved) -> None:
    browser = browser_of(moved.port)
    form = {"username": "erin", "password": f"{PASSWORD}erin"}
    assert browser.post("/auth/register", form).header("location") == "/"
    browser.post("/create", {"title": "Third"})
    assert "Third by erin" in browser.open("/").text
    assert moved.stored("erin")[0] == "1"


@pytest.mark.parametrize(
    "name, password, mistake",
    [
        ("alice", "long enough", "There is a user alice already."),
        ("f:rank", "long enough", "cannot be used"),
        ("grace", "short", "8 characters or more"),
    ],
)
def test_who_cannot_register_leaves_nothing_behind(moved: Moved, name: str, password: str, mistake: str) -> None:
    for _ in range(2):
        browser = browser_of(moved.port)
        page = browser.post("/auth/register", {"username": name, "password": password})
        assert mistake in page.text
        assert "__Host-session" not in browser.jar
    assert moved.stored(name)[0] == ("1" if name == "alice" else "0")


def test_nobody_takes_the_name_of_a_user_of_before_who_was_not_moved(moved: Moved) -> None:
    browser = browser_of(moved.port)
    page = browser.post("/auth/register", {"username": "d:ave", "password": "long enough"})
    assert "There is a user d:ave already." in page.text

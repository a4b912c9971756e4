"""Tokens beside Django's sessions, as the page says: sessions, pages and the admin stay, and the API takes tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
import requests

from tests.migrations.conftest import Migration
from tests.migrations.http_browser import PASSWORD
from tests.programs.asking import ask
from tests.programs.program import Program

pytestmark = pytest.mark.programs
SECRET: Final = {"SECRET_KEY": "only for this test"}
WITH_API: Final = {**SECRET, "DJANGO_SETTINGS_MODULE": "mysite.settings_with_api"}
SERVER: Final = "manage.py runserver --noreload 127.0.0.1:{port}"
CREATE: Final = f"""
from django.contrib.auth.models import User
for name in ("alice", "bob", "carol"):
    staff = name == "alice"
    User.objects.create_user(name, password="{PASSWORD}" + name, is_staff=staff, is_superuser=staff)
"""
CHANGE: Final = "from django.contrib.auth.models import User; User.objects.filter(username='carol').update({change})"
FIELD: Final = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


def shell(program: Program, code: str, environment: dict[str, str]) -> None:
    """Run a script in the shell of the project."""
    ran = program.run("python", "manage.py", "shell", "-c", code, environment=environment)
    assert ran.returncode == 0, ran.stderr


class Person:
    """A person in a browser at the site.

    Args:
        url: of the site.
        cookies: what the browser has.
    """

    def __init__(self, url: str, cookies: dict[str, str]) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        jar: Any = self._session.cookies
        jar.update(cookies)

    def open(self, path: str, *, follow: bool = True) -> requests.Response:
        """The page at `path`."""
        return self._session.get(self._url + path, timeout=60, allow_redirects=follow)

    def post(self, page: str, path: str, **fields: str) -> requests.Response:
        """The response to the form on `page`."""
        found = FIELD.search(self.open(page).text)
        token = {} if found is None else {"csrfmiddlewaretoken": found[1]}
        return self._session.post(self._url + path, {**fields, **token}, timeout=60)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies of the browser."""
        return {name: value or "" for name, value in self._session.cookies.items()}


@dataclass(frozen=True)
class Moved:
    """The site with its API, running, and the cookies that people have of the time before."""

    url: str
    program: Program
    cookies: dict[str, dict[str, str]]

    def person(self, name: str) -> Person:
        """A person who logged in before."""
        return Person(self.url, self.cookies[name])

    def token(self, name: str) -> str:
        """A token that a person gets on the page."""
        answer: Any = self.person(name).post("/orders", "/account/token")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), answer.text
        return str(answer.json()["access_token"])


@pytest.fixture(scope="module")
def moved(migration: Callable[[str], Migration]) -> Iterator[Moved]:
    made = migration("django-sessions")
    migrated = made.before.run("python", "manage.py", "migrate", environment=SECRET)
    assert migrated.returncode == 0, migrated.stderr
    shell(made.before, CREATE, SECRET)
    cookies: dict[str, dict[str, str]] = {}
    with made.before.serve("", SERVER, SECRET) as server:
        url = f"http://127.0.0.1:{server.port}"
        for name in ("alice", "bob", "carol"):
            person = Person(url, {})
            assert person.open("/orders").url == f"{url}/accounts/login/?next=/orders"
            page = person.post("/accounts/login/", "/accounts/login/", username=name, password=PASSWORD + name)
            assert f"Orders of {name}" in page.text
            cookies[name] = person.cookies
    after = made.move()
    checked = after.run("python", "manage.py", "check", environment=WITH_API)
    assert checked.returncode == 0, checked.stderr
    with after.serve("", SERVER, WITH_API) as server:
        yield Moved(f"http://127.0.0.1:{server.port}", after, cookies)


def test_sessions_go_on(moved: Moved) -> None:
    assert "Orders of bob" in moved.person("bob").open("/orders").text
    assert moved.person("alice").open("/admin/", follow=False).status_code == 200
    assert moved.person("bob").open("/admin/", follow=False).status_code == 302


def test_a_stranger_sees_pages_as_before_and_logs_in_there(moved: Moved) -> None:
    stranger = Person(moved.url, {})
    assert stranger.open("/").text == "Welcome"
    assert stranger.open("/orders").url == f"{moved.url}/accounts/login/?next=/orders"
    assert stranger.open("/admin/").url == f"{moved.url}/admin/login/?next=/admin/"
    page = stranger.post("/accounts/login/", "/accounts/login/", username="bob", password=f"{PASSWORD}bob")
    assert "Orders of bob" in page.text


def test_a_token_of_the_page_opens_the_api(moved: Moved) -> None:
    answer = ask(f"{moved.url}/api/orders", token=moved.token("bob"))
    assert (answer.status_code, answer.json()) == (200, {"orders of": "bob"})


def test_a_session_does_not_open_the_api_nor_what_is_not_named(moved: Moved) -> None:
    for path in ("/api/orders", "/nothing"):
        answer = moved.person("bob").open(path, follow=False)
        assert (answer.status_code, 'Bearer realm="shop"' in answer.headers["www-authenticate"]) == (401, True)


def test_a_token_is_not_looked_at_on_a_page(moved: Moved) -> None:
    answer = ask(f"{moved.url}/orders", token=moved.token("bob"))
    assert (answer.status_code, answer.headers["location"]) == (302, "/accounts/login/?next=/orders")
    assert ask(f"{moved.url}/api/orders", token="wrong").status_code == 401


def test_a_token_needs_a_person_and_a_form_of_the_site(moved: Moved) -> None:
    assert ask(f"{moved.url}/account/token", method="POST").status_code == 403  # Django's check of CSRF
    assert ask(f"{moved.url}/account/token").status_code == 302
    cookies = moved.cookies["bob"]
    assert requests.post(f"{moved.url}/account/token", cookies=cookies, timeout=60).status_code == 403


def test_staff_does_not_come_in_by_a_token(moved: Moved) -> None:
    assert ask(f"{moved.url}/api/orders", token=moved.token("alice")).status_code == 403


def test_a_user_who_is_not_active_comes_in_no_more(moved: Moved) -> None:
    token = moved.token("carol")
    assert ask(f"{moved.url}/api/orders", token=token).status_code == 200
    shell(moved.program, CHANGE.format(change="is_active=False"), WITH_API)
    assert ask(f"{moved.url}/api/orders", token=token).status_code == 403

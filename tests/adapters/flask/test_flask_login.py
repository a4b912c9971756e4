"""What applications expect that come from Flask-Login: `current_user` in views and templates, and `login_required`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from authmw_flask import FlaskAuth, current_user, login_required, public
from flask import Flask, render_template_string
from werkzeug.test import TestResponse

from authmw import APIKeyCookie, Auth, HTTPBearer, Principal, requirement_of

PAGE = "{% if current_user.is_authenticated %}{{ current_user.name }}{% else %}stranger{% endif %}"
ALL = (
    "{{ current_user.is_authenticated }} {{ current_user.is_anonymous }} {{ current_user.is_active }} "
    "{{ current_user.get_id() }} {{ current_user.nothing }} {{ current_user.display_name }}"
)


@dataclass
class Account:
    """A user object of an application, with an id of its own."""

    id: int
    name: str
    email: str = "alice@shop.example"
    is_active: bool = True

    def get_id(self) -> str:
        """As Flask-Login's `UserMixin`."""
        return str(self.id)


class Plain:
    """A user object with nothing of Flask-Login."""

    name = "Plain Alice"


PEOPLE = {
    "alice": Principal("alice", scopes={"orders:read"}, name="principal Alice"),
    "gone": Principal("gone"),
    "machine": Principal("machine", kind="client"),
}


def shop(load_user: Any = None, **settings: Any) -> Flask:
    """An application with a public page and a closed one."""
    app = Flask("shop", static_folder=None)
    app.testing = True
    app.add_url_rule("/", view_func=public(lambda: render_template_string(PAGE)), endpoint="home")
    app.add_url_rule("/all", view_func=public(lambda: render_template_string(ALL)), endpoint="all")

    @app.get("/email")
    @login_required
    def email() -> str:
        return str(current_user.email)

    @app.get("/me")
    @login_required
    def me() -> str:
        return f"{current_user.name} {current_user.get_id()} {current_user.can('orders:read')}"

    auth = Auth(APIKeyCookie("key", PEOPLE.get) | HTTPBearer(PEOPLE.get), load_user=load_user, login="/login")
    FlaskAuth(app, auth, **settings)
    return app


def load(principal: Principal) -> Account | None:
    """The account of alice."""
    return Account(7, "Alice") if principal.id == "alice" else None


def plain(principal: Principal) -> Plain:
    """An object that is not made for Flask-Login."""
    return Plain()


def ask(app: Flask, path: str, who: str = "", **headers: str) -> TestResponse:
    """One request with the cookie of `who`."""
    cookie = {"Cookie": f"key={who}"} if who else {}
    return app.test_client(use_cookies=False).get(path, headers={**cookie, **headers}, buffered=True)


def test_a_template_knows_the_caller() -> None:
    app = shop()
    assert ask(app, "/").text == "stranger"
    assert ask(app, "/", "alice").text == "principal Alice"
    assert ask(shop(load), "/", "alice").text == "Alice"


@pytest.mark.parametrize("load_user", [None, load])
def test_nothing_raises_on_a_public_page_without_a_caller(load_user: Any) -> None:
    assert ask(shop(load_user), "/all").text == "False True False None  "
    assert ask(shop(load_user), "/all", "dead").text == "False True False None  "


def test_attributes_of_the_user_object_win_and_the_principal_has_the_rest() -> None:
    assert ask(shop(load), "/me", "alice").text == "Alice 7 True"
    assert ask(shop(load), "/all", "alice").text == "True False True 7  principal Alice"
    assert ask(shop(), "/me", "alice").text == "principal Alice alice True"
    assert ask(shop(plain), "/me", "alice").text == "Plain Alice alice True"


def test_a_client_that_acts_for_itself_has_no_user_object() -> None:
    assert ask(shop(load), "/all", "machine").text == "True False True machine  machine"


def test_a_user_who_is_gone_is_a_stranger_and_no_error() -> None:
    app = shop(load)
    assert ask(app, "/", "gone").text == "stranger"
    answer = ask(app, "/email", "gone")
    assert (answer.status_code, answer.get_json()["code"]) == (401, "authmw.token-invalid")
    assert ask(app, "/email", "alice").text == "alice@shop.example"


def test_the_user_object_is_loaded_once_in_a_request_and_not_for_strangers() -> None:
    asked: list[str] = []

    def load_once(principal: Principal) -> Account | None:
        asked.append(principal.id)
        return load(principal)

    app = shop(load_once)
    assert ask(app, "/me", "alice").status_code == 200
    assert ask(app, "/all").status_code == 200
    assert ask(app, "/all", "gone").status_code == 401  # its template reads what only a user has
    assert asked == ["alice", "gone"]


def test_login_required_asks_for_a_caller() -> None:
    app = shop()
    browser = {"Accept": "application/xhtml+xml"}
    assert ask(app, "/me", **browser).location == "/login?next=/me"
    assert ask(app, "/me").status_code == 401
    view = login_required(lambda: "view")
    needed = requirement_of(view)
    assert needed is not None
    assert not needed.is_open


def test_the_proxy_stands_for_the_user_object() -> None:
    app = shop(load)

    @app.get("/object")
    def its_object() -> str:
        user: Any = current_user
        assert user == Account(7, "Alice")
        assert isinstance(user._get_current_object(), Account)
        assert issubclass(user.__class__, Account)
        assert current_user(Account).email == "alice@shop.example"
        assert current_user().id == "alice"
        user.name = "Alicia"
        return str(user.name)

    assert ask(app, "/object", "alice").text == "Alicia"


def test_what_the_application_calls_current_user_in_templates_stays() -> None:
    app = shop()
    app.context_processor(lambda: {"current_user": {"is_authenticated": True, "name": "own"}})
    assert ask(app, "/").text == "own"
    before = Flask("before", static_folder=None)
    before.context_processor(lambda: {"current_user": {"is_authenticated": True, "name": "own"}})
    before.add_url_rule("/", view_func=public(lambda: render_template_string(PAGE)))
    FlaskAuth(before, Auth(HTTPBearer(PEOPLE.get)))
    assert ask(before, "/").text == "own"


def test_a_store_that_is_down_is_a_503() -> None:
    def fail(principal: Principal) -> Account:
        raise OSError

    app = shop(fail)
    assert ask(app, "/", "alice").status_code == 503
    assert ask(app, "/").text == "stranger"


def test_outside_of_a_request_there_is_nobody() -> None:
    assert (current_user.is_authenticated, current_user.is_anonymous, current_user.get_id()) == (False, True, None)
    assert current_user.id == ""

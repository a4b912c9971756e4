"""`LoginPage` sends navigations to log in, and never around in a circle."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import Auth, ConfigurationError, HTTPBearer, InheritedAuth
from authmw.http.login_page import LoginPage
from authmw.http.request import WSGIRequest
from tests.http.test_navigation import OPENED, OTHERS
from tests.requests import asgi_request, wsgi_request

CENTRAL = "https://id.example/login?app=shop"
OUTER = ["/login", "/shop/login", "/shop", "/a/b/", "/a", "/"]


def opened(target: str, root: str = "", told: str | None = None) -> WSGIRequest:
    """A navigation to `target` below `root`, of which the application is told `told`."""
    path, _, query = target.partition("?")
    headers = {f"HTTP_{name.upper()}": value for name, value in OPENED.items()}
    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": root if told is None else told, "PATH_INFO": path}
    return WSGIRequest({**environ, "QUERY_STRING": query, **headers})


@pytest.mark.parametrize(
    "login, target, root, expected",
    [
        ("/login", "/orders", "", "/login?next=/orders"),
        ("/login", "/orders?a=b&c=%26", "", "/login?next=/orders%3Fa%3Db%26c%3D%2526"),
        ("/login", "/", "", "/login?next=/"),
        ("/shop/login", "/orders", "/shop", "/shop/login?next=/shop/orders"),
        ("/login", "/orders", "/shop", "/login?next=/shop/orders"),
        (CENTRAL, "/orders", "", f"{CENTRAL}&next=/orders"),
        ("/login", "/orders?a=" + "b" * 3000, "", "/login"),
        ("/login", "//evil.example/", "", "/login"),
        ("/", "/orders", "", "/?next=/orders"),
    ],
)
def test_a_navigation_is_sent_to_log_in(login: str, target: str, root: str, expected: str) -> None:
    assert LoginPage(login).url_for(opened(target, root)) == expected


def test_it_may_be_asked_to_log_in_again() -> None:
    url = LoginPage("/login").url_for(opened("/orders?a=1"), reauthenticate=True)
    assert parse_qs(urlsplit(url).query) == {"next": ["/orders?a=1"], "reauthenticate": ["1"]}


@pytest.mark.parametrize("make", [wsgi_request, asgi_request])
@pytest.mark.parametrize("method, headers", [pytest.param(*each[1:], id=each[0]) for each in OTHERS])
def test_nothing_else_is(make: Any, method: str, headers: dict[str, str]) -> None:
    assert LoginPage("/login").url_for(make("/orders", method, **headers)) == ""


@pytest.mark.parametrize(
    "login, target, root",
    [
        ("/login", "/login", ""),
        ("/login", "/login/", ""),
        ("/login/", "/login", ""),
        ("/login", "/login?next=/orders", ""),
        ("/login", "/login/style.css", ""),
        ("/login", "", "/login"),
        ("/login", "/style.css", "/login"),
        ("/shop/login", "/login", "/shop"),
        ("/", "/", ""),
        ("/login", "/orders?next=/orders", ""),
        (CENTRAL, "/orders?next=/orders", ""),
    ],
)
def test_nobody_is_sent_from_the_page_to_itself(login: str, target: str, root: str) -> None:
    assert LoginPage(login).url_for(opened(target, root)) == ""


def test_another_spelling_of_its_path_leads_nowhere_either() -> None:
    spelled = opened("/login/style.css")
    spelled.environ["REQUEST_URI"] = "/%6Cogin/style.css"
    assert LoginPage("/login").url_for(spelled) == ""
    spelled.environ.update({"REQUEST_URI": "/login/style.css", "PATH_INFO": "/moved"})
    assert LoginPage("/login").url_for(spelled) == ""


@pytest.mark.parametrize(
    "login, root, expected",
    [
        ("/login", "", ("/login", "/login/")),
        ("/login/", "", ("/login", "/login/")),
        ("/login", "/", ("/login", "/login/")),
        ("/shop/login", "/shop", ("/login", "/login/")),
        ("/shop", "/shop", ()),
        ("/shop/", "/shop", ("/",)),
        ("/", "", ("/",)),
        ("/shop/login", "/sh", ()),
        ("/shop/login", "/other", ()),
        ("/shop/login", "//", ()),
        (CENTRAL, "", ()),
        (CENTRAL, "https:", ()),
    ],
)
def test_its_path_below_a_mount(login: str, root: str, expected: tuple[str, ...]) -> None:
    assert LoginPage(login).paths_below(root) == expected


@given(
    st.sampled_from(["/login", "/shop/login", "/a/b/", "/", "/shop"]),
    st.sampled_from(["/orders", "/", "/login", "/b/", "/shop/orders?next=/b/"]),
    st.dictionaries(st.sampled_from(OUTER), st.sampled_from(["/", "/b/", "/login", "/orders"])),
)
def test_every_way_ends_whatever_a_proxy_makes_of_paths(login: str, start: str, moved: dict[str, str]) -> None:
    page, target = LoginPage(login), start
    for _ in range(5):
        path, question, query = target.partition("?")
        target = page.url_for(opened(moved.get(path, path) + question + query))
        if not target:
            break
    assert target == ""


@pytest.mark.parametrize(
    "login",
    [
        *("login", "", "//evil.example", "/\\evil.example", "/lo gin", "/login?a=1", "/login#a", "/../login", "/a//b"),
        *(
            "http://id.example/login",
            "http://localhost/login",
            "https://",
            "https:/login",
            "https://user@id.example/",
            "https://id.example/#a",
        ),
        *("javascript:alert(1)", "/l\u00f6gin", "/login\r\nSet-Cookie: a=b", 7, b"/login", True),
    ],
)
def test_what_is_no_page_is_refused(login: Any) -> None:
    with pytest.raises(ConfigurationError, match="login="):
        Auth(HTTPBearer(), login=login)


def test_a_program_inside_of_another_one_sends_to_the_same_page() -> None:
    auth = InheritedAuth(Auth(HTTPBearer(), login="/login"))
    assert auth.login is not None
    assert auth.login.url == "/login"


def _old_form(refusal: object) -> None:
    """What takes the refusal alone."""


@pytest.mark.parametrize("render", [_old_form, "page"])
def test_a_function_for_the_body_takes_the_request_too(render: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"def render\(refusal, request\)"):
        Auth(HTTPBearer(), render=render)

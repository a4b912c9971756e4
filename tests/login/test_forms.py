"""Every form of the login pages: who may post it, what its page promises a browser, and what hostile input does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

import pytest
from authmw_fastapi import FastAPIAuth
from fastapi import Depends, FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authmw import csrf_token
from authmw.crypto.form_tokens import new_form_token
from authmw.errors import StoreUnavailable
from authmw.flow.flow import run
from authmw.http.form import FORM_FIELD
from authmw.http.response import Response
from authmw.login.forms import FORM_COOKIE, FormGuard
from authmw.login.service import HANDLERS, RoutedPage
from authmw.login.visit import redirect
from authmw.pages import parts
from tests.login.browser import FORM, Browser, Page, to_asgi
from tests.login.shop import SECRET, Shop
from tests.requests import wsgi_request
from tests.support import examples

PATHS = tuple(path for path in HANDLERS if path != "/login/step")
CROSS_SITE: list[dict[str, str]] = [
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"sec_fetch_site": "none"},
    {"sec_fetch_site": "", "origin": "https://evil.example"},
    {"sec_fetch_site": "", "origin": "null"},
    {"origin": "null"},
    {"sec_fetch_site": "", "origin": "https://shop.example.evil.example"},
    {"sec_fetch_site": "", "origin": "http://shop.example"},
]


def fields_for(path: str, token: str) -> dict[str, str]:
    """A form that would do something, if it were accepted."""
    each = {
        "/login": {"username": "bob", "password": "battery staple"},
        "/password": {"old_password": SECRET, "new_password": "something new", "new_password_again": "something new"},
        "/forgotten": {"username": "alice"},
        "/reset": {"token": token, "new_password": "something new", "new_password_again": "something new"},
        "/verify": {"token": token},
        "/sessions": {"session": "session_1"},
    }
    return each.get(path, {})


def state_of(shop: Shop) -> object:
    """What forms may change."""
    now = shop.clock()
    sessions = shop.stores.sessions
    return (
        shop.users.find("alice"),
        shop.users.find("bob"),
        [each.id for subject in "78" for each in sessions.sessions_of(subject, now)],
        len(shop.mails),
        len(shop.stores.pending.of_user("7")),
    )


def test_the_pages_and_applications_use_one_field() -> None:
    assert parts.FORM_FIELD == FORM_FIELD


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("logged_in", [False, True], ids=["stranger", "alice"])
def test_a24_a_page_of_another_site_cannot_post_a_form(shop: Shop, path: str, logged_in: bool) -> None:
    browser = shop.logged_in() if logged_in else shop.browser()
    token = browser.open("/auth/password" if logged_in else "/auth/login").form.fields[FORM_FIELD]
    before = state_of(shop)
    for headers in CROSS_SITE:
        answer = browser.post(f"/auth{path}", {**fields_for(path, "x"), FORM_FIELD: token}, **headers)
        assert (headers, answer.status) == (headers, 403)
        assert "__Host-session" not in answer.cookies()
    assert state_of(shop) == before


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/logout"])
@pytest.mark.parametrize("logged_in", [False, True], ids=["stranger", "alice"])
def test_a24_a_form_needs_the_token_of_its_browser(shop: Shop, path: str, logged_in: bool) -> None:
    browser = shop.logged_in() if logged_in else shop.browser()
    of_other = shop.browser().open("/auth/login").form.fields[FORM_FIELD]
    before = state_of(shop)
    for token in ("", "x", "A" * 64, "\u00e9" * 64, of_other):
        answer = browser.post(f"/auth{path}", {**fields_for(path, "x"), FORM_FIELD: token})
        assert answer.status in (400, 303), answer.text
        if answer.status == 303:
            assert not logged_in
            assert answer.header("location").startswith("/auth/login")
    assert state_of(shop) == before


@pytest.mark.parametrize("value", ["", "x", "A" * 42, "A" * 44, "A" * 42 + "-"])
def test_a_cookie_that_was_not_made_here_is_no_secret_of_a_form(shop: Shop, value: str) -> None:
    browser = shop.browser()
    browser.jar[FORM_COOKIE] = value
    token = new_form_token(value)
    fields = {**fields_for("/login", ""), FORM_FIELD: token}
    assert browser.post("/auth/login", fields).status == 400
    assert "__Host-session" not in browser.jar
    browser.jar[FORM_COOKIE] = value
    browser.open("/auth/login")
    assert browser.jar[FORM_COOKIE] != value  # and the next form is good
    named: Any = fields_for("/login", "")
    assert browser.submit(browser.open("/auth/login"), **named).status == 200


def test_of_a_browser_with_two_secrets_of_forms_neither_is_taken(shop: Shop) -> None:
    browser = shop.browser()
    page = browser.open("/auth/login")
    browser.jar[""] = f"{FORM_COOKIE}={shop.browser().open('/auth/login').cookies()[FORM_COOKIE][14:44]}"
    fields = {**page.form.fields, **fields_for("/login", "")}
    answer = browser.post("/auth/login", fields)
    assert (answer.status, set(answer.cookies())) == (400, {FORM_COOKIE})


def test_a_browser_keeps_the_secret_of_its_forms(shop: Shop) -> None:
    browser = shop.browser()
    pages = [browser.open("/auth/login") for _ in range(2)]
    assert [set(each.cookies()) for each in pages] == [{FORM_COOKIE}, set()]
    assert pages[0].form.fields[FORM_FIELD] != pages[1].form.fields[FORM_FIELD]


def test_the_tokens_of_forms_are_made_of_the_entropy_that_is_given() -> None:
    guard = FormGuard(frozenset(), entropy=bytes)
    made = guard.token_for(wsgi_request("/login"), None)
    assert made == guard.token_for(wsgi_request("/login"), None)


def test_a_page_and_a_redirect_have_these_headers(shop: Shop) -> None:
    page = run(shop.pages.respond(wsgi_request("/login")))
    assert page is not None
    told = [(name, value) for name, value in page.headers if name in ("Vary", "Content-Length", "Cache-Control")]
    assert sorted(told) == [
        ("Cache-Control", "no-store"),
        ("Content-Length", str(len(page.body))),
        ("Vary", "Cookie, Accept-Language"),
    ]
    assert redirect("/orders", (("X-More", "1"),)) == Response(
        303,
        (
            ("Location", "/orders"),
            ("Content-Length", "0"),
            ("Content-Type", "text/plain"),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("X-More", "1"),
        ),
        b"",
    )


def test_a_request_is_answered_by_the_path_below_the_mount(shop: Shop) -> None:
    pages = shop.pages

    def status(path: str, below: str | None = None, method: str = "GET") -> int | None:
        answer = run(pages.respond(wsgi_request(path, method), below))
        return None if answer is None else answer.status

    assert [status("/login"), status("/auth/login", "/login"), status("/x", "/login")] == [200] * 3
    assert [status("/auth/login"), status("/nothing"), status("/login", "/nothing"), status("/login/step")] == [
        None
    ] * 4
    assert [status("/login", method=each) for each in ("HEAD", "OPTIONS", "get")] == [200, 405, 405]
    routed = run(RoutedPage(pages, "/logout").respond(wsgi_request("/anything")))
    assert (routed is not None and routed.status) == 200


def test_a_form_is_bound_to_the_session_where_there_is_one(shop: Shop) -> None:
    browser = shop.logged_in()
    del browser.jar["__Host-form"]
    page = browser.open("/auth/password")
    assert (page.cookies(), set(browser.jar)) == ({}, {"__Host-session"})
    assert browser.submit(page, old_password=SECRET, new_password="a new secret").status == 400  # not typed again
    assert "Error" in browser.submit(page, old_password="wrong").text


def test_an_empty_text_is_no_secret_of_a_form(shop: Shop) -> None:
    browser = shop.logged_in()
    form = {**fields_for("/password", ""), FORM_FIELD: new_form_token("")}
    before = state_of(shop)
    assert browser.post("/auth/password", form).status == 400
    assert state_of(shop) == before


def test_without_a_header_that_tells_the_token_is_enough(shop: Shop) -> None:
    browser = shop.browser()
    page = browser.open("/auth/login")
    fields = {**page.form.fields, "username": "alice", "password": SECRET}
    assert browser.post("/auth/login", fields, sec_fetch_site="").status == 303


def test_a_page_of_the_application_has_a_token_for_its_form(shop: Shop) -> None:
    browser = shop.logged_in()
    page = browser.open("/form")
    assert page.form.fields["csrf_token"] != browser.open("/form").form.fields["csrf_token"]
    assert browser.post("/", page.form.fields, sec_fetch_site="").text == "hello alice"
    assert browser.post("/", {"csrf_token": "x"}, sec_fetch_site="").status == 401
    assert browser.post("/", {}, sec_fetch_site="same-origin").text == "hello alice"


def test_an_endpoint_of_fastapi_has_the_token_as_a_dependency() -> None:
    shop, app = Shop("starlette"), FastAPI()
    FastAPIAuth(app, shop.auth)

    def form(token: Annotated[str, Depends(csrf_token)]) -> str:
        return token

    app.add_api_route("/form", form)
    app.add_api_route("/form", lambda: "posted", methods=["POST"])
    browser = Browser(to_asgi(app))
    browser.jar = shop.logged_in().jar
    token = browser.open("/form").text.strip('"')
    assert browser.post("/form", {"csrf_token": token}, sec_fetch_site="").status == 200
    assert browser.post("/form", {}, sec_fetch_site="").status == 401
    shop.close()


def test_a_form_that_is_too_old_can_be_sent_again(shop: Shop) -> None:
    browser = shop.browser()
    old = browser.open("/auth/login?next=/public")
    browser.jar.clear()  # the browser was closed, and the tab restored
    again = browser.submit(old, username="alice", password=SECRET)
    assert again.status == 400
    assert again.form.fields["username"] == "alice"
    assert "password" not in {name for name, value in again.form.fields.items() if value == SECRET}
    assert browser.submit(again, password=SECRET).text == "hello alice"


def test_two_tabs_log_in_one_after_the_other(shop: Shop) -> None:
    browser = shop.browser()
    first, second = browser.open("/auth/login"), browser.open("/auth/login")
    assert browser.submit(first, username="alice", password=SECRET).text == "hello alice"
    assert browser.submit(second, username="alice", password=SECRET).text == "hello alice"
    (session,) = shop.stores.sessions.sessions_of("7", shop.clock())
    assert session.id


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("logged_in", [False, True], ids=["stranger", "alice"])
def test_a23_no_page_can_be_framed_cached_or_load_anything(shop: Shop, path: str, logged_in: bool) -> None:
    browser = shop.logged_in() if logged_in else shop.browser()
    for page in (browser.open(f"/auth{path}", follow=False), browser.post(f"/auth{path}", {})):
        assert page.header("cache-control") == "no-store"
        if page.status == 303:
            assert page.body == b""
            continue
        policy = page.header("content-security-policy")
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert page.header("x-frame-options") == "DENY"
        assert page.header("referrer-policy") in ("no-referrer", "strict-origin")
        assert "Cookie" in page.header("vary")
        assert "<script" not in page.text
        assert not any(f"{place}=" in page.text.replace(" src=", " ") for place in ("srcset", "ping"))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "BREW", "OPTIONS"])
def test_other_methods_are_refused(shop: Shop, path: str, method: str) -> None:
    answer = shop.logged_in().ask(method, f"/auth{path}", sec_fetch_site="same-origin")
    assert answer.status == 405
    assert {"GET", "POST"} <= {each.strip() for each in answer.header("allow").split(",")}
    assert "__Host-session" not in answer.cookies()


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_content(shop: Shop, path: str) -> None:
    browser = shop.logged_in()
    got, head = browser.ask("GET", f"/auth{path}"), browser.ask("HEAD", f"/auth{path}")
    assert (head.status, head.body) == (got.status, b"")


@pytest.mark.parametrize("path", PATHS)
def test_a_store_that_is_down_is_a_page_with_503(shop: Shop, path: str, caplog: pytest.LogCaptureFixture) -> None:
    browser = shop.logged_in()
    page = browser.open("/auth/password")

    def down(*_: object) -> None:
        raise StoreUnavailable("down")

    shop.stores.sessions.find_session = down
    for answer in (browser.open(f"/auth{path}"), browser.post(f"/auth{path}", page.form.fields)):
        assert answer.status == 503
        assert int(answer.header("retry-after")) > 0
        assert answer.header("content-type") == "text/html; charset=utf-8"
        assert "__Host-session" not in answer.cookies()  # it may be good
    logged = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert len(logged) == 2
    assert all("code=authmw.unavailable error=StoreUnavailable" in each and each.endswith(path) for each in logged)


BODIES = st.one_of(
    st.binary(max_size=300),
    st.dictionaries(
        st.sampled_from([FORM_FIELD, "username", "password", "next", "token", "session", "new_password", "remember"]),
        st.text(max_size=80),
    ).map(lambda fields: "&".join(f"{name}={quote(value)}" for name, value in fields.items()).encode()),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(150), deadline=None)
@given(
    path=st.sampled_from(PATHS),
    body=BODIES,
    query=st.text("abcxyz0189=&%+;?/\\.-_~", max_size=60),
    cookie=st.one_of(st.none(), st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=80)),
    kind=st.sampled_from([FORM, f"{FORM}; charset=x", "multipart/form-data", "application/json", ""]),
)
def test_no_request_gets_a_5xx_or_a_session(
    shop: Shop, path: str, body: bytes, query: str, cookie: str | None, kind: str
) -> None:
    browser = shop.browser()
    if cookie is not None:
        browser.jar = {"__Host-session": cookie, "__Host-form": cookie}
    for method in ("GET", "POST"):
        answer = browser.ask(
            method,
            f"/auth{path}?{query}",
            body if method == "POST" else b"",
            content_type=kind,
            sec_fetch_site="same-origin",
        )
        assert answer.status < 500 or answer.header("retry-after")
        assert not answer.cookies().get("__Host-session", "").startswith("__Host-session=st_")
        if answer.header("location"):
            assert answer.header("location").startswith("/")


Ask = Callable[[Browser], Page]


def test_a_body_that_is_too_large_is_refused(shop: Shop) -> None:
    answer = shop.browser().ask(
        "POST", "/auth/login", b"username=" + b"a" * 70_000, content_type=FORM, sec_fetch_site="same-origin"
    )
    assert answer.status == 413


@pytest.mark.parametrize("path, name", [(path, name) for path in PATHS for name in fields_for(path, "x")])
@pytest.mark.parametrize("logged_in", [False, True], ids=["stranger", "alice"])
def test_a_form_without_one_of_its_fields_does_nothing(shop: Shop, path: str, name: str, logged_in: bool) -> None:
    browser = shop.logged_in() if logged_in else shop.browser()
    token = browser.open("/auth/password" if logged_in else "/auth/login").form.fields[FORM_FIELD]
    fields = {**fields_for(path, "x"), FORM_FIELD: token}
    del fields[name]
    before = state_of(shop)
    answer = browser.post(f"/auth{path}", fields)
    needs_a_session = path in ("/password", "/sessions") and not logged_in
    assert answer.status == (303 if needs_a_session else 400), answer.text
    assert state_of(shop) == before

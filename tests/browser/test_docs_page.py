"""The docs page in Chromium, offline: it loads, Authorize works by every scheme, and operations can be tried out."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.browser.docs_api import CLIENT_SECRET, KEY
from tests.browser.docs_reader import Reader, reading
from tests.browser.docs_servers import AuthorizationServer, authorization_server, nginx
from tests.servers.running import SERVERS, running, started
from tests.support import chromium, require

pytestmark = [pytest.mark.browser, pytest.mark.servers]

FLASK = "tests.browser.docs_flask_app:application"
STARLETTE = "tests.browser.docs_starlette_app:application"
HOST = "orders.example"
PASSWORD = ("alice", "correct horse")


@pytest.fixture(scope="module")
def browser() -> Generator[Any]:
    require("browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", f"--host-resolver-rules=MAP {HOST} 127.0.0.1"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def elsewhere() -> Generator[AuthorizationServer]:
    with authorization_server() as server:
        yield server


@pytest.fixture(scope="module")
def starlette(elsewhere: AuthorizationServer) -> Generator[str]:
    require("browser")
    with running("uvicorn-h11", STARLETTE, {"AUTHORIZATION_SERVER": elsewhere.origin}) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def flask(elsewhere: AuthorizationServer) -> Generator[str]:
    require("browser")
    with running("werkzeug", FLASK, {"AUTHORIZATION_SERVER": elsewhere.origin}) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def reader(browser: Any, starlette: str) -> Generator[Reader]:
    with reading(browser, f"{starlette}/docs") as reader:
        yield reader


def access_token(base: str) -> dict[str, Any]:
    """What the token endpoint of the API answers to a login."""
    form = {"grant_type": "password", "username": PASSWORD[0], "password": PASSWORD[1]}
    with urlopen(f"{base}/auth/token", urlencode(form).encode()) as answer:
        members: dict[str, Any] = json.load(answer)
        return members


# Loading


def test_the_page_loads_with_what_the_document_says(reader: Reader) -> None:
    assert reader.page.url.endswith("/docs/")
    assert reader.page.title() == "Orders & <more>"
    assert "1.2.3" in reader.page.inner_text(".info")
    assert reader.page.inner_text(".info strong") == "whom"
    assert reader.try_out()[0] == 401


@pytest.mark.parametrize("path, sentence", [("/hidden/", "logged in (401)"), ("/busy/", "not available")])
def test_a_document_that_cannot_be_loaded_is_a_sentence(browser: Any, starlette: str, path: str, sentence: str) -> None:
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(starlette + path)
        assert sentence in page.locator("[role=alert]").inner_text()
    finally:
        context.close()


def test_the_page_is_dark_where_the_reader_likes_it_dark(browser: Any, starlette: str) -> None:
    context = browser.new_context(color_scheme="dark")
    try:
        page = context.new_page()
        page.goto(f"{starlette}/docs/")
        page.wait_for_selector("html.dark-mode .opblock")
    finally:
        context.close()


# Authorize


def test_authorize_lets_in_and_logout_lets_out_by_every_scheme(reader: Reader) -> None:
    for scheme, values, caller in (
        ("Password", PASSWORD, "user-1"),
        ("Client", ("robot", CLIENT_SECRET), "robot"),
        ("Basic", PASSWORD, "user-1"),
        ("Header", (KEY,), "key-1"),
        ("Query", (KEY,), "key-1"),
        ("Cookie", (KEY,), "key-1"),
    ):
        assert "Authorized" in reader.authorize(scheme, *values), scheme
        status, shown = reader.try_out()
        assert (scheme, status, caller in shown) == (scheme, 200, True)
        reader.log_out(scheme)
        assert (scheme, reader.try_out()[0]) == (scheme, 401)
        assert reader.page.context.cookies() == []


def test_a_bearer_token_lets_in(reader: Reader, starlette: str) -> None:
    reader.authorize("Bearer", access_token(starlette)["access_token"])
    assert reader.try_out()[0] == 200


def test_a_refused_login_is_shown_and_lets_nobody_in(reader: Reader) -> None:
    assert "error: invalid_grant" in reader.authorize("Password", "alice", "wrong")
    assert "error: invalid_client" in reader.authorize("Client", "robot", "wrong")
    assert reader.try_out()[0] == 401


def test_a_refused_credential_is_a_401_that_is_shown(reader: Reader) -> None:
    for scheme, values in {"Basic": ("alice", "wrong"), "Header": ("wrong",)}.items():
        reader.authorize(scheme, *values)
        assert reader.try_out()[0] == 401
        reader.log_out(scheme)


def test_the_403_for_a_missing_scope_is_shown_with_the_scope(reader: Reader) -> None:
    reader.authorize("Password", *PASSWORD, scopes=["orders:read"])
    assert reader.try_out("get")[0] == 200
    status, shown = reader.try_out("post")
    assert status == 403
    assert "insufficient_scope" in shown
    assert "orders:write" in shown


def test_it_works_on_a_host_that_is_not_this_machine(browser: Any, starlette: str) -> None:
    with reading(browser, f"{starlette.replace('127.0.0.1', HOST)}/docs/") as reader:
        for scheme, values in {"Password": PASSWORD, "Cookie": (KEY,)}.items():
            reader.authorize(scheme, *values)
            assert reader.try_out()[0] == 200
            reader.log_out(scheme)


# Authorize elsewhere


@pytest.fixture
def client(browser: Any, starlette: str, elsewhere: AuthorizationServer) -> Generator[Reader]:
    elsewhere.asked, elsewhere.exchanged, elsewhere.answer = [], [], {}
    elsewhere.mint = lambda: access_token(starlette)
    with reading(browser, f"{starlette}/client/", elsewhere.origin) as reader:
        yield reader


def test_a_code_is_exchanged_with_the_verifier_and_its_window_closes(
    client: Reader, elsewhere: AuthorizationServer, starlette: str
) -> None:
    assert "Authorized" in client.authorize("Code")
    assert client.try_out()[0] == 200
    (asked,) = elsewhere.asked
    assert {name: asked[name] for name in ("tenant", "client_id", "scope", "redirect_uri")} == {
        "tenant": "1",
        "client_id": "docs",
        "scope": "orders:read",
        "redirect_uri": f"{starlette}/client/oauth2-redirect.html",
    }
    assert len(elsewhere.exchanged) == 1
    assert len(client.page.context.pages) == 1


def test_each_state_is_unguessable_and_good_for_one_answer(client: Reader, elsewhere: AuthorizationServer) -> None:
    for _ in range(2):
        client.authorize("Code")
        client.log_out("Code")
    first, second = (asked["state"] for asked in elsewhere.asked)
    assert len(first) == len(second) == 64
    assert first != second


def test_an_answer_with_another_state_is_nobodys(client: Reader, elsewhere: AuthorizationServer) -> None:
    elsewhere.answer = {"state": "forged"}
    with client.page.context.expect_page() as opened:
        client.page.locator(".scheme-container .btn.authorize").click()
        client.page.locator(".auth-container").filter(has_text="Code (").locator("button.authorize").click()
    opened.value.get_by_text("No docs page waits for this answer.").wait_for()
    assert elsewhere.exchanged == []


def test_what_the_authorization_server_refuses_is_shown(client: Reader, elsewhere: AuthorizationServer) -> None:
    elsewhere.answer = {"error": "access_denied", "error_description": "Alice said no"}
    assert "access_denied: Alice said no" in client.authorize("Code")
    assert elsewhere.exchanged == []


# Reloading


@pytest.mark.parametrize("path, status", [("/internal/docs/", 401), ("/kept/", 200)])
def test_what_was_authorized_outlives_a_reload_only_where_that_was_asked_for(
    browser: Any, flask: str, path: str, status: int
) -> None:
    with reading(browser, flask + path) as reader:
        for scheme, values in {"Cookie": (KEY,), "Password": PASSWORD}.items():
            reader.authorize(scheme, *values)
            assert reader.try_out()[0] == 200
            reader.open(flask + path)
            assert reader.try_out()[0] == status
            kept = reader.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
            assert PASSWORD[1] not in kept
            assert (scheme in kept) is (status == 200)
            if status == 200:
                reader.log_out(scheme)
        reader.open(flask + path)
        assert reader.try_out()[0] == 401


# Relative URLs

LOAD = "async url => (await (await import('/docs/document.js')).load(url, '../')).description"


def test_servers_are_whole_and_end_as_directories_so_that_what_is_relative_to_them_is_below(
    reader: Reader, starlette: str
) -> None:
    def seen(document: dict[str, Any]) -> dict[str, Any]:
        return placed(reader, f"{starlette}/deep/o.json", document)

    for url, expected in {
        "/": "/",
        "/v1": "/v1/",
        "v1": "/deep/v1/",
        "..": "/",
        "/{version}/x": "/{version}/x/",
    }.items():
        assert seen({"openapi": "3.1.1", "servers": [{"url": url}]})["servers"] == [{"url": starlette + expected}]
    for url in ("https://api.example", "https://{region}.example:{port}/v1"):
        assert seen({"openapi": "3.1.1", "servers": [{"url": url}]})["servers"] == [{"url": f"{url}/"}]
    assert seen({"openapi": "3.0.4"})["servers"] == [{"url": f"{starlette}/"}]
    assert seen({"openapi": "3.1.1", "servers": []})["servers"] == [{"url": f"{starlette}/"}]
    paths = {"/a": {"servers": [{"url": "/b"}], "get": {"servers": [{"url": "/c"}]}, "parameters": []}}
    assert seen({"openapi": "3.1.1", "paths": paths})["paths"]["/a"] == {
        "servers": [{"url": f"{starlette}/b/"}],
        "get": {"servers": [{"url": f"{starlette}/c/"}]},
        "parameters": [],
    }


def test_the_flows_of_swagger_2_begin_where_its_api_does(reader: Reader, starlette: str) -> None:
    for pieces, base in (
        ({}, f"{starlette}/"),
        ({"basePath": "/v1"}, f"{starlette}/v1/"),
        ({"host": "api.example", "basePath": "/v1/", "schemes": ["https"]}, "https://api.example/v1/"),
    ):
        flow = {"type": "oauth2", "flow": "password", "tokenUrl": "auth/token"}
        document = {"swagger": "2.0", "securityDefinitions": {"Password": flow}, **pieces}
        loaded = placed(reader, f"{starlette}/deep/o.json", document)
        assert loaded["securityDefinitions"]["Password"]["tokenUrl"] == f"{base}auth/token"


def placed(reader: Reader, url: str, document: dict[str, Any]) -> dict[str, Any]:
    """What the page makes of `document`, were it at `url`."""

    def answer(route: Any) -> None:
        route.fulfill(json=document)

    reader.page.route(url, answer)
    loaded: dict[str, Any] = reader.page.evaluate(LOAD, url)
    reader.page.unroute(url)
    return loaded


# Under a prefix


@pytest.fixture(scope="module")
def proxy(flask: str, elsewhere: AuthorizationServer, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    require("nginx")
    told = {"AUTHORIZATION_SERVER": elsewhere.origin}
    with ExitStack() as stack:
        script = stack.enter_context(running("gunicorn", FLASK, {**told, "SCRIPT_NAME": "/script"}))
        command = f"{SERVERS['uvicorn-h11'][1]} --root-path /deep/base"
        root = stack.enter_context(started(command, STARLETTE, told)).port
        upstreams = {
            "/untold/": f"{flask}/",
            "/script/": f"http://127.0.0.1:{script}",
            "/deep/base/": f"http://127.0.0.1:{root}/",
        }
        yield stack.enter_context(nginx(tmp_path_factory.mktemp("nginx"), upstreams))


@pytest.mark.parametrize(
    "prefix, path",
    [
        pytest.param("/untold", "/internal/docs", id="flask that knows of no prefix"),
        pytest.param("/script", "/internal/docs/", id="flask with SCRIPT_NAME"),
        pytest.param("/deep/base", "/docs", id="starlette with root_path"),
    ],
)
def test_everything_works_under_a_prefix(
    browser: Any, proxy: str, elsewhere: AuthorizationServer, prefix: str, path: str
) -> None:
    base = proxy + prefix
    elsewhere.answer, elsewhere.mint = {}, lambda: access_token(base)
    with reading(browser, base + path, elsewhere.origin) as reader:
        assert reader.page.url == f"{base}{path.rstrip('/')}/"
        for scheme, values in {"Password": PASSWORD, "Cookie": (KEY,), "Code": ("docs",)}.items():
            assert "Authorized" in reader.authorize(scheme, *values)
            assert reader.try_out()[0] == 200
            reader.log_out(scheme)
        assert reader.try_out()[0] == 401
        assert elsewhere.asked[-1]["redirect_uri"] == f"{base}{path.rstrip('/')}/oauth2-redirect.html"

"""Cookie mode: pages log in, refresh and log out without a script that sees a token."""

from __future__ import annotations

import logging
from http.cookies import SimpleCookie
from typing import Any

import pytest
from authmw_flask import FlaskAuth, token_blueprint
from authmw_starlette import AuthMiddleware, token_routes
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from authmw import Auth, ConfigurationError, HTTPBearer
from authmw.oauth2.cookie_mode import CookieMode
from authmw.oauth2.cookies import token_cookie
from authmw.oauth2.lifetimes import Lifetimes
from tests.oauth2.asking import KEYS, MOUNTS, NOW, Answer, Bench
from tests.requests import wsgi_request

ORIGIN = "https://shop.example"
LOGIN = {"username": "alice", "password": "correct horse", "scope": "orders:read"}
SAME = [("sec-fetch-site", "same-origin")]
OLD_BROWSER = [("origin", ORIGIN)]
PATHS = ("/login", "/refresh", "/logout")
MANY = ["orders:read", *(f"scope:{number:04}" for number in range(400))]
KINDS = pytest.mark.parametrize("options", [{}, {"keys": KEYS}], ids=["opaque", "JWT"])


def cookie_bench(mount: str = "wsgi", **options: Any) -> Bench:
    return Bench(mount, **{"cookies": CookieMode([ORIGIN]), "password": False, **options})


def set_by(answer: Answer) -> dict[str, str]:
    """The cookies that an answer sets."""
    return {
        morsel.key: morsel.value
        for name, value in answer.headers
        if name == "set-cookie"
        for morsel in SimpleCookie(value).values()
    }


def sent(cookies: dict[str, str]) -> list[tuple[str, str]]:
    return [("cookie", "; ".join(f"{name}={value}" for name, value in cookies.items())), *SAME]


def log_in(bench: Bench, **more: str) -> dict[str, str]:
    answer = bench.post({**LOGIN, **more}, SAME, path="/login")
    assert answer.status == 200, answer.body
    return set_by(answer)


@KINDS
@pytest.mark.parametrize("mount", MOUNTS)
def test_a_login_sets_both_cookies_and_tells_a_script_no_token(mount: str, options: dict[str, Any]) -> None:
    bench = cookie_bench(mount, **options)
    answer = bench.post(LOGIN, SAME, path="/login")
    assert (answer.status, answer.json) == (200, {"expires_in": 600, "scope": "orders:read"})
    access, refresh = [value for name, value in answer.headers if name == "set-cookie"]
    assert access.startswith("__Host-access=")
    assert access.endswith("; Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Lax")
    assert refresh.startswith("__Host-refresh=rt_")
    assert refresh.endswith(f"; Max-Age={14 * 86_400}; Path=/; Secure; HttpOnly; SameSite=Lax")
    assert answer.header("cache-control") == "no-store"
    assert "Cookie" in [value for name, value in answer.headers if name == "vary"]
    assert answer.header("access-control-allow-origin") is None
    principal: Any = bench.verified(set_by(answer)["__Host-access"])
    assert (principal.id, principal.scopes) == ("user-1", {"orders:read"})


@KINDS
@pytest.mark.parametrize("mount", MOUNTS)
def test_a_refresh_sets_both_anew_and_the_old_ones_are_used_up(mount: str, options: dict[str, Any]) -> None:
    bench = cookie_bench(mount, **options)
    first = log_in(bench)
    answer = bench.ask("POST", "/refresh", sent(first))
    second = set_by(answer)
    assert (answer.status, answer.json) == (200, {"expires_in": 600, "scope": "orders:read"})
    assert first.keys() == second.keys()
    assert set(first.values()).isdisjoint(second.values())
    raced = set_by(bench.ask("POST", "/refresh", sent(first)))
    assert raced["__Host-refresh"] == second["__Host-refresh"]
    bench.clock.now += 60
    replayed = bench.ask("POST", "/refresh", sent(first))
    assert (replayed.status, replayed.error) == (400, "invalid_grant")
    assert set_by(replayed) == {"__Host-access": "", "__Host-refresh": ""}
    assert bench.ask("POST", "/refresh", sent(second)).error == "invalid_grant"


COOKIE = "Path=/; Secure; HttpOnly; SameSite=Lax"
CLEARED = [("set-cookie", f"__Host-{name}=; Max-Age=0; {COOKIE}") for name in ("access", "refresh")]


def json_head(length: int) -> list[tuple[str, str]]:
    """The headers of an answer in JSON that nobody keeps."""
    head = [("content-type", "application/json"), ("content-length", str(length))]
    return [*head, ("cache-control", "no-store"), ("pragma", "no-cache")]


def test_the_headers_of_every_answer_to_a_page_are_these_and_no_others() -> None:
    bench = cookie_bench()
    vary = ("vary", "Cookie")
    answer = bench.post(LOGIN, SAME, path="/login")
    first = set_by(answer)
    filled = [("__Host-access", 600), ("__Host-refresh", 14 * 86_400)]
    assert list(answer.headers) == [
        *json_head(len(answer.body)),
        *(("set-cookie", f"{name}={first[name]}; Max-Age={age}; {COOKIE}") for name, age in filled),
        vary,
    ]
    answer = bench.ask("POST", "/refresh", sent(first))
    second = set_by(answer)
    assert list(answer.headers) == [
        *json_head(len(answer.body)),
        *(("set-cookie", f"{name}={second[name]}; Max-Age={age}; {COOKIE}") for name, age in filled),
        vary,
    ]
    nothing = [("cache-control", "no-store"), ("pragma", "no-cache")]
    assert list(bench.ask("POST", "/logout", sent(second)).headers) == [*nothing, *CLEARED, vary]
    refused = bench.ask("POST", "/refresh", sent(second))
    assert (refused.status, refused.error) == (400, "invalid_grant")
    assert list(refused.headers) == [*json_head(len(refused.body)), *CLEARED, vary]
    for path in PATHS:
        foreign = bench.post(LOGIN, [("origin", "https://evil.example")], path=path)
        assert list(foreign.headers) == [*json_head(len(foreign.body)), vary]


def test_cookies_are_cleared_only_by_a_refresh_that_finds_no_session_in_them() -> None:
    bench = cookie_bench()
    cookies = log_in(bench)
    twice = [("cookie", "__Host-refresh=a; __Host-refresh=b"), *SAME]
    kept = [
        bench.post({**LOGIN, "password": "x"}, sent(cookies), path="/login"),
        bench.post({**LOGIN, "scope": "admin"}, sent(cookies), path="/login"),
        bench.ask("POST", "/refresh", twice),
    ]
    assert [(answer.status, answer.error, set_by(answer)) for answer in kept] == [
        (400, "invalid_grant", {}),
        (400, "invalid_scope", {}),
        (400, "invalid_request", {}),
    ]
    gone = {"__Host-access": "", "__Host-refresh": ""}
    for headers in (SAME, sent({"__Host-refresh": "x"})):
        answer = bench.ask("POST", "/refresh", headers)
        assert (answer.error, set_by(answer)) == ("invalid_grant", gone)
    assert bench.ask("POST", "/refresh", sent(cookies)).status == 200


def test_a_logout_ends_what_two_cookies_of_one_name_hold_and_asks_for_no_more() -> None:
    bench = cookie_bench(password=True)
    tokens = [bench.log_in().json["refresh_token"] for _ in range(3)]
    header = ("cookie", "; ".join(f"__Host-refresh={token}" for token in tokens))
    assert bench.ask("POST", "/logout", [header, *SAME]).status == 204
    assert [bench.refresh(token).status for token in tokens] == [400, 400, 200]


def test_the_ages_of_both_cookies_are_whole_seconds_that_the_session_has_left() -> None:
    bench = cookie_bench(lifetimes=Lifetimes(refresh=1000, idle=900))
    bench.clock.now = NOW + 0.75
    cookies = log_in(bench)
    ages: list[str] = []
    for seconds in (50.25, 500.5):
        bench.clock.now = NOW + seconds
        answer = bench.ask("POST", "/refresh", sent(cookies))
        cookies = set_by(answer)
        ages += [value.partition("Max-Age=")[2].partition(";")[0] for _, value in answer.headers if "Max-Age" in value]
    assert ages == ["600", "900", "500", "500"]


def test_the_refresh_cookie_ends_with_the_login_and_no_later() -> None:
    bench = cookie_bench(lifetimes=Lifetimes(refresh=1000, idle=900))
    cookies = log_in(bench)
    bench.clock.now = NOW + 800
    answer = bench.ask("POST", "/refresh", sent(cookies))
    ages = [value.partition("Max-Age=")[2].partition(";")[0] for name, value in answer.headers if name == "set-cookie"]
    assert ages == ["200", "200"]


@KINDS
@pytest.mark.parametrize("mount", MOUNTS)
def test_a_logout_ends_the_session_and_clears_both_cookies(mount: str, options: dict[str, Any]) -> None:
    bench = cookie_bench(mount, **options)
    cookies = log_in(bench)
    answer = bench.ask("POST", "/logout", sent(cookies))
    assert (answer.status, answer.body) == (204, b"")
    assert [value for name, value in answer.headers if name == "set-cookie"] == [
        f"{name}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax" for name in ("__Host-access", "__Host-refresh")
    ]
    bench.service.feed.follow_once()
    assert not hasattr(bench.verified(cookies["__Host-access"]), "scopes")
    assert bench.stores.families.families_of("user-1", NOW) == ()
    assert bench.ask("POST", "/refresh", sent(cookies)).error == "invalid_grant"
    assert bench.ask("POST", "/logout", sent(cookies)).status == 204
    assert bench.ask("POST", "/logout", SAME).status == 204


@KINDS
def test_a_logout_with_the_access_cookie_alone_refuses_that_token(options: dict[str, Any]) -> None:
    bench = cookie_bench(**options)
    access = {"__Host-access": log_in(bench)["__Host-access"]}
    assert bench.ask("POST", "/logout", sent(access)).status == 204
    bench.service.feed.follow_once()
    assert not hasattr(bench.verified(access["__Host-access"]), "scopes")


def test_a_new_login_ends_the_session_that_was_in_the_cookies() -> None:
    bench = cookie_bench()
    first = log_in(bench)
    answer = bench.post(LOGIN, sent(first), path="/login")
    assert answer.status == 200
    assert len(bench.stores.families.families_of("user-1", NOW)) == 1
    assert bench.ask("POST", "/refresh", sent(set_by(answer))).status == 200
    failed = bench.post({**LOGIN, "password": "wrong"}, sent(set_by(answer)), path="/login")
    assert failed.error == "invalid_grant"
    assert len(bench.stores.families.families_of("user-1", NOW)) == 1


ELSEWHERE: dict[str, list[tuple[str, str]]] = {
    "neither header": [],
    "another site": [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
    "a sibling": [("sec-fetch-site", "same-site"), ("origin", ORIGIN)],
    "another origin": [("origin", "https://evil.example"), ("host", "evil.example")],
    "no origin": [("origin", "null")],
    "a sandbox": [("origin", "null"), ("sec-fetch-site", "cross-site")],
}


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_csrf_other_sites_neither_log_in_nor_refresh_nor_log_out(
    mount: str, path: str, headers: list[tuple[str, str]]
) -> None:
    bench = cookie_bench(mount)
    cookies = log_in(bench)
    cookie = sent(cookies)[:1]
    answer = bench.post(LOGIN, [*cookie, *headers], path=path)
    assert (answer.status, answer.error, set_by(answer)) == (403, "access_denied", {})
    assert answer.header("access-control-allow-origin") is None
    assert bench.ask("POST", "/refresh", sent(cookies)).status == 200
    assert len(bench.stores.families.families_of("user-1", NOW)) == 1


@pytest.mark.parametrize("path", PATHS)
def test_an_older_browser_is_told_by_its_origin(path: str) -> None:
    bench = cookie_bench()
    cookie = sent(log_in(bench))[:1]
    assert bench.post(LOGIN, [*cookie, *OLD_BROWSER], path=path).status in (200, 204)


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("path", PATHS)
def test_g4_only_posts_change_anything_and_no_other_origin_is_let_in(mount: str, path: str) -> None:
    bench = cookie_bench(mount)
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        answer = bench.ask(method, path, sent(log_in(bench)))
        assert (answer.status, answer.header("allow")) == (405, "POST, OPTIONS")
    preflight = [("origin", "https://evil.example"), ("access-control-request-method", "POST")]
    answer = bench.ask("OPTIONS", path, preflight)
    assert answer.status == 204
    assert not [name for name, _ in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_class_33_a_login_is_a_form(content_type: str) -> None:
    answer = cookie_bench().post(LOGIN, SAME, path="/login", content_type=content_type)
    assert (answer.status, answer.error) == (400, "invalid_request")


def test_a_wrong_password_sets_nothing_and_looks_like_an_unknown_user() -> None:
    bench = cookie_bench()
    answers = [
        bench.post({**LOGIN, **more}, SAME, path="/login") for more in ({"password": "x"}, {"username": "nobody"})
    ]
    assert answers[0] == answers[1]
    assert (answers[0].status, answers[0].error, set_by(answers[0])) == (400, "invalid_grant", {})


@pytest.mark.parametrize(
    "cookie, status",
    [
        ("", 400),
        ("__Host-refresh=", 400),
        ("__Host-refresh=x", 400),
        ("__Host-refresh={0}; __Host-refresh={0}", 400),
        ("=__Host-refresh=evil; __Host-refresh={0}", 400),
        ("__Host-refresh={0}", 200),
    ],
)
def test_class_32_an_ambiguous_cookie_refreshes_nothing(cookie: str, status: int) -> None:
    bench = cookie_bench()
    token = log_in(bench)["__Host-refresh"]
    answer = bench.ask("POST", "/refresh", [("cookie", cookie.format(token)), *SAME])
    assert answer.status == status
    assert bench.ask("POST", "/refresh", sent({"__Host-refresh": token})).status == 200


def test_a_refresh_token_of_another_client_is_none_here() -> None:
    bench = cookie_bench(password=True)
    bench.client("spa", auth_method="none", grant_types=["password", "refresh_token"])
    token = bench.log_in(client_id="spa").json["refresh_token"]
    assert bench.ask("POST", "/refresh", sent({"__Host-refresh": token})).error == "invalid_grant"
    assert bench.ask("POST", "/logout", sent({"__Host-refresh": token})).status == 204
    assert bench.refresh(token, client_id="spa").status == 200


def test_a_first_party_application_that_is_disabled_logs_nobody_in() -> None:
    bench = cookie_bench()
    bench.client("first-party", auth_method="none", grant_types=["password", "refresh_token"])
    bench.stores.clients.disable("first-party")
    assert bench.post(LOGIN, SAME, path="/login").error == "unauthorized_client"


def test_a_first_party_application_that_may_not_refresh_has_pages_with_one_cookie() -> None:
    bench = cookie_bench()
    bench.client("first-party", auth_method="none", grant_types=["password"])
    answer = bench.post(LOGIN, SAME, path="/login")
    assert (answer.status, answer.json) == (200, {"expires_in": 600, "scope": "orders:read"})
    assert set_by(answer).keys() == {"__Host-access"}
    assert set_by(bench.ask("POST", "/logout", sent(set_by(answer)))) == {"__Host-access": "", "__Host-refresh": ""}


def test_a_login_whose_token_no_browser_would_keep_begins_and_ends_nothing() -> None:
    bench = cookie_bench(keys=KEYS)
    before = log_in(bench)
    bench.stores.users.set_scopes("alice", MANY)
    answer = bench.post({**LOGIN, "scope": ""}, sent(before), path="/login")
    assert (answer.status, answer.error, set_by(answer)) == (400, "invalid_scope", {})
    assert len(bench.stores.families.families_of("user-1", bench.clock())) == 1
    assert bench.ask("POST", "/refresh", sent(before)).status == 200


def test_a_refresh_whose_token_no_browser_would_keep_uses_no_refresh_token_up(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = cookie_bench(keys=KEYS)
    cookies = log_in(bench)
    with monkeypatch.context() as narrow:
        narrow.setattr("authmw.oauth2.cookies._LONGEST", 100)
        for _ in range(2):
            answer = bench.ask("POST", "/refresh", sent(cookies))
            assert (answer.status, answer.error, set_by(answer)) == (400, "invalid_scope", {})
        bench.clock.now += 120
    assert bench.ask("POST", "/refresh", sent(cookies)).status == 200


def test_an_opaque_token_that_no_browser_would_keep_is_not_stored() -> None:
    bench = cookie_bench(cookies=CookieMode([ORIGIN], access="__Host-".ljust(3990, "a")))
    stored: list[object] = []
    bench.stores.tokens.add_token = stored.append
    assert bench.post(LOGIN, SAME, path="/login").error == "invalid_scope"
    assert stored == []
    assert bench.stores.families.families_of("user-1", bench.clock()) == ()


@KINDS
@pytest.mark.parametrize("length, status", [(3999, 200), (4000, 200), (4001, 400)])
def test_a_cookie_has_at_most_4000_octets_of_name_and_token(length: int, status: int, options: dict[str, Any]) -> None:
    token = log_in(cookie_bench(**options))["__Host-access"]
    name = "__Host-".ljust(length - len(token), "a")
    answer = cookie_bench(cookies=CookieMode([ORIGIN], access=name), **options).post(LOGIN, SAME, path="/login")
    assert answer.status == status
    assert (name in set_by(answer)) == (status == 200)


@pytest.mark.parametrize("mount", MOUNTS)
def test_err_3_a_logout_that_could_not_be_stored_clears_nothing(mount: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = cookie_bench(mount)
    cookies = log_in(bench)

    def down(*_: object) -> Any:
        raise ConnectionError("no route")

    monkeypatch.setattr(bench.stores.revocations, "publish", down)
    answer = bench.ask("POST", "/logout", sent(cookies))
    assert (answer.status, answer.header("retry-after"), set_by(answer)) == (503, "5", {})


def test_log_1_no_token_and_no_password_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bench = cookie_bench()
    cookies = log_in(bench)
    bench.ask("POST", "/refresh", sent(cookies))
    bench.ask("POST", "/logout", sent(cookies))
    assert "endpoint=logout" in caplog.text
    assert not [secret for secret in (*cookies.values(), "correct horse") if secret in caplog.text]


@pytest.mark.parametrize("path", PATHS)
def test_without_cookie_mode_there_are_no_such_paths(path: str) -> None:
    assert Bench().post(LOGIN, SAME, path=path).status == 404


async def tea(_: Request) -> PlainTextResponse:
    return PlainTextResponse("tea")


def client_of(framework: str, bench: Bench) -> Any:
    """A browser of an application that is guarded by the cookie or a bearer token."""
    service = bench.service
    auth = Auth(HTTPBearer(service.verifier()) | token_cookie(service))
    if framework == "flask":
        app = Flask("shop")
        app.add_url_rule("/orders", view_func=lambda: "tea", methods=["GET", "POST"], endpoint="orders")
        app.register_blueprint(token_blueprint(service, url_prefix="/auth"))
        FlaskAuth(app, auth)
        return app.test_client()
    routes = [
        Route("/orders", tea, methods=["GET", "POST"]),
        Mount("/auth", routes=token_routes(service)),
    ]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(AuthMiddleware, auth=auth)]), base_url=ORIGIN)


@KINDS
@pytest.mark.parametrize("framework", ["flask", "starlette"])
def test_a_page_logs_in_and_uses_the_application_until_it_logs_out(framework: str, options: dict[str, Any]) -> None:
    bench = cookie_bench(**options)
    client, same = client_of(framework, bench), dict(SAME)
    how: dict[str, Any] = {"base_url": ORIGIN} if framework == "flask" else {}
    assert client.get("/orders", **how).status_code == 401
    assert client.post("/auth/login", data=LOGIN, headers=same, **how).status_code == 200
    assert client.get("/orders", **how).status_code == 200
    assert client.post("/orders", headers=same, **how).status_code == 200
    assert client.post("/orders", headers={"Sec-Fetch-Site": "cross-site"}, **how).status_code == 401
    assert client.post("/orders", **how).status_code == 401
    assert client.post("/auth/refresh", headers=same, **how).status_code == 200
    assert client.get("/orders", **how).status_code == 200
    assert client.post("/auth/logout", headers=same, **how).status_code == 204
    assert client.get("/orders", **how).status_code == 401


@pytest.mark.parametrize("framework", ["flask", "starlette"])
def test_a_session_that_was_ended_elsewhere_does_not_keep_a_page_from_logging_in(framework: str) -> None:
    from authmw.oauth2.sessions import Sessions

    bench = cookie_bench()
    client, same = client_of(framework, bench), dict(SAME)
    how: dict[str, Any] = {"base_url": ORIGIN} if framework == "flask" else {}
    client.post("/auth/login", data=LOGIN, headers=same, **how)
    Sessions(bench.service).end_all("user-1")
    bench.service.feed.follow_once()
    assert client.get("/orders", **how).status_code == 401
    bench.clock.now += 1
    assert client.post("/auth/login", data=LOGIN, headers=same, **how).status_code == 200
    assert client.get("/orders", **how).status_code == 200


@pytest.mark.parametrize(
    "make, fix",
    [
        (lambda: CookieMode([]), "lists the origins of the pages"),
        (lambda: CookieMode(["https://shop.example/"]), "without a slash"),
        (lambda: CookieMode([ORIGIN], access="access"), "__Host-"),
        (lambda: CookieMode([ORIGIN], access="__Host-a", refresh="__Host-a"), "name two cookies"),
        (lambda: Bench(cookies=True), "has to be a CookieMode"),
        (lambda: token_cookie(Bench().service), "the service has no cookies"),
    ],
)
def test_a_mistake_in_the_configuration_is_told_with_its_fix(make: Any, fix: str) -> None:
    with pytest.raises(ConfigurationError, match=fix):
        make()


@pytest.mark.parametrize("given, above", [(None, "/auth"), ("/auth/", "/auth"), ("", ""), ("/x", "/x")])
def test_an_old_cookie_is_not_read_where_pages_log_in_and_is_read_elsewhere(given: str | None, above: str) -> None:
    scheme = token_cookie(cookie_bench().service, path=given)
    for path in PATHS:
        assert scheme.extract(wsgi_request(f"{above}{path}", cookie="__Host-access=old")) is None
        for other in (
            f"{above}{path}/",
            f"{above}/x{path}",
            f"{above}{path}x",
            f"/other{path}",
            f"{above}/.{path}",
            "/",
        ):
            assert scheme.extract(wsgi_request(other, cookie="__Host-access=old")) is not None, other

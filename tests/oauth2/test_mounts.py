"""The token service in Flask and in Starlette answers as it does by itself, also below a guard."""

from __future__ import annotations

from typing import Any

import pytest
from authmw_flask import FlaskAuth, token_blueprint
from authmw_starlette import AuthMiddleware, metadata_route, token_routes
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.testclient import TestClient

from authmw import Auth, HTTPBasic, HTTPBearer, PasswordVerifier
from authmw.oauth2.cookie_mode import CookieMode
from authmw.oauth2.endpoints import COOKIE_ENDPOINTS, ENDPOINTS
from authmw.oauth2.paths import PATHS
from authmw.oauth2.service import TokenService
from authmw.stores import MemoryStores, MemoryThrottle
from tests.oauth2.asking import HASHER, ISSUER, KEYS, MOUNTS, Bench, basic
from tests.oauth2.test_endpoints import CASES, Case, asked

FRAMEWORKS = ("flask", "starlette")
ROUTED = [case for case in CASES if case.path.partition("?")[0] in ENDPOINTS and case.method in ("GET", "PUT", "POST")]
DOCUMENT = "/.well-known/oauth-authorization-server"


@pytest.mark.parametrize("case", ROUTED, ids=lambda case: case.id)
def test_every_mount_gives_the_same_answer_to_the_byte(case: Case) -> None:
    expected, *others = [asked(mount, case) for mount in MOUNTS]
    for mount, answer in zip(MOUNTS[1:], others, strict=True):
        assert (answer.status, answer.body) == (expected.status, expected.body), mount
        # The guard around adds that its own answers depend on the credentials.
        assert [header for header in answer.headers if header[0] != "vary"] == list(expected.headers), mount


@pytest.mark.parametrize("path", [path for path in ENDPOINTS if not path.startswith("/.well")])
def test_every_mount_gives_the_same_empty_answers(path: str) -> None:
    for method in ("OPTIONS", "HEAD", "DELETE"):
        answers = {
            mount: Bench(mount, keys=KEYS).ask(method, path, [("origin", "https://page.example")]) for mount in MOUNTS
        }
        bare = {(each.status, each.body, each.header("content-type")) for each in answers.values()}
        assert len(bare) == 1, answers


def test_the_paths_that_are_known_to_adapters_are_all_there_are() -> None:
    assert set(PATHS) == {*ENDPOINTS, *COOKIE_ENDPOINTS}


def guarded(framework: str, service: TokenService, auth: Auth) -> Any:
    """A client of an application below whose ``/auth`` the service is."""
    if framework == "flask":
        app = Flask("shop")
        app.register_blueprint(token_blueprint(service, url_prefix="/auth"))
        FlaskAuth(app, auth)
        return app.test_client()
    routes = [metadata_route(service), Mount("/auth", routes=token_routes(service))]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(AuthMiddleware, auth=auth)]))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_clients_credentials_are_not_tried_as_a_users(framework: str) -> None:
    throttle = MemoryThrottle(free=1)
    bench = Bench(throttle=throttle)
    header = dict(basic("shop", bench.client()))
    verifier = PasswordVerifier(bench.service.users, hasher=HASHER, throttle=throttle)
    client = guarded(framework, bench.service, Auth(HTTPBasic(verifier)))
    for _ in range(5):
        answer = client.post("/auth/token", data={"grant_type": "client_credentials"}, headers=header)
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_bad_token_does_not_stand_in_the_way_of_the_endpoints(framework: str) -> None:
    bench = Bench(keys=KEYS)
    client = guarded(framework, bench.service, Auth(HTTPBearer(bench.service.verifier())))
    assert client.get("/auth/jwks.json", headers={"Authorization": "Bearer a.b.c"}).status_code == 200
    assert client.get("/auth/orders", headers={"Authorization": "Bearer a.b.c"}).status_code == 401
    assert client.get("/auth/orders").status_code == 401


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_another_view_of_a_like_path_is_guarded(framework: str) -> None:
    bench = Bench()
    auth = Auth(HTTPBearer(bench.service.verifier()))
    client = guarded(framework, bench.service, auth)
    for path in ("/token", "/auth/x/token", "/auth//token", "/auth/token/"):
        assert client.post(path, data={"grant_type": "client_credentials"}).status_code == 401, path


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_m2_the_metadata_is_also_at_the_root_of_the_host(framework: str) -> None:
    bench = Bench()
    client = guarded(framework, bench.service, Auth(HTTPBearer(bench.service.verifier())))
    here, there = client.get(f"/auth{DOCUMENT}"), client.get(f"{DOCUMENT}/auth")
    assert (here.status_code, there.status_code) == (200, 200)
    assert here.text == there.text
    assert ISSUER in here.text


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_paths_of_cookies_are_there_in_cookie_mode_only(framework: str) -> None:
    for mode, status in ((None, 401), (CookieMode(["https://shop.example"]), 403)):
        bench = Bench(cookies=mode)
        client = guarded(framework, bench.service, Auth(HTTPBearer(bench.service.verifier())))
        assert client.post("/auth/logout").status_code == status


def test_a_grant_that_is_not_offered_names_those_that_are_and_the_log_the_argument_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Flask("shop")
    service = TokenService(issuer="https://id.example", audience="orders", stores=MemoryStores())
    app.register_blueprint(token_blueprint(service))
    form = {"grant_type": "password", "username": "a", "password": "b"}
    answers = [app.test_client().post("/token", data=form) for _ in range(3)]
    # What is offered is no secret: the metadata lists it (RFC 8414 §2). What the service is made with is for the log.
    told = "The grant type password is not offered. Offered are: refresh_token, client_credentials."
    expected = {"error": "unsupported_grant_type", "error_description": told}
    assert [(answer.status_code, answer.json) for answer in answers] == [(400, expected)] * 3
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warned) == 1
    assert "write TokenService(..., password=True)" in warned[0]

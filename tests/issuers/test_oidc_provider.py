"""A certified provider, run for real: its tokens are accepted or refused rightly, in Flask and in Starlette."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from typing import Any, Final

import pytest
from authmw_flask import FlaskAuth
from authmw_flask import current_principal as flask_principal
from authmw_flask import requires_scopes as flask_requires
from authmw_starlette import AuthMiddleware, current_principal, requires_scopes
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from authmw import Auth, DPoPVerifier, HTTPBearer, HTTPDPoP, Issuer
from authmw.issuers import PROFILES, IntrospectionVerifier
from authmw.testing import DPoPClient
from tests.oidc_provider.provider import ALGORITHMS, BILLING, OPAQUE, ORDERS, SECRETS, Provider, provider
from tests.support import require

pytestmark = [pytest.mark.servers, pytest.mark.clients]

FORMATS: Final = (*ALGORITHMS, OPAQUE)
URL: Final = f"{ORDERS}/orders"

Answer = tuple[int, dict[str, Any], str]
"""The status, the members of the body of a success, and the challenges."""
Ask = Callable[[str, Mapping[str, str]], Answer]
"""Sends a request to ``/orders``, by its method and headers."""


@pytest.fixture(scope="module")
def idp() -> Generator[Provider]:
    require("oidc-provider")
    with provider() as server:
        yield server


def auth_of(idp: Provider, audience: str = ORDERS, secret: str = SECRETS["orders-api"]) -> Auth:
    """What guards an API: JWTs and opaque tokens, bound to a key or not."""
    jwts = Issuer(idp.issuer, audience=audience)
    opaque = IntrospectionVerifier(
        jwts,
        audience=audience,
        client_id="orders-api",
        client_secret=secret,
        issuer=idp.issuer,
        profile=replace(PROFILES["rfc9068"], clients_without_subject=True),
        jwts=False,
        keep=0,
    )
    return Auth(
        HTTPDPoP(DPoPVerifier(jwts, public_url=ORDERS), name="bound JWT")
        | HTTPDPoP(DPoPVerifier(opaque, public_url=ORDERS), name="bound")
        | HTTPBearer(jwts, name="JWT")
        | HTTPBearer(opaque, name="opaque"),
        realm="orders",
    )


def in_flask(auth: Auth) -> Ask:
    app = Flask("orders")
    FlaskAuth(app, auth)

    @app.get("/orders")
    @flask_requires("orders:read")
    def orders() -> dict[str, str]:
        return {"id": flask_principal.id, "kind": flask_principal.kind, "client": flask_principal.client_id or ""}

    @app.post("/orders")
    @flask_requires("orders:write")
    def order() -> dict[str, str]:
        return {}

    client = app.test_client()

    def ask(method: str, headers: Mapping[str, str]) -> Answer:
        answer = client.open("/orders", method=method, headers=dict(headers))
        members: dict[str, Any] = answer.get_json() if answer.status_code == 200 else {}
        return answer.status_code, members, ", ".join(answer.headers.getlist("WWW-Authenticate"))

    return ask


def in_starlette(auth: Auth) -> Ask:
    @requires_scopes("orders:read")
    async def orders(_: Request) -> JSONResponse:
        caller = current_principal()
        return JSONResponse({"id": caller.id, "kind": caller.kind, "client": caller.client_id})

    @requires_scopes("orders:write")
    async def order(_: Request) -> JSONResponse:
        return JSONResponse({})

    routes = [Route("/orders", orders), Route("/orders", order, methods=["POST"])]
    client = TestClient(Starlette(routes=routes, middleware=[Middleware(AuthMiddleware, auth=auth)]))

    def ask(method: str, headers: Mapping[str, str]) -> Answer:
        answer = client.request(method, "/orders", headers=dict(headers))
        members: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        return answer.status_code, members, answer.headers.get("www-authenticate", "")

    return ask


FRAMEWORKS: Final[Mapping[str, Callable[[Auth], Ask]]] = {"Flask": in_flask, "Starlette": in_starlette}


@pytest.fixture(scope="module", params=FRAMEWORKS)
def make(request: pytest.FixtureRequest) -> Callable[[Auth], Ask]:
    return FRAMEWORKS[request.param]


@pytest.fixture(scope="module")
def ask(make: Callable[[Auth], Ask], idp: Provider) -> Ask:
    return make(auth_of(idp))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def assert_refused(answer: Answer, error: str = "invalid_token") -> None:
    status, _, challenges = answer
    assert (status, f'error="{error}"' in challenges) == (401, True), challenges


# Accepted


@pytest.mark.parametrize("kind", FORMATS)
def test_the_token_of_a_machine_is_accepted_as_that_of_a_client(ask: Ask, idp: Provider, kind: str) -> None:
    token = idp.machine_token(f"{ORDERS}/{kind}")
    assert ask("GET", bearer(token))[:2] == (200, {"id": "robot", "kind": "client", "client": "robot"})


@pytest.mark.parametrize("kind", FORMATS)
def test_the_token_of_who_logged_in_is_accepted_as_that_of_a_user(ask: Ask, idp: Provider, kind: str) -> None:
    token = idp.log_in(f"{ORDERS}/{kind}")["access_token"]
    assert ask("GET", bearer(token))[:2] == (200, {"id": "alice", "kind": "user", "client": "web"})


@pytest.mark.parametrize("kind", FORMATS)
def test_a_bound_token_is_accepted_with_a_proof_of_its_key(ask: Ask, idp: Provider, kind: str) -> None:
    client = DPoPClient()
    token = idp.machine_token(f"{ORDERS}/{kind}", dpop=client)
    assert ask("GET", client.headers("GET", URL, token=token))[:2] == (
        200,
        {"id": "robot", "kind": "client", "client": "robot"},
    )


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_of_every_algorithm_can_be_what_a_token_is_bound_to(ask: Ask, idp: Provider, alg: str) -> None:
    client = DPoPClient(alg)
    token = idp.log_in(f"{ORDERS}/ES256", dpop=client)["access_token"]
    assert ask("GET", client.headers("GET", URL, token=token))[1]["id"] == "alice"


# Refused


@pytest.mark.parametrize("kind", FORMATS)
def test_a_token_without_the_scope_is_told_which_one_is_missing(ask: Ask, idp: Provider, kind: str) -> None:
    token = idp.machine_token(f"{ORDERS}/{kind}", "orders:read")
    assert ask("GET", bearer(token))[0] == 200
    status, _, challenges = ask("POST", bearer(token))
    assert status == 403
    assert 'error="insufficient_scope"' in challenges
    assert 'scope="orders:write"' in challenges


@pytest.mark.parametrize("kind", FORMATS)
def test_a_token_for_another_api_is_refused(ask: Ask, idp: Provider, kind: str) -> None:
    assert_refused(ask("GET", bearer(idp.machine_token(f"{BILLING}/{kind}"))))


def test_a_token_for_no_api_is_refused(ask: Ask, idp: Provider) -> None:
    token = idp.log_in()["access_token"]  # good for the provider's own userinfo endpoint
    assert_refused(ask("GET", bearer(token)))


@pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
def test_what_is_no_access_token_is_refused(ask: Ask, idp: Provider, kind: str) -> None:
    for format in ("RS256", OPAQUE):
        assert_refused(ask("GET", bearer(idp.log_in(f"{ORDERS}/{format}")[kind])))


@pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
def test_what_is_no_access_token_is_refused_even_where_its_client_is_the_audience(
    make: Callable[[Auth], Ask], idp: Provider, kind: str
) -> None:
    token = idp.log_in(f"{ORDERS}/ES256")[kind]
    assert_refused(make(auth_of(idp, audience="web"))("GET", bearer(token)))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_bound_token_is_refused_without_a_proof(ask: Ask, idp: Provider, kind: str) -> None:
    token = idp.machine_token(f"{ORDERS}/{kind}", dpop=DPoPClient())
    assert_refused(ask("GET", bearer(token)))
    assert_refused(ask("GET", {"Authorization": f"DPoP {token}"}), "invalid_dpop_proof")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_bound_token_is_refused_with_a_proof_of_another_key(ask: Ask, idp: Provider, kind: str) -> None:
    token = idp.machine_token(f"{ORDERS}/{kind}", dpop=DPoPClient())
    assert_refused(ask("GET", DPoPClient().headers("GET", URL, token=token)))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_proof_is_good_once_and_for_its_own_request(ask: Ask, idp: Provider, kind: str) -> None:
    client = DPoPClient()
    token = idp.machine_token(f"{ORDERS}/{kind}", dpop=client)
    headers = client.headers("GET", URL, token=token)
    assert_refused(ask("POST", headers), "invalid_dpop_proof")
    assert ask("GET", headers)[0] == 200
    assert_refused(ask("GET", headers), "invalid_dpop_proof")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_token_that_is_bound_to_nothing_is_refused_with_a_proof(ask: Ask, idp: Provider, kind: str) -> None:
    token = idp.machine_token(f"{ORDERS}/{kind}")
    assert_refused(ask("GET", DPoPClient().headers("GET", URL, token=token)))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_token_that_was_changed_is_refused(ask: Ask, idp: Provider, alg: str) -> None:
    header, _, signature = idp.machine_token(f"{ORDERS}/{alg}").split(".")
    _, payload, _ = idp.machine_token(f"{ORDERS}/{alg}").split(".")
    assert_refused(ask("GET", bearer(f"{header}.{payload}.{signature}")))


def test_a_token_that_was_revoked_is_refused(ask: Ask, idp: Provider) -> None:
    token = idp.machine_token(f"{ORDERS}/{OPAQUE}")
    assert ask("GET", bearer(token))[0] == 200
    idp.revoke(token)
    assert_refused(ask("GET", bearer(token)))


def test_an_opaque_token_that_nobody_issued_is_refused(ask: Ask) -> None:
    assert_refused(ask("GET", bearer("n0body-issued-this")))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_jwt_that_the_provider_does_not_introspect_is_refused_and_no_failure(
    make: Callable[[Auth], Ask], idp: Provider, alg: str
) -> None:
    opaque = IntrospectionVerifier(
        Issuer(idp.issuer, audience=ORDERS),
        audience=ORDERS,
        client_id="orders-api",
        client_secret=SECRETS["orders-api"],
    )
    assert_refused(make(Auth(HTTPBearer(opaque)))("GET", bearer(idp.machine_token(f"{ORDERS}/{alg}"))))


def test_a_provider_that_does_not_know_the_api_is_a_503(make: Callable[[Auth], Ask], idp: Provider) -> None:
    ask = make(auth_of(idp, secret="not-the-secret"))
    assert ask("GET", bearer(idp.machine_token(f"{ORDERS}/{OPAQUE}")))[0] == 503
    assert ask("GET", bearer(idp.machine_token(f"{ORDERS}/RS256")))[0] == 200


def test_the_tokens_of_one_provider_are_not_those_of_another(make: Callable[[Auth], Ask], idp: Provider) -> None:
    with provider() as other:
        ask = make(auth_of(other))
        for kind in FORMATS:
            assert_refused(ask("GET", bearer(idp.machine_token(f"{ORDERS}/{kind}"))))
            assert ask("GET", bearer(other.machine_token(f"{ORDERS}/{kind}")))[0] == 200


def test_with_no_token_every_way_in_is_told(ask: Ask) -> None:
    status, _, challenges = ask("GET", {})
    assert status == 401
    assert "Bearer" in challenges
    assert "DPoP" in challenges
    assert "error=" not in challenges

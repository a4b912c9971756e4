"""What anybody may read: the keys (RFC 7517) and the metadata (RFC 8414)."""

from __future__ import annotations

from typing import Any

import pytest

from authmw.crypto.keyring import Key, KeyRing
from authmw.flow.flow import run
from authmw.identity.credentials import BearerToken
from authmw.identity.verdict import Authenticated
from authmw.oauth2.documents import metadata_path
from authmw.oauth2.routed import AuthorizationServerMetadata, RoutedEndpoint
from authmw.verifiers.jwt import JWTVerifier
from tests.jwt_tokens import rsa_pem
from tests.oauth2.asking import ISSUER, KEYS, MOUNTS, Bench, basic
from tests.requests import wsgi_request

DOCUMENT = "/.well-known/oauth-authorization-server"
PUBLIC = {"kid", "alg", "use", "kty", "crv", "x", "y", "n", "e"}


def ring() -> KeyRing:
    return KeyRing(Key.generate("ES256"), Key.from_pem(rsa_pem(), alg="RS256"), Key.generate("EdDSA"))


@pytest.mark.parametrize("mount", MOUNTS)
def test_j1_only_public_members_are_published_each_key_with_kid_kty_use_and_alg(mount: str) -> None:
    answer = Bench(mount, keys=ring()).ask("GET", "/jwks.json")
    keys: list[dict[str, str]] = answer.json["keys"]
    assert [key["kty"] for key in keys] == ["EC", "RSA", "OKP"]
    assert all(set(key) <= PUBLIC and {"kid", "kty", "use", "alg"} <= set(key) for key in keys)
    assert (answer.status, answer.header("content-type")) == (200, "application/json")


def test_j1_what_is_published_verifies_what_is_issued() -> None:
    bench = Bench(keys=ring())
    token = bench.log_in().json["access_token"]
    published = KeyRing.from_jwks(bench.ask("GET", "/jwks.json").json)
    verifier = JWTVerifier(published, issuer=ISSUER, audience="orders", clock=bench.clock)
    assert isinstance(verifier.verify(BearerToken(token)), Authenticated)


def test_j2_a_new_key_is_published_and_the_old_one_until_it_is_retired() -> None:
    keys = KeyRing.generate()
    bench, old = Bench(keys=keys), keys.signer.kid
    first = bench.ask("GET", "/jwks.json")
    new = keys.rotate().kid
    second = bench.ask("GET", "/jwks.json")
    assert [key["kid"] for key in second.json["keys"]] == [new, old]
    assert first.header("etag") != second.header("etag")
    keys.retire(old)
    assert [key["kid"] for key in bench.ask("GET", "/jwks.json").json["keys"]] == [new]


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("path", ["/jwks.json", DOCUMENT])
def test_j3_m3_documents_may_be_kept_for_minutes_and_read_from_anywhere(mount: str, path: str) -> None:
    bench = Bench(mount, keys=KEYS)
    get, head = bench.ask("GET", path), bench.ask("HEAD", path)
    assert (get.status, get.header("content-type")) == (200, "application/json")
    assert get.header("cache-control") == "public, max-age=300"
    assert get.header("pragma") is None
    assert get.header("access-control-allow-origin") == "*"
    assert (head.status, head.body, head.headers) == (200, b"", get.headers)


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("path", ["/jwks.json", DOCUMENT])
def test_j3_who_has_the_document_already_is_told_so(mount: str, path: str) -> None:
    bench = Bench(mount, keys=KEYS)
    tag = bench.ask("GET", path).header("etag")
    assert tag is not None
    for method in ("GET", "HEAD"):
        for condition in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            answer = bench.ask(method, path, [("if-none-match", condition)])
            assert (answer.status, answer.body, answer.header("etag")) == (304, b"", tag)
            assert answer.header("content-length") is None
            assert answer.header("content-type") is None
            assert answer.header("cache-control") == "public, max-age=300"
        for condition in ('"x"', tag.strip('"'), "", ","):
            assert bench.ask(method, path, [("if-none-match", condition)]).status == 200


def test_m5_opaque_tokens_have_no_keys_and_name_none() -> None:
    bench = Bench()
    answer = bench.ask("GET", "/jwks.json")
    assert (answer.status, answer.error) == (404, "invalid_request")
    assert "jwks_uri" not in bench.ask("GET", DOCUMENT).json


@pytest.mark.parametrize("issuer", ["https://id.example", "https://id.example/auth", "https://id.example/auth/"])
def test_m1_the_issuer_is_the_configured_one_to_the_byte(issuer: str) -> None:
    document = Bench(issuer=issuer).ask(
        "GET", DOCUMENT, [("host", "evil.example"), ("x-forwarded-host", "evil.example")]
    )
    assert document.json["issuer"] == issuer
    assert b"evil" not in document.body
    assert document.json["token_endpoint"] == issuer.rstrip("/") + "/token"


@pytest.mark.parametrize(
    "issuer, path",
    [
        ("https://id.example", DOCUMENT),
        ("https://id.example/", DOCUMENT),
        ("https://id.example/auth", f"{DOCUMENT}/auth"),
        ("https://id.example/a/b/", f"{DOCUMENT}/a/b"),
        ("http://127.0.0.1:8000/auth", f"{DOCUMENT}/auth"),
    ],
)
def test_m2_the_well_known_path_stands_before_the_issuers_own(issuer: str, path: str) -> None:
    assert metadata_path(issuer) == path


def test_m2_at_the_root_of_the_host_the_document_is_answered_at_its_place_and_nowhere_else() -> None:
    service = Bench(keys=KEYS, store_timeout=7.0).service
    root = AuthorizationServerMetadata(service)
    assert (root.place, root.path, root.store_timeout) == (f"{DOCUMENT}/auth", DOCUMENT, 7.0)
    assert (root.service, root.pool) == (service, service.pool)
    response = run(root.respond(wsgi_request(f"{DOCUMENT}/auth")))
    assert response == run(service.respond(wsgi_request(), DOCUMENT))
    assert response is not None
    assert response.status == 200
    for path in (DOCUMENT, "/auth" + DOCUMENT, f"{DOCUMENT}/auth/", f"/{DOCUMENT}/auth", "/token", "/auth/token"):
        assert run(root.respond(wsgi_request(path))) is None
    routed = RoutedEndpoint(service, "/jwks.json")
    assert run(routed.respond(wsgi_request("/anything"))) == run(service.respond(wsgi_request(), "/jwks.json"))


SIGNING = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
CONFIDENTIAL = ["client_secret_basic", "client_secret_post", "private_key_jwt"]


def test_m4_the_document_states_what_is_there() -> None:
    bench = Bench(keys=KEYS, scopes={"orders:write": "Change orders", "orders:read": "See orders"})
    assert bench.ask("GET", DOCUMENT).json == {
        "issuer": ISSUER,
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/jwks.json",
        "scopes_supported": ["orders:read", "orders:write"],
        "grant_types_supported": ["password", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported": [*CONFIDENTIAL, "none"],
        "token_endpoint_auth_signing_alg_values_supported": SIGNING,
        "revocation_endpoint": f"{ISSUER}/revoke",
        "revocation_endpoint_auth_methods_supported": [*CONFIDENTIAL, "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": SIGNING,
        "introspection_endpoint": f"{ISSUER}/introspect",
        "introspection_endpoint_auth_methods_supported": CONFIDENTIAL,
        "introspection_endpoint_auth_signing_alg_values_supported": SIGNING,
    }


@pytest.mark.parametrize(
    "options",
    [{}, {"keys": KEYS}, {"password": False}, {"scopes": {}}],
    ids=["opaque", "JWT", "no password", "no scopes"],
)
def test_m3_m5_nothing_is_empty_and_every_url_answers(options: dict[str, Any]) -> None:
    bench = Bench(**options)
    document = bench.ask("GET", DOCUMENT).json
    assert all(document.values())
    urls = {name: url for name, url in document.items() if name.endswith(("_endpoint", "_uri"))}
    answers = {
        name: bench.ask("GET" if name == "jwks_uri" else "POST", url.removeprefix(ISSUER)).status
        for name, url in urls.items()
    }
    assert set(answers.values()) <= {200, 400}, answers


@pytest.mark.parametrize("password", [True, False])
def test_m5_exactly_the_grants_that_are_named_are_known(password: bool) -> None:
    bench = Bench(password=password)
    header = basic("shop", bench.client(grant_types=["password", "refresh_token", "client_credentials"]))
    named = set(bench.ask("GET", DOCUMENT).json["grant_types_supported"])
    asked = {"password", "refresh_token", "client_credentials", "authorization_code", "implicit"}
    known = {each for each in asked if bench.post({"grant_type": each}, header).error != "unsupported_grant_type"}
    assert known == named


def test_m4_every_method_that_is_named_authenticates() -> None:
    for method in ("client_secret_basic", "client_secret_post"):
        bench = Bench()
        secret = bench.client(auth_method=method)
        form = {"grant_type": "client_credentials"}
        if method == "client_secret_basic":
            answer = bench.post(form, basic("shop", secret))
        else:
            answer = bench.post({**form, "client_id": "shop", "client_secret": secret})
        assert answer.status == 200

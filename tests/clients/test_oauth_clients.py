"""OAuth clients that people use, over real sockets: Authlib, requests-oauthlib, the form of Swagger UI, and curl."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import subprocess
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus

import jwt
import pytest
import requests
from fastapi.security import OAuth2PasswordRequestForm

from authmw.crypto.key import Key
from authmw.crypto.keyring import KeyRing
from tests.clients.accounts import BEYOND_ASCII, ODD_ID, PASSWORD, SECRET
from tests.servers.running import SERVERS, exchange, raw_request, running
from tests.support import ROOT, require

# These have no types.
authlib_requests: Any = import_module("authlib.integrations.requests_client")
authlib_httpx: Any = import_module("authlib.integrations.httpx_client")
authlib_errors: Any = import_module("authlib.integrations.base_client")
rfc7523: Any = import_module("authlib.oauth2.rfc7523")
rfc8414: Any = import_module("authlib.oauth2.rfc8414")
oauthlib: Any = import_module("oauthlib.oauth2")
requests_oauthlib: Any = import_module("requests_oauthlib")
joserfc_jwk: Any = import_module("joserfc.jwk")
joserfc_jwt: Any = import_module("joserfc.jwt")

pytestmark = [pytest.mark.servers, pytest.mark.clients]

PLACES: Final = {
    "Flask blueprint on gunicorn": ("gunicorn", "flask", "jwt"),
    "WSGI on Werkzeug": ("werkzeug", "wsgi", "opaque"),
    "Starlette routes on uvicorn": ("uvicorn-httptools", "starlette", "jwt"),
    "ASGI on uvicorn": ("uvicorn-h11", "asgi", "opaque"),
    "ASGI on granian": ("granian-asgi", "asgi", "jwt"),
}
"""The server, the application it serves, and which access tokens that issues."""
SIGNED: Final = [place for place, (_, _, tokens) in PLACES.items() if tokens == "jwt"]
FLAVOURS: Final = {"requests": authlib_requests.OAuth2Session, "httpx": authlib_httpx.OAuth2Client}
ALICE: Final = {"username": "alice", "password": PASSWORD}
PROMPTLY: Final = 5.0
"""Seconds: the bound of a revocation is one, and the machine may be busy."""

robot: Final = {alg: Key.generate(alg) for alg in ("RS256", "ES256")}


@dataclass(frozen=True, slots=True)
class Served:
    """A token service that runs, with an API at ``/orders``."""

    root: str

    @property
    def issuer(self) -> str:
        """Its own name."""
        return f"{self.root}/auth"

    def url(self, path: str) -> str:
        """Where an endpoint is."""
        return self.issuer + path

    @property
    def orders(self) -> str:
        """The API."""
        return f"{self.root}/orders"


@pytest.fixture(scope="module", params=PLACES)
def served(request: pytest.FixtureRequest) -> Generator[Served]:
    server, application, tokens = PLACES[request.param]
    environment = {
        "CLIENTS_ISSUER": "http://127.0.0.1:{port}/auth",
        "CLIENTS_TOKENS": tokens,
        "CLIENTS_JWKS": json.dumps(KeyRing(*robot.values()).jwks()),
    }
    assert SERVERS[server][0] == {"flask": "wsgi", "starlette": "asgi"}.get(application, application)
    with running(server, f"tests.clients.oauth_apps:{application}", environment) as port:
        yield Served(f"http://127.0.0.1:{port}")


@pytest.fixture(autouse=True)
def _loopback_needs_no_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("NO_PROXY", "*")


def _refuses_promptly(status: Callable[[], int]) -> bool:
    """Whether the API refuses what `status` asks with, as soon as the bound of a revocation says."""
    deadline = time.monotonic() + PROMPTLY
    while time.monotonic() < deadline:
        if status() == 401:
            return True
    return False


# Authlib


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_authlib_logs_in_refreshes_and_revokes(served: Served, flavour: str) -> None:
    with FLAVOURS[flavour]("first-party") as session:
        first = dict(session.fetch_token(served.url("/token"), **ALICE))
        assert session.get(served.orders).text == "hello user-1"
        second = dict(session.refresh_token(served.url("/token")))
        assert session.get(served.orders).text == "hello user-1"
        assert first.keys() == second.keys()
        assert all(first[name] != second[name] for name in ("access_token", "refresh_token"))
        assert second["scope"] == "orders:read orders:write"
        answer = session.revoke_token(
            served.url("/revoke"), token=second["refresh_token"], token_type_hint="refresh_token"
        )
        assert (answer.status_code, answer.content) == (200, b"")
        assert _refuses_promptly(lambda: session.get(served.orders).status_code)
        with pytest.raises(authlib_errors.OAuthError) as caught:
            session.refresh_token(served.url("/token"))
    assert caught.value.error == "invalid_grant"


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_authlib_refreshes_by_itself_what_is_about_to_expire(served: Served, flavour: str) -> None:
    replaced: list[str] = []

    def update(token: Any, refresh_token: str) -> None:
        assert token["refresh_token"] != refresh_token
        replaced.append(refresh_token)

    # All tokens expire within this leeway, so that each request refreshes first.
    expiring = {"leeway": 10**6, "token_endpoint": served.url("/token"), "update_token": update}
    with FLAVOURS[flavour]("phone", **expiring) as session:
        first = session.fetch_token(scope="orders:read", **ALICE)["refresh_token"]
        assert [session.get(served.orders).text for _ in range(3)] == ["hello user-1"] * 3
        assert session.token["scope"] == "orders:read"
    assert replaced[0] == first
    assert len(set(replaced)) == 3


def test_t10_coroutines_of_authlib_that_all_refresh_with_one_token_stay_logged_in(served: Served) -> None:
    replaced: list[str] = []

    async def update(token: Any, refresh_token: str) -> None:
        replaced.append(refresh_token)

    async def use() -> tuple[str, list[str]]:
        expiring = {"leeway": 10**6, "token_endpoint": served.url("/token"), "update_token": update}
        async with authlib_httpx.AsyncOAuth2Client("first-party", **expiring) as client:
            first = (await client.fetch_token(**ALICE))["refresh_token"]
            answers = await asyncio.gather(*(client.get(served.orders) for _ in range(4)))
            # The successor that all of them were handed goes on.
            answers.append(await client.get(served.orders))
            return first, [answer.text for answer in answers]

    first, texts = asyncio.run(use())
    assert texts == ["hello user-1"] * 5
    # Each waits for the one before and refreshes again with the token that it had read: the grace is for that.
    assert replaced[:4] == [first] * 4
    assert replaced[4] != first


def _by_header(flavour: str, served: Served) -> Any:
    # Authlib does not encode id and secret for the header, as RFC 6749 §2.3.1 wants: who has odd ones does it.
    return FLAVOURS[flavour](quote_plus(ODD_ID), quote_plus(SECRET))


def _by_body(flavour: str, served: Served) -> Any:
    method = "client_secret_post"
    return FLAVOURS[flavour](
        f"{ODD_ID}/post", SECRET, token_endpoint_auth_method=method, revocation_endpoint_auth_method=method
    )


def _by_signature(flavour: str, served: Served, *, alg: str) -> Any:
    method = "private_key_jwt"
    key = joserfc_jwk.import_key(robot[alg].private_jwk())
    session = FLAVOURS[flavour]("robot", key, token_endpoint_auth_method=method, revocation_endpoint_auth_method=method)
    # As its own example has it: for the token endpoint, whichever is asked, and good for an hour.
    signing = rfc7523.PrivateKeyJWT(served.url("/token"), alg=alg, headers={"kid": robot[alg].kid})
    session.register_client_auth_method(signing)
    return session


METHODS: Final = {
    "client_secret_basic": (_by_header, ODD_ID),
    "client_secret_post": (_by_body, f"{ODD_ID}/post"),
    "private_key_jwt RS256": (partial(_by_signature, alg="RS256"), "robot"),
    "private_key_jwt ES256": (partial(_by_signature, alg="ES256"), "robot"),
}


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("make, client_id", METHODS.values(), ids=METHODS)
def test_authlib_gets_client_credentials_introspects_and_revokes_them(
    served: Served, make: Callable[[str, Served], Any], client_id: str, flavour: str
) -> None:
    with make(flavour, served) as session:
        token = session.fetch_token(served.url("/token"), scope="orders:read")
        assert token["scope"] == "orders:read"
        assert "refresh_token" not in token
        assert session.get(served.orders).text == f"hello {client_id}"
        told = session.introspect_token(served.url("/introspect"), token=token["access_token"]).json()
        assert (told["active"], told["client_id"], told["sub"]) == (True, client_id, client_id)
        assert (told["iss"], told["aud"], told["scope"]) == (served.issuer, "orders", "orders:read")
        for hint in ("access_token", "something else"):
            answer = session.revoke_token(served.url("/revoke"), token=token["access_token"], token_type_hint=hint)
            assert (answer.status_code, answer.content) == (200, b"")
        told = session.introspect_token(served.url("/introspect"), token=token["access_token"]).json()
        assert told == {"active": False}
        assert _refuses_promptly(lambda: session.get(served.orders).status_code)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_authlib_asks_for_client_credentials_again_before_they_expire(served: Served, flavour: str) -> None:
    replaced: list[str] = []

    def update(token: Any, access_token: str) -> None:
        assert token["access_token"] != access_token
        replaced.append(access_token)

    expiring = {"leeway": 10**6, "token_endpoint": served.url("/token"), "update_token": update}
    with FLAVOURS[flavour](quote_plus(ODD_ID), quote_plus(SECRET), **expiring) as session:
        session.fetch_token()
        assert [session.get(served.orders).text for _ in range(2)] == [f"hello {ODD_ID}"] * 2
    assert len(set(replaced)) == 2


@pytest.mark.parametrize("make, client_id", METHODS.values(), ids=METHODS)
def test_authlib_logs_a_user_in_for_a_confidential_client(
    served: Served, make: Callable[[str, Served], Any], client_id: str
) -> None:
    with make("requests", served) as session:
        session.fetch_token(served.url("/token"), grant_type="password", scope="orders:read", **ALICE)
        token = session.refresh_token(served.url("/token"))
        told = session.introspect_token(served.url("/introspect"), token=token["refresh_token"]).json()
    assert (told["active"], told["client_id"], told["username"]) == (True, client_id, "alice")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_authlib_is_told_why_it_is_refused(served: Served, flavour: str) -> None:
    refused: list[str] = []
    asked: list[tuple[tuple[str, str], dict[str, str]]] = [
        (("first-party", ""), {**ALICE, "password": "wrong"}),
        ((quote_plus(ODD_ID), "wrong"), {}),
        ((quote_plus(ODD_ID), quote_plus(SECRET)), {"scope": "admin"}),
        ((quote_plus(ODD_ID), quote_plus(SECRET)), {"grant_type": "authorization_code", "code": "x"}),
    ]
    for client, form in asked:
        with FLAVOURS[flavour](*client) as session, pytest.raises(authlib_errors.OAuthError) as caught:
            session.fetch_token(served.url("/token"), **form)
        refused.append(caught.value.error)
    assert refused == ["invalid_grant", "invalid_client", "invalid_scope", "unsupported_grant_type"]


def test_authlib_logs_in_with_more_than_ascii(served: Served) -> None:
    # The flavour of httpx fails in its own code before it sends that.
    with authlib_requests.OAuth2Session("first-party") as session:
        session.fetch_token(served.url("/token"), username=BEYOND_ASCII[0], password=BEYOND_ASCII[1])
        assert session.get(served.orders).text == "hello user-2"


# requests-oauthlib


def test_requests_oauthlib_logs_in_and_refreshes_by_itself(served: Served) -> None:
    replaced: list[dict[str, Any]] = []
    session = requests_oauthlib.OAuth2Session(
        client=oauthlib.LegacyApplicationClient("phone"),
        scope=["orders:read", "orders:write"],
        auto_refresh_url=served.url("/token"),
        auto_refresh_kwargs={"client_id": "phone"},
        token_updater=replaced.append,
    )
    with session:
        first = session.fetch_token(served.url("/token"), **ALICE)
        assert session.get(served.orders).text == "hello user-1"
        session.token = {**first, "expires_in": -1, "expires_at": time.time() - 1}
        assert session.get(served.orders).text == "hello user-1"
    (second,) = replaced
    assert second["refresh_token"] != first["refresh_token"]


@pytest.mark.parametrize("client_id, included", [(ODD_ID, False), (f"{ODD_ID}/post", True)], ids=["header", "body"])
def test_requests_oauthlib_gets_client_credentials_and_revokes_them(
    served: Served, client_id: str, included: bool
) -> None:
    # It does not encode for the header either.
    name, secret = (client_id, SECRET) if included else (quote_plus(client_id), quote_plus(SECRET))
    client = oauthlib.BackendApplicationClient(name, scope=["orders:read"])
    with requests_oauthlib.OAuth2Session(client=client) as session:
        token = session.fetch_token(
            served.url("/token"), client_id=name, client_secret=secret, include_client_id=included
        )
        assert session.get(served.orders).text == f"hello {client_id}"
        url, headers, body = client.prepare_token_revocation_request(served.url("/revoke"), token["access_token"])
        if included:
            body += f"&client_id={quote_plus(name)}&client_secret={quote_plus(secret)}"
        answer = requests.post(url, body, headers=headers, auth=None if included else (name, secret), timeout=10)
        assert (answer.status_code, answer.content) == (200, b"")
        assert _refuses_promptly(lambda: session.get(served.orders).status_code)


def test_requests_oauthlib_is_told_why_it_is_refused(served: Served) -> None:
    client = oauthlib.LegacyApplicationClient("first-party")
    with requests_oauthlib.OAuth2Session(client=client) as session, pytest.raises(oauthlib.InvalidGrantError):
        session.fetch_token(served.url("/token"), username="alice", password="wrong")
    client = oauthlib.BackendApplicationClient("billing")
    with requests_oauthlib.OAuth2Session(client=client) as session, pytest.raises(oauthlib.InvalidClientError):
        session.fetch_token(served.url("/token"), client_id="billing", client_secret="wrong")


# FastAPI and Swagger UI


def test_the_form_that_fastapi_reads_is_read(served: Served) -> None:
    form = {"grant_type": "password", **ALICE, "scope": "orders:read"}
    form |= {"client_id": f"{ODD_ID}/post", "client_secret": SECRET}
    # What it reads and this does not would be a login form that works with it only.
    assert form.keys() == inspect.signature(OAuth2PasswordRequestForm).parameters.keys()
    answer = requests.post(served.url("/token"), form, timeout=10)
    assert (answer.status_code, answer.json()["scope"]) == (200, "orders:read")


@pytest.mark.parametrize("scope", ["", "orders:read"])
def test_swagger_ui_logs_in_with_an_empty_client(served: Served, scope: str) -> None:
    # authorizePassword of swagger-client: an empty id and secret are sent all the same, as ":" in base64.
    headers = {"Authorization": "Basic Og==", "Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}
    form = {"grant_type": "password", "scope": scope, **ALICE}
    answer = requests.post(served.url("/token"), form, headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text
    assert answer.json()["scope"] == (scope or "orders:read orders:write")
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert requests.get(served.orders, headers=bearer, timeout=10).text == "hello user-1"


def test_swagger_ui_logs_in_with_a_client_in_the_form(served: Served) -> None:
    form = {"grant_type": "password", "client_id": "phone", **ALICE}
    assert requests.post(served.url("/token"), form, timeout=10).status_code == 200


# The documents


def _document(served: Served, path: str) -> Any:
    answer = requests.get(served.url(path), timeout=10)
    assert answer.status_code == 200
    return answer.json()


def test_authlib_finds_the_metadata_valid(served: Served) -> None:
    metadata = rfc8414.AuthorizationServerMetadata(_document(served, "/.well-known/oauth-authorization-server"))
    assert metadata["issuer"] == served.issuer
    # RFC 8414 §2 requires the member and §3.2 forbids it when it is empty, which it is without an authorization
    # endpoint. Authlib insists on one with something in it; all the rest has to hold.
    with pytest.raises(ValueError, match="response_types_supported"):
        metadata.validate()
    metadata["response_types_supported"] = ["code"]
    metadata.validate()


@pytest.mark.parametrize("served", SIGNED, indirect=True)
def test_others_verify_what_was_signed_through_the_published_keys(served: Served) -> None:
    jwks_uri = _document(served, "/.well-known/oauth-authorization-server")["jwks_uri"]
    form = {"grant_type": "password", **ALICE, "client_id": "phone"}
    token = requests.post(served.url("/token"), form, timeout=10).json()["access_token"]
    by_pyjwt = jwt.decode_complete(
        token,
        jwt.PyJWKClient(jwks_uri).get_signing_key_from_jwt(token),
        algorithms=["ES256"],
        audience="orders",
        issuer=served.issuer,
        options={"require": ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"]},
    )
    keys = joserfc_jwk.KeySet.import_key_set(requests.get(jwks_uri, timeout=10).json())
    by_joserfc = joserfc_jwt.decode(token, keys, algorithms=["ES256"])
    assert by_pyjwt["payload"] == by_joserfc.claims
    assert by_pyjwt["header"]["typ"] == "at+jwt"
    assert (by_joserfc.claims["sub"], by_joserfc.claims["client_id"]) == ("user-1", "phone")
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(token, jwt.PyJWKClient(jwks_uri).get_signing_key_from_jwt(token), algorithms=["ES256"])


# curl


def _lines() -> Generator[str]:
    """The lines of the pages that ask a token endpoint by curl."""
    for page in ("README.md", "docs/quickstart.md", "docs/tokens/index.md", "docs/tokens/clients.md"):
        text = (ROOT / page).read_text(encoding="utf-8").replace("\\\n", " ")
        yield from (re.sub(r"\s+", " ", line) for line in re.findall(r"^\$ (curl .*/auth/.*)$", text, re.MULTILINE))


CURLS: Final = sorted(set(_lines()))


def test_the_pages_show_each_endpoint_and_grant_by_curl() -> None:
    shown = " ".join(CURLS)
    for needed in ("/token", "/revoke", "=password", "=refresh_token", "=client_credentials", "client_assertion="):
        assert needed in shown


@pytest.mark.parametrize("line", CURLS)
def test_the_curl_lines_of_the_pages_do_what_they_say(served: Served, line: str, tmp_path: Path) -> None:
    require("curl")
    (tmp_path / "billing.secret").write_text(quote_plus(SECRET) + "\n")
    client = {"client_id": "phone"} if "phone" in line else {}
    login = requests.post(served.url("/token"), {"grant_type": "password", **ALICE, **client}, timeout=10).json()
    claims = {"iss": "robot", "sub": "robot", "aud": served.issuer, "jti": line, "exp": int(time.time()) + 60}
    key = robot["ES256"]
    assertion = jwt.encode(claims, jwt.PyJWK(key.private_jwk()), algorithm="ES256", headers={"kid": key.kid})
    line = re.sub(r"https?://[^/ ]+/auth", served.issuer, line)
    line = line.replace("-d password=…", f"--data-urlencode 'password={PASSWORD}'")
    line = line.replace("rt_…", login["refresh_token"]).replace(
        "client_assertion=eyJ…", f"client_assertion={assertion}"
    )
    assert "…" not in line
    line = line.replace("curl ", "curl --silent --noproxy '*' --write-out ' %{http_code}' ", 1)
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, timeout=20, check=True)
    body, _, status = done.stdout.decode().rpartition(" ")
    assert status == "200", body
    assert (body == "") == ("/revoke" in line)


# What clients should not send


LOGIN: Final = b"grant_type=password&username=alice&password=" + quote_plus(PASSWORD).encode()
FORM: Final = (b"Content-Type", b"application/x-www-form-urlencoded")
BAD: Final[dict[str, tuple[list[tuple[bytes, bytes]], bytes, int]]] = {
    "a bad escape": ([FORM], LOGIN + b"&scope=%zz", 400),
    "invalid UTF-8": ([FORM], LOGIN + b"&scope=%ff", 400),
    "bytes": ([FORM], LOGIN + b"&scope=\xff", 400),
    "NUL": ([FORM], LOGIN + b"&scope=%00", 400),
    "100 kB": ([FORM], LOGIN + b"&scope=" + b"a" * 100_000, 413),
    "no type": ([], LOGIN, 400),
    "no body": ([FORM], b"", 400),
    "Basic without a colon": ([FORM, (b"Authorization", b"Basic c2hvcA==")], LOGIN, 401),
    "Basic of no base64": ([FORM, (b"Authorization", b"Basic ?")], LOGIN, 401),
    "Basic of no UTF-8": ([FORM, (b"Authorization", b"Basic OlL//w==")], LOGIN, 401),
    "a header of no ASCII": ([FORM, (b"Authorization", b"\xff")], LOGIN, 401),
    "two credentials": ([FORM, (b"Authorization", b"Basic Og=="), (b"Authorization", b"Basic Og==")], LOGIN, 400),
}


@pytest.mark.parametrize("headers, body, status", BAD.values(), ids=BAD)
def test_g7_bad_requests_are_refused_by_their_status(
    served: Served, headers: list[tuple[bytes, bytes]], body: bytes, status: int
) -> None:
    port = int(served.root.rpartition(":")[2])
    reply = exchange(port, raw_request("POST", "/auth/token", headers, body), method="POST")
    assert reply.status == status, reply.body
    assert json.loads(reply.body)["error"] in ("invalid_request", "invalid_client")
    assert reply.header("cache-control") == "no-store"


def test_a_form_in_chunks_is_read(served: Served) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    halves = iter([LOGIN[:20], LOGIN[20:]])
    assert requests.post(served.url("/token"), halves, headers=headers, timeout=10).status_code == 200

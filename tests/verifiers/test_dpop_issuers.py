"""DPoP with the tokens of other issuers: keys are found, and whom a token is bound to is looked at all the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from authmw import Auth, DPoPVerifier, HTTPBearer, HTTPDPoP
from authmw.engine.authentication import Authentication
from authmw.http.refusal import Refusal
from authmw.issuers.fetching.fetch import Fetched
from authmw.issuers.introspection.verifier import IntrospectionVerifier
from authmw.issuers.several import Issuers
from authmw.testing.dpop import DPoPClient
from authmw.testing.issuer import FakeIssuer
from tests.requests import wsgi_request

URL = "https://api.example/orders"


def answer(auth: Auth, headers: Mapping[str, str]) -> str:
    """The principal's id, or the code of the refusal."""
    request = wsgi_request("/orders", **{name.lower(): value for name, value in headers.items()})
    found = auth.authenticate(request)
    return found.reason.code if isinstance(found, Refusal) else found.principal.id


def auth_for(tokens: Any) -> Auth:
    return Auth(HTTPBearer(tokens) | HTTPDPoP(DPoPVerifier(tokens, public_url="https://api.example")))


@pytest.mark.parametrize("several", [False, True])
def test_s4_a_bound_token_of_an_issuer_is_good_with_its_proof_only(several: bool) -> None:
    fake, other = FakeIssuer(), FakeIssuer("https://other.test")
    tokens: Any = fake.verifier(audience="orders")
    if several:
        tokens = Issuers(tokens, other.verifier(audience="orders", subject_prefix="other:"))
    auth, client = auth_for(tokens), DPoPClient()
    token = fake.token("alice", audience="orders", cnf=client.confirmation)
    assert answer(auth, client.headers("GET", URL, token=token)) == "alice"
    assert answer(auth, {"Authorization": f"Bearer {token}"}) == "authmw.token-bound"
    assert answer(auth, DPoPClient().headers("GET", URL, token=token)) == "authmw.token-bound"
    unbound = fake.token("alice", audience="orders")
    assert answer(auth, client.headers("GET", URL, token=unbound)) == "authmw.token-unbound"
    assert answer(auth, {"Authorization": f"Bearer {unbound}"}) == "alice"


def test_the_keys_are_waited_for_on_an_event_loop_too() -> None:
    fake, client = FakeIssuer(), DPoPClient()
    auth = auth_for(fake.verifier(audience="orders"))
    token = fake.token("alice", audience="orders", cnf=client.confirmation)
    headers = {name.lower(): value for name, value in client.headers("GET", URL, token=token).items()}
    found = asyncio.run(auth.authenticate_async(wsgi_request("/orders", **headers)))
    assert isinstance(found, Authentication)
    assert found.principal.id == "alice"


def test_a_bad_proof_makes_nobody_fetch_keys() -> None:
    fake, client = FakeIssuer(), DPoPClient()
    auth = auth_for(fake.verifier(audience="orders"))
    token = fake.token("alice", audience="orders", cnf=client.confirmation)
    made = client.proof("POST", URL, token=token)
    assert answer(auth, {"Authorization": f"DPoP {token}", "DPoP": made}) == "authmw.proof-misplaced"
    assert fake.requests == []


class Introspection:
    """Says of every token that it is active, and bound to the client's key."""

    def __init__(self, confirmation: dict[str, str]) -> None:
        self._answer = {
            "active": True,
            "sub": "alice",
            "client_id": "web",
            "aud": "orders",
            "token_type": "DPoP",
            "cnf": confirmation,
        }

    def fetch(self, url: str, **_: Any) -> Fetched:
        return Fetched(200, {"content-type": "application/json"}, json.dumps(self._answer).encode())


def test_s4_an_opaque_token_that_introspection_says_is_bound_is_good_with_its_proof_only() -> None:
    client = DPoPClient()
    tokens = IntrospectionVerifier(
        "https://id.example/introspect",
        audience="orders",
        client_id="orders-api",
        client_secret="s3cret",
        fetcher=Introspection(client.confirmation),
    )
    auth = auth_for(tokens)
    assert answer(auth, {"Authorization": "Bearer 0paque"}) == "authmw.token-bound"
    assert answer(auth, client.headers("GET", URL, token="0paque")) == "alice"
    assert answer(auth, {"Authorization": "Bearer 0paque"}) == "authmw.token-bound"
    assert answer(auth, DPoPClient().headers("GET", URL, token="0paque")) == "authmw.token-bound"
    assert answer(auth, client.headers("GET", URL, token="0paque")) == "alice"

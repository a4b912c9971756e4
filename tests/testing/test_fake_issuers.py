"""Fake issuers in place of those that an application trusts: their tokens are verified as in production."""

from __future__ import annotations

from typing import Any

import pytest
from authmw_flask import FlaskAuth
from flask import Flask

from authmw import (
    Auth,
    ConfigurationError,
    DPoPVerifier,
    HTTPBearer,
    HTTPDPoP,
    Issuer,
    JWTVerifier,
    KeyRing,
    OpenIdConnect,
    current_principal,
    requires_scopes,
)
from authmw.issuers import AnyAudience, Issuers
from authmw.issuers.profiles import PROFILES
from authmw.testing import DPoPClient, FakeIssuer, FakeIssuerFor, assert_refused

URLS = {
    "entra": "https://login.microsoftonline.com/8d2f/v2.0",
    "google": "https://accounts.google.com",
    "auth0": "https://shop.eu.auth0.com/",
}


def client_of(auth: Auth) -> Any:
    app = Flask("shop", static_folder=None)
    FlaskAuth(app, auth)
    app.add_url_rule("/me", "me", lambda: current_principal().id)
    app.add_url_rule("/orders", "orders", requires_scopes("orders:read")(lambda: "orders"))
    return app.test_client()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("profile", PROFILES)
def test_tokens_of_each_profile_are_accepted_by_the_real_verifier(profile: str, fake_issuer: FakeIssuerFor) -> None:
    auth = Auth(OpenIdConnect(URLS.get(profile, "https://id.invalid"), audience="shop-api", profile=profile))
    client, fake = client_of(auth), fake_issuer(auth)
    assert client.get("/me", headers=bearer(fake.token("alice"))).text == "alice"
    if PROFILES[profile].scopes:
        assert client.get("/orders", headers=bearer(fake.token("alice", scopes=["orders:read"]))).text == "orders"
        assert_refused(client.get("/orders", headers=bearer(fake.token("alice", scopes=["x"]))), scope="orders:read")
    for wrong in (
        fake.token("alice", audience="billing"),
        fake.token("alice", lifetime=-600),
        fake.token("alice", key=FakeIssuer().ring.signer),
        fake.id_token("alice", client_id="shop-api"),
    ):
        assert_refused(client.get("/me", headers=bearer(wrong)), status=401)


def test_a_profile_without_scopes_says_so() -> None:
    with pytest.raises(ConfigurationError, match="access tokens of google have no scopes"):
        FakeIssuer(profile="google", audience="orders").token("alice", scopes=["orders:read"])
    with pytest.raises(ConfigurationError, match='audience="orders"'):
        FakeIssuer().token("alice")


def test_the_real_issuer_is_back_after_the_test() -> None:
    from contextlib import ExitStack

    issuer = Issuer("https://id.invalid", audience="orders")
    client, real = client_of(Auth(HTTPBearer(issuer))), issuer.keys
    with ExitStack() as undone:
        token = FakeIssuerFor(undone)(issuer).token("alice")
        assert client.get("/me", headers=bearer(token)).status_code == 200
        assert client.get("/me", headers=bearer(token)).status_code == 200
    assert issuer.keys is real
    issuer.keys._source = FakeIssuer("https://id.invalid").verifier(audience="orders").keys._source  # pyright: ignore[reportPrivateUsage]
    assert_refused(client.get("/me", headers=bearer(token)), status=401)


def test_one_of_several_is_named(fake_issuer: FakeIssuerFor) -> None:
    staff = Issuer("https://staff.invalid", audience="orders")
    partners = Issuer("https://partners.invalid", audience=["orders", "o2"], subject_prefix="partner:")
    proofs = Issuer("https://proofs.invalid", audience=AnyAudience("for a test"))
    auth = Auth(HTTPBearer(Issuers(staff, partners)) | HTTPDPoP(DPoPVerifier(proofs, public_url="http://localhost")))
    client = client_of(auth)
    with pytest.raises(ConfigurationError) as told:
        fake_issuer(auth)
    assert "'https://partners.invalid', 'https://proofs.invalid', 'https://staff.invalid'" in str(told.value)
    for url, caller in (("https://staff.invalid", "alice"), ("https://partners.invalid", "partner:alice")):
        assert client.get("/me", headers=bearer(fake_issuer(auth, url).token("alice"))).text == caller
    dpop = DPoPClient()
    token = fake_issuer(auth, "https://proofs.invalid").token("alice", cnf=dpop.confirmation)
    assert client.get("/me", headers=dpop.headers("GET", "http://localhost/me", token=token)).text == "alice"


@pytest.mark.parametrize(
    "trusting",
    [
        Auth(HTTPBearer(JWTVerifier(KeyRing.generate(), issuer="https://me.example", audience="orders"))),
        Auth(OpenIdConnect("https://id.example")),
        "https://id.example",
    ],
    ids=["keys of its own", "no verifier", "a URL"],
)
def test_what_trusts_no_issuer_is_told_what_does(trusting: Any, fake_issuer: FakeIssuerFor) -> None:
    with pytest.raises(ConfigurationError, match="it trusts none: pass what has an Issuer"):
        fake_issuer(trusting)


def test_nothing_is_replaced_in_production(fake_issuer: FakeIssuerFor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHMW_ENV", "production")
    with pytest.raises(ConfigurationError, match="production"):
        fake_issuer(Issuer("https://id.invalid", audience="orders"))

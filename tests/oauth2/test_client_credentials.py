"""``grant_type=client_credentials``: clients that act for themselves (RFC 6749 §4.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from authmw.crypto.jose import base64url
from authmw.crypto.jose.strict_json import parse_object
from authmw.crypto.opaque_tokens import token_digest
from authmw.stores.records import Revocation, TokenRecord
from tests.oauth2.asking import ISSUER, KEYS, MOUNTS, NOW, Bench, basic

FORM = {"grant_type": "client_credentials"}


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("keys", [None, KEYS], ids=["opaque", "JWT"])
def test_t12_a_client_gets_a_token_about_itself_and_no_refresh_token(mount: str, keys: Any) -> None:
    bench = Bench(mount, keys=keys)
    secret = bench.client()
    answer = bench.post(FORM, basic("shop", secret))
    assert (answer.status, list(answer.json)) == (200, ["access_token", "token_type", "expires_in", "scope"])
    shop: Any = bench.verified(answer.json["access_token"])
    assert (shop.id, shop.client_id, shop.kind) == ("shop", "shop", "client")


def test_t12_a_token_of_a_client_has_all_that_ends_it_and_no_session() -> None:
    bench = Bench(audience=["orders", "billing"])
    bench.clock.now = now = NOW + 0.75
    answer = bench.post({**FORM, "scope": "reports"}, basic("shop", bench.client())).json
    (record,) = bench.stores.tokens.list("shop")
    assert record == TokenRecord(
        id=record.id,
        digest=token_digest(answer["access_token"]),
        subject="shop",
        expires_at=now + 600,
        scopes=frozenset({"reports"}),
        kind="client",
        client_id="shop",
        created_at=now,
        audience=frozenset({"orders", "billing"}),
    )


def test_t12_a_jwt_of_a_client_says_that_nobody_logged_in() -> None:
    bench = Bench(keys=KEYS)
    header = basic("shop", bench.client())
    # That its tokens were revoked a moment ago delays no new one, other than those of a user.
    bench.stores.revocations.publish(Revocation.of_user("shop", NOW))
    payload = bench.post(FORM, header).json["access_token"].split(".")[1].encode()
    claims = parse_object(base64url.decode(payload) or b"")
    assert len(claims.pop("jti")) >= 22
    assert claims == {
        "iss": ISSUER,
        "sub": "shop",
        "aud": "orders",
        "exp": NOW + 600,
        "iat": NOW,
        "client_id": "shop",
        "scope": "orders:read reports",
    }


@pytest.mark.parametrize(
    "requested, told",
    [
        ("", "orders:read reports"),
        ("reports", "reports"),
        ("reports admin", "reports"),
    ],
)
def test_t12_a_client_is_granted_no_more_than_it_may_have(requested: str, told: str) -> None:
    bench = Bench()
    secret = bench.client()
    answer = bench.post({**FORM, "scope": requested}, basic("shop", secret))
    assert answer.json["scope"] == told
    shop: Any = bench.verified(answer.json["access_token"])
    assert shop.scopes == set(told.split())


@pytest.mark.parametrize("scope", ["admin", 'a"b'])
def test_t12_what_a_client_may_not_have_at_all_is_an_invalid_scope(scope: str) -> None:
    bench = Bench()
    secret = bench.client()
    answer = bench.post({**FORM, "scope": scope}, basic("shop", secret))
    assert (answer.status, answer.error) == (400, "invalid_scope")


def test_t12_a_public_client_has_nothing_to_be_granted_for() -> None:
    from dataclasses import replace

    bench = Bench()
    bench.client()
    shop = bench.stores.clients.find_client("shop")

    class Clients:
        def find_client(self, client_id: str) -> Any:
            return replace(shop, auth_method="none", secrets=())  # what `create` would not have made

    bench.use(clients=Clients())
    answer = bench.post({**FORM, "client_id": "shop"})
    assert (answer.status, answer.error) == (400, "unauthorized_client")


def test_t12_the_first_party_application_does_not_act_for_itself() -> None:
    answer = Bench().post(FORM)
    assert (answer.status, answer.error) == (400, "unauthorized_client")


def test_t1_a_client_without_the_grant_may_not_use_it() -> None:
    bench = Bench()
    secret = bench.client(grant_types=["refresh_token"])
    answer = bench.post(FORM, basic("shop", secret))
    assert (answer.status, answer.error) == (400, "unauthorized_client")


@pytest.mark.parametrize("keys", [None, KEYS], ids=["opaque", "JWT"])
@pytest.mark.parametrize("became", ["disabled", "gone"])
def test_a_client_that_goes_while_its_token_is_made_gets_none_and_leaves_none(
    keys: Any, became: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(keys=keys)
    secret = bench.client()
    found = bench.stores.clients.find_client("shop")
    answers = iter([found, replace(found, disabled=True) if became == "disabled" else None])

    class Clients:
        def find_client(self, client_id: str) -> Any:
            return next(answers)

    bench.use(clients=Clients())
    if keys:
        monkeypatch.setattr(bench.stores.tokens, "revoke_token", None)  # there is none to revoke
    answer = bench.post(FORM, basic("shop", secret))
    assert (answer.status, answer.error) == (401, "invalid_client")
    assert answer.header("www-authenticate") is not None
    stored = bench.stores.tokens.list("shop")
    assert [record.revoked_at for record in stored] == ([] if keys else [bench.clock.now])

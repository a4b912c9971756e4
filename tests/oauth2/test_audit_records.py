"""The log of what the token endpoint decided: one record each, and no secret in it."""

from __future__ import annotations

import logging

import pytest

from authmw.oauth2.lifetimes import Lifetimes
from authmw.stores import MemoryThrottle
from tests.oauth2.asking import KEYS, NOW, Bench, basic


def records(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "authmw.oauth2"]


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def test_a_login_is_recorded_with_who_and_through_what(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.log_in()
    (family,) = bench.stores.families.families_of("user-1", NOW)
    assert records(caplog) == [
        "authmw issued endpoint=token grant=password client=first-party principal=user-1 source=192.0.2.7 "
        f'family={family.id} scope="orders:read orders:write"'
    ]


def test_a_refusal_is_recorded_with_why(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(throttle=MemoryThrottle(free=100))
    secret = bench.client()
    bench.log_in(password="x")
    bench.log_in(username="nobody")
    bench.refresh("rt_x")
    bench.post({"grant_type": "client_credentials"}, basic("shop", "x"))
    bench.post({"grant_type": "client_credentials", "scope": "admin"}, basic("shop", secret))
    bench.post({"grant_type": "a\nb"})
    head = "authmw refused endpoint=token"
    source = "source=192.0.2.7"
    assert records(caplog) == [
        f"{head} grant=password client=first-party {source} error=invalid_grant status=400 "
        "detail=authmw.password-wrong",
        f"{head} grant=password client=first-party {source} error=invalid_grant status=400 detail=authmw.user-unknown",
        f"{head} grant=refresh_token client=first-party {source} error=invalid_grant status=400 "
        'detail="not a refresh token"',
        f'{head} grant=client_credentials {source} error=invalid_client status=401 detail="the secret is wrong"',
        f"{head} grant=client_credentials client=shop {source} error=invalid_scope status=400 "
        'detail="None of the requested scopes can be granted."',
        f'{head} grant=a\\nb {source} error=unsupported_grant_type status=400 detail="There is no such grant type."',
    ]


def test_a_replay_is_recorded_with_the_login_that_it_ended(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(lifetimes=Lifetimes(grace=0))
    token = bench.log_in().json["refresh_token"]
    bench.refresh(token)
    bench.clock.now += 1
    (family,) = bench.stores.families.families_of("user-1", NOW)
    bench.refresh(token)
    detail = f'detail="{family.id} is ended: a refresh token was used again"'
    assert records(caplog)[-1].endswith(detail)


@pytest.mark.parametrize("keys", [None, KEYS], ids=["opaque", "JWT"])
def test_log_1_no_secret_is_in_any_log(caplog: pytest.LogCaptureFixture, keys: object) -> None:
    bench = Bench(keys=keys)
    secret = bench.client(grant_types=["password", "refresh_token", "client_credentials"])
    form = {"grant_type": "password", "username": "alice", "password": "correct horse"}
    first = bench.post(form, basic("shop", secret)).json
    second = bench.refresh(first["refresh_token"], basic("shop", secret)).json
    bench.refresh(second["refresh_token"], basic("shop", "another secret"))
    bench.refresh(second["refresh_token"] + "x", basic("shop", secret))
    bench.log_in(password="another password")
    bench.post({"grant_type": "client_credentials", "client_id": "shop", "client_secret": "a third secret"})
    said = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    tokens = [value for told in (first, second) for name, value in told.items() if name.endswith("_token")]
    for word in (secret, *tokens, "correct horse", "another secret", "another password", "a third secret"):
        assert word not in said

"""The test kit with the clients of Django and of Django REST framework."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from authmw.testing import AsUser, Caller, assert_refused
from tests.adapters.django.site import configured


@pytest.fixture(autouse=True)
def _project() -> Iterator[None]:
    with configured():
        yield


@pytest.fixture
def client() -> Any:
    from django.test import Client

    return Client(headers={"Authorization": "Bearer junk"})


def test_requests_of_a_client_are_the_users(client: Any, as_user: AsUser, anonymous: Caller) -> None:
    with as_user("reader", "orders:read"):
        assert client.get("/plain").json()["principal"] == "reader"
    alice = as_user("alice", "orders:read").through(client)
    assert alice.get("/plain").json()["current"] == "alice"
    assert alice.get("/api/orders").status_code == 200
    assert_refused(as_user("bob").get("/api/orders"), scope="orders:read")
    assert_refused(anonymous.get("/plain"), status=401, code="authmw.credentials-missing")
    assert_refused(client.get("/plain"), status=401)


def test_sessions_of_two_users_are_their_own(client: Any, as_user: AsUser) -> None:
    alice = as_user("alice").through(client)
    alice.cookies["sessionid"] = "of alice"
    assert "sessionid" not in client.cookies
    assert "sessionid" not in as_user("bob").through(alice).cookies


def test_requests_of_a_client_that_is_awaited_are_the_users(as_user: AsUser) -> None:
    from django.test import AsyncClient

    async def ask() -> None:
        client = AsyncClient()
        with as_user("alice"):
            assert (await client.get("/plain")).json()["principal"] == "alice"
        bob = as_user("bob").through(client)
        assert (await bob.get("/plain")).json()["principal"] == "bob"
        assert_refused(await client.get("/plain"), status=401)

    asyncio.run(ask())


def test_requests_of_the_client_of_rest_framework_are_the_users(as_user: AsUser) -> None:
    from rest_framework.test import APIClient

    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Bearer junk")
    assert as_user("alice", "orders:read").through(client).get("/api/orders").status_code == 200
    assert_refused(client.get("/api/orders"), status=401)

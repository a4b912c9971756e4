"""Flask in FastAPI behind authmw, as its page says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.programs.conftest import MakeProgram
from tests.programs.mounted import Shop, made_of, mix

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def shop(program: MakeProgram) -> Iterator[Shop]:
    made = made_of(program("flask-in-fastapi"))
    with made.serve("app:app") as server:
        yield Shop(made, server.port)


def test_each_user_gets_what_the_page_says(shop: Shop) -> None:
    assert shop.told("/orders") == [{"new": "alice"}, 403, 401]
    assert shop.told("/old/orders") == [{"old": "alice"}, 403, 401]
    assert shop.told("/old/who") == [{"REMOTE_USER": "alice"}, {"REMOTE_USER": "bob"}, 401]
    assert shop.get("/health").json() == "ok"


def test_refusals_inside_are_those_of_outside(shop: Shop) -> None:
    inside, outside = (shop.get(path, shop.tokens["bob"]) for path in ("/old/orders", "/orders"))
    assert inside.content == outside.content
    assert [each.headers["www-authenticate"] for each in (inside, outside)] == [
        'Bearer realm="shop", error="insufficient_scope", scope="orders:read"'
    ] * 2


def test_a_password_is_as_good_as_a_token_and_no_header_is(shop: Shop) -> None:
    assert shop.by_password("/old/who", "alice").json() == {"REMOTE_USER": "alice"}
    forged = {"Remote-User": "alice", "X-Remote-User": "alice", "authmw.principal": "alice", "REMOTE_USER": "alice"}
    assert shop.get("/old/who", **forged).status_code == 401
    assert shop.get("/old/who", shop.tokens["bob"], **forged).json() == {"REMOTE_USER": "bob"}


def test_parallel_requests_keep_their_callers(shop: Shop) -> None:
    assert mix(shop, "/old/who", "REMOTE_USER") == []

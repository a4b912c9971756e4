"""FastAPI in Flask behind authmw, as its page says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.programs.conftest import MakeProgram
from tests.programs.mounted import Shop, made_of, mix
from tests.programs.program import GUNICORN

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def shop(program: MakeProgram) -> Iterator[Shop]:
    made = made_of(program("fastapi-in-flask"))
    with made.serve("app:app", GUNICORN) as server:
        yield Shop(made, server.port)


def test_each_user_gets_what_the_page_says(shop: Shop) -> None:
    assert shop.told("/orders") == [{"old": "alice"}, 403, 401]
    assert shop.told("/new/orders") == [{"new": "alice"}, 403, 401]
    assert shop.told("/new/who") == [{"id": "alice"}, {"id": "bob"}, 401]


def test_a_password_is_as_good_as_a_token_and_no_header_is(shop: Shop) -> None:
    assert shop.by_password("/new/who", "alice").json() == {"id": "alice"}
    forged = {"Remote-User": "alice", "X-Remote-User": "alice", "authmw.principal": "alice", "REMOTE_USER": "alice"}
    assert shop.get("/new/who", **forged).status_code == 401
    assert shop.get("/new/who", shop.tokens["bob"], **forged).json() == {"id": "bob"}


def test_parallel_requests_keep_their_callers(shop: Shop) -> None:
    assert mix(shop, "/new/who", "id") == []

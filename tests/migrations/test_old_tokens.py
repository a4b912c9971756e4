"""`OldTokens` of the page about the tutorial of FastAPI, without a server: the scopes of a token of before."""

from __future__ import annotations

import time
from typing import Any, Final

import pytest

from authmw import Authenticated, Key
from authmw.flow.flow import run
from authmw.identity.credentials import BearerToken
from authmw.stores import MemoryUsers
from tests.jwt_tokens import signed
from tests.migrations.conftest import PAGES, sections_of
from tests.programs.page import files_in
from tests.requests import wsgi_request

SECRET: Final = "only for this test, and long enough"
EVERY: Final = ("", "me", "items", "me items", "me admin")


@pytest.mark.parametrize("of_user", EVERY)
@pytest.mark.parametrize("of_token", EVERY)
def test_a_token_of_before_has_the_scopes_that_both_it_and_its_user_have(of_token: str, of_user: str) -> None:
    program: dict[str, Any] = {}
    after = sections_of((PAGES / "from-the-fastapi-tutorial.md").read_text())["After"]
    exec(files_in(after)["old_tokens.py"], program)
    users = MemoryUsers()
    users.create("alice", id="alice", scopes=of_user.split())
    verifier = program["OldTokens"](SECRET, users, None, until="2999-01-01T00:00+00:00")
    key = Key.from_secret(SECRET)
    claims = {"sub": "alice", "scope": of_token, "exp": time.time() + 600}
    verdict = run(verifier.verify(BearerToken(signed({"alg": key.alg, "typ": "JWT"}, claims, key)), wsgi_request()))
    assert isinstance(verdict, Authenticated)
    assert verdict.principal.scopes == set(of_token.split()) & set(of_user.split())

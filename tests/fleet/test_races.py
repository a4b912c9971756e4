"""Many clients that use one thing at once, against real servers of two processes each."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import uuid4

import pytest

from authmw.crypto.jws import write
from authmw.crypto.keyring import Key, KeyRing
from authmw.http.challenge import parse_challenges
from authmw.oauth2.client_authentication import ASSERTION_TYPE
from tests.fleet.asking import ask, at_once, bearer, log_in, post, refresh, see_processes, whoami
from tests.fleet.backends import BACKENDS, Backend, backend
from tests.fleet.serving import serving
from tests.fleet.settings import ISSUER, PASSWORD
from tests.verifiers.digest_clients import Client as DigestClient

pytestmark = [pytest.mark.servers, pytest.mark.fleet]

RACERS: Final = 8
ROUNDS: Final = 5
GRACE: Final = 30
KEY: Final = Key.generate("ES256")
FLEETS: Final = [(server, kind) for server in ("gunicorn", "uvicorn") for kind in BACKENDS]


@dataclass(frozen=True, slots=True)
class Fleet:
    """A server, and where it keeps what it keeps."""

    port: int
    backend: Backend


@pytest.fixture(scope="module", params=FLEETS, ids=[f"{server}-{kind}" for server, kind in FLEETS])
def fleet(request: pytest.FixtureRequest) -> Generator[Fleet]:
    server, kind = request.param
    with backend(kind, grace=GRACE) as place:
        place.add_user("alice", digest=True)
        place.add_client("shop", KeyRing(KEY).jwks())
        with serving(server, place.settings) as running:
            see_processes(running.port, 2)
            yield Fleet(running.port, place)


def test_parallel_refreshes_with_one_token_get_one_successor(fleet: Fleet) -> None:
    for _ in range(ROUNDS):
        presented = log_in(fleet.port, "alice").json["refresh_token"]
        answers = at_once([partial(refresh, fleet.port, presented)] * RACERS)
        assert [answer.status for answer in answers] == [200] * RACERS
        successors = {answer.json["refresh_token"] for answer in answers}
        assert len(successors) == 1
        assert presented not in successors
        for answer in answers:
            assert whoami(fleet.port, bearer(answer.json["access_token"])).status == 200
        assert refresh(fleet.port, successors.pop()).status == 200


def test_a_replay_after_the_grace_ends_the_login_and_all_its_tokens(fleet: Fleet) -> None:
    first = log_in(fleet.port, "alice").json
    second = refresh(fleet.port, first["refresh_token"]).json
    raced = refresh(fleet.port, first["refresh_token"]).json
    assert raced["refresh_token"] == second["refresh_token"]
    fleet.backend.advance(GRACE + 1)
    replayed = refresh(fleet.port, first["refresh_token"])
    assert (replayed.status, replayed.json["error"]) == (400, "invalid_grant")
    ended_at = time.monotonic()
    after = refresh(fleet.port, second["refresh_token"])
    assert (after.status, after.json["error"]) == (400, "invalid_grant")
    for tokens in (first, second, raced):
        headers = bearer(tokens["access_token"])
        # Each process has its time to hear of it; none has longer.
        answers = [whoami(fleet.port, headers) for _ in range(RACERS)]
        while answers[-1].asked_at < ended_at + fleet.backend.settings.bound:
            answers.append(whoami(fleet.port, headers))
        answers += at_once([partial(whoami, fleet.port, headers)] * RACERS)
        late = [answer.status for answer in answers if answer.asked_at >= ended_at + fleet.backend.settings.bound]
        assert set(late) == {401}


def test_parallel_uses_of_one_nonce_count_are_accepted_once(fleet: Fleet) -> None:
    for _ in range(ROUNDS):
        challenge = ask(fleet.port, "GET", "/whoami").reply.header("www-authenticate")
        [offered] = [each for each in parse_challenges(challenge) if each.scheme.lower() == "digest"]
        client = DigestClient(offered, password=PASSWORD, uri="/whoami")
        headers = {"Authorization": client.header()}
        answers = at_once([partial(whoami, fleet.port, headers)] * RACERS)
        assert sorted(answer.status for answer in answers) == [200] + [401] * (RACERS - 1)
        assert whoami(fleet.port, {"Authorization": client.bent(nc="00000002").header()}).status == 200


def test_parallel_uses_of_one_jti_are_accepted_once(fleet: Fleet) -> None:
    for _ in range(ROUNDS):
        now = fleet.backend.settings.now()
        claims = {"iss": "shop", "sub": "shop", "aud": ISSUER, "exp": now + 60, "iat": now, "jti": uuid4().hex}
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": write(json.dumps(claims).encode(), KEY),
        }
        answers = at_once([partial(post, fleet.port, "/auth/token", **form)] * RACERS)
        assert sorted(answer.status for answer in answers) == [200] + [401] * (RACERS - 1)

"""Rules for an API that OAuth clients call: its metadata (RFC 9728), challenges (RFC 9728 §5.1, RFC 6750 §3.1) and
introspection (RFC 7662)."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

import pytest

from authmw import Auth, HTTPBearer
from authmw.engine.authentication import Authentication
from authmw.http.challenge import Challenge, parse_challenges
from authmw.http.refusal import Refusal
from authmw.identity.credentials import BearerToken
from authmw.issuers.fetching.fetch import Fetched, FetchFailed
from authmw.issuers.fetching.http_fetcher import HTTPFetcher
from authmw.issuers.introspection.verifier import IntrospectionVerifier
from authmw.testing.clock import FakeClock
from tests.contract.cases import Answer as ContractAnswer
from tests.contract.cases import Case
from tests.engine.resource_apps import AT_ROOT, EVERYWHERE, PATH, RESOURCE, Answer
from tests.issuers.introspection_servers import ACTIVE, INACTIVE, NOW, SECRET, URL, FakeServer, answered, verifier_of
from tests.requests import wsgi_request

SCOPES: Final = "orders:read orders:write"


@cache
def asker(interface: str) -> Any:
    return EVERYWHERE[interface]()


def ask(interface: str, target: str, token: str = "") -> Answer:
    headers = ((b"Authorization", f"Bearer {token}".encode()),) if token else ()
    answer: Answer = asker(interface)(Case("", ContractAnswer(0), headers, target))
    return answer


def bearer_of(answer: Answer) -> Challenge:
    values = ", ".join(value for name, value in answer[1] if name == "www-authenticate")
    return next(challenge for challenge in parse_challenges(values) if challenge.scheme == "Bearer")


def status_of(verifier: IntrospectionVerifier, token: str = "opaque") -> int:
    found = Auth(HTTPBearer(verifier)).authenticate(wsgi_request(authorization=f"Bearer {token}"))
    if isinstance(found, Refusal):
        return found.status
    assert isinstance(found, Authentication)
    return 200 if found.principal.is_authenticated else 401


# Metadata (RFC 9728)


@pytest.mark.parametrize("interface", EVERYWHERE)
def test_m6_the_metadata_is_at_the_root_of_the_host_and_names_the_resource_identically(interface: str) -> None:
    status, headers, body = ask(interface, PATH)
    assert (status, dict(headers)["content-type"]) == (200, "application/json")
    assert json.loads(body)["resource"] == RESOURCE


@pytest.mark.parametrize("interface", EVERYWHERE)
def test_m6_the_metadata_names_servers_scopes_and_that_tokens_travel_in_the_header(interface: str) -> None:
    document = json.loads(ask(interface, PATH)[2])
    assert document["authorization_servers"] == ["https://id.example"]
    assert document["scopes_supported"] == SCOPES.split()
    assert document["bearer_methods_supported"] == ["header"]


@pytest.mark.parametrize("interface", AT_ROOT)
def test_m6_what_is_not_advertised_is_not_taken(interface: str) -> None:
    assert ask(interface, "/mcp?access_token=writer")[0] == 401


# Challenges (RFC 9728 §5.1, RFC 6750 §3.1)


@pytest.mark.parametrize("interface", AT_ROOT)
def test_m7_a_401_says_where_the_metadata_is_and_which_scopes_are_needed(interface: str) -> None:
    answer = ask(interface, "/mcp")
    challenge = bearer_of(answer)
    assert (answer[0], challenge["scope"]) == (401, SCOPES)
    assert challenge["resource_metadata"] == f"https://api.example{PATH}"
    assert "error" not in dict(challenge.params)


@pytest.mark.parametrize("interface", AT_ROOT)
def test_m7_the_url_in_the_challenge_answers(interface: str) -> None:
    url = bearer_of(ask(interface, "/mcp"))["resource_metadata"]
    assert ask(interface, url.removeprefix("https://api.example"))[0] == 200


@pytest.mark.parametrize("interface", AT_ROOT)
def test_m7_a_403_is_insufficient_scope_and_names_the_scopes(interface: str) -> None:
    answer = ask(interface, "/mcp", "reader")
    challenge = bearer_of(answer)
    assert (answer[0], challenge["error"], challenge["scope"]) == (403, "insufficient_scope", SCOPES)
    assert ask(interface, "/mcp", "writer")[0] == 200


# Introspection (RFC 7662)


def test_s5_a_server_that_does_not_answer_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, Any]] = []

    class Fetcher(HTTPFetcher):
        def fetch(self, url: str, **options: Any) -> Fetched:
            given.append({"timeout": self.timeout, **options})
            raise FetchFailed("https://id.example: no complete answer within 5 s")

    monkeypatch.setattr("authmw.issuers.introspection.verifier.HTTPFetcher", Fetcher)
    verifier = IntrospectionVerifier(URL, audience="orders", client_id="orders-api", client_secret=SECRET)
    assert status_of(verifier) == 503
    assert [each["timeout"] for each in given] == [5.0]


def test_s5_active_results_are_kept_until_they_expire_and_no_longer_than_the_bound() -> None:
    for lifetime, kept in ((600, 30), (10, 10)):
        server, clock = FakeServer({**ACTIVE, "exp": NOW + lifetime}), FakeClock(NOW)
        verifier = verifier_of(server, clock, keep=30, leeway=0)
        assert status_of(verifier) == 200
        server.answer = INACTIVE
        clock.advance(kept - 1)
        assert status_of(verifier) == 200
        clock.advance(1)
        assert status_of(verifier) == 401
        server.answer = {**ACTIVE, "exp": NOW + 600}
        clock.advance(5)
        assert status_of(verifier) == 200  # that it was inactive was kept for 5 s at most


@pytest.mark.parametrize(
    "answer",
    [
        FetchFailed("https://id.example: ConnectionRefusedError"),
        RuntimeError("a mistake"),
        answered(ACTIVE, 500),
        answered({"error": "invalid_client"}, 401),
        Fetched(200, {}, b"<html>"),
        answered({**ACTIVE, "active": "true"}),
        answered([ACTIVE]),
    ],
    ids=["unreachable", "a mistake", "500", "401", "HTML", "active is text", "a list"],
)
def test_s5_an_error_never_lets_anybody_in(answer: object) -> None:
    server = FakeServer(answer)
    verifier = verifier_of(server)
    assert [status_of(verifier), status_of(verifier)] == [503, 503]


@pytest.mark.parametrize("keep", [0, 30])
@pytest.mark.parametrize("aud", [None, "billing", ["billing"], []], ids=["none", "another", "others", "nobody"])
def test_s5_the_audience_is_checked_there_too(aud: object, keep: int) -> None:
    members = {name: value for name, value in ACTIVE.items() if name != "aud"}
    server = FakeServer(members if aud is None else {**members, "aud": aud})
    clock = FakeClock(NOW)
    verifier = verifier_of(server, clock, keep=keep)
    assert [status_of(verifier), status_of(verifier)] == [401, 401]
    server.answer = {**ACTIVE, "aud": ["billing", "orders"]}
    clock.advance(5)  # that it was refused was kept for 5 s at most
    assert status_of(verifier) == 200


def test_s5_the_token_and_the_secret_are_in_no_url() -> None:
    server = FakeServer()
    verifier = verifier_of(server)
    verifier.verify(BearerToken("opaque"))
    assert status_of(verifier) == 200
    assert [url for url, _, _ in server.asked] == [URL]

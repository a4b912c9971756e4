"""Verifying Digest responses: each check of RFC 7616 §3.4.6 refuses, alone, what it is there for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.auth import HTTPDigestAuth

from authmw import Auth
from authmw.crypto.http_digest import DigestAlgorithm, DigestSessAlgorithm, ha1, ha2, hash_of, response, session_ha1
from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.engine.authentication import Authentication
from authmw.errors import ConfigurationError, StoreUnavailable
from authmw.flow.flow import run, run_async
from authmw.http.challenge import Challenge
from authmw.http.grammar import parse_params
from authmw.http.reasons import Reason
from authmw.http.refusal import Refusal
from authmw.http.request import ASGIRequest, Scope, WSGIRequest
from authmw.identity.credentials import DigestResponse
from authmw.identity.requirement import AUTHENTICATED
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.schemes.http_digest import HTTPDigest
from authmw.stores import MemoryNonces, MemoryThrottle
from authmw.stores.memory.users import MemoryUsers
from authmw.stores.records import AttemptOutcome, DigestUser, NonceUse
from authmw.verifiers.digest import WINDOW, DigestVerifier
from tests.drivers import unshielded
from tests.verifiers.digest_clients import PASSWORDS, REALM, SECRET, USERS, Client, Clock, DigestUsers, Nonces, Server
from tests.verifiers.throttles import Throttle

ALL: tuple[DigestSessAlgorithm, ...] = (
    "SHA-256",
    "SHA-512-256",
    "SHA-256-sess",
    "SHA-512-256-sess",
    "MD5",
    "MD5-sess",
)


def reason(verdict: Verdict | None) -> Reason | None:
    return verdict.reason if isinstance(verdict, Rejected) else None


def authentication_info(verdict: Verdict | None) -> dict[str, str]:
    assert isinstance(verdict, Authenticated)
    [(name, value)] = verdict.headers
    assert name == "Authentication-Info"
    params = parse_params(value)
    assert params is not None
    return dict(params)


# What passes


@pytest.mark.parametrize("qop", ["auth", "auth-int"])
@pytest.mark.parametrize("algorithm", ALL)
def test_dig_5_every_algorithm_and_qop_that_is_offered_authenticates(algorithm: DigestSessAlgorithm, qop: str) -> None:
    server = Server(algorithm)
    client = server.client(qop=qop, method="POST", body=b'{"n": 1}')
    verdict = server.answer(client.request())
    assert isinstance(verdict, Authenticated)
    assert (verdict.principal.id, verdict.principal.name) == ("1", "alice")
    assert verdict.principal.scopes == {"orders:read"}
    assert verdict.remember_until is None


def test_dig_4_a_hashed_user_name_authenticates() -> None:
    server = Server()
    client = server.client(username="Jäsøn Doe", password=PASSWORDS["Jäsøn Doe"], as_userhash=True)
    verdict = server.answer(client.request())
    assert isinstance(verdict, Authenticated)
    assert verdict.principal.id == "2"
    assert "Doe" not in client.header()


@pytest.mark.parametrize(
    "changes",
    [{}, {"username": None, "username*": "UTF-8''J%C3%A4s%C3%B8n%20Doe"}],
    ids=["username", "username*"],
)
def test_dig_4_a_name_outside_ascii_authenticates(changes: dict[str, str | None]) -> None:
    server = Server()
    client = server.client(username="Jäsøn Doe", password=PASSWORDS["Jäsøn Doe"])
    assert isinstance(server.answer(client.request(client.header(**changes))), Authenticated)


def test_counts_go_up_on_one_nonce() -> None:
    server = Server()
    client = server.client()
    for nc in ("00000001", "00000002", "0000000a", "ffffffff"):
        assert isinstance(server.answer(client.bent(nc=nc).request()), Authenticated)
    assert len({nonce for nonce, *_ in server.nonces.used}) == 4, "each place of the window has a name of its own"
    assert [count for _, count, _ in server.nonces.used] == [1, 1, 1, 0x10000000]


def test_one_user_cannot_fill_the_store_of_counts_for_the_others() -> None:
    server = Server()
    server.verifier._nonces = MemoryNonces(size=40, clock=server.clock)  # pyright: ignore[reportPrivateUsage]

    def is_served(**fields: Any) -> bool:
        try:
            return isinstance(server.answer(server.client(**fields).request()), Authenticated)
        except StoreUnavailable:
            return False

    assert [is_served() for _ in range(30)] == 20 * [True] + 10 * [False]
    assert all(is_served(username="Jäsøn Doe", password=PASSWORDS["Jäsøn Doe"], as_userhash=True) for _ in range(5))


def test_the_algorithm_is_read_in_any_case() -> None:
    server = Server()
    client = server.client()
    assert isinstance(server.answer(client.request(client.header(algorithm="sha-256"))), Authenticated)


def test_a_raw_path_outside_ascii_authenticates() -> None:
    server = Server()
    uri = "/bücher".encode().decode("latin-1")
    client = server.client(uri=uri)
    header = client.header().replace(uri.encode().decode("latin-1"), uri)
    assert isinstance(server.answer(client.request(header)), Authenticated)


# What does not

BENT_BEFORE: dict[str, tuple[dict[str, Any], Reason]] = {
    "wrong password": ({"password": "wrong"}, Reason.DIGEST_MISMATCH),
    "unknown user": ({"username": "nobody"}, Reason.USER_UNKNOWN),
    "disabled user": ({"username": "disabled", "password": "s3cret"}, Reason.USER_DISABLED),
    "disabled user, wrong password": ({"username": "disabled"}, Reason.DIGEST_MISMATCH),
    "unknown userhash": ({"username": "nobody", "as_userhash": True}, Reason.USER_UNKNOWN),
    "name in another case": ({"username": "Alice"}, Reason.USER_UNKNOWN),
    "name too long": ({"username": 257 * "a"}, Reason.CREDENTIALS_MALFORMED),
    "qop not offered": ({"qop": "auth-conf"}, Reason.DIGEST_MISMATCH),
}


@pytest.mark.parametrize("fields, expected", BENT_BEFORE.values(), ids=BENT_BEFORE)
def test_a_bad_response_is_refused(fields: dict[str, Any], expected: Reason) -> None:
    server = Server()
    assert reason(server.answer(server.client(**fields).request())) is expected
    assert server.nonces.used == []


@pytest.mark.parametrize(
    "changes, expected",
    [
        pytest.param({"realm": "other"}, Reason.DIGEST_MISMATCH, id="realm"),
        pytest.param({"uri": "/orders?page=3"}, Reason.DIGEST_MISMATCH, id="query"),
        pytest.param({"uri": "/orders"}, Reason.DIGEST_MISMATCH, id="no query"),
        pytest.param({"uri": "/Orders?page=2"}, Reason.DIGEST_MISMATCH, id="path"),
        pytest.param({"uri": "http://testserver/orders?page=2"}, Reason.DIGEST_MISMATCH, id="absolute-form"),
        pytest.param({"uri": ""}, Reason.DIGEST_MISMATCH, id="empty uri"),
        pytest.param({"algorithm": "MD5"}, Reason.DIGEST_MISMATCH, id="algorithm not offered"),
        pytest.param({"algorithm": None}, Reason.DIGEST_MISMATCH, id="no algorithm is MD5"),
        pytest.param({"algorithm": "SHA-256-sess"}, Reason.DIGEST_MISMATCH, id="sess not offered"),
        pytest.param({"algorithm": "none"}, Reason.DIGEST_MISMATCH, id="algorithm none"),
        pytest.param({"qop": "auth-int"}, Reason.DIGEST_MISMATCH, id="another qop"),
        pytest.param({"qop": None}, Reason.CREDENTIALS_MALFORMED, id="RFC 2069"),
        pytest.param({"qop": None, "nc": None, "cnonce": None}, Reason.CREDENTIALS_MALFORMED, id="RFC 2069 in full"),
        pytest.param({"opaque": None}, Reason.DIGEST_MISMATCH, id="no opaque"),
        pytest.param({"opaque": 32 * "0"}, Reason.DIGEST_MISMATCH, id="another opaque"),
        pytest.param({"nonce": "abc"}, Reason.DIGEST_MISMATCH, id="short nonce"),
        pytest.param({"nonce": 74 * "0"}, Reason.DIGEST_MISMATCH, id="forged nonce"),
        pytest.param({"nonce": 74 * "ä"}, Reason.DIGEST_MISMATCH, id="nonce outside ASCII"),
        pytest.param({"nc": "00000002"}, Reason.DIGEST_MISMATCH, id="another nc"),
        pytest.param({"cnonce": "0a4f113c"}, Reason.DIGEST_MISMATCH, id="another cnonce"),
        pytest.param({"response": 64 * "0"}, Reason.DIGEST_MISMATCH, id="another response"),
        pytest.param({"response": 32 * "0"}, Reason.DIGEST_MISMATCH, id="response of another length"),
        pytest.param({"username": "Jäsøn Doe"}, Reason.DIGEST_MISMATCH, id="another user"),
        pytest.param({"username": "nobody"}, Reason.USER_UNKNOWN, id="no user"),
    ],
)
def test_class_25_each_parameter_of_a_right_response_is_checked(
    changes: dict[str, str | None], expected: Reason
) -> None:
    server = Server()
    client = server.client()
    assert reason(server.answer(client.request(client.header(**changes)))) is expected
    assert server.nonces.used == []
    # The same response as it stood, with the same nonce and count, still passes.
    assert isinstance(server.answer(client.request()), Authenticated)


@pytest.mark.parametrize("as_userhash", [False, True])
def test_class_25_a_response_that_is_right_for_another_realm_opens_nothing(as_userhash: bool) -> None:
    # The store has HA1s of this user for every realm, as one that several applications share.
    server = Server()
    client = server.client(as_userhash=as_userhash)
    other = replace(
        client.challenge,
        params=tuple((name, "invoices" if name == "realm" else value) for name, value in client.challenge.params),
    )
    assert reason(server.answer(client.bent(challenge=other).request())) is Reason.DIGEST_MISMATCH
    assert server.users.asked == []
    assert isinstance(server.answer(client.request()), Authenticated)


def test_class_25_the_method_counts() -> None:
    server = Server()
    client = server.client()
    assert reason(server.answer(client.request(REQUEST_METHOD="DELETE"))) is Reason.DIGEST_MISMATCH


def test_dig_3_a_response_for_one_target_opens_no_other() -> None:
    server = Server()
    client = server.client()
    request = client.request(REQUEST_URI="/admin", PATH_INFO="/admin", QUERY_STRING="")
    assert reason(server.answer(request)) is Reason.DIGEST_MISMATCH


@pytest.mark.parametrize("uri", ["*", "http://testserver/orders?page=2"])
def test_dig_3_other_forms_of_the_target_equal_themselves(uri: str) -> None:
    server = Server()
    assert isinstance(server.answer(server.client(uri=uri).request()), Authenticated)


@pytest.mark.parametrize(
    "uri, root, target, passes",
    [
        ("/api/orders?page=2", "/api", "/orders?page=2", True),  # a proxy took /api away, and said so
        ("/orders?page=2", "/api", "/orders?page=2", True),  # asked without the proxy
        ("/api/orders?page=2", "/api", "/api/orders?page=2", True),  # mounted, or put in front by the server
        ("/shop/api/orders", "/shop/api", "/api/orders", True),
        ("/orders?page=2", "", "http://testserver/orders?page=2", True),  # absolute-form
        ("/api/orders", "/api", "http://testserver/orders", True),
        ("/api/api/orders", "/api", "/api/orders", False),
        ("/orders", "/api", "/api/orders", False),  # another application's
        ("/admin/orders", "/api", "/orders", False),
        ("/api/orders?page=3", "/api", "/orders?page=2", False),
        ("/api/orders?", "/api", "/orders", False),
        ("/api/orders", "", "/orders", False),
        ("http://evil.example/orders", "", "/orders", False),
        ("http://evil.example/orders", "", "http://testserver/orders", False),
    ],
)
def test_dig_3_the_target_may_begin_with_a_prefix_that_the_framework_was_told_of(
    uri: str, root: str, target: str, passes: bool
) -> None:
    query = target.partition("?")[2]
    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": root, "PATH_INFO": "/orders", "QUERY_STRING": query}
    scope: Scope = {"type": "http", "method": "GET", "path": "/orders", "root_path": root, "headers": []}
    scope = {**scope, "raw_path": target.partition("?")[0].encode(), "query_string": query.encode()}
    for request in (WSGIRequest({**environ, "REQUEST_URI": target}), ASGIRequest(scope)):
        server = Server()
        header = server.client(uri=uri).header()
        found = server.scheme.extract(WSGIRequest({"REQUEST_METHOD": "GET", "HTTP_AUTHORIZATION": header}))
        assert isinstance(found, DigestResponse)
        assert isinstance(run(server.verifier.verify(found, request)), Authenticated) is passes


@pytest.mark.parametrize(
    "uri, path, query, passes",
    [
        ("/a%20b?x=%31", "/a b", "x=%31", True),
        ("/%7Ealice", "/~alice", "", True),
        ("/alice?", "/alice", "", True),
        ("/a%20b?x=1", "/a b", "x=%31", False),
        ("/a", "/b", "", False),
        ("/a?x", "/a", "", False),
    ],
)
def test_dig_3_without_a_raw_path_the_decoded_ones_are_compared(uri: str, path: str, query: str, passes: bool) -> None:
    server = Server()
    header = server.client(uri=uri).header()
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "HTTP_AUTHORIZATION": header}
    assert isinstance(server.answer(WSGIRequest(environ)), Authenticated) is passes


def test_dig_3_a_count_is_accepted_once() -> None:
    server = Server()
    client = server.client(nc="00000002")
    assert isinstance(server.answer(client.request()), Authenticated)
    assert reason(server.answer(client.request())) is Reason.DIGEST_REPLAYED
    assert isinstance(server.answer(client.bent(nc="00000001").request()), Authenticated), "it was overtaken"
    assert reason(server.answer(client.bent(nc="00000001").request())) is Reason.DIGEST_REPLAYED
    assert isinstance(server.answer(client.bent(nc="00000003").request()), Authenticated)


@given(st.permutations(range(1, WINDOW + 1)), st.integers(0, 0xFFFFFF00))
def test_requests_that_overtake_each_other_are_accepted_and_each_count_once(order: list[int], base: int) -> None:
    # RFC 7616 §3.4: a client may have several requests on their way at once.
    server = Server()
    client = server.client()
    for number in order:
        assert isinstance(server.answer(client.bent(nc=f"{base + number:08x}").request()), Authenticated)
    for number in order:
        assert reason(server.answer(client.bent(nc=f"{base + number:08x}").request())) is Reason.DIGEST_REPLAYED


@given(st.lists(st.integers(1, 3 * WINDOW), max_size=60))
def test_no_count_is_accepted_twice_and_none_that_is_far_behind(counts: list[int]) -> None:
    server = Server()
    client = server.client()
    accepted: set[int] = set()
    for count in counts:
        answer = server.answer(client.bent(nc=f"{count:08x}").request())
        if isinstance(answer, Authenticated):
            assert count not in accepted
            assert not any(other > count and other % WINDOW == count % WINDOW for other in accepted)
            accepted.add(count)
        else:
            newest = max(accepted, default=0)
            assert count in accepted or newest - count >= WINDOW


def test_dig_3_a_failed_try_uses_up_no_count() -> None:
    server = Server()
    client = server.client()
    assert reason(server.answer(client.bent(password="wrong", nc="ffffffff").request())) is Reason.DIGEST_MISMATCH
    assert server.nonces.used == []
    assert isinstance(server.answer(client.request()), Authenticated)


@pytest.mark.parametrize("answer", [None, True, "fresh", NonceUse.REPLAYED])
def test_dig_3_only_a_fresh_claim_passes(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()

    def use_nonce(*_: object) -> Any:
        return answer

    monkeypatch.setattr(server.nonces, "use_nonce", use_nonce)
    assert reason(server.answer(server.client().request())) is Reason.DIGEST_REPLAYED


def test_dig_3_a_claim_is_kept_longer_than_its_nonce_counts() -> None:
    server = Server()
    assert isinstance(server.answer(server.client().request()), Authenticated)
    [(_, _, expires_at)] = server.nonces.used
    assert expires_at > server.clock.now + 300


def test_dig_2_an_aged_nonce_is_stale_only_if_the_digest_is_right() -> None:
    server = Server()
    client = server.client()
    server.clock.now += 300
    assert reason(server.answer(client.request())) is Reason.DIGEST_STALE
    assert reason(server.answer(client.bent(password="wrong").request())) is Reason.DIGEST_MISMATCH
    assert reason(server.answer(client.bent(username="nobody").request())) is Reason.USER_UNKNOWN
    assert reason(server.answer(client.bent(username="disabled", password="s3cret").request())) is Reason.USER_DISABLED
    assert server.nonces.used == []
    server.clock.now -= 1
    assert isinstance(server.answer(client.request()), Authenticated)


def test_dig_2_a_nonce_from_far_in_the_future_is_stale() -> None:
    server = Server()
    client = server.client()
    server.clock.now -= 300
    assert reason(server.answer(client.request())) is Reason.DIGEST_STALE


def test_dig_2_a_nonce_for_another_realm_or_by_another_secret_is_nothing() -> None:
    server = Server()
    foreign = DigestVerifier(DigestUsers(), nonces=Nonces(), clock=server.clock).nonces.issue(REALM)
    elsewhere = server.verifier.nonces.issue("other")
    params = dict(server.scheme.challenge(REALM).params)
    for nonce in (foreign, elsewhere):
        client = Client(Challenge("Digest", tuple({**params, "nonce": nonce}.items())))
        assert reason(server.answer(client.request())) is Reason.DIGEST_MISMATCH


def test_dig_2_processes_that_share_a_secret_know_each_others_nonces() -> None:
    one, other = Server(), Server()
    assert isinstance(other.answer(one.client().request()), Authenticated)


def test_dig_1_md5_is_refused_unless_it_is_offered() -> None:
    client = Server("MD5").client()
    assert reason(Server().answer(client.request())) is Reason.DIGEST_MISMATCH
    assert isinstance(Server("SHA-256", "MD5").answer(client.request()), Authenticated)


@pytest.mark.parametrize("stored", ["", "!", 32 * "0", 65 * "0"])
def test_dig_7_an_ha1_that_is_none_lets_nobody_in(stored: str) -> None:
    class Unusable(DigestUsers):
        def find_digest(self, username: str, realm: str, algorithm: DigestAlgorithm) -> DigestUser | None:
            return DigestUser(USERS["alice"], stored)

    server = Server(users=Unusable())
    client = server.client()
    h, challenge = hash_of("SHA-256"), client.challenge
    forged = response(
        h,
        ha1=stored,
        nonce=challenge["nonce"],
        nc=client.nc,
        cnonce=client.cnonce,
        qop="auth",
        ha2=ha2(h, method="GET", uri=client.uri),
    )
    assert reason(server.answer(client.request(client.header(response=forged)))) is Reason.DIGEST_MISMATCH


def test_dig_7_a_response_outside_ascii_is_a_mismatch_and_no_crash() -> None:
    server = Server()
    params = server.client().params(response="\ud800é")
    credentials = DigestResponse(userhash=None, **params)
    assert reason(run(server.verifier.verify(credentials, server.client().request()))) is Reason.DIGEST_MISMATCH


def test_dig_8_neither_password_nor_ha1_shows_anywhere() -> None:
    server = Server()
    found = DigestUsers().find_digest("alice", REALM, "SHA-256")
    credentials = server.scheme.extract(server.client().request())
    assert found is not None
    for text in (repr(found), repr(credentials), repr(server.verifier), repr(server.scheme)):
        assert found.ha1 not in text
        assert server.client().params()["response"] not in text
    assert "equivalent" in (DigestVerifier.__doc__ or "")


# auth-int


@pytest.mark.parametrize("body", [b"", b"x", 2**20 * b"x"], ids=len)
def test_dig_5_the_body_counts_and_the_application_still_reads_it(body: bytes) -> None:
    server = Server()
    client = server.client(qop="auth-int", method="PUT", body=body)
    request = client.request()
    assert isinstance(request, WSGIRequest)
    assert isinstance(server.answer(request), Authenticated)
    assert request.environ["wsgi.input"].read() == body


def test_dig_5_a_changed_body_is_refused() -> None:
    server = Server()
    client = server.client(qop="auth-int", method="PUT", body=b"price=1")
    request = client.bent(body=b"price=0").request(client.header())
    assert reason(server.answer(request)) is Reason.DIGEST_MISMATCH


@pytest.mark.parametrize("limits, size", [({"max_body": 1000}, 1001), ({}, 2**20 + 1)])
def test_dig_5_a_body_over_the_limit_is_refused_without_a_question_to_the_store(
    limits: dict[str, Any], size: int
) -> None:
    server = Server(**limits)
    client = server.client(qop="auth-int", method="PUT", body=size * b"x")
    assert reason(server.answer(client.request())) is Reason.BODY_TOO_LARGE
    assert Reason.BODY_TOO_LARGE.status == 400
    assert server.users.asked == []


def test_dig_5_a_body_that_cannot_be_read_is_no_verdict() -> None:
    class Broken:
        def read(self, size: int) -> bytes:
            raise OSError

    server = Server()
    client = server.client(qop="auth-int", method="PUT", body=b"x")
    with pytest.raises(StoreUnavailable):
        server.answer(client.request(None, **{"wsgi.input": Broken()}))


def test_the_body_is_not_read_for_auth() -> None:
    server = Server()
    assert isinstance(server.answer(server.client().request(**{"wsgi.input": None})), Authenticated)


def test_the_body_is_not_read_for_a_nonce_that_is_not_ours() -> None:
    server = Server()
    client = server.client(qop="auth-int")
    header = client.header(nonce=74 * "0")
    assert reason(server.answer(client.request(header, **{"wsgi.input": None}))) is Reason.DIGEST_MISMATCH


# What the server says of itself


@pytest.mark.parametrize("algorithm", ALL)
@pytest.mark.parametrize("qop", ["auth", "auth-int"])
def test_the_server_proves_that_it_knows_ha1_too(algorithm: DigestSessAlgorithm, qop: str) -> None:
    server = Server(algorithm)
    client = server.client(qop=qop)
    info = authentication_info(server.answer(client.request()))
    base = cast("DigestAlgorithm", algorithm.removesuffix("-sess"))
    h = hash_of(base)
    a1 = ha1(username="alice", realm=REALM, password=PASSWORDS["alice"], algorithm=base)
    nonce = client.challenge["nonce"]
    if base != algorithm:
        a1 = session_ha1(h, a1, nonce=nonce, cnonce=client.cnonce)
    rspauth = response(
        h,
        ha1=a1,
        nonce=nonce,
        nc=client.nc,
        cnonce=client.cnonce,
        qop="auth",
        ha2=h(f":{client.uri}".encode()),
    )
    assert info == {"rspauth": rspauth, "qop": "auth", "cnonce": client.cnonce, "nc": client.nc}


def test_authentication_info_is_written_as_rfc_7616_has_it() -> None:
    server = Server()
    verdict = server.answer(server.client().request())
    assert isinstance(verdict, Authenticated)
    assert re.fullmatch(r'rspauth="[0-9a-f]{64}", qop=auth, cnonce="0a4f113b", nc=00000001', verdict.headers[0][1])


def test_the_next_nonce_is_told_past_half_the_age_and_works() -> None:
    server = Server()
    client = server.client()
    server.clock.now += 150
    assert "nextnonce" not in authentication_info(server.answer(client.request()))
    server.clock.now += 1
    nextnonce = authentication_info(server.answer(client.bent(nc="00000002").request()))["nextnonce"]
    params = dict(client.challenge.params) | {"nonce": nextnonce}
    server.clock.now += 200
    assert reason(server.answer(client.bent(nc=f"{WINDOW + 2:08x}").request())) is Reason.DIGEST_STALE
    assert isinstance(server.answer(Client(Challenge("Digest", tuple(params.items()))).request()), Authenticated)


# Equal questions, equal work, one count of attempts


def watched(server: Server, client: Client) -> tuple[list[str], Verdict]:
    """What a verification asks, by name, and what it comes to."""
    found = server.scheme.extract(client.request())
    assert isinstance(found, DigestResponse)
    flow = unshielded(server.verifier.verify(found, client.request()))
    asked: list[str] = []
    try:
        question = next(flow)
        while True:
            asked.append(repr(question))
            question = flow.send(question.function(*question.args, **question.kwargs))
    except StopIteration as done:
        return asked, cast("Verdict", done.value)


REFUSED: dict[str, dict[str, Any]] = {
    "wrong password": {"password": "wrong"},
    "unknown user": {"username": "nobody"},
    "disabled user": {"username": "disabled", "password": "s3cret"},
}


@pytest.mark.parametrize("qop", ["auth", "auth-int"])
@pytest.mark.parametrize("as_userhash", [False, True], ids=["username", "userhash"])
@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED)
def test_class_16_every_refusal_asks_the_same_questions_and_hashes_as_often(
    fields: dict[str, Any], as_userhash: bool, qop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[int] = []
    sha256 = hash_of("SHA-256")

    def counting(data: bytes) -> str:
        hashed.append(len(data))
        return sha256(data)

    def counting_hash(_: str) -> Callable[[bytes], str]:
        return counting

    monkeypatch.setattr("authmw.verifiers.digest.hash_of", counting_hash)
    server = Server(throttle=Throttle())
    hashed.clear()
    asked, verdict = watched(server, server.client(**fields, as_userhash=as_userhash, qop=qop))
    assert isinstance(verdict, Rejected)
    method = "find_digest_by_userhash" if as_userhash else "find_digest"
    body = ["Ask(WSGIRequest.read_body)"] if qop == "auth-int" else []
    throttled = ["Ask(Throttle.reserve)", "Ask(Throttle.settle)"]
    assert asked == [*body, f"Ask(DigestUsers.{method})", *throttled]
    assert len(hashed) == (3 if qop == "auth-int" else 2)


@pytest.mark.parametrize("as_userhash", [False, True], ids=["username", "userhash"])
@pytest.mark.parametrize("username", ["alice", "nobody", "disabled"])
def test_class_28_an_account_without_a_free_check_is_told_so_whether_it_exists_or_not(
    username: str, as_userhash: bool
) -> None:
    server = Server()
    client = server.client(username=username, as_userhash=as_userhash)
    exists = username != "nobody"
    name = username if exists or not as_userhash else f"userhash {client.params()['username']}"
    throttle = Throttle()
    throttle.waits[f"account:{name}"] = 59.2
    server = Server(throttle=throttle)
    asked, verdict = watched(server, server.client(username=username, as_userhash=as_userhash))
    assert verdict == Rejected(Reason.ACCOUNT_THROTTLED, retry_after=60)
    method = "find_digest_by_userhash" if as_userhash else "find_digest"
    assert asked == [f"Ask(DigestUsers.{method})", "Ask(Throttle.reserve)"]
    assert server.nonces.used == []


def test_class_28_attempts_are_counted_by_the_keys_of_passwords() -> None:
    throttle = Throttle()
    server = Server(throttle=throttle)
    client = server.client()
    server.answer(client.bent(password="wrong").request())
    server.answer(client.bent(as_userhash=True, password="wrong").request())
    server.answer(client.request())
    assert [(each.source, each.account) for each in throttle.attempts] == 3 * [("source:192.0.2.7", "account:alice")]
    failed = AttemptOutcome.FAILED
    assert throttle.outcomes == [failed, failed, AttemptOutcome.SUCCEEDED]


def test_what_was_overtaken_replayed_or_stale_is_no_guess() -> None:
    throttle = Throttle()
    server = Server(throttle=throttle)
    client = server.client()
    server.answer(client.bent(nc=f"{WINDOW + 1:08x}").request())
    for nc in (f"{WINDOW + 1:08x}", "00000001"):  # the second is older than the window
        assert reason(server.answer(client.bent(nc=nc).request())) is Reason.DIGEST_REPLAYED
    server.clock.now += 300
    assert reason(server.answer(client.bent(nc=f"{WINDOW + 2:08x}").request())) is Reason.DIGEST_STALE
    assert throttle.outcomes == [AttemptOutcome.SUCCEEDED, *3 * [AttemptOutcome.ABANDONED]]


def test_digests_that_are_overtaken_make_nobody_wait() -> None:
    throttle = MemoryThrottle(free=2)
    server = Server(throttle=throttle)
    client = server.client()
    for _ in range(20):
        server.answer(client.request())
    assert isinstance(server.answer(client.bent(nc="00000002").request()), Authenticated)


def test_a_digest_whose_count_cannot_be_used_is_given_back() -> None:
    class Down:
        def use_nonce(self, nonce: str, count: int, expires_at: float) -> NonceUse:
            raise OSError

    throttle = Throttle()
    server = Server(throttle=throttle)
    server.verifier._nonces = Down()  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(StoreUnavailable):
        server.answer(server.client().request())
    assert throttle.outcomes == [AttemptOutcome.ABANDONED]


def test_a_body_that_comes_slowly_holds_no_check() -> None:
    throttle = Throttle()
    server = Server(throttle=throttle)
    asked, verdict = watched(server, server.client(qop="auth-int", password="wrong"))
    assert asked == [
        "Ask(WSGIRequest.read_body)",
        "Ask(DigestUsers.find_digest)",
        "Ask(Throttle.reserve)",
        "Ask(Throttle.settle)",
    ]
    assert isinstance(verdict, Rejected)


def test_too_many_attempts_from_one_source_are_told_so() -> None:
    throttle = Throttle()
    throttle.waits["source:192.0.2.7"] = 5.1
    server = Server(throttle=throttle)
    assert server.answer(server.client().request()) == Rejected(Reason.TOO_MANY_ATTEMPTS, retry_after=6)


def test_class_18_a_name_that_no_store_can_hold_asks_no_store_and_is_an_attempt_of_its_source() -> None:
    throttle = Throttle()
    server = Server(throttle=throttle)
    asked, verdict = watched(server, server.client(username=257 * "a"))
    assert reason(verdict) is Reason.CREDENTIALS_MALFORMED
    assert asked == ["Ask(Throttle.reserve)", "Ask(Throttle.settle)"]
    assert [(each.source, each.account) for each in throttle.attempts] == [("source:192.0.2.7", "")]
    assert throttle.outcomes == [AttemptOutcome.FAILED]


def test_a_nonce_that_is_not_ours_is_no_guess() -> None:
    throttle = Throttle()
    server = Server(throttle=throttle)
    client = server.client()
    server.answer(client.request(client.header(nonce=74 * "0")))
    assert throttle.attempts == []


# Both drivers


class AsyncDigestUsers:
    """The store, for an event loop."""

    async def find_digest(self, username: str, realm: str, algorithm: DigestAlgorithm) -> DigestUser | None:
        return DigestUsers().find_digest(username, realm, algorithm)

    async def find_digest_by_userhash(self, hashed: str, realm: str, algorithm: DigestAlgorithm) -> DigestUser | None:
        return DigestUsers().find_digest_by_userhash(hashed, realm, algorithm)


def asgi_request(client: Client) -> ASGIRequest:
    path, _, query = client.uri.partition("?")
    messages = [
        {"type": "http.request", "body": client.body[:3], "more_body": True},
        {"type": "http.request", "body": client.body[3:], "more_body": False},
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    scope: Scope = {
        "type": "http",
        "method": client.method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"authorization", client.header().encode("latin-1"))],
        "client": ("192.0.2.7", 1234),
    }
    return ASGIRequest(scope, receive)


DRIVEN: dict[str, dict[str, Any]] = {
    "right": {},
    "auth-int": {"qop": "auth-int", "method": "PUT", "body": b"body of several chunks"},
    "auth-int with a body over the limit": {"qop": "auth-int", "method": "PUT", "body": 1001 * b"x"},
    "userhash": {"as_userhash": True},
    **{name: fields for name, (fields, _) in BENT_BEFORE.items()},
}


@pytest.mark.parametrize("make_users", [DigestUsers, AsyncDigestUsers])
@pytest.mark.parametrize("fields", DRIVEN.values(), ids=DRIVEN)
def test_both_drivers_agree(fields: dict[str, Any], make_users: Callable[[], Any]) -> None:
    sync, other = Server(), Server(users=make_users())
    client = sync.client(**fields)
    request = asgi_request(client)

    async def answer() -> Verdict | None:
        found = other.scheme.extract(request)
        assert isinstance(found, DigestResponse)
        return await run_async(other.verifier.verify(found, request))

    assert asyncio.run(answer()) == sync.answer(client.request())


# Set-up


def test_auth_hands_the_realm_over() -> None:
    verifier = DigestVerifier(DigestUsers())
    auth = Auth(HTTPDigest(verifier), realm="orders")
    assert verifier.realm == "orders"
    client = Client(auth.schemes[0].challenge("orders"))
    found = auth.authenticate(client.request())
    assert getattr(found, "principal", None) is not None
    assert getattr(found, "headers")[0][0] == "Authentication-Info"  # noqa: B009 - it may be a Refusal


def test_one_verifier_answers_for_one_realm() -> None:
    verifier = DigestVerifier(DigestUsers(), nonces=Nonces())
    Auth(HTTPDigest(verifier), realm="one")
    Auth(HTTPDigest(verifier), realm="one")
    with pytest.raises(ConfigurationError, match="answers for the realm 'one'"):
        Auth(HTTPDigest(verifier), realm="two")


def test_without_a_realm_nothing_is_verified() -> None:
    verifier = DigestVerifier(DigestUsers(), nonces=Nonces())
    scheme = HTTPDigest(verifier)
    client = Client(scheme.challenge(REALM))
    found = scheme.extract(client.request())
    assert isinstance(found, DigestResponse)
    with pytest.raises(ConfigurationError, match="has no realm yet"):
        run(verifier.verify(found, client.request()))


@pytest.mark.parametrize(
    "options, mistake",
    [
        ({"algorithms": ()}, "needs algorithms"),
        ({"algorithms": ("SHA-1",)}, "'SHA-1' is no Digest algorithm"),
        ({"algorithms": ("sha-256",)}, "is no Digest algorithm"),
        ({"max_age": 0}, "max_age"),
        ({"max_body": -1}, "max_body"),
        ({"secret": b"too short"}, "at least 32 bytes"),
        ({"secret": b""}, "at least 32 bytes"),
    ],
)
def test_mistakes_are_named_at_construction(options: dict[str, Any], mistake: str) -> None:
    with pytest.raises(ConfigurationError, match=mistake):
        DigestVerifier(DigestUsers(), nonces=Nonces(), **options)


def test_a_body_of_no_octets_may_be_the_longest() -> None:
    DigestVerifier(DigestUsers(), nonces=Nonces(), max_body=0)


def test_an_algorithm_that_openssl_lacks_is_named_at_construction(monkeypatch: pytest.MonkeyPatch) -> None:
    def new(name: str, data: bytes = b"") -> None:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr("hashlib.new", new)
    with pytest.raises(ConfigurationError, match="has no SHA-512-256: use SHA-256"):
        Server("SHA-512-256")


def test_md5_stands_behind_everything_else() -> None:
    assert Server("MD5", "MD5-sess", "SHA-256", "SHA-512-256").verifier.algorithms == (
        "SHA-256",
        "SHA-512-256",
        "MD5",
        "MD5-sess",
    )


def test_counts_are_claimed_in_this_process_unless_told_otherwise() -> None:
    clock = Clock()
    verifier = DigestVerifier(DigestUsers(), clock=clock)
    scheme = HTTPDigest(verifier)
    scheme.bind(REALM)
    client = Client(scheme.challenge(REALM))
    found = scheme.extract(client.request())
    assert isinstance(found, DigestResponse)
    assert isinstance(run(verifier.verify(found, client.request())), Authenticated)
    assert reason(run(verifier.verify(found, client.request()))) is Reason.DIGEST_REPLAYED


def test_dig_3_a_shared_secret_needs_a_shared_store_or_each_process_would_take_a_replay() -> None:
    with pytest.raises(ConfigurationError, match="nonces= too"):
        DigestVerifier(DigestUsers(), secret=SECRET)
    assert DigestVerifier(DigestUsers(), secret=SECRET, nonces=Nonces()).realm is None


@pytest.mark.parametrize(
    "kept, offered, missing",
    [
        (("SHA-256",), ("SHA-256",), ""),
        (("SHA-256",), ("SHA-256-sess",), ""),
        (("SHA-256", "MD5"), ("SHA-256", "MD5"), ""),
        (("SHA-256",), ("MD5",), "MD5"),
        (("SHA-256",), ("SHA-256", "MD5-sess"), "MD5"),
        (("MD5",), ("SHA-256", "SHA-512-256", "MD5"), "SHA-256, SHA-512-256"),
    ],
)
def test_a_store_that_keeps_no_ha1_for_what_is_offered_is_a_mistake(kept: Any, offered: Any, missing: str) -> None:
    users = MemoryUsers(digest_algorithms=kept)
    if not missing:
        assert DigestVerifier(users, algorithms=offered).users is users
        return
    with pytest.raises(ConfigurationError, match=f"offers {missing}, and its store keeps no HA1") as refused:
        DigestVerifier(users, algorithms=offered)
    assert "digest_algorithms=" in str(refused.value)
    assert "--digest-algorithm MD5" in str(refused.value)


def test_a_store_of_the_application_that_does_not_say_what_it_keeps_is_taken() -> None:
    class Users:
        def find_digest(self, username: str, realm: str, algorithm: DigestAlgorithm) -> DigestUser | None:
            return None

        def find_digest_by_userhash(self, userhash: str, realm: str, algorithm: DigestAlgorithm) -> DigestUser | None:
            return None

    assert DigestVerifier(Users(), algorithms=("MD5",)).algorithms == ("MD5",)


def test_every_algorithm_that_is_offered_lets_a_user_in(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "authmw.audit")
    algorithms: tuple[DigestAlgorithm, ...] = ("SHA-256", "MD5")
    users = MemoryUsers(hasher=PasswordHasher(CHEAPEST), digest_algorithms=algorithms)
    users.create("alice", "s3cret", digest_realm="orders")
    users.create("bob", "s3cret")
    auth = Auth(HTTPDigest(DigestVerifier(users, algorithms=algorithms)), realm="orders")

    def asks(username: str, last: bool) -> object:
        nobody = auth.authenticate(WSGIRequest(_environ()))
        assert isinstance(nobody, Authentication)
        refusal = auth.decide(nobody, AUTHENTICATED, WSGIRequest(_environ()))
        assert isinstance(refusal, Refusal)
        client: Any = HTTPDigestAuth(username, "s3cret")
        client.init_per_thread_state()
        challenge = str(refusal.challenges[-1 if last else 0])
        client._thread_local.chal = dict(parse_params(challenge.partition(" ")[2]) or ())
        header = client.build_digest_header("GET", "http://shop.example/orders")
        return auth.authenticate(WSGIRequest(_environ(HTTP_AUTHORIZATION=header)))

    for last in (True, False):  # `requests` answers the last challenge
        assert isinstance(asks("alice", last), Authentication)
        assert isinstance(asks("bob", last), Refusal)
    details = [message.partition("detail=")[2] for message in caplog.messages if "user-unknown" in message]
    assert [detail.strip('"').rpartition(" ")[2] for detail in details] == ["MD5", "SHA-256"]


def _environ(**more: str) -> dict[str, Any]:
    return {"REQUEST_METHOD": "GET", "PATH_INFO": "/orders", "QUERY_STRING": "", "REQUEST_URI": "/orders", **more}

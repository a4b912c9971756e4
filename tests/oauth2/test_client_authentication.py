"""Clients by secret and by name (RFC 6749 §2.3). Signed assertions are next door."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus

import pytest

from authmw.crypto.opaque_tokens import token_digest
from authmw.flow.flow import run
from authmw.oauth2 import client_authentication
from authmw.oauth2.client_authentication import _Presented  # pyright: ignore[reportPrivateUsage]  # holds a secret
from authmw.oauth2.service import TokenService
from authmw.schemes.http_basic import decode_base64
from authmw.stores import MemoryThrottle
from authmw.stores.records import Attempt, AttemptOutcome, Client, ClientSecret, Reservation, Wait
from tests.oauth2.asking import MOUNTS, Answer, Bench, basic, raw_basic

CREDENTIALS = {"grant_type": "client_credentials"}
CHALLENGE = 'Basic realm="app"'


def failed(answer: Answer, *, challenge: str | None) -> bool:
    """Whether this is the one answer that every failure gets."""
    return (answer.status, answer.json, answer.header("www-authenticate")) == (
        401,
        {"error": "invalid_client", "error_description": "Client authentication failed."},
        challenge,
    )


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("client_id", ["shop", "odd:id+%/client", "a b", ":"])
def test_c1_basic_is_split_at_the_first_colon_and_then_form_decoded(mount: str, client_id: str) -> None:
    bench = Bench(mount)
    secret = bench.client(client_id)
    answer = bench.post(CREDENTIALS, basic(client_id, secret))
    assert answer.status == 200, answer.body
    verified: Any = bench.verified(answer.json["access_token"])
    assert (verified.id, verified.kind) == (client_id, "client")


def test_c1_the_secret_is_form_decoded_too() -> None:
    bench = Bench()
    client_id, secret = "odd:id+%/client", "s:e c+r%20et/=é"
    client = Client(client_id, secrets=(ClientSecret(token_digest(secret)),))

    class Clients:
        def find_client(self, client_id: str) -> Client:
            return client

    bench.use(clients=Clients())
    assert bench.post(CREDENTIALS, basic(client_id, secret)).status == 200
    plain = raw_basic(f"{quote_plus(client_id)}:{secret}".encode())
    assert failed(bench.post(CREDENTIALS, plain), challenge=CHALLENGE)


def test_c1_an_id_that_is_not_encoded_is_read_up_to_its_first_colon() -> None:
    bench = Bench()
    secret = bench.client("odd:id")
    assert failed(bench.post(CREDENTIALS, raw_basic(f"odd:id:{secret}".encode())), challenge=CHALLENGE)


def test_a_secret_in_the_body_is_accepted_of_a_client_that_registered_so() -> None:
    bench = Bench()
    secret = bench.client(auth_method="client_secret_post")
    assert bench.post({**CREDENTIALS, "client_id": "shop", "client_secret": secret}).status == 200


@pytest.mark.parametrize(
    "more",
    [{"client_secret": "{secret}"}, {"client_secret": "x"}, {"client_assertion": "x"}, {"client_assertion_type": "x"}],
)
def test_c2_more_than_one_method_is_an_invalid_request(more: dict[str, str]) -> None:
    bench = Bench()
    secret = bench.client()
    form = {name: value.format(secret=secret) for name, value in more.items()}
    answer = bench.post({**CREDENTIALS, **form}, basic("shop", secret))
    assert (answer.status, answer.error) == (400, "invalid_request")


def test_c2_a_secret_and_an_assertion_are_an_invalid_request() -> None:
    form = {**CREDENTIALS, "client_id": "shop", "client_secret": "x", "client_assertion": "y"}
    assert Bench().post(form).error == "invalid_request"


def test_c2_a_client_id_in_the_body_is_the_one_of_the_header_or_an_error() -> None:
    bench = Bench()
    secret = bench.client()
    assert bench.post({**CREDENTIALS, "client_id": "shop"}, basic("shop", secret)).status == 200
    other = bench.post({**CREDENTIALS, "client_id": "other"}, basic("shop", secret))
    assert (other.status, other.error) == (400, "invalid_request")


def test_two_authorization_headers_are_an_invalid_request() -> None:
    for mount in MOUNTS:
        bench = Bench(mount)
        header = basic("shop", bench.client())
        answer = bench.post(CREDENTIALS, header + header)
        assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["Digest", "Negotiate", "Token", "Basics", "X"])
def test_c5_the_right_id_and_secret_are_no_credentials_under_the_name_of_another_scheme(name: str) -> None:
    bench = Bench()
    ((_, value),) = basic("shop", bench.client())
    assert bench.post(CREDENTIALS, [("authorization", value)]).status == 200
    assert bench.post(CREDENTIALS, [("authorization", value.replace("Basic", "bAsIc"))]).status == 200
    assert failed(bench.post(CREDENTIALS, [("authorization", value.replace("Basic", name))]), challenge=CHALLENGE)


def test_tok_3_what_a_client_presents_is_shown_without_its_proof() -> None:
    presented = _Presented("client_secret_basic", "shop", "s3cret", basic=True)
    assert repr(presented) == "_Presented(method='client_secret_basic', client_id='shop')"


FAILURES = {
    "a wrong secret": basic("shop", "wrong"),
    "an unknown client": basic("nobody", "wrong"),
    "a client that is no client's id": basic("\x01", "wrong"),
    "an endless id": basic("a" * 3000, "wrong"),
    "no colon": raw_basic(b"shop"),
    "no user": raw_basic(b":secret"),
    "not UTF-8": raw_basic(b"shop:\xff"),
    "a bad escape": raw_basic(b"shop:%zz"),
    "a bad escape in the id": raw_basic(b"%zz:secret"),
    "an escape cut off in the id": raw_basic(b"shop%:secret"),
    "NUL in the id": raw_basic(b"shop%00:secret"),
    "an id that is not UTF-8": raw_basic(b"%ff:secret"),
    "an id of other bytes": raw_basic(b"\xff:secret"),
    "all bad": raw_basic(b"%zz:%zz"),
    "NUL": raw_basic(b"shop:%00"),
    "no base64": [("authorization", "Basic ????")],
    "base64 with another spelling": [("authorization", "Basic c2hvcDp4eB==")],
    "nothing": [("authorization", "Basic")],
    "100 kB": [("authorization", "Basic " + "A" * 100_000)],
    "another scheme": [("authorization", "Negotiate YII=")],
    "no scheme": [("authorization", "\xff")],
}


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("headers", FAILURES.values(), ids=FAILURES)
def test_c3_c4_a_failure_by_header_is_one_401_that_challenges_by_basic(
    mount: str, headers: list[tuple[str, str]]
) -> None:
    bench = Bench(mount)
    bench.client()
    assert failed(bench.post(CREDENTIALS, headers), challenge=CHALLENGE)


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("left", ["Bearer at_old", "bearer a.b.c", "Bearer", "DPoP a.b.c"])
def test_an_access_token_that_a_page_left_in_the_request_authenticates_no_client_and_stops_none(
    mount: str, left: str
) -> None:
    bench = Bench(mount, password=False)
    secret = bench.client("form", auth_method="client_secret_post")
    header = [("authorization", left)]
    posted = {**CREDENTIALS, "client_id": "form", "client_secret": secret}
    assert bench.post(posted, header).status == 200
    assert failed(bench.post(CREDENTIALS, header), challenge=None)
    assert failed(bench.post({**posted, "client_secret": "wrong"}, header), challenge=None)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"client_id": "shop"},
        {"client_id": "nobody"},
        {"client_id": "shop", "client_secret": "wrong"},
        {"client_id": "nobody", "client_secret": "wrong"},
        {"client_id": "\x7f", "client_secret": "wrong"},
        {"client_id": "form", "client_secret": "wrong"},
    ],
    ids=str,
)
def test_c3_c4_a_failure_by_body_is_one_401_without_a_challenge(form: dict[str, str]) -> None:
    bench = Bench(password=False)
    bench.client()
    bench.client("form", auth_method="client_secret_post")
    assert failed(bench.post({**CREDENTIALS, **form}), challenge=None)


def test_a_secret_without_a_client_id_is_an_invalid_request() -> None:
    assert Bench().post({**CREDENTIALS, "client_secret": "x"}).error == "invalid_request"


def test_c4_an_unknown_client_costs_the_same_questions_and_the_same_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    compared: list[tuple[bytes, bytes]] = []

    class Clients:
        def find_client(self, client_id: str) -> Client | None:
            asked.append("find_client")
            found: Client | None = bench.stores.clients.find_client(client_id)
            return found

    class Throttle(MemoryThrottle):
        def reserve(self, attempt: Attempt, now: float) -> Reservation | Wait:
            asked.append("reserve")
            return super().reserve(attempt, now)

        def settle(
            self, reservation: Reservation, outcome: AttemptOutcome, now: float, familiar_until: float = 0.0
        ) -> None:
            asked.append("settle")

    def compare(first: bytes, second: bytes) -> bool:
        compared.append((first, second))
        return False

    bench = Bench(throttle=Throttle())
    bench.client()
    bench.use(clients=Clients())
    monkeypatch.setattr(client_authentication, "compare_digest", compare)
    work: list[tuple[list[str], int, int]] = []
    for client_id in ("shop", "nobody"):
        asked.clear()
        compared.clear()
        assert bench.post(CREDENTIALS, basic(client_id, "wrong")).status == 401
        work.append((list(asked), len(compared), sum(len(first) for first, _ in compared)))
    assert work[0] == work[1]
    assert work[0][1] == 1


def test_g8_what_is_compared_are_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    bench = Bench()
    secret = bench.client()

    def compare(first: bytes, second: bytes) -> bool:
        compared.append((first, second))
        return first == second

    monkeypatch.setattr(client_authentication, "compare_digest", compare)
    assert bench.post(CREDENTIALS, basic("shop", secret)).status == 200
    expected = hashlib.sha256(secret.encode()).hexdigest().encode()
    assert compared == [(expected, expected)]


def test_c5_only_the_registered_method_counts() -> None:
    bench = Bench()
    by_header = bench.client("header")
    by_body = bench.client("body", auth_method="client_secret_post")
    assert failed(bench.post(CREDENTIALS, basic("body", by_body)), challenge=CHALLENGE)
    assert failed(bench.post({**CREDENTIALS, "client_id": "header", "client_secret": by_header}), challenge=None)


def test_c5_a_public_client_only_says_its_name_and_gets_no_client_credentials() -> None:
    bench = Bench()
    bench.client("app", auth_method="none", grant_types=["refresh_token"])
    answer = bench.post({**CREDENTIALS, "client_id": "app"})
    assert (answer.status, answer.error) == (400, "unauthorized_client")


@pytest.mark.parametrize("headers", [[], raw_basic(b"app:")], ids=["body", "a header with an empty secret"])
def test_a_public_client_may_name_itself_either_way(headers: list[tuple[str, str]]) -> None:
    bench = Bench()
    bench.client("app", auth_method="none", grant_types=["password"])
    form = {"grant_type": "password", "username": "alice", "password": "correct horse", "client_id": "app"}
    answer = bench.post(form, headers)
    assert answer.json["scope"] == "orders:read"


def test_c5_a_public_client_that_presents_a_secret_is_refused() -> None:
    bench = Bench()
    bench.client("app", auth_method="none", grant_types=["password"])
    assert failed(bench.post({**CREDENTIALS, "client_id": "app", "client_secret": "x"}), challenge=None)
    assert failed(bench.post(CREDENTIALS, basic("app", "x")), challenge=CHALLENGE)


def test_c5_a_confidential_client_without_a_secret_is_refused() -> None:
    bench = Bench()
    bench.client()
    assert failed(bench.post({**CREDENTIALS, "client_id": "shop"}), challenge=None)
    assert failed(bench.post(CREDENTIALS, raw_basic(b"shop:")), challenge=CHALLENGE)


def test_each_of_several_secrets_holds_until_it_expires() -> None:
    bench = Bench()
    old = bench.client()
    new, _ = bench.stores.clients.rotate_secret("shop", overlap=60)
    assert [bench.post(CREDENTIALS, basic("shop", secret)).status for secret in (old, new)] == [200, 200]
    bench.clock.now += 60
    assert [bench.post(CREDENTIALS, basic("shop", secret)).status for secret in (old, new)] == [401, 200]


def test_a_disabled_client_is_refused_like_any_other() -> None:
    bench = Bench()
    secret = bench.client()
    bench.client("app", auth_method="none", grant_types=["password"])
    for client_id in ("shop", "app"):
        bench.stores.clients.disable(client_id)
    assert failed(bench.post(CREDENTIALS, basic("shop", secret)), challenge=CHALLENGE)
    assert failed(bench.log_in(client_id="app"), challenge=None)


def test_a_store_that_folds_case_lends_no_client_to_another_name() -> None:
    bench = Bench()
    secret = bench.client()
    find = bench.stores.clients.find_client

    class Folding:
        def find_client(self, client_id: str) -> Client | None:
            found: Client | None = find(client_id.lower())
            return found

    bench.use(clients=Folding())
    assert failed(bench.post(CREDENTIALS, basic("SHOP", secret)), challenge=CHALLENGE)


# The first-party application


@pytest.mark.parametrize(
    "more, headers",
    [({}, []), ({"client_id": ""}, []), ({"client_id": "first-party"}, []), ({}, raw_basic(b":"))],
    ids=["nothing", "empty", "by name", "Swagger UI"],
)
def test_without_credentials_a_request_is_the_first_party_applications(
    more: dict[str, str], headers: list[tuple[str, str]]
) -> None:
    bench = Bench()
    form = {"grant_type": "password", "username": "alice", "password": "correct horse", **more}
    answer = bench.post(form, headers)
    assert answer.json["scope"] == "orders:read orders:write"  # no ceiling but the user's
    verified: Any = bench.verified(answer.json["access_token"])
    assert verified.client_id == "first-party"


def test_the_first_party_application_is_what_the_store_says_where_it_says_something() -> None:
    bench = Bench()
    bench.client("first-party", auth_method="none", grant_types=["password"])
    answer = bench.log_in()
    assert answer.json["scope"] == "orders:read"
    assert "refresh_token" not in answer.json
    bench.stores.clients.disable("first-party")
    assert failed(bench.log_in(), challenge=None)


def test_a_first_party_application_with_a_secret_has_to_present_it() -> None:
    bench = Bench()
    secret = bench.client("first-party", grant_types=["password"])
    assert failed(bench.log_in(), challenge=None)
    form = {"grant_type": "password", "username": "alice", "password": "correct horse"}
    assert bench.post(form, basic("first-party", secret)).status == 200


def test_there_is_no_first_party_application_without_the_password_grant() -> None:
    bench = Bench(password=False)
    assert failed(bench.refresh("rt_x"), challenge=None)
    assert failed(bench.refresh("rt_x", client_id="first-party"), challenge=None)


# Guessing


def test_g11_too_many_failures_from_one_source_are_told_to_wait() -> None:
    bench = Bench(throttle=MemoryThrottle(free=2, first=8.0))
    for _ in range(2):
        assert bench.post(CREDENTIALS, basic("shop", "wrong")).status == 401
    answer = bench.post(CREDENTIALS, basic("other", "wrong"))
    assert (answer.status, answer.header("retry-after")) == (429, "8")


def test_g11_the_right_secret_of_a_client_is_not_refused_for_what_is_in_flight_or_for_what_others_do() -> None:
    class Busy(MemoryThrottle):
        """As if a hundred checks were in flight, and thousands had guessed at the client from elsewhere."""

        def reserve(self, attempt: Attempt, now: float) -> Reservation | Wait:
            assert (attempt.account, attempt.guessable) == ("", False)
            for number in range(100):
                super().reserve(replace(attempt, guessable=True), now)
                super().reserve(Attempt(f"source:{number}", "client:shop", str(number)), now)
            return super().reserve(attempt, now)

    bench = Bench(throttle=Busy())
    secret = bench.client()
    assert {bench.post(CREDENTIALS, basic("shop", secret)).status for _ in range(30)} == {200}


def test_g11_clients_are_not_counted_while_their_store_is_down() -> None:
    class Down:
        def find_client(self, client_id: str) -> Client | None:
            raise OSError

    bench = Bench(throttle=MemoryThrottle(free=2))
    secret, clients = bench.client(), bench.service.clients
    bench.use(clients=Down())
    assert {bench.post(CREDENTIALS, basic("shop", secret)).status for _ in range(40)} == {503}
    bench.use(clients=clients)
    assert bench.post(CREDENTIALS, basic("shop", secret)).status == 200


def test_g11_successes_are_not_counted() -> None:
    bench = Bench(throttle=MemoryThrottle(free=2))
    secret = bench.client()
    assert {bench.post(CREDENTIALS, basic("shop", secret)).status for _ in range(10)} == {200}


def test_a_store_that_answers_something_else_is_a_mistake_and_no_client() -> None:
    from authmw.errors import FlowError

    class Wrong:
        def find_client(self, client_id: str) -> Any:
            return {"id": client_id}

    service: TokenService = Bench().service
    service.clients = Wrong()
    presented = client_authentication._Presented("none", "shop")  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(FlowError, match="not dict"):
        run(client_authentication._named(service, presented))  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("secret", [b"%zz", b"%00", b"%ff", b"\xff", b"x"])
def test_a_public_client_proves_nothing_by_a_secret(secret: bytes) -> None:
    bench = Bench()
    bench.client("spa", auth_method="none", grant_types=["password"])
    login = {"grant_type": "password", "username": "alice", "password": "correct horse"}
    assert bench.post(login, raw_basic(b"spa:")).status == 200
    assert failed(bench.post(login, raw_basic(b"spa:" + secret)), challenge=CHALLENGE)


IMPOSSIBLE = ["\x01", "a" * 256, "é", " shop", "shop ", "a\tb"]


@pytest.mark.parametrize("client_id", IMPOSSIBLE, ids=ascii)
def test_no_store_is_asked_for_what_cannot_be_the_id_of_a_client(client_id: str) -> None:
    bench = Bench(password=False)

    class Clients:
        def find_client(self, client_id: str) -> Client:
            raise AssertionError("it was asked")

    bench.use(clients=Clients())
    assert bench.post({**CREDENTIALS, "client_id": client_id}).error == "invalid_client"
    assert bench.post({**CREDENTIALS, "client_id": client_id, "client_secret": "x"}).error == "invalid_client"
    assert bench.post(CREDENTIALS, basic(client_id, "x")).error == "invalid_client"


def test_a_header_over_8_kib_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []

    def decoding(value: str) -> bytes | None:
        lengths.append(len(value))
        return decode_base64(value)

    monkeypatch.setattr(client_authentication, "decode_base64", decoding)
    for octets in (6144, 6147):
        assert Bench().post(CREDENTIALS, raw_basic(b"shop:" + b"x" * (octets - 5))).error == "invalid_client"
    assert lengths == [8192]


def test_a_header_without_id_and_secret_is_none_as_swagger_ui_sends_it() -> None:
    bench = Bench()
    bench.client("spa", auth_method="none", grant_types=["password"])
    secret = bench.client("form", auth_method="client_secret_post")
    login = {"grant_type": "password", "username": "alice", "password": "correct horse"}
    assert bench.post(login, raw_basic(b":")).status == 200
    assert bench.post({**login, "client_id": "spa"}, raw_basic(b":")).status == 200
    by_body = {**CREDENTIALS, "client_id": "form", "client_secret": secret}
    assert bench.post(by_body, raw_basic(b":")).status == 200

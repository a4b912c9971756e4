"""Reading Digest responses and writing challenges; the Digest of requests and httpx2, driven without a socket."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx2
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.auth import HTTPDigestAuth

from authmw import Auth
from authmw.crypto.http_digest import DigestSessAlgorithm
from authmw.http.challenge import Challenge, parse_challenges
from authmw.http.reasons import Reason
from authmw.http.request import ASGIRequest, WSGIRequest
from authmw.identity.credentials import DigestResponse
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.schemes.http_digest import HTTPDigest
from authmw.verifiers.digest import DigestVerifier
from tests.support import examples
from tests.verifiers.digest_clients import PASSWORDS, REALM, DigestUsers, Nonces, Server

SCHEME = HTTPDigest()
PARAMS = {
    "username": '"Mufasa"',
    "realm": '"http-auth@example.org"',
    "uri": '"/dir/index.html"',
    "algorithm": "SHA-256",
    "nonce": '"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"',
    "nc": "00000001",
    "cnonce": '"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"',
    "qop": "auth",
    "response": '"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"',
    "opaque": '"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
}
USERHASH = '"793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"'


def header(**changes: str | None) -> str:
    params = {**PARAMS, **changes}
    return "Digest " + ", ".join(f"{name}={value}" for name, value in params.items() if value is not None)


def extract(value: str | None) -> DigestResponse | Rejected | None:
    environ = {"REQUEST_METHOD": "GET"} | ({} if value is None else {"HTTP_AUTHORIZATION": value})
    return SCHEME.extract(WSGIRequest(environ))


# Reading


def test_the_example_of_rfc_7616_is_read() -> None:
    assert extract(header()) == DigestResponse(
        username="Mufasa",
        userhash=None,
        realm="http-auth@example.org",
        nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        uri="/dir/index.html",
        response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        algorithm="SHA-256",
        qop="auth",
        nc="00000001",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    )


@pytest.mark.parametrize(
    "value",
    [
        header().replace("Digest", "dIGEST"),
        header().replace("Digest ", "Digest   "),
        header().replace(", ", ",").replace("=", " = "),
        header().replace(", ", " , , "),
        header(algorithm='"SHA-256"', qop='"auth"', nc='"00000001"'),
        header().replace("nonce=", "NONCE="),
        header(unknown='"passed over"', domain="x"),
        header(userhash="false"),
        header(userhash="FALSE"),
        header(username='"Mu\\fasa"'),
    ],
    ids=[
        "scheme in any case",
        "several spaces",
        "other white space",
        "empty elements",
        "quoted where it need not be",
        "names in any case",
        "unknown parameters",
        "userhash=false",
        "userhash=FALSE",
        "quoted-pair",
    ],
)
def test_other_spellings_are_read_alike(value: str) -> None:
    assert extract(value) == extract(header())


@pytest.mark.parametrize("true", ["true", "TRUE", "tRue", '"true"'])
@pytest.mark.parametrize("hashed", [USERHASH.strip('"'), "0a" * 16], ids=["SHA-256", "MD5"])
def test_a_hashed_name_is_read_in_the_place_of_the_name(true: str, hashed: str) -> None:
    plain = extract(header())
    assert isinstance(plain, DigestResponse)
    assert extract(header(userhash=true, username=f'"{hashed}"')) == replace(plain, username=None, userhash=hashed)


def test_a_response_without_algorithm_is_for_md5_and_one_without_opaque_has_none() -> None:
    plain = extract(header())
    assert isinstance(plain, DigestResponse)
    assert extract(header(algorithm=None, opaque=None)) == replace(plain, algorithm="MD5", opaque=None)


@pytest.mark.parametrize("value", [None, "", "Basic YTpi", "Bearer abc", "Digestive abc"])
def test_credentials_of_other_schemes_are_none_of_ours(value: str | None) -> None:
    assert extract(value) is None


MALFORMED = {
    "nothing": "Digest",
    "only spaces": "Digest  ",
    "token68": "Digest YTpi",
    "tab after the scheme": "Digest\t" + header(),
    "one parameter": 'Digest username="Mufasa"',
    **{f"no {name}": header(**{name: None}) for name in PARAMS if name not in {"algorithm", "opaque"}},
    "empty username": header(username='""'),
    "username that is not UTF-8": header(username='"J\xe4s\xf8n"'),
    "username and username*": header(**{"username*": "UTF-8''Mufasa"}),
    "username* in latin-1": header(username=None, **{"username*": "ISO-8859-1''J%E4s"}),
    "username* that is not UTF-8": header(username=None, **{"username*": "UTF-8''J%E4s"}),
    "username* without charset": header(username=None, **{"username*": "Mufasa"}),
    "username* with a broken escape": header(username=None, **{"username*": "UTF-8''a%2"}),
    "username* empty": header(username=None, **{"username*": "UTF-8''"}),
    "userhash that is no hash": header(userhash="true"),
    "userhash in upper case": header(userhash="true", username=USERHASH.upper()),
    "userhash with username*": header(userhash="true", username=USERHASH, **{"username*": "UTF-8''a"}),
    "userhash with username* alone": header(userhash="true", username=None, **{"username*": "UTF-8''a"}),
    "userhash that is neither": header(userhash="yes"),
    "nc of 7 digits": header(nc="0000001"),
    "nc of 9 digits": header(nc="000000001"),
    "nc in upper case": header(nc="0000000A"),
    "nc with a sign": header(nc="+0000001"),
    "nc with a line break": header(nc='"0000001\\\n"'),
    "nc zero": header(nc="00000000"),
    "nc in other digits": header(nc='"0000000\xb2"'),
    "response in upper case": header(response=PARAMS["response"].upper()),
    "response of another length": header(response='"abc"'),
    "empty response": header(response='""'),
    "empty cnonce": header(cnonce='""'),
    "cnonce outside ASCII": header(cnonce='"\xe4"'),
    "cnonce with a quote": header(cnonce='"a\\"b"'),
    "cnonce with a space": header(cnonce='"a b"'),
    "cnonce without end": header(cnonce=257 * "a"),
}


@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED)
def test_dig_4_what_does_not_parse_is_refused(value: str) -> None:
    found = extract(value)
    assert isinstance(found, Rejected)
    assert found.reason in {Reason.CREDENTIALS_MALFORMED, Reason.AUTHORIZATION_DUPLICATE}
    assert Auth(SCHEME).authenticate(WSGIRequest({"REQUEST_METHOD": "GET", "HTTP_AUTHORIZATION": value}))


@pytest.mark.parametrize(
    "value",
    [
        header() + ', username="Scar"',
        header() + ', NC="00000002"',
        f"{header()}, {header()}",
        f"{header()},Basic YTpi",
        f"Basic YTpi,{header()}",
        header() + ', realm="unfinished',
        header() + 9000 * " " + ",a=b",
    ],
    ids=["name twice", "name twice in another case", "two", "Basic behind", "Basic before", "open quote", "too long"],
)
def test_class_21_what_may_be_two_credentials_is_refused(value: str) -> None:
    found = extract(value)
    assert isinstance(found, Rejected)
    assert found.reason is Reason.AUTHORIZATION_DUPLICATE


def test_a_value_can_be_read_without_a_request() -> None:
    assert SCHEME.read(header().removeprefix("Digest ")) == extract(header())
    assert isinstance(SCHEME.read("no list"), Rejected)


def test_details_hold_nothing_of_the_request() -> None:
    for value in MALFORMED.values():
        found = extract(value)
        assert isinstance(found, Rejected)
        assert "Mufasa" not in found.detail


SOUP = st.lists(
    st.sampled_from(
        [
            *(f"{name}={value}" for name, value in PARAMS.items()),
            ", ",
            ",",
            "=",
            '"',
            "\\",
            "Digest ",
            "username*=UTF-8''%C3",
        ]
    )
    | st.text(st.characters(max_codepoint=255), max_size=3),
    max_size=30,
).map("".join)


@given(SOUP | st.text(st.characters(max_codepoint=255)))
def test_any_authorization_gets_a_verdict_and_never_an_exception(text: str) -> None:
    server = Server()
    for value in (text, f"Digest {text}"):
        request = WSGIRequest({"REQUEST_METHOD": "GET", "HTTP_AUTHORIZATION": value})
        assert not isinstance(server.answer(request), Authenticated)


@pytest.mark.slow
@settings(max_examples=examples(300))
@given(st.dictionaries(st.sampled_from([*PARAMS, "username*", "userhash"]), SOUP | st.text(max_size=20), max_size=3))
def test_any_change_to_a_right_response_gets_a_refusal_or_none(changes: dict[str, str]) -> None:
    server = Server()
    client = server.client()
    params = client.params()
    value = "Digest " + ", ".join(f'{name}="{value}"' for name, value in {**params, **changes}.items())
    verdict = server.answer(client.request(value.encode("utf-8", "replace").decode("latin-1")))
    changed = {name for name, value in changes.items() if params.get(name) != value}
    # What says the same in other words passes: userhash=false, and an algorithm in another case.
    assert isinstance(verdict, Rejected) or changed <= {"userhash", "algorithm"}


# Writing


def test_dig_1_the_challenge_is_that_of_rfc_7616() -> None:
    server = Server()
    [challenge] = server.scheme.challenges(REALM)
    assert str(challenge) == (
        f'Digest realm="orders", qop="auth, auth-int", algorithm=SHA-256, nonce="{challenge["nonce"]}", '
        f'opaque="{challenge["opaque"]}", charset=UTF-8, userhash=true'
    )


def test_dig_1_there_is_one_challenge_for_each_algorithm_strongest_first() -> None:
    server = Server("MD5", "SHA-512-256", "SHA-256", "SHA-256-sess")
    challenges = server.scheme.challenges(REALM)
    assert [challenge["algorithm"] for challenge in challenges] == ["SHA-512-256", "SHA-256", "SHA-256-sess", "MD5"]
    assert server.scheme.challenge(REALM)["algorithm"] == "SHA-512-256"
    assert len({challenge["nonce"] for challenge in challenges}) == 4


def test_dig_1_sha_256_alone_is_offered_by_default() -> None:
    for scheme in (HTTPDigest(), HTTPDigest(DigestVerifier(DigestUsers(), nonces=Nonces()))):
        assert [challenge["algorithm"] for challenge in scheme.challenges(REALM)] == ["SHA-256"]


@pytest.mark.parametrize("reason", list(Reason), ids=lambda reason: reason.code)
def test_dig_2_stale_is_told_only_after_a_right_digest(reason: Reason) -> None:
    params = dict(SCHEME.challenge(REALM, rejected=Rejected(reason)).params)
    right = reason in {Reason.DIGEST_STALE, Reason.DIGEST_REPLAYED}
    assert params.get("stale") == ("true" if right else None)


def test_a_stale_challenge_says_so_without_quotes() -> None:
    challenge = str(SCHEME.challenge(REALM, rejected=Rejected(Reason.DIGEST_STALE)))
    assert challenge.endswith(", stale=true")


def test_written_challenges_parse_again() -> None:
    challenges = Server("SHA-256", "MD5").scheme.challenges("a realm")
    assert parse_challenges(", ".join(map(str, challenges))) == challenges


def test_a_scheme_without_a_verifier_challenges_and_extracts() -> None:
    one, other = HTTPDigest(), HTTPDigest()
    one.bind(REALM)
    assert one.challenge(REALM)["opaque"] == one.challenge(REALM)["opaque"]
    assert one.challenge(REALM)["opaque"] != other.challenge(REALM)["opaque"]
    assert isinstance(extract(header()), DigestResponse)


def test_a_verifier_of_ones_own_gets_what_was_read() -> None:
    class Own:
        def verify(self, credentials: DigestResponse, request: object) -> Verdict:
            return Rejected(Reason.CREDENTIALS_REJECTED, credentials.realm)

    scheme = HTTPDigest(Own(), name="own", description="An own one.")
    scheme.bind(REALM)
    assert scheme.verifier is not None
    assert scheme.name == "own"
    assert scheme.openapi() == {"type": "http", "scheme": "digest", "description": "An own one."}


def test_it_describes_itself_for_openapi() -> None:
    assert HTTPDigest().openapi() == {"type": "http", "scheme": "digest"}
    assert HTTPDigest().name == "HTTPDigest"


# Real clients


def from_requests(client: Any, challenges: tuple[Challenge, ...]) -> str:
    """What the `HTTPDigestAuth` of requests answers: the way of its `handle_401`, without a connection."""
    utils: Any = requests.utils
    client.init_per_thread_state()
    client._thread_local.chal = utils.parse_dict_header(", ".join(map(str, challenges)).replace("Digest ", "", 1))
    return str(client.build_digest_header("GET", "http://testserver/orders?page=2"))


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5", "MD5-sess"])
def test_requests_is_understood(algorithm: DigestSessAlgorithm) -> None:
    server = Server(algorithm)
    client = HTTPDigestAuth("alice", PASSWORDS["alice"])
    challenges = server.scheme.challenges(REALM)
    for _ in range(2):
        value = from_requests(client, challenges)
        assert isinstance(server.answer(server.client().request(value)), Authenticated)
    assert len({(name, count) for name, count, _ in server.nonces.used}) == 2


def test_requests_takes_one_of_two_challenges() -> None:
    server = Server("SHA-256", "MD5")
    client = HTTPDigestAuth("alice", PASSWORDS["alice"])
    value = from_requests(client, server.scheme.challenges(REALM))
    assert isinstance(server.answer(server.client().request(value)), Authenticated)


@pytest.mark.parametrize("algorithm", ["SHA-256", "SHA-256-sess", "MD5", "MD5-sess"])
def test_httpx2_is_understood(algorithm: DigestSessAlgorithm) -> None:
    server = Server(algorithm)
    auth = httpx2.DigestAuth("alice", PASSWORDS["alice"])
    challenge = httpx2.Headers([("WWW-Authenticate", str(each)) for each in server.scheme.challenges(REALM)])
    for count in (1, 2):
        flow = auth.sync_auth_flow(httpx2.Request("GET", "http://testserver/orders?page=2"))
        request = next(flow)
        if count == 1:
            request = flow.send(httpx2.Response(401, headers=challenge, request=request))
        verdict = server.answer(server.client().request(request.headers["Authorization"]))
        assert isinstance(verdict, Authenticated)
        flow.close()
    assert len({(name, count) for name, count, _ in server.nonces.used}) == 2


def test_httpx2_starts_anew_after_a_replay() -> None:
    server = Server()
    auth = httpx2.DigestAuth("alice", PASSWORDS["alice"])

    def send(request: httpx2.Request) -> httpx2.Response:
        value = request.headers.get("Authorization")
        verdict = None if value is None else server.answer(server.client().request(value))
        if isinstance(verdict, Authenticated):
            return httpx2.Response(200, request=request)
        rejected = verdict if isinstance(verdict, Rejected) else None
        challenges = [("WWW-Authenticate", str(each)) for each in server.scheme.challenges(REALM, rejected=rejected)]
        return httpx2.Response(401, headers=challenges, request=request)

    def get() -> int:
        flow = auth.sync_auth_flow(httpx2.Request("GET", "http://testserver/orders?page=2"))
        answer = send(next(flow))
        try:
            while True:
                answer = send(flow.send(answer))
        except StopIteration:
            return answer.status_code

    assert get() == 200
    nonce, _, expires_at = server.nonces.used[0]
    server.nonces.used.append((nonce, 99, expires_at))
    assert get() == 200
    assert server.nonces.used[-1][0] != nonce


def test_wsgi_and_asgi_read_the_same_bytes_alike() -> None:
    value = header(username='"J\u00e4s\u00f8n Doe"').encode()
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "headers": [(b"authorization", value)]}
    found = SCHEME.extract(ASGIRequest(scope))
    assert isinstance(found, DigestResponse)
    assert found.username == "Jäsøn Doe"
    assert found == extract(value.decode("latin-1"))

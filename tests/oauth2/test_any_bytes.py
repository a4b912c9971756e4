"""Whatever is sent, an endpoint answers it: no 5xx, no exception, and nothing is granted."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote_from_bytes

from hypothesis import given
from hypothesis import strategies as st

from authmw.oauth2.endpoints import ENDPOINTS
from tests.oauth2.asking import FORM, MOUNTS, Bench, raw_basic

BENCHES: Final = tuple(Bench(mount) for mount in MOUNTS)
SECRET: Final = BENCHES[0].client("shop", grant_types=["client_credentials", "refresh_token", "password"])
for _bench in BENCHES:
    _bench.use(clients=BENCHES[0].stores.clients)  # so that one secret is good, or wrong, for all of them
HEADER: Final = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"))
NAMES: Final = st.sampled_from(
    [
        b"grant_type", b"username", b"password", b"scope", b"refresh_token", b"token", b"token_type_hint", b"client_id",
        b"client_secret", b"client_assertion", b"client_assertion_type", b"resource", b"foo",
    ]
)  # fmt: skip
VALUES: Final = st.one_of(
    st.binary(),
    st.sampled_from(
        [
            b"password", b"refresh_token", b"client_credentials", b"alice", b"shop", b"nobody", b"first-party", b"rt_",
            b"urn:ietf:params:oauth:client-assertion-type:jwt-bearer", b"orders:read", b"a.b.c", b"e30.e30.e30",
            b"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzaG9wIn0.e30", SECRET.encode(),
        ]
    ),
)  # fmt: skip
FORMS: Final = st.lists(st.tuples(NAMES, VALUES), max_size=8).map(
    lambda pairs: b"&".join(name + b"=" + quote_from_bytes(value).encode() for name, value in pairs)
)
AUTHORIZATION: Final = st.one_of(
    HEADER,
    HEADER.map(lambda text: f"Basic {text}"),
    st.binary().map(lambda raw: raw_basic(raw)[0][1]),
    st.binary().map(lambda raw: raw_basic(b"shop:" + raw)[0][1]),
)


@given(
    path=st.sampled_from(sorted(ENDPOINTS)),
    method=st.sampled_from(["POST", "POST", "POST", "GET", "HEAD", "OPTIONS", "PUT"]),
    content_type=st.one_of(st.just(FORM), HEADER),
    authorization=st.one_of(st.none(), AUTHORIZATION),
    body=st.one_of(FORMS, st.binary()),
)
def test_g7_any_bytes_are_answered_alike_and_without_a_server_error(
    path: str, method: str, content_type: str, authorization: str | None, body: bytes
) -> None:
    headers = [("content-type", content_type)]
    if authorization is not None:
        headers.append(("authorization", authorization))
    answers = [bench.ask(method, path, headers, body) for bench in BENCHES]
    assert max(answer.status for answer in answers) < 500
    # The content may have a token in it, which is another one each time.
    assert len({(answer.status, answer.status >= 400 and answer.body) for answer in answers}) == 1
    told = b"".join(answer.body for answer in answers)
    assert b"access_token" not in told or SECRET.encode() in body + str(authorization).encode()

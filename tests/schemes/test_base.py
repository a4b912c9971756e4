"""Combinations of schemes: what is none is refused where it is made."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    Auth,
    BearerToken,
    ConfigurationError,
    HTTPBasic,
    HTTPBearer,
    HTTPDigest,
    OAuth2PasswordBearer,
    Reason,
    Rejected,
    TrustedHeader,
)
from authmw.http.challenge import Challenge
from authmw.http.grammar import parse_authorization
from authmw.http.request import RequestHead
from authmw.identity.credentials import SessionValue
from authmw.identity.verdict import Remembered
from authmw.schemes.base import (
    AllOf,
    Alternatives,
    AuthorizationScheme,
    OneOf,
    SecurityScheme,
    is_dead,
    reads_authorization_only,
    ways,
)
from authmw.schemes.http_dpop import HTTPDPoP
from authmw.schemes.session import Session
from authmw.schemes.token_cookie import TokenCookie
from authmw.stores import MemoryStores
from tests.requests import wsgi_request


class NoScheme(Alternatives):
    """Alternatives of one's own, which are neither a scheme nor a combination."""

    @property
    def schemes(self) -> tuple[Any, ...]:
        return ()


def test_what_is_neither_a_scheme_nor_a_combination_is_refused() -> None:
    said = "NoScheme is neither a scheme nor a combination of schemes"
    with pytest.raises(ConfigurationError, match=said):
        _ = NoScheme() & HTTPBasic()
    for accept in (NoScheme(), HTTPBearer() | NoScheme()):
        with pytest.raises(ConfigurationError, match=said):
            ways(accept)
        with pytest.raises(ConfigurationError, match=said):
            Auth(accept)


def test_every_way_is_found_in_the_order_of_declaration() -> None:
    key, bearer, basic = APIKeyHeader("X-Site"), HTTPBearer(), HTTPBasic()
    assert ways(bearer | key & basic | basic) == ((bearer,), (key, basic), (basic,))
    assert ways(key & (bearer | basic)) == ((key, bearer), (key, basic))
    assert ways((bearer | key) | basic) == ways(bearer | (key | basic)) == ((bearer,), (key,), (basic,))


def test_two_schemes_of_the_one_authorization_header_are_not_both_needed() -> None:
    bearer, basic, key = HTTPBearer(), HTTPBasic(), APIKeyHeader("X-Site")
    for left, right in ((bearer, basic), (key & bearer, basic), (bearer, HTTPBearer())):
        with pytest.raises(ConfigurationError, match="a request has one Authorization header"):
            _ = left & right
    # The same one twice is one, and one way that can be gone is enough.
    assert ways(bearer & bearer) == ((bearer, bearer),)
    assert ways(bearer & (basic | key)) == ((bearer, basic), (bearer, key))


def test_combinations_of_one_kind_are_flat_and_keep_their_order() -> None:
    bearer, basic, key = HTTPBearer(), HTTPBasic(), APIKeyHeader("X-Site")
    assert OneOf.of(bearer | basic, key).parts == OneOf.of(bearer, basic | key).parts == (bearer, basic, key)
    assert AllOf.of(bearer & key, key).parts == AllOf.of(bearer, key & key).parts == (bearer, key, key)
    assert (bearer | basic & key).schemes == (bearer, basic, key)
    for wrong in (None, "bearer", HTTPBearer):
        with pytest.raises(ConfigurationError, match="is no security scheme: combine schemes"):
            _ = bearer | wrong  # type: ignore[operator]


KEPT = {Reason.CROSS_SITE, Reason.TOKEN_ISSUER, Reason.TOKEN_AUDIENCE, Reason.TOKEN_NOT_YET_VALID}


def test_a_cookie_is_cleared_unless_it_may_be_good_elsewhere_or_later() -> None:
    assert {reason for reason in Reason if not is_dead(Rejected(reason))} == KEPT
    for scheme in (TokenCookie(origins=["https://shop.example"]), Session(MemoryStores()), APIKeyCookie("key")):
        assert {reason for reason in Reason if not scheme.clearing(Rejected(reason))} == KEPT


# The header of the credentials, whether they are in a cookie, what answers depend on, and the name in AUTH_TYPE.
TRAITS: dict[str, tuple[SecurityScheme[Any], tuple[bool, bool, str, str]]] = {
    "Basic": (HTTPBasic(), (True, False, "Authorization", "Basic")),
    "Bearer": (HTTPBearer(), (True, False, "Authorization", "Bearer")),
    "Digest": (HTTPDigest(), (True, False, "Authorization", "Digest")),
    "DPoP": (HTTPDPoP(), (True, False, "Authorization, DPoP", "DPoP")),
    "OAuth 2": (OAuth2PasswordBearer("token"), (True, False, "Authorization", "Bearer")),
    "a header": (APIKeyHeader("X-Key"), (False, False, "X-Key", "ApiKey")),
    "a query": (APIKeyQuery("key"), (False, False, "", "ApiKey")),
    "a cookie": (APIKeyCookie("key"), (False, True, "Cookie", "ApiKey")),
    "a token cookie": (TokenCookie(origins=["https://shop.example"]), (False, True, "Cookie", "ApiKey")),
    "a session": (Session(MemoryStores()), (False, True, "Cookie", "ApiKey")),
    "a proxy": (TrustedHeader("X-User", proxies=["unix"]), (False, False, "X-User", "TrustedHeader")),
}


@pytest.mark.parametrize("scheme, traits", TRAITS.values(), ids=TRAITS)
def test_each_scheme_says_where_its_credentials_are(
    scheme: SecurityScheme[Any], traits: tuple[bool, bool, str, str]
) -> None:
    assert scheme.extract(wsgi_request()) is None
    assert (scheme.in_authorization, scheme.in_cookie, scheme.vary, scheme.auth_type) == traits
    assert reads_authorization_only(scheme) == (traits[2] == "Authorization" and not isinstance(scheme, HTTPDigest))
    assert scheme.schemes == (scheme,)
    assert scheme.name == type(scheme).__name__
    assert repr(scheme).startswith(f"{type(scheme).__name__}(")


@pytest.mark.parametrize("scheme", [scheme for scheme, _ in TRAITS.values()], ids=TRAITS)
def test_without_credentials_nothing_is_remembered_or_handed_out(scheme: SecurityScheme[Any]) -> None:
    request = wsgi_request()
    assert scheme.recall(request) is None
    assert scheme.recall_cookies(b"a=b") is None
    assert scheme.recall_header(b"a") is None
    assert scheme.form_token(request) == ""
    assert scheme.recalls_header == ""
    assert scheme.recalls_cookies is isinstance(scheme, Session)
    assert all(challenge.scheme == scheme.auth_type for challenge in scheme.challenges("app"))


class _ReadsMore(HTTPBearer):
    """Looks at more of the request than its one header."""

    def extract(self, request: RequestHead) -> BearerToken | Rejected | None:
        return super().extract(request) if request.method == "GET" else None


class _AsItIs(HTTPBearer):
    """Changes nothing."""


def test_a_scheme_that_reads_the_request_in_its_own_way_is_not_known_by_its_header() -> None:
    replaced: Any = HTTPBearer()
    replaced.extract = HTTPBearer().extract
    schemes: list[SecurityScheme[Any]] = [HTTPBearer(), _AsItIs(), _ReadsMore(), replaced]
    assert [reads_authorization_only(scheme) for scheme in schemes] == [True, True, False, False]


class _OwnSession(Session):
    """Changes nothing."""


class _OwnExtract(Session):
    """Looks at more than the cookie."""

    def extract(self, request: RequestHead) -> SessionValue | Rejected | None:
        return super().extract(request) if request.method == "GET" else None


class _OwnRecall(Session):
    """Remembers nothing."""

    def recall(self, request: RequestHead) -> Remembered | None:
        return None


def session_of(kind: type[Session] = Session, **replaced: Any) -> Session:
    scheme = kind(MemoryStores())
    for name, value in replaced.items():
        setattr(scheme, name, value)
    return scheme


def test_a_session_is_known_by_its_cookie_alone_where_nothing_reads_or_recalls_it_in_another_way() -> None:
    other = session_of()
    schemes = {
        "plain": other,
        "a subclass": session_of(_OwnSession),
        "a subclass with another extract": session_of(_OwnExtract),
        "a subclass with another recall": session_of(_OwnRecall),
        "another extract": session_of(extract=other.extract),
        "another recall": session_of(recall=other.recall),
        "something else": session_of(feed=other.feed),
    }
    known = {name for name, scheme in schemes.items() if scheme.recalls_cookies}
    assert known == {"plain", "a subclass", "something else"}


def test_a_scheme_of_ones_own_asks_for_its_credentials_with_its_one_challenge() -> None:
    class Own(_Plain):
        def challenge(self, realm: str, *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()) -> Challenge:
            assert rejected is not None
            return Challenge(rejected.reason.code.partition(".")[0], (("realm", realm), ("scope", " ".join(scopes))))

    scheme = Own(name="Shop", description="For partners.")
    challenges = scheme.challenges("app", rejected=Rejected(Reason.TOKEN_EXPIRED), scopes=("a", "b"))
    assert [str(each) for each in challenges] == ['authmw realm="app", scope="a b"']
    assert (scheme.name, scheme.description, scheme.verifier) == ("Shop", "For partners.", None)


def test_a_combination_shows_its_parts() -> None:
    combined = HTTPBearer() | APIKeyHeader("X-Site") & HTTPBasic()
    for name in ("OneOf", "AllOf", "HTTPBearer", "APIKeyHeader", "HTTPBasic"):
        assert name in repr(combined)


class _Plain(AuthorizationScheme[str]):
    """Reads whatever follows its name."""

    auth_type = "Basic"

    def read(self, value: str) -> str:
        return value

    def challenge(self, realm: str, *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()) -> Challenge:
        return Challenge("Basic", ())

    def openapi(self) -> dict[str, Any]:
        return {}


@given(st.sampled_from(["", "Basic", "Basic ", "basic "]), st.text(st.sampled_from("Basic \t,=\"'"), max_size=9))
def test_the_usual_spelling_is_read_as_every_other(name: str, rest: str) -> None:
    text = name + rest
    parsed = parse_authorization(text)
    expected = parsed.value if parsed.scheme == "basic" else None
    if parsed.duplicate:
        assert isinstance(_Plain().extract(wsgi_request(authorization=text)), Rejected)
    else:
        assert _Plain().extract(wsgi_request(authorization=text)) == expected

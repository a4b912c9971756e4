"""Where the metadata of an issuer is looked for, and that only its own counts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from authmw import Auth, ConfigurationError, HTTPBearer, Issuer, JWTVerifier, KeyRing, OpenIdConnect
from authmw.engine.authentication import Authentication
from authmw.issuers.audience import AnyAudience
from authmw.issuers.discovery import discover, issuer_of, well_known_urls
from authmw.issuers.fetching.fetch import AnswerRefused, Fetched, FetchFailed
from authmw.issuers.fetching.http_fetcher import HTTPFetcher
from authmw.issuers.keys.key_source import PublishedAt
from authmw.testing import FakeClock, FakeIssuer
from authmw.testing.issuer import Shape
from tests.issuers.worlds import NOW, OK, World
from tests.requests import wsgi_request

ISSUER = "https://id.example/realms/shop"
OPENID = "https://id.example/realms/shop/.well-known/openid-configuration"
OAUTH = "https://id.example/.well-known/oauth-authorization-server/realms/shop"
INSERTED = "https://id.example/.well-known/openid-configuration/realms/shop"


class Pages:
    """A fetcher of what stands in it; all else is a 404."""

    def __init__(self, **pages: object) -> None:
        self.pages: dict[str, object] = dict(pages)
        self.asked: list[tuple[str, bool]] = []

    def fetch(
        self,
        url: str,
        *,
        accept: str = "application/json",
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        public: bool = False,
    ) -> Fetched:
        self.asked.append((url, public))
        page = self.pages.get(url)
        if isinstance(page, Exception):
            raise page
        if isinstance(page, bytes):
            return Fetched(200, {"content-type": "text/html"}, page)
        return Fetched(404) if page is None else Fetched(200, {}, json.dumps(page).encode())


def metadata(issuer: str = ISSUER) -> dict[str, str]:
    return {"issuer": issuer, "jwks_uri": "https://id.example/keys"}


@pytest.mark.parametrize(
    "issuer, urls",
    [
        (ISSUER, [OPENID, OAUTH, INSERTED]),
        (f"{ISSUER}/", [OPENID, OAUTH, INSERTED]),
        (
            "https://id.example",
            [
                "https://id.example/.well-known/openid-configuration",
                "https://id.example/.well-known/oauth-authorization-server",
            ],
        ),
        (
            "http://127.0.0.1:9000/",
            [
                "http://127.0.0.1:9000/.well-known/openid-configuration",
                "http://127.0.0.1:9000/.well-known/oauth-authorization-server",
            ],
        ),
    ],
)
def test_every_well_known_place_is_known(issuer: str, urls: list[str]) -> None:
    assert list(well_known_urls(issuer)) == urls


@pytest.mark.parametrize("url", [OPENID, OAUTH, INSERTED, ISSUER])
def test_the_issuer_is_in_each_of_its_well_known_urls(url: str) -> None:
    assert issuer_of(url) == ISSUER


@pytest.mark.parametrize("shape", ["openid", "oauth", "openid-inserted"])
def test_an_issuer_is_found_at_each_place(shape: Shape) -> None:
    clock = FakeClock(NOW)
    world = World(fake=FakeIssuer(ISSUER, shape=shape, clock=clock), clock=clock)
    assert world.ask(world.token()) == OK


def test_metadata_of_another_at_one_place_hides_not_the_right_one_at_the_next() -> None:
    pages = Pages(**{OPENID: metadata("https://id.example"), OAUTH: metadata()})
    assert discover(pages, ISSUER).url == OAUTH


def test_what_is_wrong_is_told_rather_than_what_is_missing() -> None:
    pages = Pages(**{OAUTH: metadata("https://id.example")})
    with pytest.raises(FetchFailed, match=r"is the metadata of 'https://id\.example'"):
        discover(pages, ISSUER)


def test_what_answers_by_a_redirect_is_looked_for_elsewhere() -> None:
    pages = Pages(**{OPENID: AnswerRefused("it answers 302"), OAUTH: metadata()})
    assert discover(pages, ISSUER).url == OAUTH


HTML = [b"<!doctype html><title>Shop</title>", b"", b"\xff\xfe", b"[]", b"null", b'"x"', b'{"issuer": 1,', b"{}"]


@pytest.mark.parametrize("page", HTML, ids=repr)
@pytest.mark.parametrize("first", [(OPENID,), (OPENID, OAUTH)], ids=len)
def test_a_page_in_the_place_of_metadata_is_passed_over(page: bytes, first: tuple[str, ...]) -> None:
    at = OAUTH if len(first) == 1 else INSERTED
    pages = Pages(**{**dict.fromkeys(first, page), at: metadata()})
    assert discover(pages, ISSUER).url == at
    assert [url for url, _ in pages.asked] == [*first, at]


@pytest.mark.parametrize("page", HTML[:-1], ids=repr)
def test_a_page_in_the_place_of_metadata_is_told_where_there_is_nothing_else(page: bytes) -> None:
    for url in (OPENID, OAUTH, INSERTED):
        with pytest.raises(AnswerRefused, match=f"^{re.escape(url)} is no metadata: ") as refused:
            discover(Pages(**{url: page}), ISSUER)
        assert not refused.value.is_missing
    with pytest.raises(AnswerRefused, match="answers 404") as missing:
        discover(Pages(), ISSUER)
    assert missing.value.is_missing


def test_an_issuer_that_does_not_answer_is_asked_once() -> None:
    pages = Pages(**{OPENID: FetchFailed("refused")})
    with pytest.raises(FetchFailed):
        discover(pages, ISSUER)
    assert len(pages.asked) == 1


@pytest.mark.parametrize("seconds, asked", [(0.1, 3), (2.5, 3), (2.6, 2), (4.9, 2), (5.0, 2), (5.1, 1)])
def test_metadata_that_is_missing_is_looked_for_for_ten_seconds_at_most(
    seconds: float, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock(NOW)
    monkeypatch.setattr("authmw.issuers.discovery.monotonic", clock)

    class Slow(Pages):
        def fetch(self, url: str, **options: Any) -> Fetched:
            clock.advance(seconds)
            return super().fetch(url, **options)

    pages = Slow()
    with pytest.raises(AnswerRefused, match="answers 404"):
        discover(pages, ISSUER)
    assert len(pages.asked) == asked
    assert HTTPFetcher().timeout == 5
    assert clock() - NOW <= 10


def test_keys_on_another_server_have_to_be_on_the_internet() -> None:
    here = {**metadata(), "jwks_uri": "https://id.example/keys"}
    there = {**metadata(), "jwks_uri": "https://10.0.0.1/keys"}
    port = {**metadata(), "jwks_uri": "https://id.example:8443/keys"}
    assert not discover(Pages(**{OPENID: here}), ISSUER).is_elsewhere
    assert discover(Pages(**{OPENID: there}), ISSUER).is_elsewhere
    assert discover(Pages(**{OPENID: port}), ISSUER).is_elsewhere


def test_keys_on_another_server_are_asked_for_as_what_somebody_else_named() -> None:
    world = World()
    world.fake.metadata["jwks_uri"] = "https://keys.test/all"
    asked: list[tuple[bool, str]] = []
    fetch = world.fake.fetch

    class Watching:
        def fetch(
            self,
            url: str,
            *,
            accept: str = "application/json",
            form: Mapping[str, str] | None = None,
            headers: Mapping[str, str] | None = None,
            public: bool = False,
        ) -> Fetched:
            asked.append((public, accept))
            return fetch(url)

    watched = World(fake=world.fake, fetcher=Watching(), clock=world.clock)
    assert watched.ask(world.token()) == OK
    # RFC 7517 §8.5.2 has a media type of its own, and many issuers send the common one.
    assert asked == [(False, "application/json"), (True, "application/json, application/jwk-set+json")]


def test_a_source_of_keys_says_why_there_are_none() -> None:
    source = PublishedAt(ISSUER, Pages(**{OPENID: metadata()}))
    for _ in range(2):
        with pytest.raises(AnswerRefused, match="/keys answers 404"):
            source.keys()


def test_configured_urls_are_the_only_ones_asked() -> None:
    world = World(metadata_url="https://issuer.test/.well-known/openid-configuration?p=1")
    assert world.ask(world.token()).status == 503
    assert world.fake.requests == ["https://issuer.test/.well-known/openid-configuration?p=1"]
    keys = World(jwks_uri="https://issuer.test/keys")
    assert keys.ask(keys.token()) == OK
    assert keys.fake.requests == ["https://issuer.test/keys"]


def test_nothing_is_fetched_before_the_first_token() -> None:
    world = World()
    repr(world.issuer)
    _ = world.issuer.version
    assert world.ask("opaque").status == 401
    assert world.fake.requests == []


@pytest.mark.parametrize(
    "issuer, told",
    [
        ("", "issuer is empty"),
        ("id.example", "does not begin with https://"),
        ("http://id.example", "is http"),
        ("http://127.evil.example", "is http"),
        ("https://id.example/?a", "has a query"),
        ("https://id.example/#a", "a fragment"),
        ("https://a@id.example/", "contains a user"),
        ("https://id.example/a b", "contains a character"),
        ("https://id.example:port/", "[Pp]ort"),
        (OPENID, "is the URL of its metadata"),
        ("https://login.microsoftonline.com/common/v2.0", "stands for many tenants"),
    ],
)
def test_an_issuer_that_cannot_be_one_is_told_at_once(issuer: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Issuer(issuer, audience="orders")


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Issuer("", audience="orders", profile="keycloack", rsa_algorithm="HS256", jwks_uri="file:///keys")
    assert len(raised.value.mistakes) == 4


@pytest.mark.parametrize("options", [{"audience": ""}, {"audience": []}, {"audience": "a", "leeway": 3600}], ids=str)
def test_what_a_jwt_verifier_refuses_is_refused_here(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        Issuer(ISSUER, **options)  # type: ignore[arg-type]  # that is the point


def test_an_audience_is_required() -> None:
    with pytest.raises(TypeError, match="audience"):
        Issuer(ISSUER)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - that is the point
    with pytest.raises(ConfigurationError, match="audience is None"):
        Issuer(ISSUER, audience=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - that is the point
    with pytest.raises(ConfigurationError, match="reason"):
        AnyAudience(" ")


def test_a_token_for_another_api_is_refused() -> None:
    world = World()
    assert world.ask(world.token(audience="other")).code == "authmw.token-audience"
    assert world.ask(world.token(aud=...)).code == "authmw.token-audience"


@pytest.mark.parametrize("audience", ["other", ["a", "b"], ...], ids=str)
def test_any_audience_accepts_tokens_for_others_and_for_nobody(audience: object) -> None:
    fake = World().fake
    issuer = Issuer(fake.issuer, audience=AnyAudience("a proxy checks it"), fetcher=fake, clock=lambda: NOW)
    auth = Auth(HTTPBearer(issuer))
    header = f"Bearer {fake.token(audience='x', aud=audience)}"
    assert isinstance(auth.authenticate(wsgi_request(authorization=header)), Authentication)


@pytest.mark.parametrize("given", [ISSUER, OPENID])
def test_openid_connect_takes_the_issuer_or_the_url_of_its_metadata(given: str) -> None:
    scheme = OpenIdConnect(given, audience="shop-api", profile="keycloak")
    assert scheme.openapi() == {"type": "openIdConnect", "openIdConnectUrl": OPENID}
    assert isinstance(scheme.verifier, Issuer)
    assert scheme.verifier.issuer == ISSUER
    assert scheme.verifier.profile.name == "keycloak"
    assert scheme.verifier.scheme == "OpenIdConnect"


def test_openid_connect_with_a_verifier_documents_what_it_was_given() -> None:
    verifier = JWTVerifier(KeyRing.generate(), issuer=ISSUER, audience="shop-api")
    assert OpenIdConnect("/relative", verifier).openapi()["openIdConnectUrl"] == "/relative"
    assert OpenIdConnect(OPENID).verifier is None


def test_openid_connect_takes_a_verifier_or_makes_one() -> None:
    verifier = JWTVerifier(KeyRing.generate(), issuer=ISSUER, audience="shop-api")
    with pytest.raises(ConfigurationError, match="takes a verifier, or"):
        OpenIdConnect(OPENID, verifier, audience="shop-api")
    with pytest.raises(ConfigurationError, match="needs audience="):
        OpenIdConnect(OPENID, profile="keycloak")


@pytest.mark.parametrize(
    "jwks_uri",
    [None, "", 7, [], "/keys", "http://id.example/keys", "ftp://id.example/keys", "file:///etc/passwd", "https://"],
)
def test_metadata_without_a_url_of_keys_that_may_be_fetched_is_refused(jwks_uri: object) -> None:
    pages = Pages(**{OPENID: {**metadata(), "jwks_uri": jwks_uri}})
    with pytest.raises(AnswerRefused, match="has no jwks_uri that may be fetched"):
        discover(pages, ISSUER)
    pages.pages[OAUTH] = metadata()
    assert discover(pages, ISSUER).url == OAUTH


def test_metadata_is_taken_as_it_was_for_as_long_as_it_says() -> None:
    world = World()
    world.fake.max_age = 7200
    for _ in range(2):
        assert world.ask(world.token()) == OK
        world.clock.advance(5400)
    world.settle()
    first = world.fake.requests[0]
    assert world.fake.requests.count(first) == 1
    world.clock.advance(3600)
    assert world.ask(world.token()) == OK
    world.settle()
    assert world.fake.requests.count(first) == 2

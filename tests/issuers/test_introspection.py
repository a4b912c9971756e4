"""Introspection: what is taken from an authorization server's answer, and what is refused."""

from __future__ import annotations

import base64
import logging
from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any, Final

import pytest

from authmw import Auth, HTTPBearer, Principal
from authmw.engine.authentication import Authentication
from authmw.errors import ConfigurationError, Unavailable
from authmw.flow.flow import run
from authmw.http.reasons import Reason
from authmw.http.refusal import Refusal
from authmw.identity.credentials import BearerToken, BoundToken
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.issuers.audience import AnyAudience
from authmw.issuers.fetching.fetch import Fetched, FetchFailed
from authmw.issuers.introspection.verifier import IntrospectionVerifier
from authmw.issuers.issuer import Issuer
from authmw.issuers.profiles import PROFILES
from authmw.stores import MemoryRevocations, RevocationFeed
from authmw.stores.records import Revocation
from authmw.testing import FakeIssuer
from authmw.testing.clock import FakeClock
from tests.drivers import DRIVERS
from tests.issuers.introspection_servers import ACTIVE, INACTIVE, NOW, SECRET, URL, FakeServer, answered, verifier_of
from tests.requests import wsgi_request

TOKEN: Final = "opaque-token-of-alice"
A_JWT: Final = "eyJh.eyJz.c2ln"


def verify(verifier: IntrospectionVerifier, token: str = TOKEN) -> Verdict | None:
    found = verifier.verify(BearerToken(token))
    return found if found is None or isinstance(found, (Authenticated, Rejected)) else run(found)


def principal_of(members: Mapping[str, Any], **options: Any) -> Principal:
    verdict = verify(verifier_of(FakeServer(members), **options))
    assert isinstance(verdict, Authenticated), verdict
    return verdict.principal


def reason_of(members: object, **options: Any) -> Reason:
    verdict = verify(verifier_of(FakeServer(members), **options))
    assert isinstance(verdict, Rejected), verdict
    return verdict.reason


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in ACTIVE.items() if name not in names}


def split_at_bars(members: Mapping[str, Any]) -> list[str]:
    return list(members["x"].split("|"))


def missing(members: Mapping[str, Any]) -> list[str]:
    return list(members["missing"])


# Who it is


def test_an_active_token_is_of_its_subject_with_its_scopes() -> None:
    principal = principal_of({**ACTIVE, "jti": "t-1", "username": "Alice A.", "sid": "s-1"})
    assert principal == Principal(
        "alice",
        scopes={"orders:read", "orders:write"},
        claims={**ACTIVE, "jti": "t-1", "username": "Alice A.", "sid": "s-1"},
        client_id="shop",
        credential_id="t-1",
        expires_at=NOW + 600,
        name="Alice A.",
    )


def test_a_token_of_a_client_for_itself_is_of_a_client() -> None:
    principal = principal_of({**ACTIVE, "sub": "shop"})
    assert (principal.id, principal.kind, principal.client_id) == ("shop", "client", "shop")


CLIENTS: Final = replace(PROFILES["rfc9068"], clients_without_subject=True)
BY_NAME: Final = replace(PROFILES["rfc9068"], subject="username")


@pytest.mark.parametrize(
    "members",
    [without("sub"), {**without("sub"), "username": "alice"}, {**ACTIVE, "sub": None}],
    ids=["as Doorkeeper writes it", "as WSO2 writes it", "null"],
)
def test_a_token_without_sub_is_refused_since_all_users_of_a_client_would_be_one(members: dict[str, Any]) -> None:
    verdict = verify(verifier_of(FakeServer(members)))
    assert isinstance(verdict, Rejected)
    assert verdict.reason is Reason.TOKEN_CLAIMS
    assert "clients_without_subject" in verdict.detail


@pytest.mark.parametrize("members", [without("sub"), {**ACTIVE, "sub": ""}, {**ACTIVE, "sub": None}], ids=str)
def test_a_token_without_sub_is_of_a_client_where_the_profile_says_so(members: dict[str, Any]) -> None:
    principal = principal_of(members, profile=CLIENTS)
    assert (principal.id, principal.kind, principal.client_id) == ("shop", "client", "shop")


@pytest.mark.parametrize(
    "name",
    ["username", "preferred_username", "email", "name", "given_name", "nickname", "user_name", "user_id", "upn"],
)
def test_a_token_that_names_a_user_is_never_of_a_client(name: str) -> None:
    verdict = verify(verifier_of(FakeServer({**without("sub"), name: "alice"}), profile=CLIENTS))
    assert isinstance(verdict, Rejected)


def test_users_are_told_apart_by_name_where_the_profile_says_so() -> None:
    found = {name: principal_of({**without("sub"), "username": name}, profile=BY_NAME) for name in ("alice", "bob")}
    assert {name: (principal.id, principal.kind) for name, principal in found.items()} == {
        "alice": ("alice", "user"),
        "bob": ("bob", "user"),
    }
    assert isinstance(verify(verifier_of(FakeServer(without("sub")), profile=BY_NAME)), Rejected)


def test_a_service_account_of_keycloak_is_a_client() -> None:
    members = {**ACTIVE, "sub": "8b1f2c", "username": "service-account-shop"}
    assert principal_of(members, profile="keycloak").kind == "client"
    assert principal_of({**members, "username": "service-account-other"}, profile="keycloak").kind == "user"


def test_the_profile_of_the_issuer_counts() -> None:
    issuer = FakeIssuer("https://id.example").verifier(audience="orders", profile="keycloak")
    verifier = IntrospectionVerifier(issuer, audience="orders", client_id="a", client_secret=SECRET)
    assert verifier._rules.profile.name == "keycloak"  # pyright: ignore[reportPrivateUsage]


SCOPES_IN: Final[list[tuple[Any, dict[str, Any]]]] = [
    ("scope", {"scope": "a b"}),
    ("scp", {"scp": ["a", "b"]}),
    (("scope", "permissions"), {"scope": "a", "permissions": ["b"]}),
    (split_at_bars, {"x": "a|b"}),
]


@pytest.mark.parametrize("scopes, members", SCOPES_IN, ids=["text", "list", "several", "function"])
def test_the_scopes_are_where_the_server_puts_them(scopes: Any, members: dict[str, Any]) -> None:
    assert principal_of({**without("scope"), **members}, scopes=scopes).scopes == {"a", "b"}


@pytest.mark.parametrize("scope", [7, {"a": 1}, ["a b"], [1], 'a"b', True])
def test_scopes_that_are_none_refuse_the_token(scope: object) -> None:
    assert reason_of({**ACTIVE, "scope": scope}) is Reason.TOKEN_CLAIMS


def test_a_function_for_scopes_that_trips_refuses_the_token() -> None:
    assert reason_of(ACTIVE, scopes=missing) is Reason.TOKEN_CLAIMS


# What is refused

REFUSED: Final[Mapping[str, tuple[dict[str, Any], Reason]]] = {
    "inactive": (dict(INACTIVE), Reason.TOKEN_UNKNOWN),
    "inactive with all else": ({**ACTIVE, "active": False}, Reason.TOKEN_UNKNOWN),
    "expired": ({**ACTIVE, "exp": NOW - 31}, Reason.TOKEN_EXPIRED),
    "expired just now": ({**ACTIVE, "exp": NOW - 30}, Reason.TOKEN_EXPIRED),
    "not yet valid": ({**ACTIVE, "nbf": NOW + 31}, Reason.TOKEN_NOT_YET_VALID),
    "exp is text": ({**ACTIVE, "exp": str(NOW + 600)}, Reason.TOKEN_CLAIMS),
    "exp is true": ({**ACTIVE, "exp": True}, Reason.TOKEN_CLAIMS),
    "exp in milliseconds": ({**ACTIVE, "exp": NOW * 1000}, Reason.TOKEN_CLAIMS),
    "nbf is a list": ({**ACTIVE, "nbf": []}, Reason.TOKEN_CLAIMS),
    "nobody": (without("sub", "client_id"), Reason.TOKEN_CLAIMS),
    "sub is empty": ({**ACTIVE, "sub": ""}, Reason.TOKEN_CLAIMS),
    "sub is a number": ({**ACTIVE, "sub": 7}, Reason.TOKEN_CLAIMS),
    "sub with a line break": ({**ACTIVE, "sub": "alice\n"}, Reason.TOKEN_CLAIMS),
    "client_id is a list": ({**ACTIVE, "client_id": ["shop"]}, Reason.TOKEN_CLAIMS),
    "jti is a number": ({**ACTIVE, "jti": 7}, Reason.TOKEN_CLAIMS),
    "sid is a list": ({**ACTIVE, "sid": []}, Reason.TOKEN_CLAIMS),
    "a refresh token": ({**ACTIVE, "token_type": "refresh_token"}, Reason.TOKEN_TYPE),
    "a refresh token of Hydra": ({**ACTIVE, "token_use": "refresh_token"}, Reason.TOKEN_TYPE),
    "a refresh token of Keycloak": ({**ACTIVE, "typ": "Refresh"}, Reason.TOKEN_TYPE),
    "an ID token of Keycloak": ({**ACTIVE, "typ": "ID"}, Reason.TOKEN_TYPE),
    "token_type is a list": ({**ACTIVE, "token_type": ["Bearer"]}, Reason.TOKEN_TYPE),
    "DPoP without a key": ({**ACTIVE, "token_type": "DPoP"}, Reason.TOKEN_TYPE),
    "bound to a key": ({**ACTIVE, "cnf": {"jkt": "0ZcOCORZNYy"}}, Reason.TOKEN_BOUND),
    "bound to a certificate": (
        {**ACTIVE, "cnf": {"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN"}},
        Reason.TOKEN_BOUND,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_token_that_is_not_good_here_is_refused(case: str) -> None:
    members, reason = REFUSED[case]
    assert reason_of(members) is reason


@pytest.mark.parametrize(
    "said",
    [
        *({"token_type": each} for each in ("Bearer", "bearer", "access_token")),
        *({"typ": each} for each in ("Bearer", "JWT", "at+jwt", "application/at+jwt")),
        *({"token_use": each} for each in ("access", "access_token")),
    ],
)
def test_each_word_for_an_access_token_is_known(said: dict[str, Any]) -> None:
    assert principal_of({**without("token_type"), **said}, audience=AnyAudience("one API")).id == "alice"


@pytest.mark.parametrize(
    "aud", [None, "billing", [], ["billing"], ["orders", 7], [["orders"]], {"orders": 1}, "", 7, "order", "orders "]
)
def test_a_token_for_another_api_or_for_none_by_name_is_refused(aud: object) -> None:
    members = without("aud") if aud is None else {**ACTIVE, "aud": aud}
    assert reason_of(members) is Reason.TOKEN_AUDIENCE


@pytest.mark.parametrize("aud", ["orders", ["billing", "orders"]])
def test_a_token_for_this_api_among_others_is_taken(aud: object) -> None:
    assert principal_of({**ACTIVE, "aud": aud}).id == "alice"


@pytest.mark.parametrize(
    "names", [["orders", "invoices"], ("orders", "invoices"), {"orders", "invoices"}], ids=["list", "tuple", "set"]
)
def test_an_api_with_several_names_takes_tokens_for_each_of_them(names: Any) -> None:
    for name in ("orders", "invoices"):
        assert principal_of({**ACTIVE, "aud": name}, audience=names).id == "alice"
    assert reason_of({**ACTIVE, "aud": "other"}, audience=names) is Reason.TOKEN_AUDIENCE


def test_any_audience_is_taken_only_where_somebody_said_why() -> None:
    assert principal_of(without("aud"), audience=AnyAudience("the server serves this API only")).id == "alice"
    with pytest.raises(ConfigurationError, match="AnyAudience"):
        verifier_of(FakeServer(), audience=None)


def test_where_any_audience_will_do_something_has_to_say_that_it_is_an_access_token() -> None:
    # oidc-provider says no more than this of a refresh token.
    bare = {"active": True, "sub": "alice", "client_id": "shop", "scope": "orders:read"}
    anywhere = AnyAudience("the server serves this API only")
    assert reason_of(bare, audience=anywhere) is Reason.TOKEN_TYPE
    assert principal_of({**bare, "token_type": "Bearer"}, audience=anywhere).id == "alice"


@pytest.mark.parametrize("iss", [None, "https://other.example", "https://id.example/", 7])
def test_another_issuer_than_the_configured_one_is_refused(iss: object) -> None:
    members = {**ACTIVE} if iss is None else {**ACTIVE, "iss": iss}
    assert reason_of(members, issuer="https://id.example") is Reason.TOKEN_ISSUER
    assert principal_of({**ACTIVE, "iss": "https://id.example"}, issuer="https://id.example").id == "alice"


@pytest.mark.parametrize("members", [{"exp": NOW - 29}, {"nbf": NOW + 29}])
def test_clocks_may_differ_by_the_leeway(members: dict[str, Any]) -> None:
    assert principal_of({**ACTIVE, **members}).id == "alice"


def test_a_bound_token_is_taken_from_who_proved_its_key_and_from_nobody_else() -> None:
    verifier = verifier_of(FakeServer({**ACTIVE, "token_type": "DPoP", "cnf": {"jkt": "thumbprint-1"}}))
    by_owner = verifier.verify(BoundToken(TOKEN, "thumbprint-1"))
    assert isinstance(by_owner, Generator)
    assert isinstance(run(by_owner), Authenticated)
    # From here on the answer is kept, and the sender is looked at all the same.
    for sender in (BoundToken(TOKEN, "thumbprint-2"), BearerToken(TOKEN)):
        refused = verifier.verify(sender)
        assert isinstance(refused, Rejected)
        assert refused.reason is Reason.TOKEN_BOUND


# What fails

FAILURES: Final[Mapping[str, object]] = {
    "401": answered({"error": "invalid_client"}, 401),
    "500 that says active": answered(ACTIVE, 500),
    "201 that says active": answered(ACTIVE, 201),
    "404": answered({}, 404),
    "204": Fetched(204),
    "an empty body": Fetched(200),
    "HTML": Fetched(200, {"content-type": "text/html"}, b"<html>active: true</html>"),
    "a list": answered([ACTIVE]),
    "text": answered("active"),
    "true": answered(True),
    "403 that says unsupported": answered({"error": "unsupported_token_type"}, 403),
    "400 without JSON": Fetched(400, {}, b"<h1>Bad Request</h1>"),
    "two values of active": Fetched(200, {}, b'{"active":false,"active":true,"sub":"alice","aud":"orders"}'),
    "UTF-16": Fetched(200, {}, '{"active":true}'.encode("utf-16")),
    "NaN": Fetched(200, {}, b'{"active":true,"exp":NaN}'),
    "something behind it": Fetched(200, {}, b'{"active":true} {}'),
    "no active": answered(without("active")),
    "active is text": answered({**ACTIVE, "active": "true"}),
    "active is 1": answered({**ACTIVE, "active": 1}),
    "active is null": answered({**ACTIVE, "active": None}),
    "unreachable": FetchFailed("https://id.example: ConnectionRefusedError"),
    "any other error": RuntimeError("a fetcher with a mistake in it"),
}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_is_a_503_and_never_a_success(failure: str, driver: str) -> None:
    verifier = verifier_of(FakeServer(FAILURES[failure]))
    flow = verifier.verify(BearerToken(TOKEN))
    with pytest.raises(Unavailable):
        DRIVERS[driver](flow)


@pytest.mark.parametrize("failure", FAILURES)
def test_what_users_see_of_a_failure_is_a_503_with_retry_after(failure: str) -> None:
    auth = Auth(HTTPBearer(verifier_of(FakeServer(FAILURES[failure]))))
    refusal = auth.authenticate(wsgi_request(authorization=f"Bearer {TOKEN}"))
    assert isinstance(refusal, Refusal)
    response = refusal.response()
    assert (response.status, dict(response.headers)["Retry-After"]) == (503, "5")
    assert "WWW-Authenticate" not in dict(response.headers)


def test_a_failure_is_asked_about_again_the_next_time() -> None:
    server = FakeServer(answered({}, 500))
    verifier = verifier_of(server)
    with pytest.raises(Unavailable):
        verify(verifier)
    server.answer = ACTIVE
    assert isinstance(verify(verifier), Authenticated)


def test_a_refused_credential_of_the_api_itself_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    auth = Auth(HTTPBearer(verifier_of(FakeServer(answered({"error": "invalid_client"}, 401)))))
    with caplog.at_level(logging.DEBUG):
        auth.authenticate(wsgi_request(authorization=f"Bearer {TOKEN}"))
    assert "are the credentials of this API right?" in caplog.text


# What is sent


def test_the_api_authenticates_by_basic_with_both_halves_form_encoded() -> None:
    server = FakeServer()
    verify(verifier_of(server, client_id="odd:id+%/client", client_secret="sp ace&ünï"))
    ((url, form, headers),) = server.asked
    assert (url, form) == (URL, {"token": TOKEN, "token_type_hint": "access_token"})
    scheme, _, value = headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(value) == b"odd%3Aid%2B%25%2Fclient:sp+ace%26%C3%BCn%C3%AF"


def test_the_api_authenticates_by_post_where_the_server_wants_that() -> None:
    server = FakeServer()
    verify(verifier_of(server, method="client_secret_post"))
    ((_, form, headers),) = server.asked
    assert (form["client_id"], form["client_secret"], headers) == ("orders-api", SECRET, {})


@pytest.mark.parametrize("bearer", ["t0ken", lambda: "t0ken"], ids=["text", "function"])
def test_the_api_authenticates_by_a_token_of_its_own(bearer: Any) -> None:
    server = FakeServer()
    verify(verifier_of(server, client_id="", client_secret="", bearer=bearer))
    ((_, form, headers),) = server.asked
    assert headers == {"Authorization": "Bearer t0ken"}
    assert "client_id" not in form


def discovering(server: FakeServer, endpoint: object, **metadata: Any) -> IntrospectionVerifier:
    """A verifier that finds the endpoint in the metadata of `server`."""
    document = {"issuer": "https://id.example", "jwks_uri": "https://id.example/keys", **metadata}
    server.documents["https://id.example/.well-known/openid-configuration"] = {
        **document,
        **({} if endpoint is None else {"introspection_endpoint": endpoint}),
    }
    issuer = Issuer("https://id.example", audience="orders", fetcher=server)
    return IntrospectionVerifier(
        issuer, audience="orders", client_id="orders-api", client_secret=SECRET, clock=FakeClock(NOW)
    )


def test_the_endpoint_is_found_in_the_metadata_with_the_first_token_and_kept() -> None:
    server = FakeServer()
    verifier = discovering(server, "https://id.example/found")
    assert not server.asked
    assert isinstance(verify(verifier), Authenticated)
    assert isinstance(verify(verifier, "another"), Authenticated)
    assert [url for url, _, _ in server.asked] == [
        "https://id.example/.well-known/openid-configuration",
        "https://id.example/found",
        "https://id.example/found",
    ]
    assert server.public == [False, False, False]


def test_an_endpoint_that_was_configured_may_be_inside() -> None:
    server = FakeServer()
    assert isinstance(verify(verifier_of(server)), Authenticated)
    assert server.public == [False]


def test_an_endpoint_on_another_host_has_to_be_on_the_internet() -> None:
    server = FakeServer()
    verify(discovering(server, "https://10.0.0.1/introspect"))
    assert server.public == [False, True]


@pytest.mark.parametrize("endpoint", [None, 7, "", "http://id.example/introspect", "file:///etc/passwd", "/introspect"])
def test_metadata_that_names_no_endpoint_to_ask_is_a_503(endpoint: object) -> None:
    server = FakeServer()
    with pytest.raises(Unavailable):
        verify(discovering(server, endpoint))
    assert len(server.asked) == 1  # and nobody else was given the token


def test_the_metadata_of_another_issuer_is_a_503() -> None:
    server = FakeServer()
    with pytest.raises(Unavailable):
        verify(discovering(server, "https://id.example/found", issuer="https://evil.example"))


def test_no_secret_and_no_token_shows(caplog: pytest.LogCaptureFixture) -> None:
    server = FakeServer(answered({}, 500))
    verifier = verifier_of(server)
    auth = Auth(HTTPBearer(verifier))
    with caplog.at_level(logging.DEBUG):
        refused = auth.authenticate(wsgi_request(authorization=f"Bearer {TOKEN}"))
        server.answer = {**ACTIVE, "aud": "billing"}
        rejected = auth.authenticate(wsgi_request(authorization=f"Bearer {TOKEN}"))
    shown = f"{caplog.text}{refused}{rejected}{verifier!r}{vars(verifier)}{server.asked[0][0]}"
    assert SECRET not in shown
    assert TOKEN not in shown
    assert base64.b64encode(f"orders-api:{SECRET}".encode()).decode() not in shown


# How it stands beside others


def test_jwts_are_asked_about_too_unless_they_are_left_to_another() -> None:
    assert isinstance(verify(verifier_of(FakeServer()), A_JWT), Authenticated)
    server = FakeServer()
    verifier = verifier_of(server, jwts=False)
    assert verify(verifier, A_JWT) is None
    assert not server.asked
    assert isinstance(verify(verifier), Authenticated)


def test_an_empty_token_is_asked_about_by_nobody() -> None:
    server = FakeServer()
    assert isinstance(verify(verifier_of(server), ""), Rejected)
    assert not server.asked


def test_what_it_authenticates_names_its_scheme() -> None:
    auth = Auth(HTTPBearer(verifier_of(FakeServer()), name="Introspected"))
    found = auth.authenticate(wsgi_request(authorization=f"Bearer {TOKEN}"))
    assert isinstance(found, Authentication)
    assert found.principal.scheme == "Introspected"


# Revocations


def test_what_the_feed_knows_to_be_revoked_is_refused_also_while_it_is_kept() -> None:
    clock = FakeClock(NOW)
    feed = RevocationFeed(MemoryRevocations(clock=clock), clock=clock, monotonic=clock)
    feed.follow_once()
    server = FakeServer({**ACTIVE, "jti": "t-1", "sid": "s-1", "iat": NOW - 10})
    verifier = verifier_of(server, clock, revocations=feed)
    assert isinstance(verify(verifier), Authenticated)
    feed.note(Revocation.of_family("s-1", NOW))
    for _ in range(2):  # kept, and then dropped
        verdict = verify(verifier)
        assert isinstance(verdict, Rejected)
        assert verdict.reason is Reason.TOKEN_REVOKED
    assert len(server.asked) == 2


@pytest.mark.parametrize("issued_at, is_accepted", [(NOW - 10, True), (NOW - 21, False), (None, False)])
def test_a_revocation_of_a_user_ends_the_tokens_that_were_issued_before_it(
    issued_at: float | None, is_accepted: bool
) -> None:
    clock = FakeClock(NOW)
    feed = RevocationFeed(MemoryRevocations(clock=clock), clock=clock, monotonic=clock)
    feed.follow_once()
    feed.note(Revocation.of_user("alice", NOW - 20))
    verifier = verifier_of(FakeServer({**ACTIVE, "iat": issued_at}), clock, revocations=feed)
    for _ in range(2):  # asked, and then kept
        assert isinstance(verify(verifier), Authenticated) is is_accepted


def test_a_feed_that_is_not_fresh_asks_its_store() -> None:
    clock = FakeClock(NOW)
    store = MemoryRevocations(clock=clock)
    store.publish(Revocation.of_user("alice", NOW))
    feed = RevocationFeed(store, clock=clock, monotonic=clock)
    try:
        verdict = verify(verifier_of(FakeServer({**ACTIVE, "iat": NOW - 10}), clock, revocations=feed))
    finally:
        feed.close()
    assert isinstance(verdict, Rejected)
    assert verdict.reason is Reason.TOKEN_REVOKED


# Mistakes


def test_every_mistake_is_told_at_once_and_none_holds_a_secret() -> None:
    with pytest.raises(ConfigurationError) as caught:
        IntrospectionVerifier(
            "http://id.example/introspect",
            audience="",
            client_secret=SECRET,
            method="private_key_jwt",  # type: ignore[arg-type]  # the mistake
            issuer="",
            keep=3600,
            size=-1,
            leeway=600,
        )
    assert len(caught.value.mistakes) == 8
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "options, told",
    [
        ({"client_id": "", "client_secret": ""}, "client_secret= is empty"),
        ({"client_secret": ""}, "client_secret= is empty"),
        ({"client_secret": SECRET.encode()}, "client_secret= is empty"),
        ({"client_id": 7}, "client_id= is empty"),
        ({"bearer": "t0ken"}, "one way to authenticate"),
        ({"client_id": "", "client_secret": "", "bearer": "two words"}, "bearer= is a token"),
        ({"audience": []}, "names no API"),
        ({"audience": ["orders", ""]}, "names no API"),
    ],
)
def test_a_mistake_is_told_with_its_fix(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        verifier_of(FakeServer(), **options)


@pytest.mark.parametrize(
    "endpoint", ["https://user:s3cret@id.example/", "ftp://id.example/", "id.example", "https://id.example/#x", 7]
)
def test_an_endpoint_that_cannot_be_asked_is_refused_at_once(endpoint: Any) -> None:
    with pytest.raises(ConfigurationError, match="introspection endpoint") as caught:
        IntrospectionVerifier(endpoint, audience="orders", bearer="t0ken")
    assert "s3cret" not in str(caught.value)

"""JWTs as access tokens: their claims, and the principal (docs/security/threats.md, rows 10, 12 and 34)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Generator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authmw import Auth, HTTPBearer
from authmw.crypto.keyring import Key, KeyRing
from authmw.engine.authentication import Authentication
from authmw.errors import ConfigurationError, StoreUnavailable
from authmw.flow.flow import run
from authmw.http.reasons import Reason
from authmw.http.refusal import Refusal
from authmw.identity.credentials import BearerToken
from authmw.identity.principal import Principal
from authmw.identity.verdict import Authenticated, Rejected
from authmw.stores import MemoryRevocations
from authmw.stores.records import Revocation
from authmw.stores.revocation_feed import RevocationFeed
from authmw.verifiers.jwt import JWTVerifier
from tests.jwt_tokens import (
    ALL_ALGORITHMS,
    AUDIENCE,
    ISSUER,
    NOW,
    good_claims,
    key_for,
    segment,
    signed,
    token,
    verdict,
    verifier,
)
from tests.requests import recalled, wsgi_request
from tests.support import examples

HUGE = 10**400
NAN, INFINITY = float("nan"), float("inf")


def raw(payload: bytes | str) -> str:
    """A well-signed token with exactly this payload."""
    octets = payload.encode() if isinstance(payload, str) else payload
    return signed({"alg": "HS256", "kid": "HS256", "typ": "at+jwt"}, octets, key_for("HS256"))


def authenticated(text: str, by: JWTVerifier | None = None) -> Authenticated:
    answer = (by or verifier()).verify(BearerToken(text))
    assert isinstance(answer, Authenticated), answer
    return answer


def principal(text: str, by: JWTVerifier | None = None) -> Principal:
    return authenticated(text, by).principal


@pytest.mark.parametrize("alg", ALL_ALGORITHMS)
def test_a_good_token_authenticates_its_subject(alg: str) -> None:
    key = key_for(alg)
    alice = principal(token(key), verifier(key))
    assert alice == Principal(
        "alice",
        scopes={"orders:read", "orders:write"},
        claims=good_claims(),
        client_id="web",
        credential_id="n-0S6_WzA2Mj",
        expires_at=NOW + 600,
    )


@pytest.mark.parametrize("text", ["", "opaque", "a.b", "authmw_at_0123456789", "a.b.c.d", "a.b.c.d.e"])
def test_a_token_that_is_no_jwt_is_left_to_the_next_verifier(text: str) -> None:
    assert verdict(text) == "not mine"


def test_class_7_an_encrypted_token_is_never_accepted() -> None:
    assert verdict(f"{token()}.AA.AA") == "not mine"


@pytest.mark.parametrize(
    "changes, becomes",
    [
        ({"exp": ...}, "token-claims"),
        ({"exp": None}, "token-claims"),
        ({"exp": str(NOW + 600)}, "token-claims"),
        ({"exp": True}, "token-claims"),
        ({"exp": [NOW + 600]}, "token-claims"),
        ({"exp": {}}, "token-claims"),
        ({"exp": NAN}, "token-malformed"),
        ({"exp": INFINITY}, "token-malformed"),
        ({"exp": -INFINITY}, "token-malformed"),
        ({"exp": HUGE}, "token-claims"),
        ({"exp": 1e300}, "token-claims"),
        ({"exp": -1}, "token-claims"),
        ({"exp": (NOW + 600) * 1000}, "token-claims"),
        ({"exp": 0}, "token-expired"),
        ({"exp": NOW - 31}, "token-expired"),
        ({"exp": NOW - 30}, "token-expired"),
        ({"exp": NOW - 29}, "accepted"),
        ({"exp": NOW + 0.5}, "accepted"),
        ({"nbf": NOW + 31}, "token-not-yet-valid"),
        ({"nbf": NOW + 30}, "accepted"),
        ({"nbf": False}, "token-claims"),
        ({"nbf": "0"}, "token-claims"),
        ({"nbf": None}, "token-claims"),
        ({"nbf": HUGE}, "token-claims"),
        ({"iat": NOW + 31}, "token-not-yet-valid"),
        ({"iat": NOW + 30}, "accepted"),
        ({"iat": True}, "token-claims"),
        ({"iat": "yesterday"}, "token-claims"),
        ({"iat": ...}, "accepted"),
        ({"iss": ...}, "token-issuer"),
        ({"iss": None}, "token-issuer"),
        ({"iss": "https://id.exampl"}, "token-issuer"),
        ({"iss": "https://id.example/"}, "token-issuer"),
        ({"iss": "HTTPS://id.example"}, "token-issuer"),
        ({"iss": ["https://id.example"]}, "token-issuer"),
        ({"aud": ...}, "token-audience"),
        ({"aud": None}, "token-audience"),
        ({"aud": ""}, "token-audience"),
        ({"aud": "order"}, "token-audience"),
        ({"aud": "orders2"}, "token-audience"),
        ({"aud": "Orders"}, "token-audience"),
        ({"aud": []}, "token-audience"),
        ({"aud": ["billing"]}, "token-audience"),
        ({"aud": ["orders", 7]}, "token-audience"),
        ({"aud": [["orders"]]}, "token-audience"),
        ({"aud": {"orders": 1}}, "token-audience"),
        ({"aud": ["billing", "orders"]}, "accepted"),
        ({"sub": ...}, "token-claims"),
        ({"sub": ""}, "token-claims"),
        ({"sub": None}, "token-claims"),
        ({"sub": 7}, "token-claims"),
        ({"sub": ["alice"]}, "token-claims"),
        ({"sub": "a\nb"}, "token-claims"),
        ({"sub": "a\0"}, "token-claims"),
        ({"sub": "a\x7f"}, "token-claims"),
        ({"sub": "a\x85"}, "token-claims"),
        ({"sub": "a\u2028b"}, "token-claims"),
        ({"sub": "\ud800"}, "token-malformed"),
        ({"sub": "a" * 256}, "token-claims"),
        ({"sub": "a" * 255}, "accepted"),
        ({"sub": "Ålice \N{GRINNING FACE}"}, "accepted"),
        ({"sub": "a\N{NO-BREAK SPACE}b"}, "accepted"),
        ({"jti": 7}, "token-claims"),
        ({"jti": ""}, "token-claims"),
        ({"jti": "a\n"}, "token-claims"),
        ({"jti": None}, "token-claims"),
        ({"jti": ...}, "accepted"),
        ({"client_id": 7}, "token-claims"),
        ({"client_id": ["web"]}, "token-claims"),
        ({"client_id": ...}, "accepted"),
        ({"scope": 7}, "token-claims"),
        ({"scope": None}, "token-claims"),
        ({"scope": {}}, "token-claims"),
        ({"scope": 'a"b'}, "token-claims"),
        ({"scope": "a\tb"}, "token-claims"),
        ({"scope": "é"}, "token-claims"),
        ({"scope": ["a", 7]}, "token-claims"),
        ({"scope": [["a"]]}, "token-claims"),
        ({"scope": ["a b"]}, "token-claims"),
        ({"scope": [""]}, "token-claims"),
        ({"scope": ["a", "b"]}, "accepted"),
        ({"scope": ""}, "accepted"),
        ({"scope": ...}, "accepted"),
        ({"anything": {"else": [1, 2.5, None, True]}}, "accepted"),
    ],
    ids=lambda value: value if isinstance(value, str) else ascii(value)[:40],
)
def test_jwt_5_a_claim_decides(changes: dict[str, Any], becomes: str) -> None:
    assert verdict(token(**changes)) == becomes


@pytest.mark.parametrize(
    "advisory, changes", [("CVE-2024-53861", {"iss": "https://id"}), ("foreign aud", {"aud": "x"})]
)
def test_class_10_issuer_and_audience_are_compared_whole(advisory: str, changes: dict[str, Any]) -> None:
    assert verdict(token(**changes)) in {"token-issuer", "token-audience"}


@pytest.mark.parametrize(
    "digits", ["1e999", "-1e999", "9" * 5000, "NaN", "Infinity", "1" + "0" * 400, "01", "1_0", "0x1"]
)
def test_class_11_a_number_that_is_none_is_refused(digits: str) -> None:
    payload = json.dumps(good_claims(exp=7)).replace('"exp": 7', f'"exp": {digits}')
    assert verdict(raw(payload)) in {"token-malformed", "token-claims"}


@pytest.mark.parametrize("leeway", [0, 30, 60])
def test_jwt_5_the_leeway_counts_on_both_sides(leeway: int) -> None:
    by = verifier(leeway=leeway)
    assert verdict(token(exp=NOW - leeway), by) == "token-expired"
    assert verdict(token(exp=NOW - leeway + 1), by) == "accepted"
    assert verdict(token(nbf=NOW + leeway), by) == "accepted"
    assert verdict(token(nbf=NOW + leeway + 1), by) == "token-not-yet-valid"


def test_class_10_a_token_for_an_audience_is_refused_where_none_is_configured() -> None:
    by = verifier(audience=None)
    assert verdict(token(), by) == "token-audience"
    assert verdict(token(aud=[]), by) == "token-audience"
    assert verdict(token(aud=None), by) == "token-audience"
    assert verdict(token(aud=...), by) == "accepted"


def test_any_issuer_is_accepted_only_where_that_was_said() -> None:
    by = verifier(issuer=None)
    assert verdict(token(iss="https://else.example"), by) == "accepted"
    assert verdict(token(iss=...), by) == "accepted"


def test_one_of_several_audiences_is_enough() -> None:
    by = verifier(audience=["billing", "orders"])
    assert verdict(token(), by) == "accepted"
    assert verdict(token(aud="billing"), by) == "accepted"
    assert verdict(token(aud="stock"), by) == "token-audience"


@pytest.mark.parametrize(
    "typ", ["JWT", "jwt", "", "id_token", "logout+jwt", "dpop+jwt", "secevent+jwt", "at+jwt ", ...]
)
def test_class_12_a_token_of_another_type_is_no_access_token(typ: object) -> None:
    assert verdict(token(header={"typ": typ})) == "token-type"


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"])
def test_jwt_6_the_type_is_compared_as_a_media_type(typ: str) -> None:
    assert verdict(token(header={"typ": typ})) == "accepted"


def test_jwt_6_other_types_are_accepted_where_that_was_said() -> None:
    by = verifier(types=("application/at+jwt", "JWT", None))
    for typ in ("at+jwt", "JWT", "jwt", ...):
        assert verdict(token(header={"typ": typ}), by) == "accepted"
    assert verdict(token(header={"typ": "logout+jwt"}), by) == "token-type"
    assert verdict(token(header={"typ": ...}), verifier(types=("JWT",))) == "token-type"


def test_required_claims_must_be_there() -> None:
    by = verifier(required=("jti", "tenant"))
    assert verdict(token(), by) == "token-claims"
    assert verdict(token(tenant="a"), by) == "accepted"
    assert verdict(token(tenant="a", jti=...), by) == "token-claims"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b'"alice"',
        b"null",
        b"\xff",
        json.dumps(good_claims()).encode("utf-16"),
        json.dumps(good_claims()).encode("utf-32-le"),
        b"\xef\xbb\xbf" + json.dumps(good_claims()).encode(),
        json.dumps(good_claims()).replace('"alice"', '"alice", "sub": "admin"').encode(),
        json.dumps(good_claims()).replace('"alice"', '"alice", "\\u0073ub": "admin"').encode(),
        json.dumps(good_claims(x="SURROGATE")).encode().replace(b"SURROGATE", b"\xed\xa0\x80"),
        json.dumps(good_claims(x="\udc00")).encode(),
        json.dumps(good_claims()).encode() + b"{}",
        json.dumps(good_claims(x=NAN)).encode(),
        json.dumps(good_claims()).encode()[:-1] + b',"x":' + b"[" * 40 + b"]" * 40 + b"}",
    ],
    ids=lambda payload: ascii(payload[:30]),
)
def test_jwt_2_a_payload_that_two_readers_could_read_differently_is_malformed(payload: bytes) -> None:
    assert verdict(raw(payload)) == "token-malformed"


def test_class_7_a_token_within_a_token_is_malformed() -> None:
    nested = signed({"alg": "HS256", "kid": "HS256", "cty": "JWT", "typ": "at+jwt"}, token().encode(), key_for("HS256"))
    assert verdict(nested) == "token-malformed"


def lone_role(claims: Mapping[str, Any]) -> Any:
    return claims["role"]


def realm_roles(claims: Mapping[str, Any]) -> Any:
    return claims["realm_access"]["roles"]


@pytest.mark.parametrize(
    "scopes, changes, granted",
    [
        ("scope", {"scope": "a b"}, {"a", "b"}),
        ("scope", {"scope": "  a   b a "}, {"a", "b"}),
        ("scope", {"scope": ...}, ()),
        ("scp", {"scp": ["a", "b"]}, {"a", "b"}),
        ("permissions", {"permissions": "a b"}, {"a", "b"}),
        (("scope", "permissions"), {"scope": "a", "permissions": ["b"]}, {"a", "b"}),
        (("scp", "permissions"), {"else": 1}, ()),
        (lone_role, {"role": "admin"}, {"admin"}),
        (realm_roles, {"realm_access": {"roles": ["a"]}}, {"a"}),
    ],
    ids=[
        "a string",
        "many spaces",
        "no claim",
        "a list",
        "a name",
        "two names",
        "two names, none there",
        "a function of text",
        "a function",
    ],
)
def test_scopes_come_from_where_the_issuer_puts_them(scopes: Any, changes: Any, granted: Collection[str]) -> None:
    assert principal(token(**changes), verifier(scopes=scopes)).scopes == set(granted)


BROKEN: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "KeyError": lambda claims: claims["missing"],
    "None": lambda claims: None,
    "a number": lambda claims: [7],
    "two words": lambda claims: ["two words"],
    "unhashable": lambda claims: [{}],
    "a bug": lambda claims: 1 / 0,
}


@pytest.mark.parametrize("name", BROKEN)
def test_class_35_a_function_for_scopes_that_fails_refuses_the_token(name: str) -> None:
    assert verdict(token(), verifier(scopes=BROKEN[name])) == "token-claims"


def test_a_function_for_scopes_whose_store_is_down_is_an_outage_and_no_fault_of_the_token() -> None:
    def asking(claims: Any) -> list[str]:
        raise StoreUnavailable("the store of roles is away")

    with pytest.raises(StoreUnavailable):
        verdict(token(), verifier(scopes=asking))


def test_one_bad_claim_of_several_refuses_the_token() -> None:
    assert verdict(token(scp=7), verifier(scopes=("scope", "scp"))) == "token-claims"


def test_a_client_that_acts_for_itself_is_a_client() -> None:
    assert principal(token(sub="web")).kind == "client"
    assert principal(token()).kind == "user"
    for kind in ("user", "client", "api_key"):
        assert principal(token(), verifier(kind=kind)).kind == kind


def test_a_verdict_may_be_remembered_until_the_token_expires_and_no_longer() -> None:
    assert authenticated(token(exp=NOW + 7)).remember_until == NOW + 7
    # During the leeway the token is good, and nothing is remembered beyond its time.
    assert authenticated(token(exp=NOW - 7)).remember_until == NOW - 7


def test_class_14_the_version_of_a_verifier_changes_with_its_keys() -> None:
    ring = KeyRing.generate("EdDSA")
    by = JWTVerifier(ring, issuer=None, audience=None)
    before = by.version
    ring.rotate()
    assert by.version != before


def test_claims_are_read_only_and_made_when_asked_for() -> None:
    claims = principal(token(tenant={"id": 7})).claims
    assert claims["tenant"] == {"id": 7}
    with pytest.raises(TypeError):
        claims["sub"] = "admin"  # type: ignore[index]  # pyright: ignore[reportIndexIssue] - what must not work


def test_a_principal_keeps_little_memory() -> None:
    by = verifier()
    held = [principal(token(jti=f"jti-{number}", sub=f"user-{number}"), by) for number in range(3)]

    def size(who: Principal) -> int:
        claims: Any = who._claims  # pyright: ignore[reportPrivateUsage] - what it keeps
        assert isinstance(claims, bytes), "the payload, with no object around it"
        return sum(map(sys.getsizeof, (who, who.id, who.credential_id, who.expires_at, claims)))

    assert max(map(size, held)) <= 540
    assert held[0].scopes is held[1].scopes
    assert held[0].client_id is held[1].client_id


@pytest.mark.parametrize(
    "options, said",
    [
        ({"issuer": ""}, "issuer is empty"),
        ({"audience": ""}, "audience is empty"),
        ({"audience": []}, "audience is empty"),
        ({"audience": ["orders", ""]}, "audience is empty"),
        ({"types": ()}, "types is a collection"),
        ({"types": "at+jwt"}, "types is a collection"),
        ({"leeway": -1}, "leeway is -1 s"),
        ({"leeway": 61}, "leeway is 61 s"),
        ({"leeway": NAN}, "leeway is nan s"),
        ({"required": "jti"}, "required=('jti',)"),
    ],
    ids=lambda value: value if isinstance(value, str) else ascii(value),
)
def test_a_mistake_in_the_configuration_says_how_to_mend_it(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        verifier(**options)
    assert said in str(caught.value)


def test_all_mistakes_in_the_configuration_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        verifier(issuer="", audience="", leeway=600, kind="users")
    assert len(caught.value.mistakes) == 4


def test_a_verifier_shows_whom_it_trusts_and_no_key() -> None:
    assert repr(verifier()) == "JWTVerifier(issuer='https://id.example', audience=['orders'])"


def test_jwt_7_each_refusal_is_a_value_whose_detail_holds_no_token() -> None:
    forger = Key.from_secret("a secret that is not the right one", kid="HS256")
    for text in (token(forger), token(exp=0), token(iss="\x1b[31m" * 50), token(header={"typ": "\n" * 200})):
        answer = verifier().verify(BearerToken(text))
        assert isinstance(answer, Rejected)
        assert answer.detail.isprintable()
        assert not any(part in answer.detail for part in text.split("."))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just(NOW + 5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
CLAIMS = st.dictionaries(
    st.sampled_from(["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "client_id", "scope"]), JSON, max_size=3
)


@pytest.mark.slow
@settings(max_examples=examples(300))
@given(CLAIMS)
def test_jwt_7_any_claims_give_a_verdict_and_never_an_exception(changes: dict[str, Any]) -> None:
    answer = verifier().verify(BearerToken(token(**changes)))
    if isinstance(answer, Authenticated):
        assert answer.principal.claims["exp"] > NOW - 30


@settings(max_examples=examples(200))
@given(st.binary(max_size=40), st.text(max_size=40))
def test_jwt_7_any_payload_and_any_text_give_a_verdict_and_never_an_exception(payload: bytes, text: str) -> None:
    assert verdict(raw(payload)) == "token-malformed" or payload.strip().startswith(b"{")
    assert verdict(text) != "accepted"
    assert verdict(f"{segment({'alg': 'HS256'})}.{text}.{text}") != "accepted"


# With a feed of revocations


class Following:
    """A verifier that follows revocations by a feed without its thread."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def start_nothing(_: RevocationFeed) -> None: ...

        monkeypatch.setattr("authmw.stores.revocation_feed.RevocationFeed._start", start_nothing)
        self.revocations = MemoryRevocations(clock=lambda: NOW)
        self.now = 50.0
        self.feed = RevocationFeed(self.revocations, clock=lambda: NOW, monotonic=lambda: self.now)
        self.feed.follow_once()
        self.verifier = verifier(revocations=self.feed)

    def revoke(self, revocation: Revocation, *, stale: bool = False) -> None:
        self.revocations.publish(revocation)
        if stale:
            self.now += 10
        else:
            self.feed.follow_once()

    def verdict(self, text: str) -> str:
        answer = self.verifier.verify(BearerToken(text))
        answer = run(answer) if isinstance(answer, Generator) else answer
        return "accepted" if isinstance(answer, Authenticated) else answer.reason.code if answer else "not mine"


REVOCATIONS = [
    pytest.param(Revocation("token", "n-0S6_WzA2Mj", NOW, NOW + 600), id="jti"),
    pytest.param(Revocation.of_family("login-1", NOW), id="sid"),
    pytest.param(Revocation.of_user("alice", NOW), id="sub"),
    pytest.param(Revocation.of_client("web", NOW), id="client_id"),
]


@pytest.mark.parametrize("revocation", REVOCATIONS)
@pytest.mark.parametrize("stale", [False, True], ids=["fresh", "stale"])
def test_class_13_a_token_is_revoked_by_its_claims(
    monkeypatch: pytest.MonkeyPatch, revocation: Revocation, stale: bool
) -> None:
    following = Following(monkeypatch)
    mine = token(sid="login-1")
    other = token(sid="login-2", sub="bob", client_id="shop", jti="another")
    assert [following.verdict(each) for each in (mine, other)] == ["accepted", "accepted"]
    following.revoke(revocation, stale=stale)
    assert [following.verdict(each) for each in (mine, other)] == ["authmw.token-revoked", "accepted"]


def test_class_13_the_second_spelling_of_a_signature_is_revoked_with_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    following, key = Following(monkeypatch), key_for("ES256")
    following.verifier = verifier(key, revocations=following.feed)
    spellings = [token(key, sid="login-1") for _ in range(2)]  # ES256 signs with a random number
    assert spellings[0] != spellings[1]
    following.revoke(Revocation("token", "n-0S6_WzA2Mj", NOW, NOW + 600))
    assert [following.verdict(each) for each in spellings] == 2 * ["authmw.token-revoked"]


def test_a_token_without_jti_is_still_revoked_by_its_user(monkeypatch: pytest.MonkeyPatch) -> None:
    following = Following(monkeypatch)
    nameless = token(jti=..., client_id=..., iat=...)
    assert following.verdict(nameless) == "accepted"
    following.revoke(Revocation.of_user("alice", NOW - 10**6))
    assert following.verdict(nameless) == "authmw.token-revoked"


def test_what_is_issued_to_a_user_after_a_revocation_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    following = Following(monkeypatch)
    following.revoke(Revocation.of_user("alice", NOW - 5.5))
    assert following.verdict(token(iat=NOW - 6)) == "authmw.token-revoked"
    assert following.verdict(token(iat=NOW - 5)) == "accepted"
    assert following.verdict(token(iat=NOW - 6, sid="login-1")) == "authmw.token-revoked"


@pytest.mark.parametrize("sid", [None, "", 7, True, [], ["login-1"], {}, {"a": 1}, 5000 * "a", "a\nb"], ids=repr)
def test_a_sid_that_is_no_identifier_is_refused_where_revocations_are_followed(
    monkeypatch: pytest.MonkeyPatch, sid: object
) -> None:
    assert Following(monkeypatch).verdict(token(sid=sid)) == "authmw.token-claims"
    assert verdict(token(sid=sid)) == "accepted"


def test_verification_is_a_plain_function_unless_the_store_has_to_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    following = Following(monkeypatch)
    good = BearerToken(token())
    assert isinstance(following.verifier.verify(good), Authenticated)
    following.now += 10
    assert isinstance(following.verifier.verify(good), Generator)
    # A bad token is refused before anybody is asked.
    assert isinstance(following.verifier.verify(BearerToken(token(exp=1))), Rejected)


def test_a_revoked_token_with_a_bad_signature_is_refused_for_its_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    following = Following(monkeypatch)
    following.revoke(Revocation.of_user("alice", NOW))
    assert (
        following.verdict(token(key_for("HS512"), header={"alg": "HS256", "kid": "HS256"})) == "authmw.token-signature"
    )


def test_a_remembered_token_is_refused_within_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    following = Following(monkeypatch)
    auth = Auth(HTTPBearer(following.verifier), clock=lambda: float(NOW))
    header = f"Bearer {token()}"
    request = wsgi_request(authorization=header)
    assert isinstance(auth.authenticate(request), Authentication)
    assert recalled(auth, header.encode()) is not None
    following.revocations.publish(Revocation.of_user("alice", NOW))
    following.now += 1.0  # the bound: without another reading, nothing is recalled
    assert recalled(auth, header.encode()) is None
    refusal = auth.authenticate(request)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.TOKEN_REVOKED
    following.feed.follow_once()
    assert recalled(auth, header.encode()) is None


def test_a_stale_feed_whose_store_fails_is_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    following = Following(monkeypatch)
    auth = Auth(HTTPBearer(following.verifier), clock=lambda: float(NOW))
    request = wsgi_request(authorization=f"Bearer {token()}")
    assert isinstance(auth.authenticate(request), Authentication)

    def fail(_: object) -> tuple[Revocation, ...]:
        raise ConnectionError

    following.now += 1.0
    with monkeypatch.context() as broken:
        broken.setattr(following.revocations, "find_revocations", fail)
        refusal = auth.authenticate(request)
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.retry_after) == (Reason.UNAVAILABLE, 5)
    assert isinstance(auth.authenticate(request), Authentication)


@pytest.mark.parametrize("ring", [None, "a secret", b"a secret", key_for("HS256"), [key_for("HS256")]], ids=repr)
def test_a_verifier_needs_a_ring(ring: Any) -> None:
    wrong: tuple[dict[str, Any], ...] = ({}, {"leeway": 61})
    for options in wrong:
        with pytest.raises(ConfigurationError) as raised:
            JWTVerifier(ring, issuer=ISSUER, audience=AUDIENCE, **options)
        assert "JWTVerifier needs" in raised.value.mistakes[0]
        assert len(raised.value.mistakes) == 1 + len(options)
        assert "a secret" not in str(raised.value)


@pytest.mark.parametrize("length, kept", [(256, True), (257, False)])
def test_a_long_list_of_scopes_is_not_kept(length: int, kept: bool) -> None:
    lists = [f"{'s' * (length - 4)}:{number:03}" for number in range(2)]
    found = [principal(token(scope=scopes)).scopes for scopes in (*lists, *lists)]
    assert found[:2] == found[2:] == [frozenset({scopes}) for scopes in lists]
    assert (found[0] is found[2]) is kept

"""``authmw doctor``: what is found at an issuer and in a token, and what to do about it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import Result

from authmw.crypto.jose import base64url
from authmw.crypto.keyring import Key
from authmw.errors import ConfigurationError
from authmw.issuers.diagnosis.diagnose import diagnose
from authmw.issuers.diagnosis.finding import Finding
from authmw.issuers.diagnosis.profile import likely_profile
from authmw.issuers.discovery import well_known_urls
from authmw.issuers.fetching.fetch import Fetched, FetchFailed
from authmw.testing import DPoPClient, FakeIssuer
from tests.cli.terminal import Terminal
from tests.cli.written_app import forgotten_afterwards, write
from tests.issuers.loopback import document as answering
from tests.issuers.loopback import serving

Run = Callable[..., Result]

NOW: Final = 1_800_000_000
REALM: Final = "https://kc.example/realms/shop"
TENANT: Final = "https://login.microsoftonline.com/8d2f/v2.0"
KEYCLOAK: Final[dict[str, Any]] = {"header": {"typ": "JWT"}, "client_id": ..., "azp": "web", "typ": "Bearer"}
ENTRA: Final[dict[str, Any]] = {"header": {"typ": "JWT"}, "client_id": ..., "azp": "web", "tid": "8d2f"}


def issuer(name: str = "https://id.example", **options: Any) -> FakeIssuer:
    return FakeIssuer(name, clock=lambda: NOW, **options)


def found(fake: FakeIssuer, name: str | None = None, **options: Any) -> dict[str, Finding]:
    """What the doctor says, by what was looked at."""
    findings = diagnose(name or fake.issuer, fake, clock=lambda: NOW, **{"audience": "orders", **options})
    return {each.check: each for each in findings}


def wrong(fake: FakeIssuer, name: str | None = None, **options: Any) -> dict[str, Finding]:
    return {check: each for check, each in found(fake, name, **options).items() if each.ok is False}


class TestTheIssuer:
    @pytest.mark.parametrize(
        "shape, url, words",
        [
            ("openid", "https://id.example/a/.well-known/openid-configuration", "OpenID Connect Discovery"),
            ("oauth", "https://id.example/.well-known/oauth-authorization-server/a", "(RFC 8414)"),
            ("openid-inserted", "https://id.example/.well-known/openid-configuration/a", "where RFC 8414 puts it"),
        ],
    )
    def test_where_its_metadata_is_is_said(self, shape: Any, url: str, words: str) -> None:
        findings = found(issuer("https://id.example/a", shape=shape))
        assert findings["metadata"].ok is True
        assert url in findings["metadata"].words
        assert words in findings["metadata"].words

    def test_nothing_is_wrong_with_a_good_one_and_nobody_else_is_asked(self) -> None:
        fake = issuer()
        assert wrong(fake) == {}
        assert fake.requests == ["https://id.example/.well-known/openid-configuration", "https://id.example/keys"]
        assert found(fake)["issuer"].words == "it calls itself 'https://id.example', as it was asked for"
        assert found(fake)["jwks_uri"].words == "https://id.example/keys"

    def test_keys_are_asked_for_in_both_media_types(self) -> None:
        class Strict(FakeIssuer):
            def fetch(self, url: str, *, accept: str = "application/json", **options: Any) -> Fetched:
                is_set = url.endswith("/keys") and "application/jwk-set+json" not in accept
                return Fetched(406) if is_set else super().fetch(url, accept=accept, **options)

        assert "jwks_uri" not in wrong(Strict("https://id.example"))

    @pytest.mark.parametrize(
        "said, asked, words, fix",
        [
            (
                "https://a.example/",
                "https://a.example",
                "with a slash at the end",
                "say Issuer('https://a.example/', ...)",
            ),
            ("https://a.example", "https://a.example/", "without the slash", "say Issuer('https://a.example', ...)"),
            (
                "http://a.example",
                "https://a.example",
                "http: in place of https:",
                "tell the issuer its public https URL",
            ),
            ("https://a.example/R", "https://a.example/r", "capital letters", "say Issuer('https://a.example/R', ...)"),
            ("https://a.example/r", "https://a.example/R", "capital letters", "say Issuer('https://a.example/r', ...)"),
            ("https://a.example/b", "https://a.example/c", "another realm", "if that is the one you mean"),
            ("https://b.example", "https://a.example", "another host", "if that is the one you mean"),
            ("https://b.example/x", "https://a.example", "'https://b.example/x'", "if that is the one you mean"),
            ("https://a.example/{id}", "https://a.example/common", "{id}", "it stands for many tenants"),
            (None, "https://a.example", "does not say who", "this is no authorization server"),
        ],
    )
    def test_a_name_that_differs_is_told_with_how(self, said: str | None, asked: str, words: str, fix: str) -> None:
        fake = issuer(asked)
        fake.metadata["issuer"] = said
        assert list(wrong(fake)) == ["issuer"]
        assert words in wrong(fake)["issuer"].words
        assert wrong(fake)["issuer"].fix.startswith(fix)

    def test_the_url_of_the_metadata_is_understood_and_put_right(self) -> None:
        fake = issuer(REALM)
        url = f"{REALM}/.well-known/openid-configuration"
        findings = diagnose(url, fake, token=fake.token(audience="orders"), clock=lambda: NOW)
        assert [each.fix for each in findings if each.ok is False] == [f"say Issuer('{REALM}', ...)"]
        assert (findings[0].check, findings[1].check) == ("issuer", "metadata")

    @pytest.mark.parametrize(
        "name, words",
        [
            ("http://id.example", "only for this machine"),
            ("http://id.example/.well-known/openid-configuration", "that is the URL of its metadata"),
        ],
    )
    def test_http_outside_of_this_machine_is_not_asked(self, name: str, words: str) -> None:
        fake = issuer()
        assert words in wrong(fake, name)["issuer"].words
        assert fake.requests == []

    @pytest.mark.parametrize("place, chosen", [(0, 0), (1, 1), (2, 2), (None, 0)])
    def test_of_several_documents_the_one_that_names_it_counts_or_else_the_first(
        self, place: int | None, chosen: int
    ) -> None:
        asked = "https://id.example/a"
        urls = well_known_urls(asked)

        class Several(FakeIssuer):
            def fetch(self, url: str, **options: Any) -> Fetched:
                said = asked if urls.index(url) == place else "https://other.example"
                return Fetched(200, {}, json.dumps({"issuer": said}).encode())

        assert f"at {urls[chosen]} " in found(Several(asked))["metadata"].words

    @pytest.mark.parametrize(
        "mode, words",
        [
            ("down", "does not answer"),
            ("slow", "no complete answer"),
            ("error", "answers 500"),
            ("redirect", "redirects are not followed"),
            ("huge", "longer than"),
            ("not-json", "not a JSON object"),
            ("garbage", "is no metadata"),
        ],
    )
    def test_one_that_misbehaves_is_told(self, mode: Any, words: str) -> None:
        fake = issuer()
        fake.mode = mode
        assert list(found(fake)) == ["metadata"]
        assert words in wrong(fake)["metadata"].words
        assert wrong(fake)["metadata"].fix

    @pytest.mark.parametrize(
        "url, words",
        [
            (None, "does not say where"),
            ("http://id.example/keys", "only for this machine"),
            ("file:///etc/passwd", "does not begin with https"),
        ],
    )
    def test_keys_that_cannot_be_fetched_are_told(self, url: str | None, words: str) -> None:
        fake = issuer()
        fake.metadata["jwks_uri"] = url
        assert words in wrong(fake)["jwks_uri"].words
        assert len(fake.requests) == 1

    def test_an_impostor_does_not_send_us_elsewhere(self) -> None:
        fake = issuer()
        fake.metadata = {"issuer": "https://other.test", "jwks_uri": "https://victim.test/keys"}
        assert "not fetched" in found(fake)["jwks_uri"].words
        assert not any("victim" in url for url in fake.requests)

    def test_keys_on_another_host_have_to_be_on_the_internet(self) -> None:
        asked: dict[str, bool] = {}

        class Noting(FakeIssuer):
            def fetch(self, url: str, *, public: bool = False, **options: Any) -> Fetched:
                asked[url] = public
                return super().fetch(url, public=public, **options)

        fake = Noting("https://id.example")
        fake.metadata["jwks_uri"] = "https://keys.example/set"
        assert "on another host" in found(fake)["jwks_uri"].words
        assert asked == {
            "https://id.example/.well-known/openid-configuration": False,
            "https://keys.example/set": True,
        }

    def test_the_keys_are_counted_by_algorithm(self) -> None:
        fake = issuer()
        fake.ring.rotate("EdDSA")
        fake.ring.rotate("ES256")
        assert found(fake)["keys"].words == "3 to verify with: 2 for ES256, 1 for EdDSA"

    @pytest.mark.parametrize("jwks", [{}, {"keys": 7}])
    def test_a_set_that_is_none_is_told(self, jwks: dict[str, Any]) -> None:
        fake = issuer()
        fake.jwks = jwks
        assert "not a JWK Set" in wrong(fake)["jwks_uri"].words

    def test_a_place_of_the_keys_where_nothing_is_is_told(self) -> None:
        class Keyless(FakeIssuer):
            def fetch(self, url: str, **options: Any) -> Fetched:
                return Fetched(404) if url.endswith("/keys") else super().fetch(url, **options)

        missing = wrong(Keyless("https://id.example"))["jwks_uri"]
        assert (missing.words, missing.fix) == (
            "'https://id.example/keys': it answers 404",
            "open that URL from this machine",
        )

    def test_keys_on_the_host_of_the_issuer_are_fetched_also_if_its_name_differs(self) -> None:
        fake = issuer()
        fake.metadata["issuer"] = "https://id.example/"
        assert found(fake)["jwks_uri"].ok is True

    def test_keys_of_another_host_in_a_private_network_are_for_the_configuration(self) -> None:
        class Private(FakeIssuer):
            def fetch(self, url: str, *, public: bool = False, **options: Any) -> Fetched:
                if public:
                    raise FetchFailed("keys.internal: its address is not on the internet")
                return super().fetch(url, **options)

        fake = Private("https://id.example")
        fake.metadata["jwks_uri"] = "https://keys.internal/set"
        assert "say Issuer(jwks_uri=...)" in wrong(fake)["jwks_uri"].fix

    def test_no_key_at_all_is_wrong(self) -> None:
        fake = issuer()
        fake.jwks = {"keys": []}
        token = fake.token(audience="orders")
        assert list(wrong(fake, token=token)) == ["keys"]
        assert "not verified" in found(fake, token=token)["signature"].words
        assert "verdict" not in found(fake, token=token)

    def test_a_key_that_nobody_here_knows_is_told_and_wrong_is_nothing(self) -> None:
        fake = issuer()
        fake.jwks = {"keys": [*fake.ring.jwks()["keys"], {"kty": "EC", "crv": "secp256k1", "kid": "k"}]}
        assert wrong(fake) == {}
        assert "'k'" in found(fake)["unusable key"].words
        assert found(fake)["unusable key"].fix == "tokens signed by it are refused"

    @pytest.mark.parametrize(
        "key, fix",
        [
            ({"kty": "oct", "kid": "s", "k": "c2VjcmV0"}, "at once"),
            ({"kty": "RSA", "kid": "s", "d": "AQ", "n": "AQ", "e": "AQAB"}, "at once"),
        ],
    )
    def test_a_published_secret_is_wrong(self, key: dict[str, str], fix: str) -> None:
        fake = issuer()
        fake.jwks = {"keys": [*fake.ring.jwks()["keys"], key]}
        assert fix in wrong(fake)["unusable key"].fix

    def test_a_name_of_two_keys_is_wrong(self) -> None:
        fake = issuer()
        twins = [{**(Key.generate().public_jwk() or {}), "kid": "twin"} for _ in range(2)]
        fake.jwks = {"keys": [*fake.ring.jwks()["keys"], *twins]}
        assert "a name of its own" in wrong(fake)["unusable key"].fix

    @pytest.mark.parametrize(
        "ahead, ok", [(0, True), (30, True), (-30, True), (31, False), (-31, False), (300, False), (-300, False)]
    )
    def test_a_clock_that_differs_is_told(self, ahead: int, ok: bool) -> None:
        class Dated(FakeIssuer):
            def fetch(self, url: str, **options: Any) -> Fetched:
                answer = super().fetch(url, **options)
                return Fetched(answer.status, {"date": formatdate(NOW + ahead, usegmt=True)}, answer.body)

        clock = found(Dated("https://id.example"))["clock"]
        assert clock.ok is ok
        if not ok:
            assert f"{abs(ahead)} s {'ahead of' if ahead > 0 else 'behind'}" in clock.words

    @pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Jan 99999999999 00:00:00 GMT"])
    def test_a_date_that_is_none_says_nothing(self, date: str) -> None:
        class Dated(FakeIssuer):
            def fetch(self, url: str, **options: Any) -> Fetched:
                answer = super().fetch(url, **options)
                return Fetched(answer.status, {"date": date}, answer.body)

        assert "clock" not in found(Dated("https://id.example"))

    def test_what_it_can_do_is_told(self) -> None:
        fake = issuer()
        fake.metadata |= {
            "introspection_endpoint": "https://id.example/introspect",
            "authorization_endpoint": "https://id.example/authorize",
            "code_challenge_methods_supported": ["plain", "S256"],
            "grant_types_supported": ["authorization_code", "implicit", "password", 7],
            "dpop_signing_alg_values_supported": ["ES256"],
        }
        findings = found(fake)
        assert "https://id.example/introspect" in findings["introspection"].words
        assert findings["PKCE"].words == "S256"
        assert findings["grants"].words == "authorization_code, implicit, password"
        assert findings["grants"].fix.startswith("switch implicit and password off")
        assert "ES256" in findings["DPoP"].words
        assert wrong(fake) == {}

    def test_what_it_cannot_do_is_told_where_it_matters(self) -> None:
        findings = found(issuer())
        assert findings["introspection"].words == "no endpoint is named: opaque tokens cannot be verified"
        assert not {"PKCE", "DPoP"} & findings.keys()

    @pytest.mark.parametrize("grants, words", [([], None), (["urn:a", "b"], "urn:a, b")])
    def test_nothing_is_said_against_grants_that_are_good(self, grants: list[str], words: str | None) -> None:
        fake = issuer()
        fake.metadata["grant_types_supported"] = grants
        finding = found(fake).get("grants")
        assert (finding and (finding.words, finding.fix)) == (words and (words, ""))

    def test_pkce_that_is_not_mentioned_is_worth_a_word(self) -> None:
        fake = issuer()
        fake.metadata["authorization_endpoint"] = "https://id.example/authorize"
        assert "does not say" in found(fake)["PKCE"].words

    @pytest.mark.parametrize(
        "name, profile",
        [
            (REALM, "keycloak"),
            (TENANT, "entra"),
            ("https://shop.eu.auth0.com/", "auth0"),
            ("https://shop.okta.com/oauth2/default", "okta"),
            ("https://shop.oktapreview.com/oauth2/default", "okta"),
            ("https://sts.windows.net/8d2f/", "entra"),
            ("https://accounts.google.com", "google"),
            ("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a", "cognito"),
            ("https://shop.zitadel.cloud", "zitadel"),
        ],
    )
    def test_a_well_known_issuer_is_recognised(self, name: str, profile: str) -> None:
        assert found(issuer(name))["profile"].fix == f'say Issuer(..., profile="{profile}")'
        assert "profile" not in found(issuer(name), profile=profile)


class TestTheToken:
    @pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "EdDSA"])
    def test_nothing_is_wrong_with_a_good_one(self, alg: str) -> None:
        fake = issuer(alg=alg)
        findings = found(fake, token=fake.token(audience="orders", scopes=["orders:read"]))
        assert [each.check for each in findings.values() if each.ok is False] == []
        assert findings["verdict"].words == "accepted: user 'alice'"
        assert (findings["iss"].words, findings["aud"].words) == ("'https://id.example'", "`aud` is `orders`")
        assert findings["times"].words.startswith("it holds until 2027-01-15 ")
        kid = fake.ring.signer.kid
        assert findings["header"].words.startswith(f"alg '{alg}', kid '{kid}', typ 'at+jwt' (this and the claims are")
        assert (findings["scopes"].words, findings["scopes"].fix) == ("orders:read (in `scope`)", "")
        assert alg in findings["signature"].words

    def test_the_audience_of_keycloak_gets_its_next_step(self) -> None:
        fake = issuer(REALM)
        token = fake.token(audience="account", **KEYCLOAK)
        audience = wrong(fake, token=token, audience="shop-api", profile="keycloak")["aud"]
        assert audience.words == "`aud` is `account`, this API expects `shop-api`"
        assert audience.fix == "in Keycloak add an audience mapper with `shop-api` to a client scope of the client"

    def test_the_profile_that_is_given_says_the_way_to_an_audience(self) -> None:
        fake = issuer()
        audience = wrong(fake, token=fake.token(audience="x"), audience=("a", "b"), profile="keycloak")["aud"]
        assert audience.words == "`aud` is `x`, this API expects `a` and `b`"
        assert audience.fix.startswith("in Keycloak add an audience mapper")

    @pytest.mark.parametrize(
        "name, fix",
        [
            ("https://id.example", "resource=`orders`"),
            ("https://shop.eu.auth0.com/", "audience=`orders`"),
            (TENANT, "v2.0 tokens"),
            ("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a", "with Cognito"),
            ("https://accounts.google.com", "with Google"),
            ("https://shop.okta.com/oauth2/a", "to `orders`"),
            ("https://shop.zitadel.cloud", "urn:zitadel:iam:org:project:id:{project id}:aud"),
        ],
    )
    def test_each_issuer_has_its_own_way_to_an_audience(self, name: str, fix: str) -> None:
        fake = issuer(name)
        assert fix in wrong(fake, token=fake.token(audience="other"))["aud"].fix

    @pytest.mark.parametrize(
        "aud, words",
        [(..., "no `aud`"), (7, "`aud` is 7"), ([], "`aud` is empty"), (["a", "b"], "`aud` is `a` and `b`")],
    )
    def test_an_audience_of_any_kind_is_told(self, aud: Any, words: str) -> None:
        fake = issuer()
        assert words in wrong(fake, token=fake.token(audience="x", aud=aud))["aud"].words

    def test_without_an_audience_it_is_not_compared_and_that_is_said(self) -> None:
        fake = issuer()
        findings = found(fake, token=fake.token(audience="orders"), audience=None)
        assert (findings["aud"].ok, "--audience" in findings["aud"].fix) == (None, True)
        assert findings["verdict"].ok is True

    @pytest.mark.parametrize(
        "claims, words",
        [
            ({"lifetime": -100}, "expired 100 s ago, at 2027-01-15 07:58:20Z"),
            ({"nbf": NOW + 300}, "nbf is 300 s ahead"),
            ({"iat": NOW + 300}, "iat is 300 s ahead"),
            ({"exp": ...}, "exp is missing"),
            ({"exp": True}, "exp is missing"),
            ({"exp": 10**400}, "exp is missing"),
        ],
    )
    def test_times_that_do_not_hold_are_told(self, claims: dict[str, Any], words: str) -> None:
        fake = issuer()
        times = wrong(fake, token=fake.token(audience="orders", **claims))["times"]
        assert words in times.words
        assert (", at " in times.words) is (", at " in words)
        assert times.fix

    def test_a_key_that_is_not_published_is_told_with_those_that_are(self) -> None:
        fake = issuer()
        other = Key.generate(kid="other")
        signature = wrong(fake, token=fake.token(audience="orders", key=other))["signature"]
        assert "no key is named 'other'; published: " in signature.words
        assert fake.ring.signer.kid in signature.words

    def test_a_key_that_is_published_and_unusable_is_told_with_why(self) -> None:
        fake = issuer()
        weak = {"kty": "oct", "kid": fake.ring.signer.kid, "k": "c2VjcmV0"}
        fake.jwks = {"keys": [weak, Key.generate().public_jwk()]}
        assert "it is a secret" in wrong(fake, token=fake.token(audience="orders"))["signature"].words

    def test_a_signature_that_does_not_hold_is_told(self) -> None:
        fake = issuer()
        forged = Key.generate(kid=fake.ring.signer.kid)
        signature = wrong(fake, token=fake.token(audience="orders", key=forged))["signature"]
        assert ("copied" in signature.fix, "published" in signature.words) == (True, False)

    @pytest.mark.parametrize("kid", ["other", 7, ...])
    def test_a_key_that_cannot_be_used_is_told_of_its_own_tokens_alone(self, kid: Any) -> None:
        fake = issuer()
        fake.jwks = {"keys": [*fake.ring.jwks()["keys"], {"kty": "EC", "crv": "secp256k1", "kid": "k7"}]}
        token = fake.token(audience="orders", key=Key.generate(), header={"kid": kid})
        assert "cannot be used" not in wrong(fake, token=token)["signature"].words

    @pytest.mark.parametrize("issued, alg", [("ES256", "EdDSA"), ("EdDSA", "ES256")])
    def test_an_algorithm_that_no_key_has_gets_no_next_step_of_rsa(self, issued: Any, alg: str) -> None:
        fake = issuer(alg=issued)
        token = fake.token(audience="orders", header={"alg": alg})
        assert wrong(fake, token=token)["signature"].fix == ""

    def test_a_signature_of_rsa_that_does_not_hold_has_nothing_to_do_with_its_algorithm(self) -> None:
        fake = issuer(alg="RS256")
        forged = Key.generate("RS256", kid=fake.ring.signer.kid)
        assert "copied" in wrong(fake, token=fake.token(audience="orders", key=forged))["signature"].fix

    def test_another_algorithm_of_an_rsa_key_gets_its_next_step(self) -> None:
        for alg, other in (("RS256", "PS256"), ("PS256", "RS256")):
            fake = issuer(alg=alg)
            token = fake.token(audience="orders", header={"alg": other})
            assert f'rsa_algorithm="{other}"' in wrong(fake, token=token)["signature"].fix

    @pytest.mark.parametrize("alg, words", [("none", "not signed"), ("HS256", "with a secret")])
    def test_what_no_published_key_is_for_is_told(self, alg: str, words: str) -> None:
        fake = issuer()
        token = fake.token(audience="orders", header={"alg": alg})
        assert words in wrong(fake, token=token)["signature"].words

    @pytest.mark.parametrize(
        "iss, words",
        [
            ("https://id.example/", "with a slash"),
            ("http://id.example", "http:"),
            ("https://x.test", "x.test"),
            (..., "none"),
        ],
    )
    def test_a_token_of_another_issuer_is_told(self, iss: Any, words: str) -> None:
        fake = issuer()
        assert words in wrong(fake, token=fake.token(audience="orders", iss=iss))["iss"].words

    def test_the_other_name_of_an_issuer_is_its_own(self) -> None:
        fake = issuer(TENANT)
        token = fake.token(audience="orders", iss="https://sts.windows.net/8d2f/", **ENTRA)
        assert found(fake, token=token, profile="entra")["iss"].ok is True

    def test_scopes_elsewhere_suggest_the_profile(self) -> None:
        fake = issuer(TENANT)
        token = fake.token(audience="orders", scp="Orders.Read", **ENTRA)
        scopes = wrong(fake, token=token)["scopes"]
        assert scopes.words == "the scopes are in `scp`, and profile rfc9068 reads `scope`"
        assert scopes.fix == 'say Issuer(..., profile="entra")'
        assert 'profile="entra"' in wrong(fake, token=token)["access token"].fix
        assert wrong(fake, token=token, profile="entra") == {}

    def test_scopes_elsewhere_of_an_unknown_issuer_suggest_the_claim(self) -> None:
        fake = issuer()
        token = fake.token(audience="orders", permissions=["orders:read"])
        assert wrong(fake, token=token)["scopes"].fix == 'say Issuer(..., scopes="permissions")'

    def test_scopes_that_are_not_read_beside_those_that_are_get_a_word(self) -> None:
        fake = issuer()
        token = fake.token(audience="orders", scopes=["a"], permissions=["b"])
        scopes = found(fake, token=token)["scopes"]
        assert (scopes.ok, "('scope', 'permissions')" in scopes.fix) == (True, True)

    @pytest.mark.parametrize("count, end", [(20, "s19 (in `scope`)"), (21, "s19 and 1 more (in `scope`)")])
    def test_many_scopes_are_counted(self, count: int, end: str) -> None:
        fake = issuer()
        token = fake.token(audience="orders", scopes=[f"s{number:02}" for number in range(count)])
        assert found(fake, token=token)["scopes"].words.endswith(end)

    @pytest.mark.parametrize(
        "profile, claim, read", [("entra", "scope", "`scp`"), ("auth0", "scp", "`scope` and `permissions`")]
    )
    def test_scopes_in_a_claim_that_no_profile_reads_suggest_the_claim(
        self, profile: str, claim: str, read: str
    ) -> None:
        fake = issuer(TENANT)
        claims: dict[str, Any] = {claim: "a"}
        scopes = wrong(fake, token=fake.token(audience="orders", **claims), profile=profile)["scopes"]
        assert scopes.words == f"the scopes are in `{claim}`, and profile {profile} reads {read}"

    def test_roles_are_told_as_scopes(self) -> None:
        fake = issuer(TENANT)
        token = fake.token(audience="orders", roles=["admin"], **ENTRA)
        assert found(fake, token=token, profile="entra")["scopes"].words == "role:admin (roles)"

    def test_an_audience_that_is_none_is_told_before_anybody_is_asked(self) -> None:
        fake = issuer()
        with pytest.raises(ConfigurationError, match="audience"):
            found(fake, token=fake.token(audience="orders"), audience="")
        assert fake.requests == []

    def test_a_profile_that_fits_and_does_not_read_the_claim_is_not_suggested(self) -> None:
        fake = issuer(TENANT)
        scopes = wrong(fake, token=fake.token(audience="orders", permissions=["a"], **ENTRA))["scopes"]
        assert scopes.fix == 'say Issuer(..., scopes="permissions")'

    def test_no_scopes_are_worth_a_word_and_scopes_that_are_none_are_wrong(self) -> None:
        fake = issuer()
        assert found(fake, token=fake.token(audience="orders"))["scopes"].words == "none"
        assert "neither" in wrong(fake, token=fake.token(audience="orders", scope=7))["scopes"].words

    def test_a_typ_alone_gets_its_next_step(self) -> None:
        fake = issuer()
        token = fake.token(audience="orders", header={"typ": "JWT"})
        finding = wrong(fake, token=token)["access token"]
        assert "types=('jwt',)" in finding.fix
        assert finding.words == "not built as rfc9068 has it: typ is 'jwt'; accepted: at+jwt"

    def test_a_well_known_issuer_whose_profile_does_not_fit_gets_another_next_step(self) -> None:
        fake = issuer(REALM)
        token = fake.token(audience="orders", header={"typ": "own+jwt"})
        assert "types=('own+jwt',)" in wrong(fake, token=token)["access token"].fix

    def test_a_token_like_no_profile_is_to_be_described(self) -> None:
        fake = issuer()
        without_client: dict[str, Any] = {"client_id": ...}
        token = fake.token(audience="orders", **without_client)
        assert "Profile(...)" in wrong(fake, token=token)["access token"].fix

    def test_a_sub_that_is_none_is_told(self) -> None:
        fake = issuer()
        assert "sub" in wrong(fake, token=fake.token(audience="orders", sub=...))["sub"].words

    @pytest.mark.parametrize(
        "header, claims, kind",
        [
            ("JWT", {"nonce": "n"}, "an ID token"),
            ("JWT", {"at_hash": "h", "scope": "openid"}, "an ID token"),
            ("JWT", {"c_hash": "h", "scope": "openid"}, "an ID token"),
            ("JWT", {"s_hash": "h", "scope": "openid"}, "an ID token"),
            ("JWT", {"azp": "orders"}, "an ID token"),
            ("JWT", {"typ": "ID"}, "an ID token"),
            ("JWT", {"token_use": "id"}, "an ID token"),
            ("JWT", {"typ": "Refresh"}, "a refresh token"),
            ("JWT", {"typ": "Offline"}, "a refresh token"),
            ("JWT", {"typ": "Logout"}, "a logout token"),
            ("JWT", {"events": {}}, "a logout token"),
            ("logout+jwt", {}, "a logout token"),
            ("dpop+jwt", {}, "a DPoP proof"),
        ],
    )
    def test_another_token_is_told_from_an_access_token(self, header: str, claims: dict[str, Any], kind: str) -> None:
        fake = issuer()
        token = fake.token(audience="orders", header={"typ": header}, **claims)
        assert wrong(fake, token=token)["access token"].words == f"this is {kind}, not an access token"

    @pytest.mark.parametrize(
        "header, claims",
        [
            ("JWT", {"typ": "Bearer", "nonce": "n"}),
            ("JWT", {"typ": "DPoP", "nonce": "n"}),
            ("JWT", {"token_use": "access", "nonce": "n"}),
            ("at+jwt", {"nonce": "n"}),
            ("JWT", {"nonce": "n", "scope": "orders:read"}),
            ("JWT", {"nonce": "n", "scp": "orders:read"}),
            ("JWT", {"azp": "orders", "sub": "orders"}),
        ],
    )
    def test_an_access_token_is_not_taken_for_another_one(self, header: str, claims: dict[str, Any]) -> None:
        fake = issuer()
        token = fake.token(audience="orders", header={"typ": header}, **claims)
        assert "this is" not in found(fake, token=token)["access token"].words

    @pytest.mark.parametrize(
        "claim, profile",
        [
            ("realm_access", "keycloak"),
            ("resource_access", "keycloak"),
            ("gty", "auth0"),
            ("tid", "entra"),
            ("token_use", "cognito"),
            ("cid", "okta"),
            ("urn:zitadel:iam:org:project:roles", "zitadel"),
            ("other", None),
        ],
    )
    def test_an_issuer_is_recognised_by_claims_of_its_own(self, claim: str, profile: str | None) -> None:
        assert likely_profile("https://id.example", {claim: "x"}) == profile

    def test_an_id_token_is_told_before_its_audience(self) -> None:
        fake = issuer()
        refused = wrong(fake, token=fake.id_token())
        assert "send the access_token, not the id_token" in refused["access token"].fix
        assert "aud" not in refused

    def test_a_token_bound_to_a_key_is_good_with_a_proof(self) -> None:
        fake = issuer()
        findings = found(fake, token=fake.token(audience="orders", cnf=DPoPClient().confirmation))
        assert (findings["cnf"].ok, "HTTPDPoP" in findings["cnf"].fix) == (None, True)
        assert "with a proof" in findings["verdict"].words

    @pytest.mark.parametrize("cnf", [{"x5t#S256": "a"}, {"jkt": "a", "x5t#S256": "a"}, {"jkt": 7}, 7, None])
    def test_a_token_bound_otherwise_is_wrong(self, cnf: Any) -> None:
        fake = issuer()
        assert {"cnf", "verdict"} == set(wrong(fake, token=fake.token(audience="orders", cnf=cnf)))

    @pytest.mark.parametrize(
        "token, words, fix",
        [
            ("s3cr3t-opaque", "opaque", "IntrospectionVerifier"),
            ("a.b.c.d.e", "encrypted", "sign it"),
            ("a.b.c", "cannot be read", "copied whole"),
            ("é.é.é", "cannot be read", "copied whole"),
            ("e30.W10.AA", "cannot be read: not a JSON object", "copied whole"),
        ],
    )
    def test_what_is_no_jwt_is_told(self, token: str, words: str, fix: str) -> None:
        fake = issuer()
        fake.metadata["introspection_endpoint"] = "https://id.example/introspect"
        assert words in wrong(fake, token=token)["token"].words
        assert fix in wrong(fake, token=token)["token"].fix

    def test_introspection_is_not_suggested_where_there_is_none(self) -> None:
        assert "Introspection" not in wrong(issuer(), token="s3cr3t-opaque")["token"].fix

    @pytest.mark.parametrize(
        "header, claims",
        [
            ({"alg": 7, "kid": 7, "typ": 7}, {}),
            ({"kid": {"a": 1}, "crit": ["x"]}, {}),
            ({}, {"scope": {}, "azp": [], "aud": {}, "iss": [], "typ": [], "token_use": {}, "cnf": []}),
            ({}, {"exp": -1, "nbf": "x", "sub": 7, "realm_access": 7, "resource_access": [], "tid": None}),
        ],
    )
    @pytest.mark.parametrize("profile", [None, "keycloak", "entra", "google"])
    def test_nothing_in_a_token_makes_it_fail(self, header: Any, claims: Any, profile: str | None) -> None:
        fake = issuer()
        token = fake.token(audience="orders", header=header, **claims)
        assert wrong(fake, token=token, profile=profile)

    def test_a_verdict_is_given_also_where_something_else_is_wrong(self) -> None:
        fake = issuer()
        findings = found(fake, token=fake.token(audience="billing"))
        assert (findings["aud"].ok, findings["verdict"].ok) == (False, False)
        twins = [{**(Key.generate().public_jwk() or {}), "kid": "twin"} for _ in range(2)]
        fake.jwks = {"keys": [*fake.ring.jwks()["keys"], *twins]}
        findings = found(fake, token=fake.token(audience="orders"))
        assert (findings["unusable key"].ok, findings["verdict"].ok) == (False, True)

    def test_no_verdict_is_given_for_an_issuer_that_is_another(self) -> None:
        fake = issuer()
        fake.mode = "wrong-issuer"
        assert "verdict" not in found(fake, token=fake.token(audience="orders"))


class TestTheCommand:
    @pytest.fixture
    def fake(self, monkeypatch: pytest.MonkeyPatch) -> FakeIssuer:
        fake = FakeIssuer("https://id.example")
        monkeypatch.setattr("authmw.cli.doctor.command.fetcher", lambda: fake)
        return fake

    @pytest.fixture
    def doctor(self, run: Run, fake: FakeIssuer) -> Run:
        def doctor(*arguments: str, stdin: str | bytes = "") -> Result:
            return run("doctor", "--issuer", fake.issuer, *arguments, stdin=stdin)

        return doctor

    @pytest.fixture
    def token(self, fake: FakeIssuer) -> str:
        return fake.token(audience="orders", scopes=["orders:read"])

    def test_it_ends_with_0_when_nothing_is_wrong(self, doctor: Run) -> None:
        said = doctor()
        assert said.exit_code == 0, said.output
        assert said.stdout.splitlines()[-1] == "Nothing is wrong."

    def test_it_ends_with_1_when_something_is(self, doctor: Run, fake: FakeIssuer) -> None:
        fake.mode = "down"
        said = doctor()
        assert said.exit_code == 1
        assert said.stdout.splitlines()[-1] == "1 thing is wrong."
        assert "-> open that URL" in said.stdout

    @pytest.mark.parametrize("way", ["option", "dash", "file", "file dash", "input"])
    @pytest.mark.parametrize("scheme", ["", "Bearer ", "DPoP "])
    def test_a_token_is_taken_in_each_way(
        self, doctor: Run, token: str, way: str, scheme: str, directory: Path
    ) -> None:
        (directory / "token").write_text(f"{scheme}{token}\n")
        arguments, stdin = {
            "option": (("--token", scheme + token), ""),
            "dash": (("--token", "-"), scheme + token),
            "file": (("--token-file", "token"), ""),
            "file dash": (("--token-file", "-"), scheme + token),
            "input": ((), f"{scheme}{token}\n"),
        }[way]
        said = doctor("--audience", "orders", *arguments, stdin=stdin)
        assert said.exit_code == 0, said.output
        assert "accepted" in said.stdout

    def test_the_document_has_each_finding_with_its_next_step(self, doctor: Run, token: str) -> None:
        said = doctor("--audience", "other", "--json", stdin=token)
        document = json.loads(said.stdout)
        assert (said.exit_code, document["ok"], document["issuer"]) == (1, False, "https://id.example")
        found = {each["check"]: each for each in document["findings"]}
        assert found["aud"]["ok"] is False
        assert found["aud"]["next"].startswith("the client asks for resource=`other`")
        assert found["keys"] == {"check": "keys", "ok": True, "words": "1 to verify with: 1 for ES256", "next": None}

    @pytest.mark.parametrize(
        "arguments",
        [
            (),
            ("--json",),
            ("--audience", "other"),
            ("--audience", "other", "--json"),
            ("--token", "TOKEN"),
            ("--token", "TOKEN", "--json"),
            ("--token-file", "TOKEN"),
            ("--token", "TOKEN", "--token-file", "x"),
            ("TOKEN",),
            ("--", "TOKEN"),
            ("--issuer", "TOKEN"),
            ("--issuer", "https://alice:TOKEN@id.example"),
            ("--issuer", "https://id.example/TOKEN", "--json"),
            ("--issuer", "https://id.example?access_token=TOKEN"),
        ],
        ids=" ".join,
    )
    @pytest.mark.parametrize("kind", ["signed", "forged", "opaque", "id"])
    def test_the_token_is_never_printed(
        self, doctor: Run, fake: FakeIssuer, token: str, arguments: tuple[str, ...], kind: str
    ) -> None:
        forged = fake.token(audience="orders", key=Key.generate(kid=fake.ring.signer.kid))
        given = {"signed": token, "forged": forged, "opaque": "s3cr3t-opaque-token", "id": fake.id_token()}[kind]
        said = doctor(*(each.replace("TOKEN", given) for each in arguments), stdin=given)
        assert said.output
        for part in (given, *given.split(".")):
            assert part not in said.output

    def test_a_token_hidden_in_a_claim_is_taken_out(self, doctor: Run) -> None:
        said = doctor("--audience", "s3cr3t-opaque-token", "--token", "s3cr3t-opaque-token")
        assert "s3cr3t-opaque-token" not in said.output

    @pytest.mark.parametrize(
        "arguments, words",
        [
            (("--issuer", "id.example"), "https://id.example"),
            (("--issuer", "https://[id"), "no IPv6 address"),
            (("--audience", ""), "the name of this API"),
            (("--profile", "acme"), "keycloak"),
            (("--token", ""), "no token"),
            (("--token-file", "missing"), "No such file"),
            (("--token-file", "a\0b"), "not the name of a file"),
            (("--token", "a", "--token-file", "b"), "not both"),
            (("extra",), "takes only options"),
        ],
    )
    def test_what_is_not_understood_ends_with_2(
        self, doctor: Run, fake: FakeIssuer, arguments: tuple[str, ...], words: str
    ) -> None:
        said = doctor(*arguments)
        assert (said.exit_code, said.stdout) == (2, "")
        assert words in said.stderr
        assert fake.requests == []

    def test_an_issuer_has_to_be_named(self, run: Run) -> None:
        assert run("doctor").exit_code == 2

    def test_the_issuer_may_be_in_the_environment(
        self, run: Run, fake: FakeIssuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AUTHMW_ISSUER", fake.issuer)
        assert run("doctor").exit_code == 0

    def test_the_help_says_how_to_keep_a_token_out_of_the_list_of_processes(self, run: Run) -> None:
        words = " ".join(run("doctor", "--help").stdout.split())
        assert "Give a token on standard input, or in a file" in words

    def test_what_an_issuer_writes_commands_no_terminal(self, doctor: Run, fake: FakeIssuer) -> None:
        fake.metadata["grant_types_supported"] = ["\x1b[2J"]
        fake.metadata["issuer"] = "https://\x1b[2J"
        assert "\x1b" not in doctor().output

    def test_a_server_on_this_machine_is_asked_over_the_network(self, run: Run) -> None:
        with serving(answering(b"<!doctype html>")) as server:
            said = run("doctor", "--issuer", server.url(""))
            assert said.exit_code == 1
            assert "not a JSON object" in said.stdout
            assert len(server.requests) == 2

    def test_on_a_terminal_nobody_is_asked_for_a_token(self, directory: Path) -> None:
        with serving(answering(b"{}")) as server:
            terminal = Terminal(directory, "doctor", "--issuer", server.url(""))
            terminal.expect(b"wrong.")
            assert terminal.close() == 1

    def test_a_token_that_expires_by_the_clock_of_this_machine_is_refused(self, doctor: Run, fake: FakeIssuer) -> None:
        said = doctor("--audience", "orders", stdin=fake.token(audience="orders", exp=time.time() - 3600))
        assert "expired" in said.stdout

    def test_a_signature_is_shown_nowhere_even_decoded(self, doctor: Run, token: str) -> None:
        signature = base64url.decode(token.rpartition(".")[2].encode())
        assert signature is not None
        assert signature.hex() not in doctor("--json", stdin=token).output


class TestTheGuard:
    TEXT = """
        from authmw import Auth, HTTPBearer
        from authmw.wsgi import AuthMiddleware
        from authmw_fastapi import FastAPIAuth
        from authmw_flask import FlaskAuth
        from authmw_starlette import AuthMiddleware as StarletteMiddleware
        from fastapi import FastAPI
        from flask import Flask
        from starlette.applications import Starlette
        from starlette.routing import Mount

        auth = Auth(HTTPBearer())

        def program(environ, start_response):
            raise NotImplementedError

        def flask(**options):
            app = Flask("shop")
            FlaskAuth(app, auth, **options)
            return app

        def fastapi(**options):
            app = FastAPI()
            FastAPIAuth(app, auth, **options)
            return app

        def mounting(**options):
            app = Starlette(routes=[Mount("/api", fastapi(preflights="application"))])
            app.add_middleware(StarletteMiddleware, auth=auth, **options)
            return app

        applications = {
            "plain": lambda **options: AuthMiddleware(program, auth, **options),
            "flask": flask,
            "fastapi": fastapi,
            "mounting": mounting,
            "outside": lambda **options: StarletteMiddleware(Starlette(), auth, **options),
        }
        guards = {name: make() for name, make in applications.items()}
        handed_on = {name: make(preflights="application") for name, make in applications.items()}
        globals().update({f"{name}_guard": app for name, app in guards.items()})
        globals().update({f"{name}_application": app for name, app in handed_on.items()})
        unguarded = Flask("shop")
    """

    @pytest.fixture(autouse=True)
    def written(self, directory: Path) -> Iterator[None]:
        write("guarded", self.TEXT)
        with forgotten_afterwards():
            yield

    @pytest.mark.parametrize("name", ["plain", "flask", "fastapi", "mounting", "outside"])
    def test_preflights_that_are_handed_on_are_worth_knowing(self, run: Run, name: str) -> None:
        said = run("doctor", "--app", f"guarded:{name}_application")
        assert (said.exit_code, said.stdout.splitlines()[-1]) == (0, "Nothing is wrong.")
        assert "the preflights of strangers are handed on" in said.stdout
        said = run("doctor", "--app", f"guarded:{name}_guard", "--json")
        document = json.loads(said.stdout)
        assert document["issuer"] is None
        answers = [each["ok"] for each in document["findings"] if each["check"] == "preflights"]
        assert answers == ([True, None] if name == "mounting" else [True])

    def test_an_application_that_nothing_guards_is_wrong(self, run: Run) -> None:
        said = run("doctor", "--app", "guarded:unguarded")
        assert said.exit_code == 1
        assert "WRONG  guard  nothing guards guarded:unguarded" in said.stdout

    def test_an_unknown_application_is_wrong_usage(self, run: Run) -> None:
        said = run("doctor", "--app", "guarded:program()")
        assert said.exit_code == 2
        assert run("doctor", "--app", "guarded:auth").exit_code == 2

    def test_without_issuer_and_application_there_is_nothing_to_do(self, run: Run) -> None:
        said = run("doctor")
        assert (said.exit_code, "Missing an application, as shop:app, or option '--issuer'" in said.stderr) == (2, True)

    def test_an_issuer_is_examined_beside_an_application(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        fake = FakeIssuer("https://id.example")
        monkeypatch.setattr("authmw.cli.doctor.command.fetcher", lambda: fake)
        said = run("doctor", "--issuer", "https://id.example", "--app", "guarded:flask_guard", "--json")
        checks = [each["check"] for each in json.loads(said.stdout)["findings"]]
        assert (checks[0], "keys" in checks) == ("preflights", True)

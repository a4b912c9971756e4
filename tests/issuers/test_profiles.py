"""Tokens as the well-known issuers write them: access tokens are accepted and read rightly, all others refused.

The claim sets are put together from the vendors' documentation; names and numbers are made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from authmw import BearerToken, ConfigurationError, Issuer, Key, KeyRing, Principal
from authmw.flow.flow import run
from authmw.identity.verdict import Authenticated, Rejected
from authmw.issuers.profiles import COGNITO, PROFILES, RFC_9068, Profile, profile_of
from authmw.testing import FakeIssuer

NOW: Final = 1_800_000_000
TIMES: Final = {"iat": NOW - 60, "exp": NOW + 3600}
TENANT: Final = "72f988bf-86f1-41af-91ab-2d7cd011db47"

Claims = dict[str, Any]


@dataclass(frozen=True)
class Vendor:
    """An API of somebody who uses this vendor."""

    profile: str
    issuer: str
    audience: str
    header: Mapping[str, Any]

    def verify(self, claims: Claims, **options: Any) -> Principal | str:
        """Who it is, or the code of the refusal."""
        header = {**self.header, **options.pop("header", {})}
        fake = FakeIssuer(self.issuer, clock=lambda: NOW)
        verifier = fake.verifier(audience=self.audience, **{"profile": self.profile, **options})
        token = fake.sign({"iss": self.issuer, **TIMES, **claims}, header=header)
        answer = verifier.verify(BearerToken(token))
        verdict = answer if isinstance(answer, Authenticated | Rejected | None) else run(answer)
        assert verdict is not None
        return verdict.principal if isinstance(verdict, Authenticated) else verdict.reason.code.removeprefix("authmw.")


JWT: Final = {"typ": "JWT"}
UNTYPED: Final[dict[str, Any]] = {}

AUTH0 = Vendor("auth0", "https://shop.eu.auth0.com/", "https://orders.example/", JWT)
KEYCLOAK = Vendor("keycloak", "https://kc.example/realms/shop", "shop-api", JWT)
ENTRA_1 = Vendor("entra", f"https://sts.windows.net/{TENANT}/", "api://orders", JWT)
ENTRA_2 = Vendor("entra", f"https://login.microsoftonline.com/{TENANT}/v2.0", "6e74172b-be56-4843-9ff4", JWT)
COGNITO_POOL = Vendor(
    "cognito", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1", "7lhlkkfbfb4q5kpp90urffao", UNTYPED
)
OKTA = Vendor("okta", "https://shop.okta.com/oauth2/aus1", "api://orders", UNTYPED)
GOOGLE = Vendor("google", "https://accounts.google.com", "https://orders-1234.a.run.app", JWT)
ZITADEL = Vendor("zitadel", "https://shop.zitadel.cloud", "219877", JWT)
STANDARD = Vendor("rfc9068", "https://id.example", "orders", {"typ": "at+jwt"})

AUTH0_USER: Final[Claims] = {
    "sub": "auth0|6553da60", "aud": ["https://orders.example/", "https://shop.eu.auth0.com/userinfo"],
    "azp": "K1AUPhZq", "scope": "openid profile read:orders", "permissions": ["read:orders", "refund:orders"],
}  # fmt: skip
KEYCLOAK_USER: Final[Claims] = {
    "jti": "onrtac:2b", "aud": ["shop-api", "account"], "sub": "f3a1", "typ": "Bearer", "azp": "shop-web",
    "sid": "9d1", "acr": "1", "scope": "openid email orders:read", "preferred_username": "alice",
    "realm_access": {"roles": ["admin", "offline_access", "Store Manager"]},
    "resource_access": {"shop-api": {"roles": ["seller"]}, "account": {"roles": ["manage-account"]}},
}  # fmt: skip
ENTRA_1_USER: Final[Claims] = {
    "aud": "api://orders", "nbf": NOW - 60, "acr": "1", "amr": ["pwd"], "appid": "b14a7505", "appidacr": "0",
    "oid": "690222be", "rh": "0.AX8", "scp": "Orders.Read Orders.Write", "sub": "HKZpfaHyWadeOo", "tid": TENANT,
    "uti": "fqiBqX", "ver": "1.0",
}  # fmt: skip
ENTRA_2_USER: Final[Claims] = {
    "aud": "6e74172b-be56-4843-9ff4", "nbf": NOW - 60, "aio": "AXQAi", "azp": "6e74172b-be56-4843-9ff4",
    "azpacr": "0", "name": "Alice", "oid": "690222be", "preferred_username": "alice@shop.example",
    "rh": "0.AX8", "scp": "access_as_user", "sub": "HKZpfaHyWadeOo", "tid": TENANT, "uti": "fqiBqX", "ver": "2.0",
}  # fmt: skip
COGNITO_USER: Final[Claims] = {
    "sub": "aaaa-bbbb", "cognito:groups": ["staff"], "version": 2, "client_id": "7lhlkkfbfb4q5kpp90urffao",
    "origin_jti": "c1", "event_id": "e1", "token_use": "access", "scope": "openid orders/read", "auth_time": NOW - 60,
    "jti": "j1", "username": "alice",
}  # fmt: skip
OKTA_USER: Final[Claims] = {
    "ver": 1, "jti": "AT.MNAoEQ", "aud": "api://orders", "sub": "alice@shop.example", "cid": "0oa1",
    "uid": "00u1", "scp": ["openid", "orders:read"], "auth_time": NOW - 60, "groups": ["Everyone"],
}  # fmt: skip
GOOGLE_SERVICE: Final[Claims] = {
    "aud": "https://orders-1234.a.run.app", "azp": "112010400000000710080", "sub": "112010400000000710080",
    "email": "billing@shop.iam.gserviceaccount.com", "email_verified": True,
}  # fmt: skip
ZITADEL_USER: Final[Claims] = {
    "aud": ["219877", "219900@shop"], "client_id": "219900@shop", "jti": "V2_2", "nbf": NOW - 60,
    "sub": "77776025198584418",
    "urn:zitadel:iam:org:project:roles": {"clerk": {"777": "shop.example"}},
    "urn:zitadel:iam:org:project:219877:roles": {"seller": {"777": "shop.example"}},
    "urn:zitadel:iam:org:project:3:roles": {"owner": {"777": "shop.example"}},
}  # fmt: skip
STANDARD_USER: Final[Claims] = {
    "aud": "orders", "sub": "alice", "client_id": "web", "jti": "1", "scope": "orders:read", "roles": ["admin"],
    "auth_time": NOW - 60, "acr": "1", "amr": ["pwd"],
}  # fmt: skip

ACCESS: Final[dict[str, tuple[Vendor, Claims, dict[str, Any]]]] = {
    "auth0 user": (
        AUTH0, AUTH0_USER,
        {"id": "auth0|6553da60", "client_id": "K1AUPhZq", "kind": "user",
         "scopes": {"openid", "profile", "read:orders", "refund:orders"}},
    ),
    "auth0 machine": (
        AUTH0,
        {"sub": "awZfdIir@clients", "aud": "https://orders.example/", "azp": "awZfdIir", "scope": "read:orders",
         "gty": "client-credentials"},
        {"id": "awZfdIir@clients", "client_id": "awZfdIir", "kind": "client", "scopes": {"read:orders"}},
    ),
    "keycloak user": (
        KEYCLOAK, KEYCLOAK_USER,
        {"id": "f3a1", "client_id": "shop-web", "kind": "user",
         "scopes": {"openid", "email", "orders:read", "role:admin", "role:offline_access", "role:seller"}},
    ),
    "keycloak bound to a key": (KEYCLOAK, {**KEYCLOAK_USER, "typ": "DPoP"}, {"id": "f3a1"}),
    "keycloak with the nonce of old releases": (KEYCLOAK, {**KEYCLOAK_USER, "nonce": "n"}, {"id": "f3a1"}),
    "entra v1 user": (
        ENTRA_1, ENTRA_1_USER,
        {"id": "HKZpfaHyWadeOo", "client_id": "b14a7505", "kind": "user", "scopes": {"Orders.Read", "Orders.Write"}},
    ),
    "entra v2 user": (
        ENTRA_2, ENTRA_2_USER,
        {"id": "HKZpfaHyWadeOo", "client_id": "6e74172b-be56-4843-9ff4", "scopes": {"access_as_user"}},
    ),
    "entra v2 machine": (
        ENTRA_2,
        {"aud": "6e74172b-be56-4843-9ff4", "azp": "b14a7505", "azpacr": "1", "idtyp": "app", "oid": "8dc8",
         "roles": ["Orders.Read.All"], "sub": "8dc8", "tid": TENANT, "ver": "2.0"},
        {"id": "8dc8", "client_id": "b14a7505", "kind": "client", "scopes": {"role:Orders.Read.All"}},
    ),
    "entra v2 machine that does not say so": (
        ENTRA_2,
        {"aud": "6e74172b-be56-4843-9ff4", "azp": "b14a7505", "azpacr": "1", "oid": "8dc8",
         "roles": ["Orders.Read.All"], "sub": "8dc8", "tid": TENANT, "ver": "2.0"},
        {"id": "8dc8", "client_id": "b14a7505", "kind": "client"},
    ),
    "entra v1 machine that does not say so": (
        ENTRA_1,
        {"aud": "api://orders", "appid": "b14a7505", "appidacr": "1", "oid": "8dc8", "sub": "8dc8", "tid": TENANT,
         "ver": "1.0"},
        {"id": "8dc8", "client_id": "b14a7505", "kind": "client", "scopes": set[str]()},
    ),
    "keycloak service account": (
        KEYCLOAK,
        {"jti": "trrtcc:1", "aud": ["shop-api", "account"], "sub": "8b1f2c", "typ": "Bearer", "azp": "Robot",
         "client_id": "Robot", "clientHost": "10.0.0.7", "clientAddress": "10.0.0.7", "scope": "profile",
         "preferred_username": "service-account-robot"},
        {"id": "8b1f2c", "client_id": "Robot", "kind": "client"},
    ),
    "keycloak service account without the scope profile": (
        KEYCLOAK,
        {"jti": "trrtcc:1", "aud": "shop-api", "sub": "8b1f2c", "typ": "Bearer", "azp": "robot",
         "clientHost": "10.0.0.7"},
        {"kind": "client"},
    ),
    "keycloak service account without the scope service_account": (
        KEYCLOAK,
        {"jti": "trrtcc:1", "aud": "shop-api", "sub": "8b1f2c", "typ": "Bearer", "azp": "robot",
         "preferred_username": "service-account-robot"},
        {"kind": "client"},
    ),
    "keycloak user with the name of another service account": (
        KEYCLOAK, {**KEYCLOAK_USER, "preferred_username": "service-account-robot"}, {"kind": "user"},
    ),
    "keycloak user who has chosen the name of a service account": (
        KEYCLOAK, {**KEYCLOAK_USER, "preferred_username": "service-account-shop-web"}, {"id": "f3a1", "kind": "user"},
    ),
    "keycloak user of an old release who has chosen the name of a service account": (
        KEYCLOAK,
        {**{name: value for name, value in KEYCLOAK_USER.items() if name != "sid"}, "session_state": "9d1",
         "preferred_username": "service-account-shop-web"},
        {"kind": "user"},
    ),
    "keycloak service account with refresh tokens": (
        KEYCLOAK,
        {"jti": "trrtcc:1", "aud": "shop-api", "sub": "8b1f2c", "typ": "Bearer", "azp": "robot", "sid": "9d1",
         "clientHost": "10.0.0.7", "preferred_username": "service-account-robot"},
        {"kind": "client"},
    ),
    "auth0 machine by RFC 9068": (
        replace(AUTH0, header={"typ": "at+jwt"}),
        {"sub": "r0b0t@clients", "aud": "https://orders.example/", "client_id": "r0b0t", "scope": "read:orders"},
        {"id": "r0b0t@clients", "client_id": "r0b0t", "kind": "client"},
    ),
    "user who has chosen the name of a machine of Auth0": (
        STANDARD, {**STANDARD_USER, "sub": "web@clients"}, {"id": "web@clients", "kind": "user"},
    ),
    "auth0 user whose name looks like a machine's": (
        STANDARD, {**STANDARD_USER, "sub": "other@clients"}, {"kind": "user"},
    ),
    "cognito user": (
        COGNITO_POOL, COGNITO_USER,
        {"id": "aaaa-bbbb", "client_id": "7lhlkkfbfb4q5kpp90urffao", "kind": "user",
         "scopes": {"openid", "orders/read", "role:staff"}},
    ),
    "cognito machine": (
        COGNITO_POOL,
        {"sub": "7lhlkkfbfb4q5kpp90urffao", "client_id": "7lhlkkfbfb4q5kpp90urffao", "token_use": "access",
         "scope": "orders/read", "version": 2, "jti": "j"},
        {"kind": "client", "scopes": {"orders/read"}},
    ),
    "cognito with resource binding": (
        replace(COGNITO_POOL, audience="https://orders.example"),
        {**COGNITO_USER, "aud": "https://orders.example"}, {"id": "aaaa-bbbb"},
    ),
    "okta user": (
        OKTA, OKTA_USER,
        {"id": "alice@shop.example", "client_id": "0oa1", "kind": "user",
         "scopes": {"openid", "orders:read", "role:Everyone"}},
    ),
    "okta machine": (
        OKTA, {"ver": 1, "jti": "AT.x", "aud": "api://orders", "cid": "0oa2", "scp": ["orders:read"], "sub": "0oa2"},
        {"kind": "client", "client_id": "0oa2"},
    ),
    "google service account": (
        GOOGLE, GOOGLE_SERVICE, {"id": "112010400000000710080", "kind": "client", "scopes": set[str]()},
    ),
    "google, the other spelling": (GOOGLE, {**GOOGLE_SERVICE, "iss": "accounts.google.com"}, {"kind": "client"}),
    "zitadel user": (
        ZITADEL, ZITADEL_USER,
        {"id": "77776025198584418", "client_id": "219900@shop", "scopes": {"role:clerk", "role:seller"}},
    ),
    "rfc9068 user": (
        STANDARD, STANDARD_USER,
        {"id": "alice", "client_id": "web", "kind": "user", "credential_id": "1",
         "scopes": {"orders:read", "role:admin"}},
    ),
}  # fmt: skip

AUTH0_ID: Final[Claims] = {"sub": "auth0|6553da60", "nickname": "alice", "sid": "s", "nonce": "n"}
# Each is made as bad as it gets: its audience is this API, as where an application and its API share one client id.
OTHERS: Final[dict[str, tuple[Vendor, Claims]]] = {
    "auth0 id": (AUTH0, {**AUTH0_ID, "aud": AUTH0.audience}),
    "auth0 id without nonce": (AUTH0, {"sub": "auth0|6", "aud": AUTH0.audience, "sid": "s", "email": "a@shop.example"}),
    "auth0 logout": (
        AUTH0,
        {"sub": "auth0|6", "aud": AUTH0.audience, "azp": "K1", "sid": "s", "jti": "j",
         "events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
    ),
    "keycloak id": (
        KEYCLOAK,
        {"jti": "1", "aud": "shop-api", "sub": "f3a1", "typ": "ID", "azp": "shop-api", "sid": "9d1", "at_hash": "h"},
    ),
    "keycloak id without hash": (
        KEYCLOAK, {"jti": "1", "aud": "shop-api", "sub": "f3a1", "typ": "ID", "azp": "shop-api"},
    ),
    "keycloak refresh": (
        KEYCLOAK,
        {"jti": "1", "aud": "shop-api", "sub": "f3a1", "typ": "Refresh", "azp": "shop-web", "scope": "openid"},
    ),
    "keycloak offline": (KEYCLOAK, {**KEYCLOAK_USER, "typ": "Offline"}),
    "keycloak logout": (
        KEYCLOAK, {"jti": "1", "aud": "shop-api", "sub": "f3a1", "typ": "Logout", "azp": "shop-web", "sid": "9d1"},
    ),
    "keycloak without the word": (KEYCLOAK, {k: v for k, v in KEYCLOAK_USER.items() if k != "typ"}),
    "entra v1 id": (
        ENTRA_1, {"aud": "api://orders", "amr": ["pwd"], "oid": "6", "sub": "s", "tid": TENANT, "ver": "1.0"},
    ),
    "entra v2 id": (
        ENTRA_2,
        {"aud": ENTRA_2.audience, "oid": "6", "sub": "s", "tid": TENANT, "ver": "2.0", "nonce": "n", "name": "Alice"},
    ),
    "entra v2 id of a code flow": (ENTRA_2, {"aud": ENTRA_2.audience, "oid": "6", "sub": "s", "tid": TENANT}),
    "cognito id": (
        COGNITO_POOL,
        {"sub": "a", "aud": COGNITO_POOL.audience, "token_use": "id", "at_hash": "h", "cognito:username": "alice",
         "cognito:groups": ["staff"], "jti": "j", "auth_time": NOW},
    ),
    "cognito without the word": (COGNITO_POOL, {k: v for k, v in COGNITO_USER.items() if k != "token_use"}),
    "okta id": (
        OKTA,
        {"sub": "00u1", "ver": 1, "aud": "api://orders", "jti": "ID.rad", "amr": ["pwd"], "idp": "00o1",
         "auth_time": NOW, "at_hash": "h"},
    ),
    "okta id without hash": (OKTA, {"sub": "00u1", "ver": 1, "aud": "api://orders", "jti": "ID.r"}),
    "google login": (
        GOOGLE,
        {"aud": GOOGLE.audience, "azp": GOOGLE.audience, "sub": "1076", "at_hash": "h", "email": "a@gmail.example"},
    ),
    "google login without hash": (GOOGLE, {"aud": GOOGLE.audience, "azp": GOOGLE.audience, "sub": "1076"}),
    "google login without azp": (GOOGLE, {"aud": GOOGLE.audience, "sub": "1076"}),
    "zitadel id": (
        ZITADEL,
        {"aud": ["219877"], "azp": "219900@shop", "client_id": "219900@shop", "sub": "7", "amr": ["pwd"],
         "auth_time": NOW, "at_hash": "h"},
    ),
    "zitadel id without hash": (ZITADEL, {"aud": ["219877"], "client_id": "219877", "sub": "7"}),
    "rfc9068 id": (
        replace(STANDARD, header=JWT), {**STANDARD_USER, "nonce": "n"},
    ),
    **{
        f"rfc9068 with {name}": (replace(STANDARD, header=JWT), {**STANDARD_USER, name: "h"})
        for name in ("at_hash", "c_hash", "s_hash")
    },
    "rfc9068 logout": (
        replace(STANDARD, header={"typ": "logout+jwt"}), {**STANDARD_USER, "events": {}},
    ),
    "rfc9068 events under the wrong type": (STANDARD, {**STANDARD_USER, "events": {}}),
}  # fmt: skip


@pytest.mark.parametrize("name", ACCESS)
def test_an_access_token_is_accepted_and_read_rightly(name: str) -> None:
    vendor, claims, expected = ACCESS[name]
    principal = vendor.verify(claims)
    assert isinstance(principal, Principal), principal
    assert {field: getattr(principal, field) for field in expected} == expected
    assert principal.claims["sub"] == principal.id


@pytest.mark.parametrize("name", OTHERS)
def test_no_other_token_of_the_issuer_is_accepted(name: str) -> None:
    vendor, claims = OTHERS[name]
    assert vendor.verify(claims) in {"token-type", "token-claims", "token-audience"}


def test_every_profile_is_held_to_access_and_to_other_tokens() -> None:
    accepted = {vendor.profile for vendor, *_ in ACCESS.values()}
    refused = {vendor.profile for vendor, *_ in OTHERS.values()}
    assert accepted == refused == set(PROFILES)


CHANGES: Final[dict[str, tuple[Claims, set[str]]]] = {
    "another issuer": ({"iss": "https://evil.test"}, {"token-issuer"}),
    "no issuer": ({"iss": ...}, {"token-issuer"}),
    "expired": ({"exp": NOW - 60}, {"token-expired"}),
    "no expiry": ({"exp": ...}, {"token-claims"}),
    "not yet": ({"nbf": NOW + 600}, {"token-not-yet-valid"}),
    "no subject": ({"sub": ...}, {"token-claims"}),
    "another audience": ({"aud": "other"}, {"token-audience"}),
    "another audience, and no list": ({"aud": {"orders": 1}}, {"token-audience"}),
    "no issue date": ({"iat": ...}, {"token-claims"}),
    "a logout token's events": ({"events": {}}, {"token-type"}),
    "the hash of an access token": ({"at_hash": "h"}, {"token-type"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_profile_relaxes_a_check(change: str) -> None:
    changes, codes = CHANGES[change]
    answers = {name: vendor.verify({**claims, **changes}) for name, (vendor, claims, _) in ACCESS.items()}
    assert {name: answer for name, answer in answers.items() if answer not in codes} == {}


@pytest.mark.parametrize("name", ACCESS)
def test_no_profile_accepts_a_token_without_audience_or_client(name: str) -> None:
    vendor, claims, _ = ACCESS[name]
    profile = PROFILES[vendor.profile]
    gone = dict.fromkeys(profile.clients, ...)
    assert vendor.verify({**claims, **gone}) in {"token-type", "token-audience"}
    without = {"aud": ...} if not profile.audience_instead else {"aud": ..., "client_id": "another"}
    assert vendor.verify({**claims, **without}) == "token-audience"


TYPES: Final[dict[str, tuple[str | None, ...]]] = {
    "rfc9068": ("at+jwt",),
    "auth0": ("JWT", "at+jwt"),
    "keycloak": ("JWT", "at+jwt"),
    "entra": ("JWT", "at+jwt"),
    "cognito": (None, "JWT", "at+jwt"),
    "okta": (None, "JWT", "at+jwt"),
    "google": (None, "JWT"),
    "zitadel": (None, "JWT", "at+jwt"),
}


@pytest.mark.parametrize("name", ACCESS)
def test_a_profile_accepts_the_types_with_which_its_issuer_signs(name: str) -> None:
    vendor, claims, expected = ACCESS[name]
    for typ in (None, "JWT", "at+jwt"):
        header = {} if typ is None else {"typ": typ}
        answer = replace(vendor, header=header).verify(claims)
        if typ in TYPES[vendor.profile]:
            assert isinstance(answer, Principal), (typ, answer)
            assert {field: getattr(answer, field) for field in expected} == expected
        else:
            assert answer == "token-type", typ


@pytest.mark.parametrize("typ", ["logout+jwt", "dpop+jwt", "secevent+jwt", "id_token", "JWE", ""])
def test_no_profile_accepts_the_type_of_another_token(typ: str) -> None:
    answers = {name: vendor.verify(claims, header={"typ": typ}) for name, (vendor, claims, _) in ACCESS.items()}
    assert answers == dict.fromkeys(ACCESS, "token-type")


@pytest.mark.parametrize("name", ACCESS)
def test_no_profile_accepts_what_another_key_signed(name: str) -> None:
    vendor, claims, _ = ACCESS[name]
    fake = FakeIssuer(vendor.issuer, clock=lambda: NOW)
    stranger = Key.generate(kid=fake.ring.signer.kid)
    forged = fake.sign({"iss": vendor.issuer, **TIMES, **claims}, header=vendor.header, key=stranger)
    answer = fake.verifier(audience=vendor.audience, profile=vendor.profile).verify(BearerToken(forged))
    verdict = answer if isinstance(answer, Authenticated | Rejected | None) else run(answer)
    assert isinstance(verdict, Rejected)
    assert verdict.reason.code == "authmw.token-signature"


@pytest.mark.parametrize("alg", ["HS256", "none"])
def test_no_profile_accepts_a_published_key_as_a_secret(alg: str) -> None:
    assert {vendor.verify(claims, header={"alg": alg}) for vendor, claims, _ in ACCESS.values()} == {"token-algorithm"}


def test_an_entra_tenant_writes_its_name_in_two_ways_and_no_others_name() -> None:
    assert isinstance(ENTRA_2.verify({**ENTRA_2_USER, "iss": ENTRA_1.issuer}), Principal)
    assert isinstance(ENTRA_1.verify({**ENTRA_1_USER, "iss": ENTRA_2.issuer}), Principal)
    other = f"https://sts.windows.net/{TENANT.replace('7', '8')}/"
    assert ENTRA_2.verify({**ENTRA_2_USER, "iss": other}) == "token-issuer"
    assert ENTRA_2.verify({**ENTRA_2_USER, "iss": f"https://sts.windows.net/{TENANT}"}) == "token-issuer"


@pytest.mark.parametrize(
    "issuer", ["https://sts.windows.net//", "https://sts.windows.net/a/b/", "https://sts.windows.net/a", "https://kc"]
)
def test_what_fits_no_template_has_one_spelling(issuer: str) -> None:
    assert PROFILES["entra"].forms_of(issuer) == {issuer}


def test_the_roles_of_other_clients_are_not_ours() -> None:
    principal = KEYCLOAK.verify(KEYCLOAK_USER)
    assert isinstance(principal, Principal)
    assert not principal.can("role:manage-account")


def test_nobody_gets_a_role_by_asking_for_a_scope() -> None:
    principal = KEYCLOAK.verify({**KEYCLOAK_USER, "scope": "orders:read role:owner"})
    assert isinstance(principal, Principal)
    assert principal.can("orders:read", "role:admin")
    assert not principal.can("role:owner")


@pytest.mark.parametrize(
    "prefix, scopes",
    [("", {"seller", "orders:read"}), ("kc/", {"kc/seller", "orders:read"}), (None, {"orders:read"})],
)
def test_roles_are_named_as_one_likes(prefix: str | None, scopes: set[str]) -> None:
    claims: Claims = {**KEYCLOAK_USER, "scope": "orders:read", "realm_access": None}
    principal = KEYCLOAK.verify(claims, role_prefix=prefix)
    assert isinstance(principal, Principal)
    assert principal.scopes == scopes


@pytest.mark.parametrize(
    "roles", [None, 7, "admin", [7, None, ["admin"]], {"roles": 7}, {"roles": {"roles": 1}}], ids=str
)
def test_roles_that_are_no_roles_are_nobodys(roles: object) -> None:
    principal = KEYCLOAK.verify({**KEYCLOAK_USER, "realm_access": roles, "resource_access": roles})
    assert isinstance(principal, Principal)
    assert {scope for scope in principal.scopes if scope.startswith("role:")} <= {"role:roles"}


def test_scopes_that_are_no_scopes_refuse_the_token() -> None:
    assert OKTA.verify({**OKTA_USER, "scp": [7]}) == "token-claims"


def test_a_profile_of_ones_own_is_another_with_changes() -> None:
    own = replace(RFC_9068, name="own", roles=(("groups",),), clients=("app",), values={"use": ("api",)})
    claims = {**STANDARD_USER, "app": "web", "use": "api", "groups": ["staff"]}
    principal = STANDARD.verify(claims, profile=own)
    assert isinstance(principal, Principal)
    assert principal.can("role:staff")
    assert STANDARD.verify({**claims, "use": "login"}, profile=own) == "token-type"


CLIENTS: Final = replace(RFC_9068, clients_without_subject=True)


@pytest.mark.parametrize("sub", [..., None, ""], ids=["as Duende writes it", "as Rauthy writes it", "empty"])
def test_a_token_without_subject_is_of_a_client_where_the_profile_says_so(sub: Any) -> None:
    machine = {"aud": "orders", "client_id": "m2m", "jti": "1", "scope": ["orders:read"], "sub": sub}
    principal = STANDARD.verify(machine, profile=CLIENTS, subject_prefix="ids:")
    assert isinstance(principal, Principal)
    assert (principal.id, principal.kind, principal.client_id) == ("ids:m2m", "client", "m2m")
    assert STANDARD.verify(machine) == "token-claims"


@pytest.mark.parametrize("sub", [7, ["m2m"], False, 0, "m2m\n", {}], ids=repr)
def test_a_subject_that_is_none_is_not_an_absent_one(sub: Any) -> None:
    assert STANDARD.verify({**STANDARD_USER, "sub": sub}, profile=CLIENTS) == "token-claims"


def test_a_token_without_subject_and_without_client_is_of_nobody() -> None:
    claims = {name: value for name, value in STANDARD_USER.items() if name not in ("sub", "client_id")}
    assert STANDARD.verify(claims, profile=CLIENTS) in {"token-type", "token-claims"}


def test_a_token_without_subject_that_names_a_user_is_refused() -> None:
    claims = {**STANDARD_USER, "sub": ..., "preferred_username": "alice"}
    assert STANDARD.verify(claims, profile=CLIENTS) == "token-claims"


def test_a_service_token_that_is_named_by_another_claim_is_of_that_client() -> None:
    cloudflare = Profile(name="cf", types=("jwt", None), clients=("common_name",), clients_without_subject=True)
    claims = {"aud": ["orders"], "sub": "", "common_name": "robot.access"}
    principal = STANDARD.verify(claims, profile=cloudflare, header={"typ": "JWT"})
    assert isinstance(principal, Principal)
    assert (principal.id, principal.kind) == ("robot.access", "client")


def test_an_unknown_profile_is_a_mistake_that_names_the_known() -> None:
    with pytest.raises(ConfigurationError, match="auth0, keycloak, entra"):
        profile_of("auth-zero")
    assert profile_of(None) is RFC_9068
    assert profile_of(COGNITO) is COGNITO


def test_what_the_caller_says_counts_before_the_profile() -> None:
    principal = STANDARD.verify(
        {**STANDARD_USER, "permissions": ["orders:write"]},
        scopes="permissions",
        subject_prefix="id:",
        header=JWT,
        types=["JWT"],
    )
    assert isinstance(principal, Principal)
    assert principal.id == "id:alice"
    assert principal.scopes == {"orders:write", "role:admin"}


def test_what_is_checked_can_be_listed() -> None:
    issuer = Issuer("https://id.example", audience="orders")
    verifier = issuer.verifier_with(KeyRing.generate())
    assert [name for name, _ in verifier.rules.checks][-1] == "access token"
    assert isinstance(issuer.profile, Profile)

"""Rules of a profile by themselves: who acts, whom a token names, and which names an issuer has."""

from __future__ import annotations

from typing import Any

import pytest

from authmw.issuers.profiles import Profile

PROGRAMS = Profile(name="it", programs={"idtyp": "app", "sub": "{client}@clients", "machine": "*"}, users_have=("oid",))


@pytest.mark.parametrize(
    "claims, subject, client, itself",
    [
        ({"oid": "1"}, "alice", "shop", False),
        ({"oid": "1"}, "shop", "shop", True),
        ({"oid": "1"}, "Shop", "shop", False),
        ({}, "alice", "shop", True),
        ({"oid": None}, "alice", "shop", False),
        ({"oid": "1", "idtyp": "app"}, "alice", "shop", True),
        ({"oid": "1", "idtyp": "APP"}, "alice", "shop", True),
        ({"oid": "1", "idtyp": "user"}, "alice", "shop", False),
        ({"oid": "1", "idtyp": ["app"]}, "alice", "shop", False),
        ({"oid": "1", "sub": "Shop@Clients"}, "Shop@Clients", "shop", True),
        ({"oid": "1", "sub": "other@clients"}, "other@clients", "shop", False),
        ({"oid": "1", "machine": ""}, "alice", "shop", True),
        ({"oid": "1", "machine": None}, "alice", "shop", True),
        # Without a client in the token it is a user, whatever else it says.
        ({}, "alice", None, False),
        ({"idtyp": "app", "machine": "1"}, "alice", None, False),
    ],
)
def test_a_client_acts_for_itself_where_the_issuer_says_so(
    claims: dict[str, Any], subject: str, client: str | None, itself: bool
) -> None:
    assert PROGRAMS.acts_for_itself(claims, subject, client) is itself


@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.parametrize(
    "claims, subject",
    [
        ({"sub": "alice"}, "alice"),
        ({"sub": "alice", "email": "a@shop.example"}, "alice"),
        ({}, "shop"),
        ({"sub": ""}, "shop"),
        ({"sub": None}, "shop"),
        ({"email": ""}, "shop"),
        ({"sub": 7}, None),
        ({"sub": "a\nb"}, None),
        ({"sub": False}, None),
        ({"email": "a@shop.example"}, None),
        ({"sub": "", "username": "alice"}, None),
        *(({name: "alice"}, None) for name in ("preferred_username", "upn", "unique_name", "user_name", "user_id")),
        *(({name: "alice"}, None) for name in ("name", "given_name", "family_name", "nickname", "phone_number")),
    ],
)
def test_a_token_without_a_subject_is_that_of_its_client_only_if_it_names_no_user(
    claims: dict[str, Any], subject: str | None, allowed: bool
) -> None:
    profile = Profile(name="it", clients_without_subject=allowed)
    assert profile.subject_in(claims, "shop") == (None if subject == "shop" and not allowed else subject)


@pytest.mark.parametrize(
    "issuer, forms",
    [
        ("https://a.example/t1/", {"https://a.example/t1/", "https://b.example/t1/v2"}),
        ("https://b.example/t1/v2", {"https://a.example/t1/", "https://b.example/t1/v2"}),
        ("https://a.example//", {"https://a.example//"}),
        ("https://a.example/t1/x/", {"https://a.example/t1/x/"}),
        ("https://a.example/t1", {"https://a.example/t1"}),
        ("https://b.example/t1/v2/", {"https://b.example/t1/v2/"}),
        ("https://a.example/", {"https://a.example/"}),
        ("accounts.example", {"accounts.example", "https://accounts.example"}),
        ("https://accounts.example", {"accounts.example", "https://accounts.example"}),
        ("https://accounts.example/", {"https://accounts.example/"}),
    ],
)
def test_an_issuer_has_the_names_that_its_profile_calls_equal_and_no_others(issuer: str, forms: set[str]) -> None:
    groups = (("https://a.example/*/", "https://b.example/*/v2"), ("accounts.example", "https://accounts.example"))
    assert Profile(name="it", issuers=groups).forms_of(issuer) == forms

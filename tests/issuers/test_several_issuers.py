"""Several issuers: a token chooses by the `iss` it claims, and has to hold for exactly that one."""

from __future__ import annotations

from typing import Any

import pytest

from authmw import Auth, BearerToken, ConfigurationError, HTTPBearer, Issuer
from authmw.engine.authentication import Authentication
from authmw.issuers import Issuers
from authmw.testing import FakeClock, FakeIssuer
from tests.issuers.worlds import DRIVERS, NOW

CLOCK = FakeClock(NOW)


class Two:
    """Two issuers that one API trusts."""

    def __init__(self, **options: Any) -> None:
        self.staff = FakeIssuer("https://staff.test", clock=CLOCK)
        self.partners = FakeIssuer("https://partners.test", alg="EdDSA", clock=CLOCK)
        self.both = Issuers(
            self.staff.verifier(audience="orders"),
            self.partners.verifier(audience="orders", subject_prefix="partner:"),
        )
        self.auth = Auth(HTTPBearer(self.both), clock=CLOCK, **options)

    def ask(self, token: str, driver: str = "sync") -> str:
        """Who it is, or the code of the refusal."""
        result = DRIVERS[driver](self.auth, token)
        return result.principal.id if isinstance(result, Authentication) else result.reason.code


@pytest.mark.parametrize("driver", DRIVERS)
def test_each_issuer_vouches_for_its_own_users(driver: str) -> None:
    two = Two()
    assert two.ask(two.staff.token("alice", audience="orders"), driver) == "alice"
    assert two.ask(two.partners.token("alice", audience="orders"), driver) == "partner:alice"


def test_each_of_them_belongs_to_the_scheme_of_all() -> None:
    staff, partners = Two().both.members
    assert (staff.scheme, partners.scheme) == ("HTTPBearer", "HTTPBearer")


def test_a_token_that_claims_to_be_of_another_issuer_is_refused() -> None:
    two = Two()
    forged = two.partners.token("alice", audience="orders", iss=two.staff.issuer)
    assert two.ask(forged) == "authmw.token-algorithm"
    named = two.partners.token("alice", audience="orders", iss=two.staff.issuer, header={"alg": "ES256"})
    assert two.ask(named) == "authmw.token-key"
    assert two.partners.requests == []


@pytest.mark.parametrize(
    "iss", ["https://evil.test", "https://staff.test/", "", None, 7, ["https://staff.test"], ...], ids=str
)
def test_nobody_is_asked_about_a_token_of_an_unknown_issuer(iss: object) -> None:
    two = Two()
    assert two.ask(two.staff.token(audience="orders", iss=iss)) == "authmw.token-issuer"
    assert two.staff.requests + two.partners.requests == []


def test_one_issuer_that_is_down_is_not_the_others_fault() -> None:
    two = Two()
    two.partners.mode = "down"
    assert two.ask(two.partners.token(audience="orders")) == "authmw.unavailable"
    assert two.ask(two.staff.token(audience="orders")) == "alice"


@pytest.mark.parametrize("driver", DRIVERS)
def test_nobody_gets_the_id_of_another_issuers_user(driver: str) -> None:
    two = Two()
    imposter = two.staff.token("partner:alice", audience="orders")
    assert two.ask(imposter, driver) == "authmw.token-claims"
    assert two.ask(imposter, driver) == "authmw.token-claims", "nor with keys at hand"


def test_what_is_no_jwt_is_left_to_others() -> None:
    assert Two().both.verify(BearerToken("opaque")) is None


def test_a_jwt_that_does_not_parse_is_refused() -> None:
    assert Two().ask("a.b.c") == "authmw.token-malformed"


def test_what_is_remembered_is_dropped_with_a_key_of_any_of_them() -> None:
    two = Two()
    for fake in (two.staff, two.partners):
        two.ask(fake.token(audience="orders"))
    before = two.both.version
    retired = two.partners.ring.signer.kid
    two.partners.ring.rotate()
    two.partners.ring.retire(retired)
    two.ask(two.partners.token(audience="orders", header={"kid": "new"}))
    assert two.both.version[0] == before[0]
    assert two.both.version[1] != before[1]


def test_three_are_kept_in_their_order() -> None:
    a, b, c = (Issuer(f"https://{name}.test", audience="orders", subject_prefix=f"{name}:") for name in ("a", "b", "c"))

    assert [each.issuer for each in Issuers(a, b, c).members] == [a.issuer, b.issuer, c.issuer]


def test_two_issuers_whose_users_could_be_confused_are_a_mistake() -> None:
    a, b = (Issuer(f"https://{name}.test", audience="orders") for name in ("a", "b"))
    with pytest.raises(ConfigurationError, match="subject_prefix"):
        Issuers(a, b)


def test_one_issuer_twice_is_a_mistake_in_whatever_spelling() -> None:
    v1 = Issuer("https://sts.windows.net/8d2f/", audience="orders", profile="entra")
    v2 = Issuer("https://login.microsoftonline.com/8d2f/v2.0", audience="orders", profile="entra", subject_prefix="2:")
    with pytest.raises(ConfigurationError, match="name it once"):
        Issuers(v1, v2)
    with pytest.raises(ConfigurationError, match="needs an issuer"):
        Issuers()

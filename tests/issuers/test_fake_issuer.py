"""The issuer for tests: what it signs is accepted where it should be, and an application need not know of it."""

from __future__ import annotations

import pytest

from authmw import ConfigurationError, Issuer
from authmw.testing import FakeIssuer
from authmw.testing.issuer import Mode
from tests.issuers.worlds import OK, World


def test_its_access_tokens_are_accepted_and_its_id_tokens_are_not() -> None:
    world = World()
    assert world.ask(world.token()) == OK
    assert world.ask(world.fake.id_token(client_id="orders")).code == "authmw.token-type"


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES384", "EdDSA"])
def test_it_signs_by_any_algorithm(alg: str) -> None:
    fake = FakeIssuer(alg=alg)
    world = World(fake=fake, clock=None)
    world.clock.now = fake._clock()  # pyright: ignore[reportPrivateUsage] - the real one
    if alg == "PS256":
        world = World(fake=fake, rsa_algorithm="PS256", clock=world.clock)
    assert world.ask(world.token()) == OK


def test_an_rsa_key_that_names_no_algorithm_is_for_the_configured_one() -> None:
    fake = FakeIssuer(alg="PS256")
    (jwk,) = fake.ring.jwks()["keys"]
    fake.jwks = {"keys": [{name: value for name, value in jwk.items() if name != "alg"}]}
    standard, configured = (World(fake=fake, rsa_algorithm=alg) for alg in ("RS256", "PS256"))
    token = fake.token(audience="orders", iat=..., exp=2_000_000_000)
    assert standard.ask(token).code == "authmw.token-algorithm"
    assert configured.ask(fake.token(audience="orders", iat=1, exp=2_000_000_000)) == OK


def test_it_stands_in_for_the_issuer_of_an_application_and_leaves_it_as_it_was() -> None:
    real = FakeIssuer("https://id.example")
    world = World(fake=real)
    test = FakeIssuer("https://id.example", clock=world.clock)
    token = test.token(audience="orders")
    assert world.ask(token).code == "authmw.token-key"
    with test.stands_in_for(world.issuer):
        assert world.ask(token) == OK
    assert world.ask(token).code == "authmw.token-key"


def test_what_is_remembered_of_a_stand_in_is_not_recalled_afterwards() -> None:
    world = World(fake=FakeIssuer("https://id.example"), remember=16)
    test = FakeIssuer("https://id.example", clock=world.clock)
    token = test.token(audience="orders")
    world.ask(token)
    with test.stands_in_for(world.issuer):
        assert [world.ask(token) for _ in range(3)] == [OK] * 3
    assert world.ask(token).status == 401


def test_it_stands_in_for_nobody_else() -> None:
    issuer = Issuer("https://id.example", audience="orders")
    with pytest.raises(ConfigurationError, match="has another URL"), FakeIssuer().stands_in_for(issuer):
        pytest.fail("not reached")


def test_a_mode_that_is_none_is_a_mistake() -> None:
    fake = FakeIssuer()
    with pytest.raises(ConfigurationError, match="is none of up, down"):
        fake.mode = "sideways"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue] - the point
    mode: Mode = "down"
    fake.mode = mode
    assert fake.mode == "down"


def test_its_repr_holds_no_key() -> None:
    assert repr(FakeIssuer()) == "FakeIssuer('https://issuer.test')"

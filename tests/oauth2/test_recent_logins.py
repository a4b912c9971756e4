"""A login that has to be recent: signed tokens say when it was, and opaque ones do not, so they never pass."""

from __future__ import annotations

import pytest

from authmw import KeyRing, Principal
from authmw.identity.step_up import StepUp
from tests.oauth2.asking import KEYS, Bench


@pytest.mark.parametrize("keys", [None, KEYS], ids=["opaque", "JWT"])
def test_only_a_signed_token_passes_for_a_recent_login(keys: KeyRing | None) -> None:
    bench = Bench(keys=keys)
    alice: object = bench.verified(bench.log_in().json["access_token"])
    assert isinstance(alice, Principal)
    assert StepUp(max_age=300).is_met(alice, bench.clock()) is (keys is not None)
    assert StepUp(max_age=10**9).is_met(alice, bench.clock()) is (keys is not None)

"""What authmw has for the tests of others. That the contract catches what it should is in tests/stores."""

from __future__ import annotations

import time

from authmw.testing import FakeClock
from tests.support import fresh_python


def test_only_the_contract_needs_pytest() -> None:
    code = "import sys, authmw.testing; print('pytest' in sys.modules); import authmw.testing.contract"
    loaded = fresh_python("-c", f"{code}; print('pytest' in sys.modules)")
    assert (loaded.returncode, loaded.stdout.split()) == (0, ["False", "True"]), loaded.stderr


def test_a_fake_clock_stands_still_in_the_present_until_it_is_moved() -> None:
    clock = FakeClock()
    before = clock()
    assert abs(before - time.time()) < 60
    assert clock() == before
    clock.advance(1.5)
    assert clock() == before + 1.5

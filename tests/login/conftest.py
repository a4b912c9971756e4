"""The shop of the tests, in each framework."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.login.shop import WORLDS, Shop


@pytest.fixture(params=WORLDS)
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    made = Shop(request.param)
    yield made
    made.close()

"""Nothing gets through the guard that nothing names public, and nothing is closed that is: in generated applications.

`python -m tests.attacks` generates as many as it is told to.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from authmw_starlette.promises import WayPromise

from authmw.engine.guard import Guard, Passage
from authmw.engine.promise import Promise
from tests.attacks.worlds import FRAMEWORKS, asked_of, faults, world_of
from tests.support import objects_of_authmw


def _faults(framework: str, worlds: int) -> Iterator[str]:
    for number in range(worlds):
        random = Random(f"{framework} {number}")
        world = world_of(random, framework)
        asked = [asked_of(random, world) for _ in range(20)]
        yield from (f"{number}, {world}: {fault}" for fault in faults(world, asked))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_strangers_get_what_is_named_public_and_nothing_else(framework: str) -> None:
    assert list(_faults(framework, 8)) == []


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_strangers_get_what_is_named_public_and_nothing_else_in_many_applications(framework: str) -> None:
    assert list(_faults(framework, 150)) == []


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_requests_leave_nothing_behind(framework: str) -> None:
    for number in range(4):
        random = Random(f"{framework} {number}")
        world = world_of(random, framework)
        asked = [asked_of(random, world) for _ in range(20)]
        with asyncio.Runner() as runner:
            client = world.built(runner.run, guarded=True)
            for each in asked * 2:
                client(each)
            before = objects_of_authmw()
            for each in asked * 3:
                client(each)
            assert objects_of_authmw() - before == Counter()


# The oracle is no better than what it notices.


def _is_noticed(framework: str, what: str) -> bool:
    return any(what in fault for fault in _faults(framework, 400))


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize("framework", ["flask", "starlette", "fastapi"])
def test_the_oracle_notices_when_a_layer_may_answer(framework: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def allows(self: Promise, status: int) -> bool:
        return True

    monkeypatch.setattr(Promise, "allows", allows)
    assert _is_noticed(framework, "a stranger gets in")


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize("framework", ["starlette", "fastapi"])
@pytest.mark.parametrize("what", ["a closed view ran", "a public view is closed"])
def test_the_oracle_notices_when_nobody_looks_again(framework: str, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def arrive(self: WayPromise, target: object, scope: object) -> None: ...

    monkeypatch.setattr(WayPromise, "arrive", arrive)
    assert _is_noticed(framework, what)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_oracle_notices_a_preflight_that_is_handed_on(framework: str, monkeypatch: pytest.MonkeyPatch) -> None:
    admit = Guard.admit

    def handing_on(self: Guard, authentication: Any, request: Any) -> Any:
        passage = admit(self, authentication, request)
        return Passage.PREFLIGHT_PASSED if passage is Passage.PREFLIGHT_ANSWERED else passage

    monkeypatch.setattr(Guard, "admit", handing_on)
    assert _is_noticed(framework, "a preflight gets in")

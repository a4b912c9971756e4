"""The bounded cache: its bound, its clock, its eviction, and a fork while its lock is held."""

from __future__ import annotations

import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.flow.bounded_cache import BoundedCache
from authmw.testing import FakeClock


def test_the_key_that_came_first_goes_first_and_keeps_its_place_with_a_new_value() -> None:
    cache = BoundedCache[str, int](2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.put("a", 3)
    assert cache.get("a") == 3
    cache.put("c", 4)
    assert [cache.get(key) for key in "abc"] == [None, 2, 4]
    assert len(cache) == 2


@given(size=st.integers(0, 4), steps=st.lists(st.tuples(st.sampled_from(["put", "drop"]), st.sampled_from("abcdef"))))
def test_whatever_is_put_and_dropped_the_newest_is_there_and_no_more_than_the_bound(
    size: int, steps: list[tuple[str, str]]
) -> None:
    cache = BoundedCache[str, int](size)
    last: dict[str, int] = {}
    for number, (step, key) in enumerate(steps):
        if step == "put":
            cache.put(key, number)
            last[key] = number
            assert cache.get(key) == (number if size else None)
        else:
            cache.drop(key)
            last.pop(key, None)
        assert len(cache) <= size
        assert all(cache.get(each) in (None, last.get(each)) for each in "abcdef")
        assert len(cache._order) <= size  # pyright: ignore[reportPrivateUsage]  # dropped keys do not pile up
    if len({key for _, key in steps}) <= size and not any(step == "drop" for step, _ in steps):
        assert {key: cache.get(key) for key in last} == last


def test_an_entry_ends_at_its_end_and_at_the_longest_time_for_any() -> None:
    clock = FakeClock(1000.0)
    cache = BoundedCache[str, int](9, longest=30.0, clock=clock)
    cache.put("soon", 1, until=1010.0)
    cache.put("never", 2)
    clock.advance(9.9)
    assert (cache.get("soon"), cache.get("never")) == (1, 2)
    clock.advance(0.1)
    assert (cache.get("soon"), cache.get("never")) == (None, 2)
    clock.advance(20.0)
    assert cache.get("never") is None


def test_a_clock_that_is_set_back_prolongs_nothing() -> None:
    clock = FakeClock(1000.0)
    cache = BoundedCache[str, int](9, longest=30.0, clock=clock)
    cache.put("a", 1)
    clock.advance(-1.0)
    assert cache.get("a") is None


def test_what_has_ended_or_has_no_room_is_not_kept_and_takes_the_older_value_out() -> None:
    cache = BoundedCache[str, int](1, clock=FakeClock(1000.0))
    cache.put("a", 1)
    cache.put("a", 2, until=1000.0)
    assert (cache.get("a"), len(cache)) == (None, 0)
    none = BoundedCache[str, int](0)
    none.put("a", 1)
    assert (none.get("a"), len(none)) == (None, 0)


@pytest.mark.parametrize("answer", [False, None, 1, "yes"])
def test_an_entry_counts_only_while_its_condition_is_true(answer: object) -> None:
    cache = BoundedCache[str, int](1)
    answers: list[object] = [True, answer]
    cache.put("a", 1, holds=lambda: answers.pop(0))  # type: ignore[arg-type,return-value]  # what others write
    assert [cache.get("a"), cache.get("a")] == [1, None]


def test_a_dropped_entry_is_gone() -> None:
    cache = BoundedCache[str, int](1)
    cache.put("a", 1)
    cache.drop("a")
    cache.drop("a")
    assert cache.get("a") is None


def test_any_number_of_threads_stay_within_the_bound() -> None:
    cache = BoundedCache[int, int](10)

    def fill(start: int) -> None:
        for number in range(start, start + 2000):
            cache.put(number, number)
            assert cache.get(number) in (number, None)

    threads = [threading.Thread(target=fill, args=(start,)) for start in (0, 1000, 5000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(cache) == 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_that_was_forked_while_the_lock_was_held_reads_and_writes() -> None:
    cache = BoundedCache[str, int](2)
    cache.put("a", 1)
    with cache._lock:  # pyright: ignore[reportPrivateUsage]  # as another thread would
        child = os.fork()
        if child == 0:
            cache.put("b", 2)
            os._exit(0 if (cache.get("a"), cache.get("b")) == (1, 2) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0

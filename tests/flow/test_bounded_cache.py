"""The bounded cache: its bound, its clock, its eviction, and a fork while its lock is held."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Hashable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.flow import bounded_cache
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


Named = tuple[int, tuple[str, ...]]
"""A value with its names."""


def names_of(value: Named) -> tuple[str, ...]:
    return value[1]


NAMES = st.lists(st.sampled_from("pqr"), max_size=3).map(tuple)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("abcd"), NAMES),
        st.tuples(st.just("get"), st.sampled_from("abcd"), st.just(())),
        st.tuples(st.just("drop"), st.sampled_from("abcd"), st.just(())),
        st.tuples(st.just("drop_named"), st.just(""), NAMES),
    ),
    max_size=30,
)


@given(STEPS)
def test_a_dropped_name_takes_out_what_has_it_and_nothing_else_and_nothing_that_is_put_later(
    steps: list[tuple[str, str, tuple[str, ...]]],
) -> None:
    cache = BoundedCache[str, Named](99, names=names_of)
    kept: dict[str, Named] = {}
    for number, (step, key, names) in enumerate(steps):
        if step == "put":
            cache.put(key, (number, names))
            kept[key] = (number, names)
        elif step == "drop":
            cache.drop(key)
            kept.pop(key, None)
        elif step == "drop_named":
            cache.drop_named(*names)
            kept = {each: value for each, value in kept.items() if set(names).isdisjoint(value[1])}
        else:
            assert cache.get(key) == kept.get(key)
    assert {key: cache.get(key) for key in "abcd"} == {key: kept.get(key) for key in "abcd"}
    assert len(cache) == len(kept)  # what was dropped by name and read is removed


def test_a_drop_by_name_looks_at_no_value_and_each_read_at_its_own_once() -> None:
    asked: list[int] = []

    def names(value: int) -> tuple[Hashable, ...]:
        asked.append(value)
        return (value,)

    cache = BoundedCache[int, int](1000, names=names)
    for number in range(1000):
        cache.put(number, number)
    cache.drop_named(7)
    assert asked == []
    assert [cache.get(8), cache.get(8), cache.get(7), cache.get(7)] == [8, 8, None, None]
    assert asked == [8, 7]


def test_what_was_not_read_for_many_drops_by_name_is_dropped_and_no_name_is_kept_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_cache, "_MOST_DROPPED", 3)
    cache = BoundedCache[str, Named](9, names=names_of)
    for key in ("read", "unread", "named"):
        cache.put(key, (0, (key,)))
    cache.drop_named("named")
    for _ in range(2):
        cache.drop_named("x", "x")
        assert cache.get("read") == (0, ("read",))
    assert [cache.get(key) for key in ("read", "unread", "named")] == [(0, ("read",)), None, None]
    for number in range(9):
        cache.drop_named(f"{number}")
        assert cache.get("read") == (0, ("read",))
    assert len(cache._drops) == len(cache._generation_of) == 3  # pyright: ignore[reportPrivateUsage]


def test_what_is_dropped_by_name_while_it_is_read_is_not_read_again() -> None:
    def names(value: str) -> tuple[str, ...]:
        if meanwhile:
            cache.drop_named(meanwhile.pop())
        return (value,)

    meanwhile: list[str] = []
    cache = BoundedCache[str, str](9, names=names)
    cache.put("a", "alice")
    cache.drop_named("bob")
    meanwhile.append("alice")
    assert [cache.get("a"), cache.get("a")] == [None, None]


def test_what_is_put_while_an_older_value_is_read_stays() -> None:
    def names(value: str) -> tuple[str, ...]:
        if value == "old" and not puts:
            puts.append("new")
            cache.put("a", "new")
        return (value,)

    puts: list[str] = []
    cache = BoundedCache[str, str](9, names=names)
    cache.put("a", "old")
    cache.drop_named("old")
    assert [cache.get("a"), cache.get("a")] == [None, "new"]
    puts.clear()
    cache.put("a", "old")
    cache.drop_named("another")
    assert [cache.get("a"), cache.get("a")] == ["old", "new"]


def test_no_thread_reads_what_was_dropped_by_name_before() -> None:
    cache = BoundedCache[int, int](64, names=lambda value: (value,))
    dropped: set[int] = set()
    seen: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            for number in range(64):
                was_dropped = number in dropped
                if cache.get(number) is not None and was_dropped:
                    seen.append(number)

    interval = sys.getswitchinterval()
    readers = [threading.Thread(target=read) for _ in range(3)]
    sys.setswitchinterval(1e-6)
    try:
        for number in range(64):
            cache.put(number, number)
        for reader in readers:
            reader.start()
        for number in range(64):
            cache.drop_named(number)
            dropped.add(number)
    finally:
        done.set()
        for reader in readers:
            reader.join()
        sys.setswitchinterval(interval)
    assert seen == []
    assert [cache.get(number) for number in range(64)] == [None] * 64


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

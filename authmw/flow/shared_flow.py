"""Single flight of flows: of all flows that ask for the same key at the same time, one is run, in both drivers."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from authmw.flow.flow import Flow, Join
from authmw.flow.single_flight import Call, SingleFlight

T = TypeVar("T")


def shared(flights: SingleFlight[T], key: Hashable, make: Callable[[], Flow[T]]) -> Flow[T]:
    """The result of the flow that `make` returns. The first request for `key` runs it, with its own driver.

    Requests that come meanwhile wait, without a thread or a slot of the pool, and get the same result. If the first
    one is cancelled, or has taken `SingleFlight.longest` seconds, the next one of them runs its own flow, and the
    others go on waiting. One that cannot wait runs a flow for itself.

    Raises:
        Unavailable: the flow of another request failed. In the request that runs the flow, its own exception is raised.
    """
    while True:
        with flights.lock:
            call = flights.current(key)
            leads = call is None
            if call is None:
                call = flights.begin(key)
            else:
                call.waiting += 1
        if leads:
            return (yield from _led(flights, key, call, make))
        yield from Join(call, flights.longest)
        if call.answers is not None or call.error is not None:
            return call.outcome()
        with flights.lock:
            is_running = flights.current(key) is call
        if is_running:
            return (yield from make())  # this request cannot wait


def _led(flights: SingleFlight[T], key: Hashable, call: Call[T], make: Callable[[], Flow[T]]) -> Flow[T]:
    try:
        answer = yield from make()
    except Exception as error:
        call.error = error
        raise
    else:
        call.answers = (answer,)
        return answer
    finally:
        flights.finish(key, call)

"""``python -m tests.soak``: mixed traffic on gunicorn and uvicorn, while stores go away and workers are killed.

The stores are PostgreSQL and Redis of this machine, behind proxies that close or swallow connections; the stores
themselves are left alone. In each round each store is closed, silent and back, and both are silent. In the first half
of the time a worker of each server is killed after each round, and each server reloads; in the second half the workers
live on, and their memory has to be flat. An oracle knows which answers are right at which time.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Final

from tests.fleet.asking import see_processes
from tests.fleet.backends import backend
from tests.fleet.serving import serving
from tests.proxy import Proxy
from tests.soak.memory import Memory, status_of
from tests.soak.notes import Seen
from tests.soak.oracle import AFTERWARDS, RESTART, Event, fault_in, summary, told
from tests.soak.traffic import PAUSE, Traffic

SERVERS: Final = ("gunicorn-preload", "uvicorn-patient")
WORKERS: Final = 2
_SHOWN: Final = 40
_BEFORE: Final = 3.0
"""Seconds before and after a fault of which is shown what the servers printed."""
_START_SECONDS: Final = 180.0
"""Seconds in which workers are replaced, on a busy machine too."""


@dataclass(slots=True)
class Report:
    """What a soak found.

    Args:
        faults: what was wrong, in the order of its finding.
        requests: how many were judged.
        rounds: how many were made.
        answers: for each kind of request, how many there were of each status.
        at: when each answer that was wrong was asked for and given, in seconds since the epoch.
    """

    faults: list[str] = field(default_factory=list[str])
    requests: int = 0
    rounds: int = 0
    at: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    answers: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter[int]))


def _say(line: str) -> None:
    print(line, flush=True)


def soak(
    minutes: float,
    *,
    outage: float = 20.0,
    calm: float = 8.0,
    jwt: bool = False,
    slack: float = 1.0,
    pause: float = PAUSE,
    seed: int | None = None,
    say: Callable[[str], object] = _say,
) -> Report:
    """Run rounds for about so many minutes, one at least.

    Args:
        minutes: no round begins after them.
        outage: seconds of each outage.
        calm: seconds between two events.
        jwt: access tokens are JWTs.
        slack: seconds that a request may take longer than the bound, on a busy machine.
        pause: seconds between two requests of one kind.
        seed: for the same workers and order again.
        say: prints a line.
    """
    report, chance = Report(), random.Random(seed)
    with ExitStack() as stack:
        place = stack.enter_context(backend("fleet", jwt=jwt, proxied=True, complete=True, grace=60))
        servers = {server: stack.enter_context(serving(server, place.proxied, workers=WORKERS)) for server in SERVERS}
        ports = {name: server.port for name, server in servers.items()}
        for port in ports.values():
            _workers(port)
        outages = _outages(*place.proxies)
        memory = Memory(warm_after=len(outages) * (outage + calm + AFTERWARDS))
        traffic = Traffic(place, ports, pause)
        stack.enter_context(traffic.going())
        began = time.monotonic()
        while not report.rounds or time.monotonic() < began + minutes * 60:
            chance.shuffle(outages)
            happened: list[Event] = []
            time.sleep(calm)
            for name, fault, stores in outages:
                happened.append(_take_away(name, fault, stores, outage))
                time.sleep(calm + AFTERWARDS)
                _sample(memory, ports)
            if not report.rounds or time.monotonic() < began + minutes * 30:
                for name, disturb in (("killed workers", _kill), ("reload", _reload)):
                    happened.append(_disturb(name, ports, chance, disturb))
                    time.sleep(calm + RESTART)
                    _sample(memory, ports)
            report.rounds += 1
            _judge(report, traffic.taken(), happened, slack, say)
            if traffic.errors:
                raise traffic.errors[0]
        for name, server in servers.items():
            for line in _around(report.at, server.output()):
                say(f"{name} printed {line}")
    report.faults += memory.faults()
    for kind, answers in sorted(report.answers.items()):
        say(f"{kind:35} {told(answers)}")
    say(str(memory))
    return report


def _outages(database: Proxy, redis: Proxy) -> list[tuple[str, Callable[[Proxy], None], list[Proxy]]]:
    return [
        *(
            (f"{name} {how}", fault, [store])
            for name, store in (("PostgreSQL", database), ("Redis", redis))
            for how, fault in (("closed", Proxy.refuse), ("silent", Proxy.fall_silent))
        ),
        ("both silent", Proxy.fall_silent, [database, redis]),
    ]


def _sample(memory: Memory, ports: Mapping[str, int]) -> None:
    for server, port in ports.items():
        memory.sample(server, sorted(_workers(port)))


def _around(times: Iterable[tuple[float, float]], printed: str) -> list[str]:
    """The lines that a server printed around the times of faults."""
    spans = [(began - _BEFORE, ended + _BEFORE) for began, ended in times]
    found: list[str] = []
    for line in printed.splitlines():
        with suppress(ValueError):
            at = float(line.partition(" ")[0])
            found += [line] if any(began < at < ended for began, ended in spans) else []
    return found


def _take_away(name: str, fault: Callable[[Proxy], None], proxies: list[Proxy], seconds: float) -> Event:
    began = time.monotonic()
    for proxy in proxies:
        fault(proxy)
    time.sleep(seconds)
    for proxy in proxies:
        proxy.restore()
    return Event(name, began, time.monotonic(), True)


def _disturb(
    name: str, ports: Mapping[str, int], chance: random.Random, disturb: Callable[[int, random.Random], set[int]]
) -> Event:
    began = time.monotonic()
    gone = {port: disturb(port, chance) for port in ports.values()}
    for port, processes in gone.items():
        _workers(port, processes)  # how long a worker takes to start is not what is measured
    return Event(name, began, time.monotonic(), False)


def _kill(port: int, chance: random.Random) -> set[int]:
    """Kill a worker of the server, which starts another one."""
    worker = chance.choice(sorted(_workers(port)))
    os.kill(worker, signal.SIGKILL)
    return {worker}


def _reload(port: int, chance: random.Random) -> set[int]:
    """Tell the master of the server to replace its workers."""
    workers = _workers(port)
    os.kill(int(status_of(chance.choice(sorted(workers)), "PPid")), signal.SIGHUP)
    return workers


def _workers(port: int, gone: Collection[int] = ()) -> set[int]:
    """All workers of the server, as soon as none of them is in `gone`."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError, AssertionError, HTTPException):
            workers = see_processes(port, WORKERS)
            if workers.isdisjoint(gone):
                return workers
        time.sleep(0.2)
    raise RuntimeError(f"the workers at {port} were not replaced")


def _judge(report: Report, seen: list[Seen], events: list[Event], slack: float, say: Callable[[str], object]) -> None:
    since = time.time() - time.monotonic()
    found = [(each, fault) for each in seen if (fault := fault_in(each, events, slack))]
    faults = [fault for _, fault in found]
    report.faults += faults
    report.at += [(each.asked_at + since, each.answered_at + since) for each, _ in found]
    report.requests += len(seen)
    for each in seen:
        report.answers[each.kind][each.status] += 1
    say(f"round {report.rounds}: {len(seen)} requests, {len(faults)} faults")
    for event in events:
        say(summary(seen, event))
    for each, fault in found[:_SHOWN]:
        say(f"FAULT at {each.asked_at + since:.2f}: {fault}")


def _end(_: int, __: object) -> None:
    """Stop the servers before the end."""
    sys.exit(1)


def main() -> int:
    """Soak as the command line says; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--outage", type=float, default=20.0, help="seconds of each outage")
    parser.add_argument("--jwt", action="store_true", help="access tokens are JWTs")
    parser.add_argument("--slack", type=float, default=1.0, help="seconds that a request may take longer")
    parser.add_argument("--pause", type=float, default=PAUSE, help="seconds between two requests of one kind")
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    report = soak(
        given.minutes, outage=given.outage, jwt=given.jwt, slack=given.slack, pause=given.pause, seed=given.seed
    )
    print(f"{report.requests} requests in {report.rounds} rounds; faults: {len(report.faults)}")
    return int(bool(report.faults))


if __name__ == "__main__":
    sys.exit(main())

"""Many logins at once: what becomes of a cheap request meanwhile, what memory they take, and who is sent away.

Each server is a real one in its own process. The clients are here, each login from an address of its own.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from authmw.crypto.passwords import RFC_9106_LOW_MEMORY
from authmw.flow.pool import WorkPool
from tests.benchmarks.harness import complete
from tests.benchmarks.login_servers import LOGINS, PASSWORD, SERVERS
from tests.benchmarks.results import Figure, Table

CROWD = 500
_TICK = 0.005
_IDLE_SECONDS = 3.0
_HUNG = 120.0


@dataclass(frozen=True, slots=True)
class Storm:
    """What was seen.

    Args:
        idle: seconds that the cheap request took with nobody logging in, in ascending order.
        busy: the same while everybody does.
        peak: bytes of memory that were taken at most, above those before.
        seconds: until the last login was answered.
        answers: how many there were of each.
    """

    idle: list[float]
    busy: list[float]
    peak: int
    seconds: float
    answers: Counter[str]


def measured() -> Table:
    """The storm on each server, and what a crowd is answered. The rows in milliseconds say what a ratio is of."""
    pool = WorkPool()
    hash_bytes = RFC_9106_LOW_MEMORY.memory * 1024
    storms = {name: _storm(name, LOGINS) for name in SERVERS}
    inline = storms["fastapi-async"].seconds
    figures: list[Figure] = []
    for name, storm in storms.items():
        idle, busy = _p99(storm.idle), _p99(storm.busy)
        is_ours = name == "authmw"
        figures += [
            _figure(f"{name}: p99 of a cheap request / idle", busy / idle, goal="15" if is_ours else ""),
            # At least 0.95 times the logins in a second.
            _figure(f"{name}: time of all logins / inline", storm.seconds / inline, goal="1.053" if is_ours else ""),
            _figure(f"{name}: memory / one hash", storm.peak / hash_bytes, goal=f"{pool.slots + 1}" if is_ours else ""),
            _figure(f"{name}: p99 of a cheap request [ms]", busy * 1e3),
            *_answers(name, storm),
        ]
    crowd = _storm("authmw", CROWD)
    name = f"authmw, {CROWD} logins"
    figures += [_figure(f"{name}: p99 of a cheap request [ms]", _p99(crowd.busy) * 1e3), *_answers(name, crowd)]
    title = f"{LOGINS} logins at once, argon2 default, {pool.slots} slots for hashes, {pool.queue} may wait"
    return Table.now(title, figures, processes=1, rounds=1)


def _answers(name: str, storm: Storm) -> list[Figure]:
    return [_figure(f"{name}: answers {answer}", count) for answer, count in sorted(storm.answers.items())]


def _figure(label: str, value: float, *, goal: str = "") -> Figure:
    return Figure.of(label, [value], goal=goal)


def _storm(name: str, count: int) -> Storm:
    with _server(name) as (port, pid):
        return complete(_measure(port, pid, count))


async def _measure(port: int, pid: int, count: int) -> Storm:
    first = await _log_in(port, 0)
    if first != "200":
        raise SystemExit(f"a login is answered {first}")
    wrong = await _log_in(port, 0, password="wrong")
    if not wrong.startswith("4"):
        raise SystemExit(f"a wrong password is answered {wrong}")
    idle = await _probe(port, asyncio.create_task(asyncio.sleep(_IDLE_SECONDS)))
    before = _memory(pid, "VmRSS")
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the highest so far is as it is now
    began = time.perf_counter()
    everybody = asyncio.gather(*(_log_in(port, number + 1) for number in range(count)))
    busy = await _probe(port, everybody)
    answers = Counter(await everybody)
    return Storm(sorted(idle), sorted(busy), _memory(pid, "VmHWM") - before, time.perf_counter() - began, answers)


async def _probe(port: int, until: asyncio.Future[Any]) -> list[float]:
    """Seconds from when each request was due to its answer: those that come late because one hangs are late too."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took: list[float] = []
    due = time.perf_counter()
    while not until.done():
        await asyncio.sleep(due - time.perf_counter())
        writer.write(b"GET /cheap HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        if not head.startswith(b"HTTP/1.1 200") or length is None:
            raise SystemExit("the cheap request was not answered")
        await reader.readexactly(int(length[1]))
        took.append(time.perf_counter() - due)
        due += _TICK
    writer.close()
    await writer.wait_closed()
    return took


async def _log_in(port: int, number: int, *, password: str = PASSWORD) -> str:
    """The status, and whether a 503 tells when to come back; from an address that is the client's own."""
    source = f"127.1.{number // 250}.{number % 250 + 1}"
    form = urlencode({"grant_type": "password", "username": f"user-{number}", "password": password}).encode()
    request = (
        b"POST /token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%b" % (len(form), form)
    )
    try:
        async with asyncio.timeout(_HUNG):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
            writer.write(request)
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
    except TimeoutError:
        return "hung"
    except OSError as error:
        return type(error).__name__
    head = answer.partition(b"\r\n\r\n")[0].lower()
    return head[9:12].decode() + (" with Retry-After" if b"\r\nretry-after: " in head else "")


@contextmanager
def _server(name: str) -> Generator[tuple[int, int], None, None]:
    command = [sys.executable, "-m", "tests.benchmarks.login_servers", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline() if process.stdout else ""), process.pid
        finally:
            process.terminate()


def _memory(pid: int, field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def _p99(ordered: list[float]) -> float:
    return ordered[len(ordered) * 99 // 100]

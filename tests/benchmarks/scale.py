"""How a database answers when much is in it: ``python -m tests.benchmarks scale``, and ``--tokens`` for fewer.

Beside a hundredth of the tokens, so that the ratio tells whether the time is flat. Then half of them expire, and are
pruned by another process while lookups go on.
"""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg
from authmw_sqlalchemy import SQLStores
from authmw_sqlalchemy.tables import refresh_families, tokens, users
from sqlalchemy import Table, make_url

from authmw.crypto.opaque_tokens import token_digest
from authmw.stores.records import Outcome, Rotation
from tests.benchmarks import databases
from tests.benchmarks.cases import Absent

_HOUR = 3600.0
_LOOKUPS = 5000
_ROTATIONS = 500
_SMALLER = 100
_USERS = 10  # tokens for each user, and for each login

Took = list[float]
"""Seconds, in ascending order."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is.

    Args:
        tokens: live ones; every other expires within the hour.
        users: each with a login.
    """

    tokens: int
    users: int

    @classmethod
    def of(cls, count: int) -> Size:
        """With a tenth as many users."""
        return cls(count, max(1, count // _USERS))


def report(count: int) -> None:
    """Print the latencies beside those with a hundredth, and what a prune does to them."""
    for name, make in (("SQLite", databases.open_sqlite), ("PostgreSQL", databases.open_postgres)):
        try:
            few = _measured(make, Size.of(count // _SMALLER))
            with closing(make()) as opened:
                _print(name, opened, Size.of(count), few)
        except Absent as absent:
            print(f"{name}: left out, since {absent}")


def _measured(make: Callable[[], databases.Opened], size: Size) -> dict[str, Took]:
    with closing(make()) as opened:
        _fill(opened.url, size, time.time())
        return _latencies(opened.stores, size)


def _print(name: str, opened: databases.Opened, size: Size, few: dict[str, Took]) -> None:
    began = time.time()
    _fill(opened.url, size, began)
    seconds = time.time() - began
    print(f"{name}: {size.tokens} live tokens, {size.users} users and logins (filled in {seconds:.0f} s)")
    for verb, took in _latencies(opened.stores, size).items():
        ratio = _at(took, 50) / _at(few[verb], 50)
        print(f"  {verb:11} {_shown(took)} = {ratio:.2f} x with {size.tokens // _SMALLER} (goal: flat)")
    _print_prune(opened, size, began)


def _latencies(stores: Any, size: Size) -> dict[str, Took]:
    """What each verb takes, on records chosen by chance."""
    chosen, now = random.Random(0), time.time()
    numbers = [chosen.randrange(size.tokens) for _ in range(_LOOKUPS)]
    logins = chosen.sample(range(size.users), min(_ROTATIONS, size.users))
    rotations = [
        Rotation(_key(n), _current(n), token_digest(f"next-{n}"), "salt", "web", now, now + 24 * _HOUR) for n in logins
    ]
    for number in numbers[:100]:
        stores.tokens.find_token(_token(number))  # opens connections, and prepares
        stores.users.find(f"user-{number % size.users}")
    return {
        "find_token": _timed(stores.tokens.find_token, map(_token, numbers), _is_there),
        "find": _timed(stores.users.find, (f"user-{number % size.users}" for number in numbers), _is_there),
        "rotate": _timed(stores.families.rotate, rotations, lambda answer: answer.outcome is Outcome.ROTATED),
    }


def _print_prune(opened: databases.Opened, size: Size, began: float) -> None:
    """Look up what stays, in this process, while another one deletes the rest."""
    before = _while(opened.stores, size, time.monotonic() + 3.0)
    process = multiprocessing.get_context("spawn").Process(target=_prune, args=(opened.url, began + 2 * _HOUR))
    process.start()
    started = time.monotonic()
    meanwhile = _while(opened.stores, size, process)
    seconds = time.monotonic() - started
    process.join()
    if process.exitcode:
        raise SystemExit("the prune failed")
    left = sum(1 for number in range(0, min(size.tokens, 2000)) if opened.stores.tokens.find_token(_token(number)))
    expected = min(size.tokens, 2000) // 2
    if left != expected:
        raise SystemExit(f"{left} of the first tokens are left, and {expected} should be")
    print(f"  prune of half, in batches of 1000: {seconds:.0f} s; {len(meanwhile)} lookups meanwhile, none failed")
    print(f"  find_token before {_shown(before)}; meanwhile {_shown(meanwhile)}\n")


def _while(stores: Any, size: Size, until: Any) -> Took:
    """Look up live tokens until a time, or the end of a process. One that is not found ends it all."""
    chosen = random.Random(1)
    took: Took = []
    while until.is_alive() if hasattr(until, "is_alive") else time.monotonic() < until:
        number = chosen.randrange(size.tokens // 2) * 2
        took += _timed(stores.tokens.find_token, [_token(number)], _is_there)
        time.sleep(0.001)
    return sorted(took)


def _prune(url: str, now: float) -> None:
    with closing(SQLStores(url)) as stores:
        for _ in stores.prune(now):
            pass


def _timed(ask: Callable[[Any], Any], arguments: Iterable[Any], is_right: Callable[[Any], bool]) -> Took:
    took: Took = []
    for argument in arguments:
        began = time.perf_counter()
        answer = ask(argument)
        took.append(time.perf_counter() - began)
        if not is_right(answer):
            raise SystemExit(f"{ask} answered {answer}")
    return sorted(took)


def _is_there(answer: object) -> bool:
    return answer is not None


# What is there


def _fill(url: str, size: Size, now: float) -> None:
    """Put everything in, as fast as the database takes it."""
    rows: dict[Table, Iterator[dict[str, object]]] = {
        users: (_user(n, now) for n in range(size.users)),
        refresh_families: (_login(n, now) for n in range(size.users)),
        tokens: (_live(n, size, now) for n in range(size.tokens)),
    }
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(parsed.database or "", isolation_level=None)) as connection:
            connection.execute("PRAGMA cache_size = -200000")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN")
            for table, each in rows.items():
                names = table.columns.keys()
                marks = ", ".join("?" * len(names))
                columns = ", ".join(f'"{name}"' for name in names)
                insert = f"INSERT INTO {table.name} ({columns}) VALUES ({marks})"
                connection.executemany(insert, (tuple(map(row.get, names)) for row in each))
            connection.execute("COMMIT")
            connection.execute("ANALYZE")
        return
    conninfo = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for table, each in rows.items():
            names = table.columns.keys()
            columns = ", ".join(f'"{name}"' for name in names)
            statement: Any = f"COPY {table.name} ({columns}) FROM STDIN"
            with connection.cursor().copy(statement) as copy:
                for row in each:
                    copy.write_row(tuple(map(row.get, names)))
        connection.execute("VACUUM ANALYZE")


def _user(number: int, now: float) -> dict[str, object]:
    name = f"user-{number}"
    return {"id": name, "username": name, "scopes": "orders:read", "attributes": "{}", "created_at": now}


def _login(number: int, now: float) -> dict[str, object]:
    return {
        "id": f"login_{number}",
        "key": _key(number),
        "current": _current(number),
        "subject": f"user-{number}",
        "username": f"user-{number}",
        "client_id": "web",
        "scopes": "orders:read",
        "created_at": now,
        "expires_at": now + 720 * _HOUR,
        "idle_until": now + 336 * _HOUR,
        "previous": "",
        "salt": "",
        "rotated_at": 0.0,
        "name": "Firefox",
    }


def _live(number: int, size: Size, now: float) -> dict[str, object]:
    return {
        "id": f"tok_{number}",
        "digest": _token(number),
        "subject": f"user-{number % size.users}",
        "expires_at": now + (_HOUR if number % 2 else 24 * _HOUR),
        "scopes": "orders:read orders:write",
        "kind": "user",
        "client_id": "web",
        "created_at": now,
        "audience": '["orders"]',
        "family_id": f"login_{number % size.users}",
    }


def _token(number: int) -> str:
    return token_digest(f"token-{number}")


def _key(number: int) -> str:
    return token_digest(f"key-{number}")


def _current(number: int) -> str:
    return token_digest(f"current-{number}")


def _at(took: Took, percent: int) -> float:
    return took[min(len(took) - 1, len(took) * percent // 100)]


def _shown(took: Took) -> str:
    p50, p99, longest = (seconds * 1e6 for seconds in (_at(took, 50), _at(took, 99), took[-1]))
    return f"p50 {p50:.0f}, p99 {p99:.0f}, max {longest:.0f} us"

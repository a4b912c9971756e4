"""``python -m tests.benchmarks.fleet``: how long until four processes honour a revocation that was made in one.

Two serve Flask and two Starlette, on PostgreSQL whose table of revocations the feeds poll, and on PostgreSQL with the
revocations in Redis. Meanwhile others use each of them. A delay is the time from the answer to the revocation until
the last request that was let pass began; 0 for none. The bound is what no request may ever be above.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from functools import partial
from typing import Final

from tests.fleet.asking import bearer, log_in, whoami
from tests.fleet.delays import REVOCATIONS, Fleet, fleet_of
from tests.fleet.load import Call, load

FEEDS: Final = {"SQL, polled": "postgresql", "Redis": "fleet"}


def main() -> int:
    """Print the distribution for each feed; how many revocations came too late."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fleet", description=__doc__)
    parser.add_argument("--revocations", type=int, default=100, help="for each feed, of all kinds in turn")
    parser.add_argument("--bound", type=float, default=1.0, help="seconds")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    print(f"{options.revocations} revocations for each feed, honoured by 4 processes each; bound {options.bound} s")
    print(f"{'feed':12} {'p50':>7} {'p90':>7} {'p99':>7} {'max':>7}  late  requests meanwhile")
    chance = random.Random(options.seed)
    return sum(_reported(name, options.revocations, options.bound, chance) for name, _ in FEEDS.items())


def _reported(name: str, count: int, bound: float, chance: random.Random) -> int:
    with fleet_of(FEEDS[name], jwt=True, bound=bound) as fleet:
        busy, *users = fleet.backend.add_users(count + 1)
        with load(_others(fleet, busy)) as meanwhile:
            delays = sorted(
                delay for number, user in enumerate(users) for delay in _delays(fleet, number, user, chance)
            )
        answers = Counter(answer.status for kind in meanwhile.answers.values() for answer in kind)
    late = sum(delay >= bound for delay in delays)
    columns = " ".join(f"{_quantile(delays, share):6.3f}s" for share in (0.5, 0.9, 0.99, 1.0))
    told = ", ".join(f"{number} of {status}" for status, number in sorted(answers.items()))
    print(f"{name:12} {columns}  {late:4}  {told}")
    return late


def _others(fleet: Fleet, username: str) -> dict[str, Call]:
    """One who uses each server all the time."""
    token = log_in(fleet.ports[0], username).json["access_token"]
    return {f"server {number}": partial(whoami, port, bearer(token)) for number, port in enumerate(fleet.ports)}


def _delays(fleet: Fleet, number: int, username: str, chance: random.Random) -> list[float]:
    kinds = list(REVOCATIONS)
    delays = fleet.revoke(kinds[number % len(kinds)], username, at=chance.randrange(len(fleet.ports)))
    assert all(delay.statuses in ((401,), (200, 401)) for delay in delays), delays
    return [delay.seconds for delay in delays]


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


if __name__ == "__main__":
    raise SystemExit(1 if main() else 0)

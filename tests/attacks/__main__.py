"""``python -m tests.attacks``: strangers, callers and preflights at generated applications, judged by an oracle."""

from __future__ import annotations

import argparse
import logging
import time
from collections import Counter
from random import Random

from tests.attacks.worlds import FRAMEWORKS, asked_of, faults, world_of


def main() -> int:
    """Generate as many applications as the command line says; how many faults were found."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("frameworks", nargs="*", choices=[[], *FRAMEWORKS], default=[], metavar="framework")
    parser.add_argument("--worlds", type=int, default=1000, help="applications of each framework")
    parser.add_argument("--requests", type=int, default=50, help="requests to each application")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    frameworks = options.frameworks or FRAMEWORKS
    return sum(_tried(each, options.worlds, options.requests, options.seed) for each in frameworks)


def _tried(framework: str, worlds: int, requests: int, seed: int) -> int:
    began, counts, wrong = time.monotonic(), Counter[str](), 0
    for number in range(worlds):
        random = Random(f"{framework} {seed} {number}")
        world = world_of(random, framework)
        for fault in faults(world, [asked_of(random, world) for _ in range(requests)], counts):
            wrong += 1
            print(f"{framework} {number}: {world}: {fault}")
    kinds = ", ".join(f"{kind} {count}" for kind, count in counts.most_common())
    took = time.monotonic() - began
    print(f"{framework}: {worlds} applications, {counts.total()} requests ({kinds}); faults: {wrong} ({took:.0f} s)")
    return wrong


if __name__ == "__main__":
    raise SystemExit(min(main(), 1))

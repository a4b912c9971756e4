"""``python -m tests.fleet``: processes that rotate and revoke are killed, a hundred on each store."""

from __future__ import annotations

import argparse
import random
import time

from authmw.crypto.keyring import KeyRing
from tests.fleet.backends import BACKENDS, backend
from tests.fleet.killed import KEY, kill_one


def main() -> int:
    """Kill as many as the command line says; how many faults were found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fleet", description=__doc__)
    parser.add_argument("stores", nargs="*", choices=[[], *BACKENDS], default=[], metavar="store")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None, help="for the same moments again, as far as that goes")
    options = parser.parse_args()
    return sum(_killed(kind, options.kills, random.Random(options.seed)) for kind in options.stores or BACKENDS)


def _killed(kind: str, kills: int, chance: random.Random) -> int:
    began, in_a_step, answered, found = time.monotonic(), 0, 0, 0
    with backend(kind) as opaque, backend(kind, jwt=True) as signed:
        for place in (opaque, signed):
            place.add_user("alice")
            place.add_client("shop", KeyRing(KEY).jwks())
        for number in range(kills):
            left, faults = kill_one((opaque, signed)[number % 2], chance)
            in_a_step += left.was_in_a_step
            answered += sum(len(login.refreshes) + len(login.revoked) for login in left.logins)
            found += len(faults)
            for fault in faults:
                print(f"{kind}: kill {number + 1}: {fault}")
    took = time.monotonic() - began
    print(
        f"{kind}: {kills} killed, {in_a_step} of them between question and answer, after {answered} logins, refreshes "
        f"and revocations; faults: {found} ({took:.0f} s)"
    )
    return found


if __name__ == "__main__":
    raise SystemExit(main())

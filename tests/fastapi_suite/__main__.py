"""``python -m tests.fastapi_suite [VERSION ...]``: FastAPI's tests of security, on ours."""

from __future__ import annotations

import sys

from tests.fastapi_suite.releases import NEWEST, YEAR_OLD, prepare
from tests.fastapi_suite.run import run_theirs
from tests.fastapi_suite.selection import select


def main(versions: list[str]) -> int:
    """Run them, and say what was run."""
    worst = 0
    for version in versions or [NEWEST, YEAR_OLD]:
        release = prepare(version)
        print(f"=== FastAPI {version}", *select(release.sources), sep="\n    ", flush=True)
        done = run_theirs(release)
        print(done.stdout + done.stderr, flush=True)
        worst = max(worst, done.returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

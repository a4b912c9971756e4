"""What `import authmw` costs beside `import jwt`, and what a remembered token costs in memory."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tests.benchmarks.results import Figure, Table

IMPORTS = 15
TOKENS = 2000
WARM = 64
NEEDED = "from authmw import Auth, HTTPBearer, JWTVerifier"
MORE: Final[Mapping[str, object]] = {"nbf": 1_700_000_000, "auth_time": 1_700_000_000, "acr": "urn:example:password"}
"""Claims beside the eight of `cases.claims`."""


def measured() -> Table:
    """The rows of both."""
    # Round by round, so that all modules see the same noise.
    statements = ("import authmw", NEEDED, "import jwt")
    rounds = [[_seconds(statement) for statement in statements] for _ in range(IMPORTS)]
    figures = [
        Figure.of(f"{statement} / import jwt", [each[number] / each[2] for each in rounds], goal=goal)
        for number, (statement, goal) in enumerate(zip(statements, ("0.35", "0.6"), strict=False))
    ]
    figures += [
        Figure.of("memory per remembered token, eight claims [B]", [_bytes_per_token()], goal="700"),
        Figure.of("memory per remembered token, eleven claims [B]", [_bytes_per_token(MORE)], goal="700"),
        Figure.of("the same with the feed of revocations [B]", [_bytes_per_token(MORE, followed=True)]),
    ]
    return Table.now("Import and memory", figures, processes=IMPORTS, rounds=1)


def _seconds(statement: str) -> float:
    code = (
        "import time; start = time.process_time()\n"
        f"{statement}\n"
        "print(time.process_time() - start)"
    )  # fmt: skip
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def _bytes_per_token(more: Mapping[str, object] = MappingProxyType({}), *, followed: bool = False) -> float:
    """What each of some thousand remembered tokens takes.

    Args:
        more: claims of the tokens.
        followed: whether a feed of revocations says that they still hold.
    """
    import jwt

    from authmw import Auth, HTTPBearer
    from authmw.http.request import WSGIRequest
    from authmw.stores import MemoryRevocations
    from authmw.stores.revocation_feed import RevocationFeed
    from authmw.verifiers.jwt import JWTVerifier
    from tests.benchmarks import cases

    ring, feed = cases.ring(cases.SECRET, "HS256"), RevocationFeed(MemoryRevocations()) if followed else None
    verifier = JWTVerifier(ring, issuer=cases.ISSUER, audience=cases.AUDIENCE, revocations=feed)
    auth = Auth(HTTPBearer(verifier), remember=TOKENS + WARM)
    headers = {"typ": "at+jwt", "kid": "k1"}
    values = [
        f"Bearer {jwt.encode({**cases.claims(number), **more}, cases.SECRET, 'HS256', headers=headers)}"
        for number in range(TOKENS + WARM)
    ]
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
    for value in values[:WARM]:  # what is imported and kept once
        auth.authenticate(WSGIRequest({**environ, "HTTP_AUTHORIZATION": value}))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for value in values[WARM:]:
        auth.authenticate(WSGIRequest({**environ, "HTTP_AUTHORIZATION": value}))
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    if feed is not None:
        feed.close()
    return used / TOKENS

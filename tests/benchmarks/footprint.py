"""What `import authmw` costs beside `import jwt`, and what a remembered token costs in memory."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc

from tests.benchmarks.results import Figure, Table

IMPORTS = 15


NEEDED = "from authmw import Auth, HTTPBearer, JWTVerifier"


def measured() -> Table:
    """The rows of both."""
    # Round by round, so that all modules see the same noise.
    statements = ("import authmw", NEEDED, "import jwt")
    rounds = [[_seconds(statement) for statement in statements] for _ in range(IMPORTS)]
    figures = [
        Figure.of(f"{statement} / import jwt", [each[number] / each[2] for each in rounds], goal=goal)
        for number, (statement, goal) in enumerate(zip(statements, ("0.35", "0.6"), strict=False))
    ]
    figures.append(Figure.of("memory per remembered token [B]", [_bytes_per_token()], goal="700"))
    return Table.now("Import and memory", figures, processes=IMPORTS, rounds=1)


def _seconds(statement: str) -> float:
    code = (
        "import time; start = time.process_time()\n"
        f"{statement}\n"
        "print(time.process_time() - start)"
    )  # fmt: skip
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def _bytes_per_token(count: int = 2000) -> float:
    import jwt

    from authmw import Auth, HTTPBearer
    from authmw.http.request import WSGIRequest
    from authmw.verifiers.jwt import JWTVerifier
    from tests.benchmarks import cases

    ring = cases.ring(cases.SECRET, "HS256")
    auth = Auth(
        HTTPBearer(JWTVerifier(ring, issuer=cases.ISSUER, audience=cases.AUDIENCE)),
        remember=count,
    )
    headers = {"typ": "at+jwt", "kid": "k1"}
    values = [f"Bearer {jwt.encode(cases.claims(n), cases.SECRET, 'HS256', headers=headers)}" for n in range(count)]
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_AUTHORIZATION": values[0]}
    auth.authenticate(WSGIRequest(environ))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for value in values:
        auth.authenticate(WSGIRequest({**environ, "HTTP_AUTHORIZATION": value}))
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return used / count

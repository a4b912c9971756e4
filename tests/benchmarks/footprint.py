"""What `import authmw` costs beside `import jwt`, and what a remembered token costs in memory."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tracemalloc

IMPORTS = 15


def report() -> None:
    """Print the two rows."""
    # Round by round, so that both modules see the same noise.
    rounds = [(_import_seconds("authmw"), _import_seconds("jwt")) for _ in range(IMPORTS)]
    ratio = statistics.median(ours / theirs for ours, theirs in rounds)
    print(f"import authmw / import jwt: {ratio:.2f} (goal 0.35)")
    print(f"memory per remembered token: {_bytes_per_token():.0f} B (goal 700)")


def _import_seconds(module: str) -> float:
    code = (
        "import time; start = time.process_time()\n"
        f"import {module}\n"
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

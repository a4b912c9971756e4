"""``python -m tests.soak.connections``: many open connections on one process, of which four users' end, and no others.

Ten thousand websockets and a thousand event streams are opened on one uvicorn, each by a token of its own. Then one
user's token is revoked, one user's session is ended, one user is disabled and one user's token expires, by another
process on the same database. Each of these users has a websocket and an event stream. The command prints after how many
seconds these ended, what the others did, and what a connection costs in memory and in processor time: with the end of
connections and without it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from authmw import issue
from authmw.stores.records import Revocation
from tests.servers.running import Server, started
from tests.soak.connection_app import BOUND, FOLDER, NAMES, OFF, keys_in, stores_in
from tests.soak.memory import status_of

UVICORN: Final = (
    "-m uvicorn --factory --log-level error --host 127.0.0.1 --port {port} --ws auto "
    "--ws-ping-interval 3600 --backlog 4096 {app}"
)
APP: Final = "tests.soak.connection_app:make"
CAUSES: Final = ("token revoked", "session ended", "user disabled", "token expired")
LIFETIME: Final = 3600.0
AT_ONCE: Final = 200
SPARE: Final = 200
"""File descriptors for everything else."""


class Client(asyncio.Protocol):
    """One connection: a websocket, or an event stream."""

    __slots__ = ("_buffer", "_request", "cause", "closed_by", "ended_at", "is_websocket", "opened", "transport")

    def __init__(self, request: bytes, *, is_websocket: bool, cause: str) -> None:
        self._request = request
        self._buffer = b""
        self.is_websocket = is_websocket
        self.cause = cause
        self.opened: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.ended_at = 0.0
        self.closed_by: int | str = ""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self.opened.done():
            self._buffer += data
            if (b"\r\n\r\n" if self.is_websocket else b"data: open") in self._buffer:
                status = self._buffer.split(b" ", 2)[1]
                self.opened.set_result(status == (b"101" if self.is_websocket else b"200"))
                self._buffer = b""
            return
        self._end(data)

    def _end(self, data: bytes) -> None:
        if self.ended_at:
            return
        self.ended_at = time.time()
        if self.is_websocket:
            self.closed_by = int.from_bytes(data[2:4]) if data[:1] == b"\x88" else "a message"
        else:
            self.closed_by = "its last chunk" if data.endswith(b"0\r\n\r\n") else "a message"

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_result(False)
        if not self.ended_at:
            self.ended_at, self.closed_by = time.time(), "a lost connection"


@dataclass(slots=True)
class Cost:
    """What the process of the server used.

    Args:
        before: kibibytes of resident memory without connections.
        after: with all of them.
        idle: seconds of processor time in a second in which nothing happens.
    """

    before: int
    after: int
    idle: float


@dataclass(slots=True)
class Found:
    """What one run found."""

    faults: list[str] = field(default_factory=list[str])
    seconds: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    """For each cause and kind of connection, after how many seconds it ended."""
    cost: Cost | None = None
    opened: int = 0


def _request(token: str, *, is_websocket: bool) -> bytes:
    lines = ["GET / HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}"]
    if is_websocket:
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        lines += ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", key]
    return "\r\n".join([*lines, "", ""]).encode()


class Run:
    """One server with its connections.

    Args:
        folder: where the keys and the database are.
        server: the server.
        websockets: how many to open.
        streams: how many to open.
        idle: seconds in which the processor time is measured.
    """

    def __init__(self, folder: Path, server: Server, websockets: int, streams: int, idle: float) -> None:
        self._folder = folder
        self._keys = keys_in(folder)
        self._stores = stores_in(folder)
        self._server = server
        self._pid = _pid_of(server.port)
        self._counts: Mapping[bool, int] = {True: websockets, False: streams}
        self._idle = idle
        self._clients: list[Client] = []
        self._tokens: dict[str, str] = {}
        self.found = Found()

    async def measure(self) -> None:
        """Open all connections, and let nothing happen."""
        for is_websocket in self._counts:
            await self._open(1, is_websocket=is_websocket)  # what is imported late counts as the server's own
        before = _memory(self._pid)
        for is_websocket, count in self._counts.items():
            await self._open(count, is_websocket=is_websocket)
        await asyncio.sleep(2)  # a process, not a clock, is waited for: what the handshakes left over
        after, used = _memory(self._pid), _processor(self._pid)
        await asyncio.sleep(self._idle)
        self.found.cost = Cost(before, after, (_processor(self._pid) - used) / self._idle)
        self.found.opened = sum(self._counts.values())

    async def end_some(self) -> None:
        """Let the credentials of four users end, and see which connections do."""
        expires_at = time.time() + 8
        for cause in CAUSES:
            lifetime = int(expires_at - time.time()) + 1 if cause == "token expired" else LIFETIME
            self._tokens[cause] = self._token(cause, lifetime)
            for is_websocket in (True, False):
                await self._open(1, is_websocket=is_websocket, cause=cause)
        self._stores.users.create(_user("user disabled"))
        ends: dict[str, Callable[[], object]] = {
            "token revoked": lambda: self._publish(
                Revocation.of_token(_claim(self._tokens["token revoked"], "jti"), time.time(), time.time() + LIFETIME)
            ),
            "session ended": lambda: self._publish(Revocation.of_family("sid of session ended", time.time())),
            "user disabled": lambda: self._stores.users.disable(_user("user disabled")),
        }
        began: dict[str, float] = {"token expired": float(_claim(self._tokens["token expired"], "exp"))}
        for cause, end in ends.items():
            await asyncio.sleep(1.5)  # apart from each other, so that one cannot end what the other should
            await asyncio.to_thread(end)
            began[cause] = time.time()
        await asyncio.sleep(max(0.0, began["token expired"] - time.time()) + BOUND + 2)
        self._judge(began)

    def _judge(self, began: Mapping[str, float]) -> None:
        for client in self._clients:
            kind = "websocket" if client.is_websocket else "event stream"
            if not client.cause:
                if client.ended_at:
                    self.found.faults.append(f"a {kind} of another user ended by {client.closed_by}")
                continue
            if not client.ended_at:
                self.found.faults.append(f"{client.cause}: the {kind} did not end")
                continue
            seconds = client.ended_at - began[client.cause]
            self.found.seconds.setdefault(client.cause, {})[kind] = seconds
            expected = 1008 if client.is_websocket else "its last chunk"
            if client.closed_by != expected:
                self.found.faults.append(f"{client.cause}: the {kind} ended by {client.closed_by}, not {expected}")
            if not -0.1 <= seconds <= BOUND:
                self.found.faults.append(f"{client.cause}: the {kind} ended after {seconds:.2f} s")

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            if client.transport is not None:
                client.transport.abort()

    def _publish(self, revocation: Revocation) -> None:
        self._stores.revocations.publish(revocation)

    def _token(self, cause: str, lifetime: float) -> str:
        claims = {"sid": f"sid of {cause}"}
        return issue(_user(cause), keys=self._keys, **NAMES, lifetime=lifetime, client_id="web", claims=claims)

    async def _open(self, count: int, *, is_websocket: bool, cause: str = "") -> None:
        loop = asyncio.get_running_loop()
        for first in range(0, count, AT_ONCE):
            opening: list[Client] = []
            for number in range(first, min(first + AT_ONCE, count)):
                token = self._tokens[cause] if cause else self._token(f"{is_websocket} {number}", LIFETIME)
                request = _request(token, is_websocket=is_websocket)
                client = Client(request, is_websocket=is_websocket, cause=cause)
                await loop.create_connection(partial(_same, client), "127.0.0.1", self._server.port)
                opening.append(client)
            if not all(await asyncio.gather(*(each.opened for each in opening))):
                raise RuntimeError(f"a connection was refused:\n{self._server.output()}")
            self._clients += opening


def _same(client: Client) -> Client:
    return client


def _user(cause: str) -> str:
    return f"user of {cause}"


def _claim(token: str, name: str) -> str:
    import base64
    import json

    payload = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))[name])


def _memory(pid: int) -> int:
    return int(status_of(pid, "VmRSS").split()[0])


def _processor(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _pid_of(port: int) -> int:
    """The process that listens on `port`: the server, which this process has started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"uvicorn" in arguments and str(port).encode() in arguments:
            return int(folder.name)
    raise RuntimeError("the server is gone")


def run(websockets: int, streams: int, *, idle: float, off: bool) -> Found:
    """One server with so many connections; without the end of connections if `off`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys_in(folder)
        stores_in(folder).users.create("first")
        environment = {FOLDER: name, **({OFF: "1"} if off else {})}
        with started(UVICORN, APP, environment) as server:
            found = asyncio.run(_run(folder, server, websockets, streams, idle, off=off))
            if printed := server.output().strip():
                found.faults.append(f"the server printed:\n{printed[-2000:]}")
            return found


async def _run(folder: Path, server: Server, websockets: int, streams: int, idle: float, *, off: bool) -> Found:
    running = Run(folder, server, websockets, streams, idle)
    try:
        await running.measure()
        if not off:
            await running.end_some()
    finally:
        running.close()
    return running.found


def allowed(websockets: int, streams: int) -> tuple[int, int]:
    """How many connections this machine allows, after its limit of file descriptors is raised as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = websockets + streams + SPARE
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
    if wanted <= hard:
        return websockets, streams
    share = (hard - SPARE) / (websockets + streams)
    return int(websockets * share), int(streams * share)


def main() -> int:
    """Run it, with and without the end of connections, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.connections", description=__doc__)
    parser.add_argument("--websockets", type=int, default=10_000)
    parser.add_argument("--streams", type=int, default=1_000)
    parser.add_argument("--idle", type=float, default=10.0, help="seconds in which the processor time is measured")
    arguments = parser.parse_args()
    websockets, streams = allowed(arguments.websockets, arguments.streams)
    if (websockets, streams) != (arguments.websockets, arguments.streams):
        print("this machine allows fewer file descriptors, so there are fewer connections")
    without = run(websockets, streams, idle=arguments.idle, off=True)
    found = run(websockets, streams, idle=arguments.idle, off=False)
    print(f"{websockets} websockets and {streams} event streams on one process, bound {BOUND} s")
    for cause, seconds in found.seconds.items():
        print(
            f"  {cause:14}", *(f"{kind} ended after {each:.2f} s" for kind, each in sorted(seconds.items())), sep="  "
        )
    for name, each in (("without the end of connections", without), ("with it", found)):
        cost = each.cost
        assert cost is not None
        per = (cost.after - cost.before) / each.opened
        print(f"  {name:31} {per:6.2f} KiB a connection, {cost.idle * 100:5.2f} % of a processor while all are idle")
    for fault in (*without.faults, *found.faults):
        print(f"FAULT {fault}")
    return 1 if without.faults or found.faults else 0


if __name__ == "__main__":
    sys.exit(main())

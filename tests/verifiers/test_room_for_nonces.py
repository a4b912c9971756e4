"""For how many clients of Digest the store of nonces in memory has room, as the recipe says."""

from __future__ import annotations

import inspect
from typing import Final

from authmw.http.challenge import Challenge
from authmw.http.grammar import parse_params
from authmw.identity.verdict import Authenticated
from authmw.stores import MemoryNonces
from tests.verifiers.digest_clients import Client, Server

SIZE: Final[int] = inspect.signature(MemoryNonces).parameters["size"].default


def kept(server: Server) -> int:
    """How many nonces are kept now: the counts of one nonce take one place together."""
    return len({name.partition("/")[0] for name, _, expires_at in server.nonces.used if expires_at > server.clock.now})


def next_nonce(server: Server, client: Client) -> str | None:
    """What a client that is let in is told to use next, if anything."""
    verdict = server.answer(client.request())
    assert isinstance(verdict, Authenticated)
    return dict(parse_params(verdict.headers[0][1]) or ()).get("nextnonce")


def test_there_is_room_for_25_000_clients_that_are_never_idle_and_for_166_new_ones_a_second() -> None:
    server, most, count = Server(), 0, 0
    challenge = server.scheme.challenge("orders")
    for _ in range(600):
        count += 1
        nonce = next_nonce(server, Client(challenge, nc=f"{count:08x}"))
        most = max(most, kept(server))
        if nonce is not None:
            params = {**dict(challenge.params), "nonce": nonce}
            challenge, count = Challenge("Digest", tuple(params.items())), 0
        server.clock.now += 2
    assert SIZE // most == 25_000
    new, seconds = Server(), 0
    next_nonce(new, new.client())
    while kept(new):
        new.clock.now += 1
        seconds += 1
    assert SIZE // seconds == 166

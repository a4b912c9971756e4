"""A mount of authmw's own documents as the whole application of a server."""

from __future__ import annotations

import pytest

from authmw.asgi import Mount
from authmw.issuers import ProtectedResource
from tests.asgi.test_middleware import call

MOUNT = Mount(ProtectedResource("https://api.example/orders", ["https://id.example"]))


def test_a_mount_alone_lets_the_server_start_and_stop() -> None:
    told = call(MOUNT, {"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    assert told == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]


def test_a_mount_alone_closes_websockets() -> None:
    told = call(MOUNT, {"type": "websocket", "path": "/"}, {"type": "websocket.connect"})
    assert told == [{"type": "websocket.close", "code": 1008}]


def test_a_mount_alone_refuses_a_scope_type_nobody_has_heard_of() -> None:
    with pytest.raises(ValueError, match="carrier pigeon"):
        call(MOUNT, {"type": "carrier pigeon"})

"""A TCP proxy on loopback that can fail as networks and servers do: refuse, reset, or fall silent."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Final

_RESET: Final = struct.pack("ii", 1, 0)
_ARRIVES_WITHIN: Final = 0.1
"""Seconds in which the end of a connection is at its other end, on a busy machine too."""


class Proxy:
    """Forwards what comes in at `port` to another port, until it is told to fail.

    Args:
        host: where the server is.
        port: its port.

    Use it as a context manager: it ends with all its connections and threads.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._flowing = threading.Event()
        self._flowing.set()
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads: list[threading.Thread] = []
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]
        """Where to connect to, at 127.0.0.1."""
        self.connections = 0
        """How many were accepted so far."""

    def refuse(self) -> None:
        """Reset every connection and refuse new ones, as if the server had died."""
        self._stop_listening()
        self.reset()

    def reset(self) -> None:
        """Reset every connection and go on taking new ones, as if the server had been restarted."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for each in pair:
                _end(each, reset=True)
        time.sleep(_ARRIVES_WITHIN)

    def fall_silent(self) -> None:
        """Keep every connection and take new ones, and forward nothing: a black hole."""
        self._flowing.clear()

    def restore(self) -> None:
        """Go on as in the beginning. What was held back is forwarded."""
        if self._listener.fileno() < 0:
            self._listener = self._listen(self.port)
        self._flowing.set()

    def close(self) -> None:
        """End every connection and thread."""
        self._stop_listening()
        self.reset()
        self._flowing.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self._start(self._accept, listener)
        return listener

    def _stop_listening(self) -> None:
        _end(self._listener)

    def _start(self, *call: object) -> None:
        target, *args = call
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._server, timeout=10)
            except OSError:
                _end(client, reset=True)
                continue
            server.settimeout(None)
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self._pairs.append((client, server))
            self._start(self._pump, client, server)
            self._start(self._pump, server, client)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while received := source.recv(65536):
                self._flowing.wait()
                sink.sendall(received)
        self._flowing.wait()
        _end(source)
        _end(sink)


def _end(connection: socket.socket, *, reset: bool = False) -> None:
    """Close a socket, also while another thread waits for it."""
    with suppress(OSError):
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            # A shutdown would say good-bye before the reset. What wakes the thread that reads is the close below.
            connection.shutdown(socket.SHUT_RD)
        else:
            connection.shutdown(socket.SHUT_RDWR)
    connection.close()

"""Real servers on loopback that misbehave, for the tests of fetching. Each is a function that answers a connection."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final

Answer = Callable[[socket.socket], None]
"""Answers a request whose head was read. It may take its time: `stopped` tells when the test is over."""

stopped: Final = threading.Event()
"""Never set: to wait on instead of sleeping, for as long as a client stays."""


def says(octets: bytes) -> Answer:
    """A server that answers with exactly `octets`."""
    return lambda client: client.sendall(octets)


def document(body: bytes, status: str = "200 OK", headers: str = "") -> Answer:
    """A server that answers properly."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return says(head.encode() + body)


def drips(head: bytes, drop: bytes) -> Answer:
    """A server that sends `head`, and then a `drop` every 20 ms for as long as the client stays."""

    def answer(client: socket.socket) -> None:
        client.sendall(head)
        while not stopped.wait(0.02):
            client.sendall(drop)

    return answer


def keeps_silent(client: socket.socket) -> None:
    """A server that never answers."""
    client.recv(1)


@contextmanager
def serving(answer: Answer, context: ssl.SSLContext | None = None) -> Generator[Server, None, None]:
    """A server on a free port of 127.0.0.1, which is gone afterwards."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = Server(listening.getsockname()[1])
    accepting = threading.Thread(target=_accept, args=(listening, server, answer, context), daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join(10)


class Server:
    """A server that listens, and the heads and bodies that it was sent."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests: list[bytes] = []

    def url(self, path: str = "/", scheme: str = "http", host: str = "127.0.0.1") -> str:
        """Where it is."""
        return f"{scheme}://{host}:{self.port}{path}"


def _accept(listening: socket.socket, server: Server, answer: Answer, context: ssl.SSLContext | None) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(client, server, answer, context), daemon=True).start()


def _serve(client: socket.socket, server: Server, answer: Answer, context: ssl.SSLContext | None) -> None:
    with suppress(OSError), client:
        stream = client if context is None else context.wrap_socket(client, server_side=True)
        with stream:
            server.requests.append(_request(stream))
            answer(stream)


def _request(stream: socket.socket) -> bytes:
    read = b""
    while b"\r\n\r\n" not in read:
        more = stream.recv(65536)
        if not more:
            return read
        read += more
    head, _, body = read.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    length = int(lengths[0].partition(b":")[2]) if lengths else 0
    while len(body) < length:
        body += stream.recv(65536)
    return head + b"\r\n\r\n" + body


@cache
def certificate(name: str) -> bytes:
    """A self-signed certificate for `name`, with its key (PEM). It is its own authority."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return signed.public_bytes(serialization.Encoding.PEM) + secret


def tls(folder: Path, name: str) -> tuple[ssl.SSLContext, str]:
    """What a server of `name` needs for TLS, and the file of its authority."""
    path = folder / f"{name}.pem"
    path.write_bytes(certificate(name))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, str(path)

"""What stands around the API: nginx in front of it, and an authorization server somewhere else."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import subprocess
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

_START_SECONDS: Final = 20.0

_NGINX: Final = """\
daemon off;
master_process off;
pid {place}/pid;
error_log {place}/log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    server {{
        listen 127.0.0.1:{port};
        {locations}
    }}
}}
"""


@contextmanager
def nginx(place: Path, upstreams: Mapping[str, str]) -> Generator[str]:
    """nginx in the foreground, at the origin that is given back; stopped by its own pid.

    Args:
        place: a directory of its own.
        upstreams: by prefix, as ``/shop/``, where ``proxy_pass`` goes. With a slash at its end, it strips the prefix.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    locations = " ".join(f"location {prefix} {{ proxy_pass {url}; }}" for prefix, url in upstreams.items())
    written = place / "nginx.conf"
    written.write_text(_NGINX.format(place=place, port=port, locations=locations))
    command = [str(shutil.which("nginx")), "-p", str(place), "-c", str(written)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(process, port, place / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"nginx ended with {process.returncode}: {log.read_text() if log.exists() else ''}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
        except OSError:
            time.sleep(0.05)  # a process, not a clock, is waited for
        else:
            return
    raise RuntimeError("nginx did not start")


class AuthorizationServer(ThreadingHTTPServer):
    """Grants whatever it is asked for, and gives tokens to who kept the verifier (RFC 7636 §4.6)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Endpoints)
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked: list[dict[str, str]] = []
        self.exchanged: list[dict[str, str]] = []
        self.answer: dict[str, str] = {}
        """Put over the answer of the authorization endpoint, as another ``state`` or an ``error``."""
        self.mint: Callable[[], dict[str, Any]] = dict
        self.codes: dict[str, dict[str, str]] = {}

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        self.asked.append(asked)
        code = secrets.token_urlsafe()
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], **self.answer}
        if "error" in answer:
            del answer["code"]
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def exchange(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """The status and the members of the answer of the token endpoint."""
        self.exchanged.append(form)
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if (
            asked is None
            or asked.get("code_challenge_method") != "S256"
            or challenge != asked.get("code_challenge")
            or any(form.get(name) != asked.get(name) for name in ("client_id", "redirect_uri"))
            or "client_secret" in form
        ):
            return 400, {"error": "invalid_grant"}
        return 200, self.mint()


class _Endpoints(BaseHTTPRequestHandler):
    """GET of the authorization endpoint, POST of the token endpoint, and nothing for preflights."""

    @property
    def _server(self) -> AuthorizationServer:
        assert isinstance(self.server, AuthorizationServer)
        return self.server

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", self._server.authorize(dict(parse_qsl(urlsplit(self.path).query))))
        # What a careful server sends: it would cut off a docs page that holds on to the window.
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        status, members = self._server.exchange(dict(parse_qsl(form, keep_blank_values=True)))
        if "X-Requested-With" in self.headers:  # a preflight would ask for leave, but Playwright answers it by itself
            status, members = 400, {"error": "invalid_request"}
        body = json.dumps(members).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def authorization_server() -> Generator[AuthorizationServer]:
    """An authorization server that runs in a thread."""
    with AuthorizationServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

"""Real proxies on loopback with the configuration of their pages, each stopped by its own process id."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.deployment.client import HOST, Client
from tests.deployment.page import file_of, fitted, write

_START_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate for ``shop.example``, which signs itself, and its key."""

    chain: Path
    key: Path


def certificate(folder: Path) -> Certificate:
    """Make a certificate in `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST), x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pair = Certificate(folder / "fullchain.pem", folder / "privkey.pem")
    pair.chain.write_bytes(made.public_bytes(Encoding.PEM))
    pair.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return pair


def program(name: str) -> str:
    """The path of an installed program; without it, the test is skipped."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str], port: int, folder: Path, environment: Mapping[str, str] = MappingProxyType({})
) -> Generator[None]:
    """A program that listens on `port`, until the block ends.

    Raises:
        RuntimeError: it does not start. The message is what it printed.
    """
    printed = folder / "printed.txt"
    with printed.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} does not serve:\n{printed.read_text()}")
            time.sleep(0.05)  # a process, not a clock, is waited for
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return False
    return True


@contextmanager
def nginx(
    folder: Path, upstream: int, without: str = "", *, host: str = HOST, port: int = 0
) -> Generator[tuple[Client, Client]]:
    """Clients of nginx by HTTPS and by HTTP, with the configuration of its page.

    Args:
        folder: for its files.
        upstream: the port of the service.
        without: a line of the page that is left out, to see what it is for.
        host: its name, in place of that of the page.
        port: for HTTPS, by default any.
    """
    pair, port, plain = certificate(folder), port or free_port(), free_port()
    site = fitted(
        file_of("nginx", "shop.conf"),
        {
            "server_name shop.example;": f"server_name {host};",
            "127.0.0.1:8000": f"127.0.0.1:{upstream}",
            "listen 80 ": f"listen 127.0.0.1:{plain} ",
            "listen 443 ": f"listen 127.0.0.1:{port} ",
            "/etc/ssl/shop/fullchain.pem": str(pair.chain),
            "/etc/ssl/shop/privkey.pem": str(pair.key),
            **({without: ""} if without else {}),
        },
    )
    site = site.replace("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;")
    main = f"""
        daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
        events {{}}
        http {{
            access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
            fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
            include {write(folder, "shop.conf", site)};
        }}
    """
    command = [program("nginx"), "-p", str(folder), "-e", f"{folder}/error.log", "-c"]
    with running([*command, str(write(folder, "nginx.conf", main))], port, folder):
        yield Client(port, pair.chain), Client(plain, None)


@contextmanager
def caddy(folder: Path, upstream: int, without: str = "") -> Generator[tuple[Client, Client]]:
    """Clients of Caddy by HTTPS and by HTTP, with the configuration of its page. The arguments are those of `nginx`."""
    pair, port, plain = certificate(folder), free_port(), free_port()
    site = fitted(
        file_of("caddy", "Caddyfile"),
        {
            "127.0.0.1:8000": f"127.0.0.1:{upstream}",
            "shop.example {": f"shop.example {{\n\tbind 127.0.0.1\n\ttls {pair.chain} {pair.key}",
            **({without: ""} if without else {}),
        },
    )
    options = f"{{\n\tadmin off\n\thttp_port {plain}\n\thttps_port {port}\n}}\n"
    path = write(folder, "Caddyfile", options + site)
    command = [program("caddy"), "run", "--config", str(path), "--adapter", "caddyfile"]
    homes = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with running(command, port, folder, homes):
        yield Client(port, pair.chain), Client(plain, None)


_APACHE_MODULES: Final = Path("/usr/lib/apache2/modules")
_UNPRIVILEGED: Final = "www-data"
_NEEDED_MODULES: Final = ("mpm_event", "authz_core", "socache_shmcb", "ssl", "wsgi")


def apache_modules() -> Path:
    """The folder of Apache's modules; without mod_wsgi for this version of Python, the test is skipped."""
    module = _APACHE_MODULES / "mod_wsgi.so"
    if not module.exists() or f"python{sys.version_info[0]}.{sys.version_info[1]}".encode() not in module.read_bytes():
        pytest.skip("mod_wsgi for this version of Python is not installed")
    return _APACHE_MODULES


@contextmanager
def apache(folder: Path, home: Path, without: str = "") -> Generator[Client]:
    """A client of Apache by HTTPS, with the configuration of the page about mod_wsgi.

    Args:
        folder: for its files.
        home: where ``shop.py`` and ``shop.wsgi`` are.
        without: a line of the page that is left out, to see what it is for.
    """
    pair, port, modules = certificate(folder), free_port(), apache_modules()
    site = fitted(
        file_of("mod-wsgi", "shop.conf"),
        {
            "*:443": f"127.0.0.1:{port}",
            "/etc/ssl/shop/fullchain.pem": str(pair.chain),
            "/etc/ssl/shop/privkey.pem": str(pair.key),
            **_daemon(home),
            "/srv/shop": str(home),
            **({without: ""} if without else {}),
        },
    )
    lines = [f"LoadModule {name}_module {modules}/mod_{name}.so" for name in _NEEDED_MODULES]
    lines += [f"ServerRoot {folder}", f"PidFile {folder}/apache.pid", f"ErrorLog {folder}/error.log", "ServerName x"]
    lines += [f"Listen 127.0.0.1:{port}", f"WSGISocketPrefix {folder}/wsgi", f"DefaultRuntimeDir {folder}"]
    if os.geteuid() == 0:
        lines += [f"User {_UNPRIVILEGED}", f"Group {_UNPRIVILEGED}"]
    main = write(folder, "apache.conf", "\n".join([*lines, f"Mutex file:{folder}", site]))
    with running([program("apache2"), "-D", "FOREGROUND", "-f", str(main)], port, folder):
        yield Client(port, pair.chain)


def _daemon(home: Path) -> dict[str, str]:
    """The user and the interpreter of the daemon. As root it has to be another user, who may not read root's Python."""
    if os.geteuid() != 0:
        user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
        return {"user=shop group=shop": f"user={user} group={group}", "/srv/shop/venv": sys.prefix}
    for path in (home, *home.rglob("*")):
        shutil.chown(path, _UNPRIVILEGED)
    return {
        "user=shop group=shop": f"user={_UNPRIVILEGED} group={_UNPRIVILEGED}",
        "python-home=/srv/shop/venv python-path=/srv/shop": f"python-path={home}:{sysconfig.get_path('purelib')}",
    }

"""Fetching over a real network: within limits, whatever the other end does, and never to where it should not."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest
from urllib3.connection import HTTPConnection

from authmw import ConfigurationError
from authmw.http.location import Location, is_public
from authmw.issuers.fetching.exchange import Exchange
from authmw.issuers.fetching.fetch import AnswerRefused, FetchFailed
from authmw.issuers.fetching.http_fetcher import HTTPFetcher
from tests.issuers.loopback import Answer, document, drips, keeps_silent, says, serving, tls
from tests.support import fresh_python

QUICK = HTTPFetcher(timeout=0.3)
PATIENT = HTTPFetcher(timeout=30)


def test_a_document_is_fetched() -> None:
    with serving(
        document(b'{"keys": []}', headers="Cache-Control: max-age=60\r\nX-Twice: a\r\nX-Twice: b\r\n")
    ) as server:
        fetched = PATIENT.fetch(server.url("/keys?v=1"))
    assert (fetched.status, fetched.body) == (200, b'{"keys": []}')
    assert (fetched.headers["cache-control"], fetched.headers["x-twice"]) == ("max-age=60", "a, b")
    (request,) = server.requests
    lines = request.split(b"\r\n")
    assert lines[0] == b"GET /keys?v=1 HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}".encode() in lines
    assert b"Accept: application/json" in lines
    assert b"Accept-Encoding: identity" in lines


def test_a_form_is_posted_with_the_headers_of_its_sender() -> None:
    with serving(document(b'{"active": false}', status="401 Unauthorized")) as server:
        fetched = PATIENT.fetch(server.url(), form={"token": "a b&c"}, headers={"Authorization": "Basic eA=="})
    assert (fetched.status, fetched.body) == (401, b'{"active": false}')
    (request,) = server.requests
    assert request.startswith(b"POST / HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Basic eA==\r\n" in request
    assert b"\r\nContent-Type: application/x-www-form-urlencoded\r\n" in request
    assert request.endswith(b"\r\n\r\ntoken=a+b%26c")


SLOW: dict[str, Answer] = {
    "a body that drips": drips(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
    "a body without end": drips(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "chunks that drip": drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "a status that drips": drips(b"HTTP/1.1 200 ", b"O"),
    "headers that drip": drips(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "interim answers that drip": drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "silence": keeps_silent,
}


@pytest.mark.parametrize("name", SLOW)
def test_class_15_a_server_that_takes_its_time_is_left_in_time(name: str) -> None:
    with serving(SLOW[name]) as server:
        began = time.monotonic()
        with pytest.raises(FetchFailed):
            QUICK.fetch(server.url())
        assert time.monotonic() - began < 5, "not by a clock of its own, but in the end"


def test_without_threads_it_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with serving(document(b"{}")) as server:
        monkeypatch.setattr(threading.Thread, "start", start)
        with pytest.raises(FetchFailed, match="no thread could be started"):
            QUICK.fetch(server.url())
        monkeypatch.undo()
    assert server.requests == []


@pytest.mark.parametrize("name", SLOW)
def test_who_gave_up_leaves_no_thread_behind(name: str) -> None:
    with serving(SLOW[name]) as server:
        with pytest.raises(FetchFailed, match=r"no complete answer within 0\.3 s|TimeoutError"):
            QUICK.fetch(server.url())
        for thread in threading.enumerate():
            if thread.name == "authmw-fetch":
                thread.join(10)
                assert not thread.is_alive()


BAD: dict[str, tuple[Answer, str]] = {
    "too long": (document(b"x" * 1025), "longer than 1024 bytes"),
    "too long and does not say so": (says(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000), "longer than 1024 bytes"),
    "too long in chunks": (
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n800\r\n" + b"x" * 2048 + b"\r\n0\r\n\r\n"),
        "longer than 1024 bytes",
    ),
    "compressed": (document(b"\x1f\x8b", headers="Content-Encoding: gzip\r\n"), "compressed"),
    "moved for good": (document(b"", status="301 Moved", headers="Location: https://evil.test\r\n"), "answers 301"),
    "found elsewhere": (document(b"", status="302 Found", headers="Location: /\r\n"), "redirects are not followed"),
    "moved with its form": (document(b"", status="307 Temporary Redirect", headers="Location: /\r\n"), "answers 307"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_an_answer_that_is_no_use_is_a_failure_that_says_why(name: str) -> None:
    answer, told = BAD[name]
    with serving(answer) as server, pytest.raises(AnswerRefused, match=told):
        HTTPFetcher(timeout=30, max_bytes=1024).fetch(server.url())
    assert len(server.requests) == 1


BROKEN: dict[str, Answer] = {
    "cut short": says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
    "a chunk cut short": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
    "no HTTP": says(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "nothing": says(b""),
    "a thousand headers": says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n"),
    "a header without end": says(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_answer_is_a_failure(name: str) -> None:
    with serving(BROKEN[name]) as server, pytest.raises(FetchFailed, match=r"^http://127\.0\.0\.1:\d+: "):
        PATIENT.fetch(server.url())


def test_nobody_there_is_a_failure() -> None:
    with serving(says(b"")) as server:
        url = server.url()
    with pytest.raises(FetchFailed, match="NewConnectionError"):
        PATIENT.fetch(url)


def test_class_15_ten_megabytes_are_not_read() -> None:
    with (
        serving(document(b"x" * 10_000_000)) as server,
        pytest.raises(AnswerRefused, match="longer than 1048576 bytes"),
    ):
        HTTPFetcher().fetch(server.url())


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    context, _ = tls(tmp_path, "localhost")
    with serving(document(b"{}"), context) as server, pytest.raises(FetchFailed, match="certificate does not verify"):
        PATIENT.fetch(server.url(scheme="https", host="localhost"))


def test_a_private_authority_is_trusted_when_it_is_named(tmp_path: Path) -> None:
    context, authority = tls(tmp_path, "localhost")
    with serving(document(b"{}"), context) as server:
        fetched = HTTPFetcher(timeout=30, ca_file=authority).fetch(server.url(scheme="https", host="localhost"))
    assert fetched.body == b"{}"


def test_a_certificate_of_another_name_is_refused(tmp_path: Path) -> None:
    context, authority = tls(tmp_path, "id.example")
    with serving(document(b"{}"), context) as server, pytest.raises(FetchFailed, match="certificate does not verify"):
        HTTPFetcher(timeout=30, ca_file=authority).fetch(server.url(scheme="https", host="localhost"))


def test_a_server_without_tls_where_it_should_be_is_a_failure() -> None:
    with serving(document(b"{}")) as server, pytest.raises(FetchFailed):
        QUICK.fetch(server.url(scheme="https", host="localhost"))
    assert b"GET" not in b"".join(server.requests)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://id.example/keys",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "http://0x7f.1/",
        "file:///etc/passwd",
        "ftp://id.example/",
        "data:application/json,{}",
        "//id.example/",
        "https://",
        "https:///keys",
        "",
        "https://user:secret@id.example/",
        "https://id.example/#keys",
        "https://id.example/\r\nX: y",
        "https://id.example/ä",
        "https://id.example/a b",
        "https://id.example:99999/",
        "https://[::1",
    ],
)
def test_class_15_a_url_that_leads_elsewhere_is_not_fetched(url: str) -> None:
    with pytest.raises(FetchFailed, match="a URL is not fetched") as raised:
        PATIENT.fetch(url)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_class_15_a_document_cannot_send_us_to_this_machine(host: str) -> None:
    with serving(document(b"{}")) as server:
        assert PATIENT.fetch(server.url(host=host)).body == b"{}"
        with pytest.raises(FetchFailed, match="is not on the internet"):
            PATIENT.fetch(server.url(host=host), public=True)
    assert len(server.requests) == 1


def _resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        return [(2, 1, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::ffff:169.254.169.254"]], ids=str
)
def test_a_name_in_a_document_that_leads_inside_is_not_followed(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _resolving(monkeypatch, *addresses)
    with pytest.raises(FetchFailed, match="is not on the internet"):
        PATIENT.fetch("https://keys.example/", public=True)


def test_a_name_without_an_address_is_a_failure_to_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolving(monkeypatch)
    with pytest.raises(FetchFailed, match="its name has no address"):
        PATIENT.fetch("https://keys.example/", public=True)


def test_localhost_that_is_another_machine_is_not_asked_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolving(monkeypatch, "93.184.216.34")
    with pytest.raises(FetchFailed, match="is not on this machine"):
        PATIENT.fetch("http://localhost/")


@pytest.mark.parametrize(
    "address, public",
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("64:ff9b::5db8:d822", True),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("172.16.0.1", False),
        ("192.0.2.1", False),
        ("192.168.0.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::c0a8:1", False),
        ("64:ff9b::d83a:d0c4", True),
        ("fd00::1", False),
        ("fe80::1%eth0", False),
        ("ff02::1", False),
    ],
)
def test_only_the_internet_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("https://id.example/a", "https://id.example:443/b", True),
        ("https://id.example/", "https://id.example:8443/", False),
        ("https://id.example/", "https://ID.example/", True),
        ("http://localhost/", "https://localhost/", False),
    ],
)
def test_two_urls_of_one_server_have_one_origin(one: str, other: str, same: bool) -> None:
    assert (Location.of(one).origin == Location.of(other).origin) is same


def test_the_environments_proxy_is_used_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(document(b"", status="407 Proxy Authentication Required")) as proxy:
        monkeypatch.setenv("https_proxy", f"http://user:secret@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        _resolving(monkeypatch, "127.0.0.1")
        with pytest.raises(FetchFailed):
            HTTPFetcher(timeout=30).fetch("https://id.example:1/")
        assert proxy.requests == []
        monkeypatch.undo()
        monkeypatch.setenv("https_proxy", f"http://user:secret@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(FetchFailed) as raised:
            HTTPFetcher(timeout=30, proxies=True).fetch("https://id.example/")
    assert "secret" not in str(raised.value)
    (request,) = proxy.requests
    assert request.lower().startswith(b"connect id.example:443 ")
    assert b"authorization: basic" in request.lower()


@pytest.mark.parametrize("proxy", ["https://127.0.0.1:9", "socks5://127.0.0.1:9", "http://:9", "http:///proxy"])
def test_a_proxy_of_another_kind_is_not_used(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(FetchFailed, match="is not an http:// URL with a host"):
        HTTPFetcher(timeout=30, proxies=True).fetch("https://id.example/")


@pytest.mark.parametrize("proxy, port", [("http://127.0.0.1", 80), ("http://127.0.0.1:9", 9)])
def test_a_proxy_listens_on_the_port_of_http_unless_another_is_named(
    proxy: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def connect(self: Exchange, host: str, port: int, seconds: float) -> HTTPConnection:
        asked.append((host, port))
        raise OSError("no connection is made here")

    monkeypatch.setattr(Exchange, "_connection_to", connect)
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(FetchFailed):
        HTTPFetcher(timeout=30, proxies=True).fetch("https://id.example/")
    assert asked == [("127.0.0.1", port)]


@pytest.mark.parametrize("host", ["10.0.0.1", "[::1]", "localhost"])
def test_a_document_cannot_send_us_inside_by_a_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(FetchFailed, match="is not on the internet"):
        HTTPFetcher(proxies=True).fetch(f"https://{host}/", public=True)


def test_a_fetcher_that_cannot_work_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        HTTPFetcher(timeout=0, max_bytes=0, ca_file=str(tmp_path / "missing.pem"))
    assert len(raised.value.mistakes) == 3
    for timeout in (0, 60.5):
        with pytest.raises(ConfigurationError, match="more than 0 and at most 60"):
            HTTPFetcher(timeout=timeout)
    assert HTTPFetcher(timeout=60).timeout == 60


def test_urllib3_is_loaded_with_the_first_issuer_and_not_with_authmw() -> None:
    script = (
        "import sys; from authmw import Issuer; from authmw.issuers import Issuers, Profile; "
        "before = 'urllib3' in sys.modules; Issuer('https://id.example', audience='a'); "
        "print(before, 'urllib3' in sys.modules)"
    )
    assert fresh_python("-c", f"import sys; sys.path[:0] = {_path()!r}\n{script}").stdout.strip() == "False True"


def _path() -> list[str]:
    import authmw

    return [str(Path(authmw.__file__).parent.parent)]


def test_a_server_is_connected_to_by_address_and_verified_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, authority = tls(tmp_path, "id.example")
    fetcher = HTTPFetcher(timeout=30, ca_file=authority)
    _resolving(monkeypatch, "127.0.0.1")
    with serving(document(b"{}"), context) as server:
        assert fetcher.fetch(server.url(scheme="https", host="id.example")).body == b"{}"
        with pytest.raises(FetchFailed, match="certificate does not verify"):
            fetcher.fetch(server.url(scheme="https", host="other.example"))

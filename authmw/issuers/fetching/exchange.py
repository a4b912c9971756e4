"""HTTP exchange with a deadline: one request and its response, on a thread of its own.

The timeout of a socket starts again with each byte, and a DNS lookup has none. Here the caller never waits longer than
its deadline. After the deadline the connection is closed, also if the server still sends bytes slowly.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from authmw.http.location import Location, is_loopback, is_public
from authmw.issuers.fetching.fetch import AnswerRefused, FetchFailed

if TYPE_CHECKING:
    import ssl

RawResponse = tuple[int, dict[str, str], bytes]
"""The status, the headers by lower-case name, and the body."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_USER_AGENT: Final = "authmw"


class Exchange:
    """One request and its response.

    Args:
        location: the URL.
        headers: the request headers.
        form: sent as the body of a POST. None for a GET.
        context: verifies certificates.
        public: refuse a host with an address that is not public.
        proxies: use the proxy that the environment names.
    """

    def __init__(
        self,
        location: Location,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None,
        context: ssl.SSLContext,
        *,
        public: bool,
        proxies: bool,
    ) -> None:
        self._location = location
        self._body = None if form is None else urlencode(form).encode("ascii")
        self._headers = {
            "Host": location.netloc,
            "User-Agent": _USER_AGENT,
            "Accept-Encoding": "identity",  # a small compressed body could expand to a large one
            "Connection": "close",
            **({} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}),
            **headers,
        }
        self._context = context
        self._public = public
        self._proxies = proxies
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._abandoned = False
        self._finished = threading.Event()
        self._outcome: RawResponse | FetchFailed | None = None

    def within(self, seconds: float, max_bytes: int) -> RawResponse:
        """The response, if it is complete within `seconds`.

        Raises:
            FetchFailed: it is not complete in time, or it cannot be used.
        """
        thread = threading.Thread(target=self._run, args=(seconds, max_bytes), name="authmw-fetch", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no more threads, or the interpreter is ending
            raise self._failed("no thread could be started") from error
        if not self._finished.wait(seconds):
            self._shut_down()
            raise self._failed(f"no complete answer within {seconds:g} s")
        if isinstance(self._outcome, tuple):
            return self._outcome
        raise self._outcome or self._failed("there is no answer")

    def _run(self, seconds: float, max_bytes: int) -> None:
        try:
            self._outcome = self._answer(seconds, max_bytes)
        except FetchFailed as error:
            self._outcome = error
        except Exception as error:  # any error of sockets, TLS, HTTP or DNS
            self._outcome = self._failed(_cause_of(error))
            self._outcome.__cause__ = error
        finally:
            if self._connection is not None:
                self._connection.close()
            self._finished.set()

    def _answer(self, seconds: float, max_bytes: int) -> RawResponse:
        connection = self._connection = self._connect(seconds)
        # The connection drops its reference to the socket when a response closes it.
        self._socket = connection.sock
        if self._abandoned:
            raise self._failed("the deadline has passed")
        connection.request(
            "GET" if self._body is None else "POST",
            self._location.target,
            body=self._body,
            headers=self._headers,
            preload_content=False,
            decode_content=False,
        )
        response = connection.getresponse()
        try:
            return self._read(response, max_bytes)
        finally:
            response.close()

    def _read(self, response: urllib3.HTTPResponse, max_bytes: int) -> RawResponse:
        if response.status in _REDIRECTS:
            raise self._refused(f"it answers {response.status}, and redirects are not followed")
        headers = {name.lower(): response.headers[name] for name in response.headers}
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise self._refused("its answer is compressed, though the request did not allow that")
        body = response.read(max_bytes + 1, decode_content=False)
        if len(body) > max_bytes:
            raise self._refused(f"its answer is longer than {max_bytes} bytes")
        if headers.get("content-length", str(len(body))) != str(len(body)):
            raise self._refused("its answer is not complete")
        return response.status, headers, body

    def _connect(self, seconds: float) -> HTTPConnection:
        proxy = _proxy_for(self._location) if self._proxies else None
        if proxy is not None:
            return self._tunnel(proxy, seconds)
        failure: OSError | urllib3.exceptions.HTTPError | None = None
        for address in self._addresses():
            connection = self._connection_to(address, self._location.port, seconds)
            try:
                connection.connect()
            except (OSError, urllib3.exceptions.HTTPError) as error:
                connection.close()
                failure = error
            else:
                return connection
        raise failure or self._failed("its name has no address")

    def _addresses(self) -> list[str]:
        host = self._location.host
        found = socket.getaddrinfo(host, self._location.port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        # One private address is enough to refuse the name: a connection might use that one.
        if self._public and not all(map(is_public, addresses)):
            raise self._failed("it is named by a document, and is not on the internet")
        if self._location.scheme == "http" and not all(map(is_loopback, addresses)):
            raise self._failed("it is not on this machine, and outside it only https is fetched")
        return addresses

    def _connection_to(self, host: str, port: int, seconds: float) -> HTTPConnection:
        if self._location.scheme == "http":
            return HTTPConnection(host, port, timeout=seconds)
        # The connection uses the checked address; the certificate is verified for the name.
        return HTTPSConnection(
            host, port, timeout=seconds, ssl_context=self._context, server_hostname=self._location.host
        )

    def _tunnel(self, proxy: str, seconds: float) -> HTTPConnection:
        if self._public and _is_inside(self._location.host):
            raise self._failed("it is named by a document, and is not on the internet")
        parts = urlsplit(proxy)
        if parts.scheme != "http" or not parts.hostname:
            raise self._failed("the proxy of the environment is not an http:// URL with a host")
        connection = self._connection_to(parts.hostname, parts.port or 80, seconds)
        auth = f"{parts.username}:{parts.password or ''}" if parts.username else None
        headers = urllib3.make_headers(proxy_basic_auth=auth) if auth else {}
        connection.set_tunnel(self._location.host, self._location.port, headers, scheme="http")
        connection.connect()
        return connection

    def _shut_down(self) -> None:
        """Shut the socket down, so that the waiting thread ends."""
        self._abandoned = True
        if self._socket is not None:
            with suppress(OSError):  # it is closed already
                self._socket.shutdown(socket.SHUT_RDWR)

    def _refused(self, why: str) -> AnswerRefused:
        return AnswerRefused(str(self._failed(why)))

    def _failed(self, why: str) -> FetchFailed:
        return FetchFailed(f"{self._location.base}: {why}")


def _proxy_for(location: Location) -> str | None:
    if location.scheme == "http":
        return None  # this machine
    from urllib.request import getproxies, proxy_bypass

    return None if proxy_bypass(location.netloc) else getproxies().get("https")


def _is_inside(host: str) -> bool:
    with suppress(OSError):  # short forms that resolvers accept, as 127.1 and 2130706433
        return not is_public(socket.inet_ntoa(socket.inet_aton(host)))
    try:
        return not is_public(host)
    except ValueError:
        name = host.rstrip(".")
        return is_loopback(name) or name.endswith(".localhost")  # RFC 6761 §6.3


def _cause_of(error: BaseException) -> str:
    """The cause, as the name of the error. Its message is left out: it may contain text from the server."""
    if isinstance(error, socket.gaierror | urllib3.exceptions.NameResolutionError):
        return "its name does not resolve"
    verify_message: object = getattr(error, "verify_message", None)
    if isinstance(verify_message, str):
        return f"its certificate does not verify: {verify_message}"
    return type(error).__name__

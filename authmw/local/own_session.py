"""Sessions of an application that nobody has told yet where it is: one that serves its own machine alone."""

from __future__ import annotations

from authmw.http.location import is_loopback
from authmw.http.request import RequestHead
from authmw.identity.credentials import SessionValue
from authmw.identity.verdict import Rejected
from authmw.schemes.session import Session


class LoopbackSession(Session):
    """`Session` for ``http://localhost`` on any port, in place of `origins`, which nobody has said.

    Chromium sends no ``Sec-Fetch-Site`` with the handshake of a websocket, but ``Origin``. It is compared with
    ``Host`` here, which no page can forge in a browser, and both have to name this machine: so no name that an attacker
    lets point to it counts (DNS rebinding).
    """

    def extract(self, request: RequestHead) -> SessionValue | Rejected | None:
        """As `Session.extract`; a page of the same host and port on this machine needs no form token."""
        found = super().extract(request)
        if isinstance(found, SessionValue) and found.needs_form_token and _is_own_page(request):
            return SessionValue(found.value)
        return found


def _is_own_page(request: RequestHead) -> bool:
    host, origin = request.header("host"), request.header("origin")
    if host is None or origin not in (f"http://{host}", f"https://{host}"):
        return False
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdigit():
        name = host
    return is_loopback(name.strip("[]"))

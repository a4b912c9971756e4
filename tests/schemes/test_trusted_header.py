"""A proxy's user header counts from a declared proxy only."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from authmw import Auth, ConfigurationError, Reason, Refusal, Rejected, TrustedHeader
from authmw.engine.authentication import Authentication
from authmw.http.request import WSGIRequest
from authmw.identity.credentials import TrustedUser

PROXIES = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]


def _who(peer: str, name: str | None = "alice", proxies: list[str] = PROXIES) -> str | Reason:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": "10.0.0.2"}
    if name is not None:
        environ["HTTP_X_REMOTE_USER"] = name
    found = Auth(TrustedHeader("X-Remote-User", proxies=proxies)).authenticate(WSGIRequest(environ))
    return found.reason if isinstance(found, Refusal) else found.principal.id


@pytest.mark.parametrize("peer", ["10.0.0.1", "10.255.255.255", "192.0.2.7", "2001:db8::1"])
def test_a_declared_proxy_is_believed(peer: str) -> None:
    assert _who(peer) == "alice"


@pytest.mark.parametrize(
    "peer", ["11.0.0.1", "192.0.2.8", "2001:db9::1", "::ffff:10.0.0.1", "", "unix:", "10.0.0.1:80", "x"]
)
def test_class_20_nobody_else_is(peer: str) -> None:
    assert _who(peer) is Reason.PROXY_UNTRUSTED


def test_class_20_without_the_header_there_is_nobody() -> None:
    assert _who("10.0.0.1", None) == ""


@pytest.mark.parametrize("name", ["", " ", "alice,admin", "alice, admin", "a\x00", "a\n", "\xff", "a" * 1025])
def test_a_name_that_may_be_two_or_none_is_refused(name: str) -> None:
    assert _who("10.0.0.1", name) is Reason.CREDENTIALS_MALFORMED


def test_a_name_is_utf_8() -> None:
    assert _who("10.0.0.1", "jürgen".encode().decode("latin-1")) == "jürgen"


@pytest.mark.parametrize(
    "name, user", [("a" * 1024, "a" * 1024), (" \talice\t ", "alice"), ("CN=a b+c-d~", "CN=a b+c-d~"), ("!", "!")]
)
def test_any_other_name_is_taken_as_it_is_without_the_spaces_around(name: str, user: str) -> None:
    assert _who("10.0.0.1", name) == user


FORWARDED = [
    ("10.0.0.1", "x-forwarded-for", "10.0.0.1", False),
    ("10.0.0.1", "x-forwarded-for", "192.0.2.1, 10.0.0.1", False),
    ("10.0.0.1", "x-forwarded-for", "10.0.0.1:4711", False),
    ("10.0.0.1", "x-forwarded-for", "10.0.0.11", True),
    ("10.0.0.1", "x-forwarded-for", "110.0.0.1,unknown", True),
    ("10.0.0.1", "forwarded", "for=10.0.0.1;proto=https", False),
    ("10.0.0.1", "forwarded", 'for="10.0.0.1:80"', False),
    ("10.0.0.1", "forwarded", "for=192.0.2.1;by=10.0.0.2", True),
    ("10.0.0.1", "x-real-ip", "10.0.0.1", True),
    ("2001:db8::1", "x-forwarded-for", "2001:DB8:0::1", False),
    ("2001:db8::1", "forwarded", 'for="[2001:db8::1]:80"', False),
    ("2001:db8::1", "x-forwarded-for", "2001:db8::2", True),
    ("10.0.0.1", "x-forwarded-for", ("192.0.2.1," * 900)[:8192], True),
    ("10.0.0.1", "x-forwarded-for", ("192.0.2.1," * 900)[:8193], False),
]


@pytest.mark.parametrize("peer, header, value, is_believed", FORWARDED)
def test_class_20_a_peer_that_a_header_names_too_is_not_believed(
    peer: str, header: str, value: str, is_believed: bool
) -> None:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": peer, "HTTP_X_REMOTE_USER": "alice"}
    environ[f"HTTP_{header.upper().replace('-', '_')}"] = value
    found = TrustedHeader("X-Remote-User", proxies=PROXIES).extract(WSGIRequest(environ))
    if is_believed:
        assert found == TrustedUser("alice")
    else:
        assert isinstance(found, Rejected)
        assert found.reason is Reason.PROXY_UNTRUSTED
        assert found.detail.startswith("the peer's address may be from a header")


def test_a_unix_socket_is_believed_when_it_is_declared() -> None:
    assert _who("", proxies=["unix"]) == "alice"
    assert _who("10.0.0.1", proxies=["unix"]) is Reason.PROXY_UNTRUSTED
    assert [_who(peer, proxies=["unix", "10.0.0.0/8"]) for peer in ("", "10.0.0.1")] == ["alice", "alice"]


def test_all_proxies_that_are_none_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        TrustedHeader("X-User", proxies=["everyone", "10.0.0.0/8", "unix", "10.0.0.1/8"])
    assert raised.value.mistakes == tuple(
        f"{proxy!r} is no network: write an address or a network, as 10.0.0.0/8" for proxy in ("everyone", "10.0.0.1/8")
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: TrustedHeader("X-User", proxies=[]),
        lambda: TrustedHeader("X-User", proxies="10.0.0.0/8"),
        lambda: TrustedHeader("X-User", proxies=["everyone"]),
        lambda: TrustedHeader("X-User", proxies=["10.0.0.1/8"]),
        lambda: TrustedHeader("X_User", proxies=PROXIES),
        lambda: TrustedHeader("", proxies=PROXIES),
    ],
)
def test_a_mistake_in_the_set_up_is_named(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError):
        make()


def test_the_challenge_does_not_name_the_header() -> None:
    scheme = TrustedHeader("X-Remote-User", proxies=PROXIES)
    assert str(scheme.challenge("app")) == 'TrustedHeader realm="app"'
    assert scheme.vary == "X-Remote-User"
    assert isinstance(
        Auth(scheme).authenticate(WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": "/"})), Authentication
    )

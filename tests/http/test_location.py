"""The check of a URL: what is taken, what is refused, and that nothing of the URL is repeated."""

from __future__ import annotations

import pytest

from authmw.http.location import Location, mistake_in_url

GOOD = [
    "https://id.example",
    "https://id.example:8443/realms/a?b=c",
    "HTTPS://ID.example:/",
    "https://my_service.internal/keys",
    "https://[2001:db8::1]:8443",
    "http://localhost:8000",
    "http://127.0.0.2",
    "http://[::1]:8000/a",
]


@pytest.mark.parametrize("url", GOOD)
def test_https_is_taken_and_http_on_this_machine(url: str) -> None:
    assert mistake_in_url(url) == ""


@pytest.mark.parametrize(
    "url, words",
    [
        (None, "not a str"),
        (b"https://id.example", "not a str"),
        ("", "does not begin with https://"),
        ("s3cret", "does not begin with https://"),
        ("ftp://s3cret.example", "does not begin with https://"),
        ("https://:8443/s3cret", "and a host"),
        ("https://s3cret\n", "contains a character"),
        ("https://s3crét.example", "contains a character"),
        ("https://user:s3cret@id.example", "contains a user"),
        ("https://id.example/#s3cret", "a fragment"),
        ("https://id.example:s3cret", "the port of the URL is not valid"),
        ("https://id.example:65536", "the port of the URL is not valid"),
        ("https://id.example:0/s3cret", "the port of the URL is not valid"),
        ("https://id.example:000", "the port of the URL is not valid"),
        ("https://*.s3cret.example", "the host or the port of the URL is not valid"),
        ("https://[s3cret", "no IPv6 address"),
        ("http://s3cret.example", "use https"),
        ("http://127.0.0.1.s3cret.example", "use https"),
    ],
)
def test_what_is_wrong_is_said_without_the_url(url: object, words: str) -> None:
    mistake = mistake_in_url(url)
    assert words in mistake
    assert "s3cret" not in mistake


def test_http_to_any_host_and_a_query_are_taken_where_the_caller_says_so() -> None:
    assert mistake_in_url("http://id.example", insecure=True) == ""
    assert "query" in mistake_in_url("https://id.example/?", query=False)
    assert mistake_in_url("https://id.example/?a") == ""


def test_the_base_is_written_as_browsers_write_an_origin() -> None:
    assert Location.of("https://ID.example:443/a?b").base == "https://id.example"
    assert Location.of("https://[::1]:8443/").base == "https://[::1]:8443"


@pytest.mark.parametrize(
    "url, host, port, target",
    [
        ("https://id.example", "id.example", 443, "/"),
        ("https://id.example/", "id.example", 443, "/"),
        ("https://id.example?v=1", "id.example", 443, "/?v=1"),
        ("https://id.example/a/b%20c;d?x=/&y", "id.example", 443, "/a/b%20c;d?x=/&y"),
        ("https://ID.example:8443/keys", "id.example", 8443, "/keys"),
        ("http://127.0.0.1:9/keys", "127.0.0.1", 9, "/keys"),
        ("http://[::1]/keys", "::1", 80, "/keys"),
        ("https://id.example:65535/", "id.example", 65535, "/"),
    ],
)
def test_a_url_has_its_parts(url: str, host: str, port: int, target: str) -> None:
    location = Location.of(url)
    assert (location.host, location.port, location.target) == (host, port, target)
    assert location.origin == (url.partition(":")[0], host, port)
    with pytest.raises(ValueError, match="is not valid"):
        Location.of("https://id.example:65536/")

"""No header that a client or a proxy writes makes a path public."""

from __future__ import annotations

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from authmw.engine.public_paths import PublicPaths
from tests.requests import asgi_request, wsgi_request

NAMES: Final = (
    *("host", "forwarded", "x_forwarded_host", "x_forwarded_for", "x_forwarded_proto", "x_forwarded_prefix"),
    *("x_forwarded_path", "x_forwarded_uri", "x_original_url", "x_original_uri", "x_rewrite_url", "x_script_name"),
    *("x_vhm_root", "x_forwarded_method", "x_http_method_override", "x_middleware_subrequest", "referer", "origin"),
)
VALUES: Final = (
    *("/health", "/docs/x", "/docs", "/orders", "GET", "OPTIONS", "middleware", "localhost", "127.0.0.1", "*", "/"),
    *("shop.example/health", "//shop.example/docs/x", "https://shop.example/health", "host=localhost;path=/health"),
)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["/orders", "/", "/docs", "/health/orders", "/orders/health", "/orders/docs/x"]),
    st.sampled_from(["GET", "POST", "HEAD"]),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), min_size=1, max_size=4),
)
def test_class_22_no_header_opens_a_path(path: str, method: str, headers: dict[str, str]) -> None:
    public = PublicPaths(["/health", "/docs/*"])
    for request in (wsgi_request(path, method, **headers), asgi_request(path, method, **headers)):
        assert not public.matches(request)
        assert not public.matches(request, lambda _: True)  # nor where the router of the application is known

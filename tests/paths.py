"""Raw request targets that two layers read as different paths (docs/security/threats.md, row 22)."""

from __future__ import annotations

import posixpath
from typing import Final
from urllib.parse import unquote

_DETOURS: Final = (
    "/health/../admin",
    "/health/./../admin",
    "/health/.../admin",
    "/health/..;/admin",
    "/health/;/../admin",
    "/health;/../admin",
    "/health;x=1",
    "/health;",
    "/health/..",
    "/health/.",
    "/health/",
    "/health//",
    "//health",
    "///health",
    "/./health",
    "/../health",
    "/x/../health",
    "/health%2f..%2fadmin",
    "/health%2F..%2Fadmin",
    "/health/%2e%2e/admin",
    "/health/%2E%2E/admin",
    "/health/.%2e/admin",
    "/health/%2e./admin",
    "/health/%252e%252e/admin",
    "/health%252f..%252fadmin",
    "/health%5c..%5cadmin",
    "/health\\..\\admin",
    "/health/..\\admin",
    "\\health",
    "/\\health",
    "/health%00",
    "/health%00/../admin",
    "/health%0a",
    "/health%0d%0a",
    "/health%09",
    "/health%20",
    "/health%3f/../admin",
    "/health%23/../admin",
    "/health%3b/../admin",
    "/%68ealth",
    "/healt%68",
    "/health%",
    "/health%2",
    "/health%zz",
    "/health%c0%af..%c0%afadmin",
    "/health%c0%ae%c0%ae/admin",
    "/health%e0%80%af..",
    "/health%ff",
    "/health%u002e",
    "/health\uff0f..",
    "/HEALTH",
    "/Health",
    "/healthz",
    "/health.json",
    "/health.",
    "/health:80",
    "/health@admin",
    "/.health",
    "/docs/../admin",
    "/docs/..",
    "/docs/.",
    "/docs//admin",
    "/docs/a/../../admin",
    "/docs/a/..",
    "/docs/%2e%2e/admin",
    "/docs/..%2fadmin",
    "/docs/..;/admin",
    "/docs/;/admin",
    "/docs/a;b/admin",
    "/docs\\..\\admin",
    "/docs/\\../admin",
    "/docs/..%5cadmin",
    "/docs/%5c..%5cadmin",
    "/docs/a%00",
    "/docs/%00/../../admin",
    "/docs/%2f",
    "/docs%2fintro",
    "/docs",
    "/Docs/intro",
    "/docs/%69ntro",
    "/docs/\x7f",
    "/docs/\xe9",
    "/docs/%e9",
    "/docs/<script>",
    '/docs/"',
    "/docs/^",
    "/docs/`",
    "/docs/{x}",
    "/docs/|",
    "/docs/a b",
    "http://localhost/health",
    "http://localhost/health/../admin",
    "http://localhost/docs/intro",
    "http://evil.example/health",
    "https:/health",
    "//localhost/health",
    "//evil.example/health",
    "*",
    "health",
    "",
    "?/health",
    "/?/health",
    "/#/health",
    "/health#",
    "/health#/../admin",
    "/admin?/health",
    "/admin?public=/health",
    "/admin#/health",
    "/admin/health",
    "/admin/docs/intro",
    "/admin;/health",
    "/admin;/../health",
    "/admin%2f..%2fhealth",
    "/admin/../health",
    "/admin/%2e%2e/health",
    "/admin/..;/health",
    "/admin\\..\\health",
    "/admin%5c..%5chealth",
    "/admin/.",
    "/admin/",
    "/admin//",
    "//admin",
    "/./admin",
    "/%61dmin",
    "/ADMIN",
    "/admin%00",
    "/admin%20",
    "/admin.json",
    "/admin;x=1",
    "/admin/..",
)

_PREFIXES: Final = ("/health", "/docs", "/docs/intro")
_JOINTS: Final = (
    "/..",
    "/%2e%2e",
    "/..%2f",
    "/..;",
    "//..",
    "/.%00./",
    "\\..",
    "%2f%2e%2e",
    ";/..",
    "/..%5c",
    "/..%c0%af",
)

_JOINED: Final = tuple(prefix + joint + tail for prefix in _PREFIXES for joint in _JOINTS for tail in ("/admin", ""))

# Octets that are no part of a name, spaces and what looks like them, look-alikes of the slash and the dot, bytes that
# are no UTF-8, and letters, which are harmless below /docs/ and nowhere else.
_OCTETS: Final = (
    *("%00", "%09", "%0a", "%0d", "%1f", "%7f", "%20", "%23", "%25", "%2e", "%2E", "%2f", "%2F", "%3a", "%3b", "%3f"),
    *("%5c", "%5C", "%41", "%61", "%64", "%c0%af", "%c0%ae", "%e0%80%af", "%ff", "%c3", "%ed%a0%80", "%f5%80%80%80"),
    *("%c2%80", "%c2%85", "%c2%a0", "%c3%bc", "%e2%80%8b", "%e2%80%a8", "%e3%80%80", "%ef%bc%8f", "%ef%bc%8e"),
    *("%ef%bb%bf", "%25%32%65", "%252e", "%u002e", "%", "%2", "%zz", "%5b", "%5d"),
)
_PLACES: Final = (
    "/docs/{}",
    "/docs/{}admin",
    "/docs/..{}/admin",
    "/docs/{}../admin",
    "/docs/.{}./admin",
    "/docs/..{}admin",
    "/docs/{}/../../admin",
    "/docs/a{}/../../admin",
    "/docs{}../admin",
    "/docs{}/admin",
    "/{}docs/a",
    "/health{}",
    "/{}health",
    "/admin{}/../docs/a",
)

TARGETS: Final = tuple(
    dict.fromkeys((*_DETOURS, *_JOINED, *(place.format(octet) for place in _PLACES for octet in _OCTETS)))
)
"""More than 800 raw targets; none of them is one of `PUBLIC` as it stands."""

PUBLIC: Final = ("/health", "/docs/intro")
"""What is public: ``/health`` and all below ``/docs/``."""


def resolved(path: str) -> str:
    """The most obliging reading of a path that an application might have."""
    for _ in range(3):
        path = unquote(path, errors="replace")
    path = path.replace("\\", "/").replace("\x00", "").partition("#")[0].partition("?")[0].strip().lower()
    path = "/".join(segment.partition(";")[0] for segment in path.split("/"))
    normal = posixpath.normpath("/" + path.lstrip("/"))
    return normal + "/" if path.endswith("/") and normal != "/" else normal

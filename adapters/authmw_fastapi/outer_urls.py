"""URLs of security schemes in the document of a mounted application, where the guard stands further out.

Such a URL is relative to the application of the guard: ``auth/token`` leads to the token endpoint of the whole. Readers
of a document resolve it against its server, the mounted application, with or without a slash at the end. Only a path
from the root of the host leads to one place for all of them, and only a request tells that root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from authmw_starlette.walk import Around, guards_around

from authmw.engine.context import call_here
from authmw.http.request import ASGIRequest

if TYPE_CHECKING:
    from fastapi import FastAPI

    from authmw.engine.auth import Auth

Roots = dict["Auth", str]
"""The URL, with a slash at its end, of the application in which the guard of each `Auth` stands."""

_URLS: Final = ("authorizationUrl", "tokenUrl", "refreshUrl", "deviceAuthorizationUrl")


def roots_outside(app: FastAPI, around: Around) -> Roots:
    """The roots for the guards around `app` that stand in another application; relative ones outside of a request.

    Args:
        app: the application.
        around: the guards around it.
    """
    places = {settings.auth: prefix for settings, prefix in around.guards}  # of two places the inner one
    outside = [auth for auth, prefix in places.items() if prefix != around.prefix]
    if not outside:
        return {}
    own = [settings.auth for settings in guards_around(app)]
    return {auth: _root(auth, around.prefix[len(places[auth]) :]) for auth in outside if auth not in own}


def _root(auth: Auth, below: str) -> str:
    """The root of the application with the guard of `auth`, for a document of the one that is mounted `below`."""
    call = call_here()
    if call is not None and isinstance(call.request, ASGIRequest):
        root = call.request.root
        # Starlette's mounts write their path into the scope. Middleware in between may have copied the scope before, or
        # the document is shown by a page that is mounted elsewhere.
        found = _without(root, below)
        if found is None and call.auth is auth:
            found = call.request.scope.get("app_root_path", root)
        if found is not None:
            return quote(found.rstrip("/")) + "/"
    return "../" * below.count("/")


def _without(root: str, template: str) -> str | None:
    """`root` without the path of a mount at its end, in which ``{name}`` stands for any segment; None without it."""
    segments, mounted = root.split("/"), template.split("/")[1:]
    cut = len(segments) - len(mounted)
    same = zip(segments[cut:], mounted, strict=False)
    return "/".join(segments[:cut]) if cut > 0 and all(a == b or b.startswith("{") for a, b in same) else None


def resolve_urls(document: dict[str, Any], roots: Roots) -> None:
    """Write the relative URLs of the schemes of `roots`, in `document`, so that they lead to where they are."""
    schemes: dict[str, Any] = document.get("components", {}).get("securitySchemes", {})
    for auth, root in roots.items():
        for scheme in (schemes[each.name] for each in auth.schemes if each.name in schemes):
            for flow in scheme.get("flows", {}).values():
                flow |= {name: _resolved(flow[name], root) for name in _URLS if name in flow}
            if "openIdConnectUrl" in scheme:
                scheme["openIdConnectUrl"] = _resolved(scheme["openIdConnectUrl"], root)


def _resolved(url: str, root: str) -> str:
    parts = urlsplit(url)
    return url if parts.scheme or url.startswith("/") else root + url.removeprefix("./")

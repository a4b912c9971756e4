"""HTML of the docs page and of its redirect page. Scripts are files, and get their settings by escaped attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from authmw.pages.escaping import escaped

_DOCS: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" type="image/png" sizes="32x32" href="favicon-32x32.png">
<link rel="icon" type="image/png" sizes="16x16" href="favicon-16x16.png">
<link rel="stylesheet" href="swagger-ui.css">
<link rel="stylesheet" href="docs.css">
<script src="swagger-ui-bundle.js" defer></script>
<script src="docs.js" type="module"></script>
</head>
<body>
<main id="docs" {settings}></main>
<noscript>
<p class="notice">This page needs JavaScript. <a href="{openapi}">The OpenAPI document</a> describes the API, too.</p>
</noscript>
</body>
</html>
"""

REDIRECT: Final = b"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Authorization</title>
<link rel="icon" type="image/png" sizes="32x32" href="favicon-32x32.png">
<link rel="stylesheet" href="docs.css">
<script src="oauth2-redirect.js" type="module"></script>
</head>
<body>
<main class="notice"><p id="said" role="status">Handing the answer to the docs page.</p></main>
</body>
</html>
"""
"""The page to which an authorization server redirects the browser (RFC 6749 §4.1.2)."""


def docs(title: str, settings: Mapping[str, str]) -> bytes:
    """The docs page.

    Args:
        title: of the browser's tab, until the document is loaded.
        settings: the settings of the script: attribute → value. ``openapi`` is the URL of the document.
    """
    attributes = " ".join(f'data-{name}="{escaped(value)}"' for name, value in settings.items())
    text = _DOCS.format(title=escaped(title), settings=attributes, openapi=escaped(settings["openapi"]))
    return text.encode()

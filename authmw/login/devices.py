"""Short name of a browser and its system, from a ``User-Agent`` that nobody can read (RFC 9110 §10.1.5)."""

from __future__ import annotations

from typing import Final

# The first that is found is it: browsers name those that they want to be taken for, and the older ones come last.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Vivaldi", "Vivaldi"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("HeadlessChrome", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def device_name(agent: str) -> str:
    """The browser and the system, as ``Firefox · Linux``; `agent` itself where it is that of no browser.

    >>> device_name("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    'Firefox · Linux'
    >>> device_name("shop-app/2.1")
    'shop-app/2.1'
    """
    if not agent.startswith("Mozilla/"):
        return agent
    found = [next((name for text, name in known if text in agent), "") for known in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, found)) or agent

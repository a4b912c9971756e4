"""Which of FastAPI's test files use security: found by search, so that none is forgotten in a new release."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

NAMED: Final = (
    "tests/test_security_*.py",
    "tests/test_tutorial/test_security/test_*.py",
    "tests/test_dependency_security_overrides.py",
)
"""What is run whatever is in it."""

_USES: Final = re.compile(
    r"fastapi\.security|^\s*from \.?security\b|^\s*from fastapi import [^#\n]*\b[sS]ecurity\b"
    r"|^\s*from fastapi import \([^)]*\b[sS]ecurity\b",
    re.MULTILINE,
)


def select(root: Path) -> tuple[str, ...]:
    """The paths of the test files below `root` that use security, or reach something in the sdist that does."""
    named = {path for pattern in NAMED for path in root.glob(pattern)}
    sources = {path: path.read_text() for top in ("tests", "docs_src") for path in (root / top).rglob("*.py")}
    using = {path for path, text in sources.items() if _USES.search(text)}
    while reached := {path for path in sources.keys() - using if _reaches(root, path, sources[path], using)}:
        using |= reached
    tests = {path for path in using if path.name.startswith("test_")}
    return tuple(sorted(path.relative_to(root).as_posix() for path in named | tests))


def _reaches(root: Path, path: Path, text: str, using: set[Path]) -> bool:
    """Whether the file `path`, with `text`, names a module of `using` that is no test itself."""
    modules = [module for module in using if not module.name.startswith("test_")]
    return any(re.search(_mention(root, path, module), text) for module in modules)


def _mention(root: Path, path: Path, module: Path) -> str:
    """How `path` names `module`: in full, through its package, as ``f"docs_src.security.{…}"``, or relatively."""
    dotted = ".".join(module.relative_to(root).with_suffix("").parts)
    package, _, name = dotted.rpartition(".")
    ways = [rf"\b{dotted}\b", rf"\b{package}\.\{{", rf"\bfrom {package} import [^#\n]*\b{name}\b"]
    if module.parent == path.parent:
        ways.append(rf"\bfrom \.(?:{name}| import [^#\n]*\b{name})\b")
    return "|".join(ways)

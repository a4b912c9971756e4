"""The type of an option that several commands take: it gives back the function it decorates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class OptionDecorator(Protocol):
    """What `click.option` returns."""

    def __call__(self, command: F, /) -> F:
        """Add the option to `command`."""
        ...

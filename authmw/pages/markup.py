"""HTML that is built from elements: only `Html` is HTML, and every string is text, which is escaped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from authmw.pages.escaping import escaped


@dataclass(frozen=True, slots=True)
class Html:
    """HTML that was made here."""

    text: str


Child = Html | str | None
"""What stands in an element. None is nothing."""

NOTHING: Final = Html("")
_WITHOUT_CONTENT: Final = frozenset({"img", "input", "meta"})  # HTML Standard §13.1.2: the void elements of the pages
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


def element(name: str, /, *children: Child, **attributes: str | int | bool | None) -> Html:
    """An element. Its strings are escaped, those of attributes too.

    Args:
        name: the name of its tag.
        children: what stands in it, in order.
        attributes: name → value. ``_`` stands for ``-``, and one at the end is left out, as in ``class_``. None and
            False leave the attribute out, and True gives it no value.

    >>> element("label", "User <name>", for_="username").text
    '<label for="username">User &lt;name&gt;</label>'
    >>> element("input", type="password", required=True, value=None).text
    '<input type="password" required>'
    """
    given = ((each, value) for each, value in attributes.items() if value is not None and value is not False)
    written = [name, *(_attribute(each, value) for each, value in given)]
    tag = f"<{' '.join(written)}>"
    return Html(tag if name in _WITHOUT_CONTENT else f"{tag}{joined(*children).text}</{name}>")


def joined(*children: Child) -> Html:
    """The children, one behind the other."""
    return Html(
        "".join(each.text if isinstance(each, Html) else escaped(each) for each in children if each is not None)
    )


def sentence(text: str, **values: Child) -> Html:
    """A text for people with HTML in place of its placeholders.

    >>> sentence("You are {name}.", name=element("bdi", "<alice>")).text
    'You are <bdi>&lt;alice&gt;</bdi>.'
    """
    parts = _PLACEHOLDER.split(text)  # text, name, text, name, …, text
    filled = [values.get(part, f"{{{part}}}") if number % 2 else part for number, part in enumerate(parts)]
    return joined(*filled)


def _attribute(name: str, value: str | int | bool | None) -> str:
    name = name.rstrip("_").replace("_", "-")
    return name if value is True else f'{name}="{escaped(str(value))}"'

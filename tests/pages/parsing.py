"""A page as a browser reads it: elements with their attributes, the text of each, and whether all is well nested."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_WITHOUT_CONTENT = frozenset({"img", "input", "link", "meta"})


@dataclass(slots=True)
class Element:
    """An element of the page."""

    name: str
    attributes: dict[str, str | None]
    text: str = ""
    """Its text, with that of the elements in it."""
    around: list[str] = field(default_factory=list[str])
    """The names of the elements that it stands in, the outermost first."""


class Parsed(HTMLParser):
    """A page.

    Raises:
        AssertionError: a tag is not closed where it should be, an attribute is there twice, or there is a comment.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.doctypes: list[str] = []
        self._open: list[Element] = []
        self.feed(content.decode())
        self.close()
        assert self._open == []

    def all(self, name: str) -> list[Element]:
        """The elements of that name, in order."""
        return [each for each in self.elements if each.name == name]

    def one(self, name: str) -> Element:
        """The one element of that name."""
        (found,) = self.all(name)
        return found

    @property
    def fields(self) -> dict[str, str]:
        """Name → value of each field of the form."""
        return {
            each.attributes["name"] or "": each.attributes.get("value") or ""
            for each in self.all("input")
            if "name" in each.attributes
        }

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), attrs
        element = Element(tag, dict(attrs), around=[each.name for each in self._open])
        self.elements.append(element)
        if tag not in _WITHOUT_CONTENT:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].name == tag, f"</{tag}> in <{self._open[-1].name}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        self.doctypes.append(decl)

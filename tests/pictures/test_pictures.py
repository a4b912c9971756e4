"""The pictures of docs/diagrams are what the pinned release of beautiful-mermaid makes of the drawings."""

from __future__ import annotations

import json
import re

import pytest
from diagrams import Drawing

from tests.pictures.files import finished, found, kept, made
from tests.pictures.package import HERE, render
from tests.support import require

pytestmark = [pytest.mark.clients, pytest.mark.slow]


@pytest.fixture(autouse=True)
def needed() -> None:
    require("beautiful-mermaid")


def test_the_pictures_are_made_again_byte_by_byte() -> None:
    assert made(found()) == kept()


def test_a_box_that_would_lose_its_label_is_noticed() -> None:
    drawing = Drawing("Two boxes", "flowchart LR\n  a --> b[The label]\n  b[Another label] --> a\n")
    ((svg, _),) = render([drawing.text])
    with pytest.raises(ValueError, match="'Another label'"):
        finished(drawing, svg)


def test_a_text_that_is_no_drawing_is_noticed() -> None:
    with pytest.raises(RuntimeError):
        render(["this is no drawing"])


def test_the_lock_file_names_no_host() -> None:
    locked = (HERE / "package-lock.json").read_text()
    assert re.findall(r"https?://", locked) == []
    assert all("integrity" in package for name, package in json.loads(locked)["packages"].items() if name)

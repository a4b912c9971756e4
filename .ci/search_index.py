"""The order of what the search of the docs finds: the page for a task first, entries of the reference last.

Zensical has no setting for that. It ranks a match in a title before one in the path of sections, that before one in the
text, an early one before a late one, and of equals what stands first in the index. So the index is rewritten here. The
tasks are in docs/.tasks.toml; of two pages that are found equally well, the one that stands first there comes first.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

_REFERENCE = re.compile(r"reference/.")
_CODE = re.compile(r"reasons/.")
_FIRST_LETTER = re.compile(r"\b\w(?=\w)")
_JOINER = "\N{WORD JOINER}"
"""Not visible; a word that has it inside is no word that anybody types."""
_GAP = f"{_JOINER} " * 11
"""Words that nobody types. Matches that are more than ten words apart are not counted as one."""


def tasks(docs: Path) -> dict[str, list[str]]:
    """What readers type, by the page that answers it, as docs/.tasks.toml says."""
    table: dict[str, list[str]] = tomllib.loads((docs / ".tasks.toml").read_text())
    return table


def rewrite(site: Path, table: dict[str, list[str]]) -> None:
    """Rewrite the index of a built site.

    Raises:
        ValueError: the table of tasks names a page that is not there.
    """
    path = site / "search.json"
    index = json.loads(path.read_text())
    items: list[dict[str, Any]] = index["items"]
    missing = table.keys() - {item["location"] for item in items}
    if missing:
        raise ValueError(f"docs/.tasks.toml names pages that are not there: {', '.join(sorted(missing))}")
    others = [_found_by(words, item) for item in items for words in table.get(item["location"], [])[1:]]
    for item in items:
        _weigh(item, table.get(item["location"], []))
    order = {location: place for place, location in enumerate(table)}
    items = sorted([*items, *others], key=lambda item: order.get(item["location"], len(order)))
    path.write_text(json.dumps({**index, "items": items}, separators=(",", ":")))


def _weigh(item: dict[str, Any], asked: list[str]) -> None:
    if asked:
        item |= {**_found_by(asked[0], item), "text": item["text"]}
    elif _REFERENCE.match(item["location"]):
        name = re.sub(r"<small>.*?</small>|</?code>", "", item["title"]).strip()
        item["text"] = f"<p>{name}</p> {item['text']}"
        item["title"] = _not_found(item["title"])
        item["path"] = [_not_found(part) for part in item["path"]]
    elif _CODE.match(item["location"]):
        # Found by the whole code, but a title that begins with one of its words comes first.
        item["title"] = _unseen(_GAP) + item["title"]


def _found_by(words: str, item: dict[str, Any]) -> dict[str, Any]:
    """An entry for the page of `item` that is found by `words`, which are not shown.

    Only the first run of words counts: so they stand in front, and each task has an entry of its own.
    """
    paragraph = re.match(r"<p>.*?</p>", item["text"], re.DOTALL)
    unseen = _unseen(f"{words} {_GAP}")
    first, *rest = item["path"] or [""]
    return {
        **item,
        "title": unseen + item["title"],
        "path": [unseen + first, *rest],
        "text": paragraph[0] if paragraph else "",
    }


def _unseen(words: str) -> str:
    return f'<span style="display:none">{words}</span>'


def _not_found(title: str) -> str:
    """`title` as it was for the eye, and no word of it for the search."""
    parts = re.split(r"(<[^>]*>|&\w+;)", title)
    hidden = rf"\g<0>{_JOINER}"
    return "".join(part if place % 2 else _FIRST_LETTER.sub(hidden, part) for place, part in enumerate(parts))

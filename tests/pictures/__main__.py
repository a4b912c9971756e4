"""``make pictures``: a picture in docs/diagrams for each drawing of a page, and no other."""

from __future__ import annotations

from tests.pictures.files import found, write
from tests.support import ROOT

if __name__ == "__main__":
    changed = write()
    for path in changed:
        print(f"{path.relative_to(ROOT)} {'written' if path.exists() else 'removed'}")
    print(f"{len(found())} drawings, {len(changed)} files changed")

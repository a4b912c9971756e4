"""What the follower of a page notices."""

from __future__ import annotations

import pytest

from tests.examples.following import File, Line, is_as_shown, steps, text_for

PAGE = """\
Before.

??? tip "Beginning here?"

    ```console
    $ make a user
    ```

=== "Flask"

    ```python title="notes.py"
    if True:
        flask
    ```

=== "Starlette"

    ```python title="notes.py"
    starlette
    ```

After.

```console
$ echo one \\
    two  # a remark
one two
$ cd .
```

```text
$ no line
```
"""


@pytest.mark.parametrize(
    "tab, from_here, expected",
    [
        ("Flask", True, [Line("make a user", ""), File("notes.py", "if True:\n    flask\n")]),
        ("Starlette", False, [File("notes.py", "starlette\n")]),
    ],
)
def test_a_reader_reads_one_tab_and_the_box_only_at_the_beginning(
    tab: str, from_here: bool, expected: list[File | Line]
) -> None:
    text = text_for(PAGE, tab, from_here=from_here)
    assert "Before." in text
    assert "After." in text
    assert list(steps(text)) == [*expected, Line("echo one \\\n    two", "one two\n"), Line("cd .", "")]


HEAD = "HTTP/1.1 401 …\n…\n"


@pytest.mark.parametrize(
    "shown, printed, same",
    [
        ("", "", True),
        ("", "a warning\n", False),
        ("one\n", "", False),
        ('{"token":"eyJ…","scope":"a"}\n', '{"token":"eyJabc","scope":"a"}', True),
        ('{"token":"eyJ…","scope":"a"}\n', '{"token":"eyJabc","scope":"b"}', False),
        (
            f"{HEAD}WWW-Authenticate: Bearer\n…\n",
            "HTTP/1.1 401 No\r\ndate: x\r\nwww-authenticate: Bearer\r\n\r\n{}",
            True,
        ),
        (f"{HEAD}WWW-Authenticate: Bearer\n…\n", "HTTP/1.1 401 No\r\ndate: x\r\n\r\n{}", False),
        ("ok  …\nNothing is wrong.\n", "ok  keys\n1 thing is wrong.\n", False),
        ("a.c\n", "abc\n", False),
    ],
)
def test_another_output_than_the_page_shows_is_noticed(shown: str, printed: str, same: bool) -> None:
    assert is_as_shown(shown, printed) is same

"""What makes a stored number stale, and what does not."""

from __future__ import annotations

import pytest

from avqa_core import fingerprint

SOURCE = '''
"""A module."""

def add(a, b):
    """Add."""
    return a + b  # the sum
'''


@pytest.mark.parametrize(
    "edited",
    [
        SOURCE.replace("A module.", "Another text."),
        SOURCE.replace("  # the sum", ""),
        SOURCE.replace("a + b", "(a + b)"),
        SOURCE.replace('    """Add."""\n', ""),
    ],
)
def test_comments_docstrings_and_layout_change_nothing(edited: str) -> None:
    assert edited != SOURCE
    assert fingerprint.of_python(edited) == fingerprint.of_python(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a + b", "a - b"),
        ("a + b", "b + a"),
        ("def add(a, b)", "def add(a, b=0)"),
        ("return a", "return None or a"),
    ],
)
def test_any_other_edit_changes_it(old: str, new: str) -> None:
    assert fingerprint.of_python(SOURCE.replace(old, new)) != fingerprint.of_python(SOURCE)


def test_an_empty_string_counts_outside_of_an_f_string() -> None:
    assert fingerprint.of_python("x = ['', 'a']") != fingerprint.of_python("x = ['a']")


def test_every_version_of_python_gives_the_same_hash() -> None:
    """Golden: found equal on 3.11, 3.12 and 3.13, whose ``ast.dump`` differ."""
    source = 'class A:\n    x: int = 1\n    def f(self, *a): return f"{a!r:>{self.x}}" "c" f"{a}"\n'
    assert fingerprint.of_python(source) == "b8f3a4b21226761e221a451aec6bd4b0"


def test_parts_do_not_run_into_each_other() -> None:
    assert fingerprint.of_text("ab", "c") != fingerprint.of_text("a", "bc")


def test_files_count_by_place_and_content_not_by_order(tmp_path) -> None:
    first, second = tmp_path / "a.py", tmp_path / "b.bin"
    first.write_text("x = 1\n")
    second.write_bytes(b"\x00\x01")
    before = fingerprint.of_files([first, second], tmp_path)
    assert fingerprint.of_files([second, first], tmp_path) == before
    first.write_text("x = 1  # a comment\n")
    assert fingerprint.of_files([first, second], tmp_path) == before
    second.write_bytes(b"\x00\x02")
    assert fingerprint.of_files([first, second], tmp_path) != before
    moved = second.rename(tmp_path / "c.bin")
    moved.write_bytes(b"\x00\x01")
    assert fingerprint.of_files([first, moved], tmp_path) != before


def test_a_part_of_the_package_is_named_by_folder_or_file() -> None:
    part = fingerprint.of_package("rng.py")
    assert part == fingerprint.of_files([fingerprint.PACKAGE / "rng.py"], fingerprint.PACKAGE)
    assert part != fingerprint.of_package("rng.py", "errors.py")
    media = [one for one in (fingerprint.PACKAGE / "media").rglob("*.py")]
    assert fingerprint.of_package("media") == fingerprint.of_files(media, fingerprint.PACKAGE)

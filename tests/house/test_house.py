"""The house keeps its own rules: small files, a sentence at each door, no work left behind a mark."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "pinako"
FILES = sorted(SOURCE.rglob("*.py"))
LONGEST_FILE = 500


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_file_stays_small_enough_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", [p for p in FILES if p.read_text().strip()], ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_no_work_is_left_behind_a_mark() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX:|NotImplementedError)\b")
    assert [str(p) for p in FILES if marks.search(p.read_text())] == []


def test_broad_excepts_stand_only_at_the_three_edges() -> None:
    allowed = {"web/asgi.py", "intake/guard.py", "cli/main.py", "cli.py"}
    broad = re.compile(r"except( Exception| BaseException)?:|except \(.*\bException\b.*\):|except Exception as")
    found = {str(p.relative_to(SOURCE)) for p in FILES if broad.search(p.read_text())}
    assert found <= allowed

"""The examples of docs/client.md run as they stand, against a real server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "client.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs(demo: tuple[str, str], capsys: pytest.CaptureFixture[str], number: int) -> None:
    address, key = demo
    source = EXAMPLES[number].replace("http://127.0.0.1:8765", address).replace("api_key=key", f"api_key={key!r}")
    exec(compile(source, "docs/client.md", "exec"), {"__name__": "example"})  # noqa: S102 - our own page
    printed = capsys.readouterr().out
    assert printed.strip()
    assert "Error" not in printed

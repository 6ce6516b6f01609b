"""The verbs of a library's owner: what they print and how they exit."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pinako.cli.main import VERBS, cli, run

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a verb on this test's library: exit code, standard output, standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run([*arguments, "--library", str(tmp_path / "library")])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_help_is_instant_and_names_every_verb_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, (place, _) in VERBS.items():
        assert (name in shown) == (importlib.util.find_spec(place.partition(":")[0]) is not None)
    for code in (0, 1, 2, 3, 4, 130):
        assert re.search(rf"^ +{code}  ", shown, re.MULTILINE)
    heavy = "import sys, pinako.cli.main as m; m.run(['--help']); print(sorted(set(sys.modules) & set(sys.argv)))"
    asked = ["uvicorn", "starlette", "numpy", "PIL", "rich", "sqlite3", "argon2", "httpx2", "pyroaring"]
    found = subprocess.run([sys.executable, "-c", heavy, *asked], capture_output=True, text=True, check=True)
    assert found.stdout.endswith("[]\n")


def commands() -> list[tuple[str, ...]]:
    """Every verb of this installation, and every verb within one."""
    import click

    found: list[tuple[str, ...]] = []
    with click.Context(cli) as context:
        for name in cli.list_commands(context):
            command = cli.get_command(context, name)
            found.append((name,))
            if isinstance(command, click.Group):
                found += [(name, inner) for inner in command.list_commands(context)]
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_verb_has_help_in_whole_sentences(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: pinako {' '.join(words)}")
    assert re.search(r"\n\n  [A-Z][^\n]+", shown), "a verb says what it does"


def test_a_key_is_shown_once_and_alone(verb: Run) -> None:
    code, key, err = verb("key", "add", "laptop", "--scope", "read")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"[0-9a-f]{32}\n", key)
    code, listed, _ = verb("key", "list", "--json")
    (entry,) = json.loads(listed)
    assert (entry["name"], entry["user"], entry["scope"], entry["revokedAt"]) == ("laptop", "owner", "read", None)
    assert key.strip() not in listed
    code, table, _ = verb("key", "list")
    assert (code, "laptop" in table) == (0, True)
    assert verb("key", "revoke", str(entry["id"]))[:2] == (0, "revoked 1 key\n")
    code, _, err = verb("key", "revoke", "laptop")
    assert code == 1
    assert err.startswith("pinako: ")


def test_accounts(verb: Run) -> None:
    assert verb("user", "add", "ink_harbor", "--level", "PG-13")[0] == 0
    assert verb("user", "add", "mod", "--moderator", "--level", "all")[0] == 0
    listed = {entry["name"]: entry for entry in json.loads(verb("user", "list", "--json")[1])}
    assert {name: (entry["role"], entry["level"]) for name, entry in listed.items()} == {
        "owner": ("owner", 31),
        "ink_harbor": ("member", 3),
        "mod": ("moderator", 31),
    }
    assert verb("key", "add", "x", "--user", "INK_HARBOR")[0] == 0
    assert json.loads(verb("key", "list", "--json", "--user", "mod")[1]) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("user", "add", "owner"), 1),
        (("user", "add", "no blanks"), 1),
        (("user", "add", "ann", "--level", "naughty"), 2),
        (("user", "add", "ann", "--level", "32"), 2),
        (("key", "add", "x", "--user", "nobody"), 1),
        (("key", "add"), 2),
        (("key", "add", ""), 1),
        (("key", "frobnicate"), 2),
        (("check", "--database-url", "mysql://x"), 3),
    ],
)
def test_what_is_wrong_is_said_in_a_line_with_its_exit_code(verb: Run, words: tuple[str, ...], code: int) -> None:
    found, _, err = verb(*words)
    assert found == code
    assert err.strip()
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "words",
    [
        "check", "compact", "search boat", "missing", "duplicates", "history image 5", "key list", "key revoke x", "user list",
        "regroup list", "trash list", "trash restore --all", "export --to out", "export --takeout out",
    ],
)  # fmt: skip
def test_who_only_looks_makes_no_library(
    verb: Run, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = verb(*words.split())
    assert (code, out) == (1, "")
    assert err.startswith(f"pinako: there is no library in {tmp_path / 'library'}: ")
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_was_begun_and_killed_is_made_whole_by_the_next_open(verb: Run, tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "library.db").touch()
    code, out, err = verb("check", "--library", str(tmp_path / "library"))
    assert (code, err) == (0, ""), out


def test_a_demo_of_another_number_is_not_taken_for_the_one_asked_for(verb: Run) -> None:
    assert verb("demo", "--images", "6", "--seed", "3")[0] == 0
    assert verb("demo")[0] == 0, "who names nothing is content with what is there"
    assert json.loads(verb("demo", "--images", "6", "--json")[1])["seed"] == 3
    code, _, err = verb("demo", "--seed", "4")
    assert code == 1
    assert "--images 6 --seed 3" in err


def test_the_environment_names_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PINAKO_LIBRARY", str(tmp_path / "elsewhere"))
    assert run(["migrate"]) == 0
    assert (tmp_path / "elsewhere" / "library.db").exists()


def test_an_unexpected_error_is_one_line_unless_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def burst(*arguments: object, **options: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(cli, "invoke", burst)
    assert run(["migrate"]) == 4
    assert capsys.readouterr().err == "pinako: unexpected error: RuntimeError: boom (--traceback shows where)\n"
    with pytest.raises(RuntimeError):
        run(["--traceback", "migrate"])

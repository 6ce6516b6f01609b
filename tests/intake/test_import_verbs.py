"""The verbs as they are typed: import, inspect, demo, missing, regroup, duplicates, trash."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from importing_files import picture_bytes, write_checkpoint, write_lora, write_pictures

from pinako.cli.main import run

Verb = Callable[..., tuple[int, str]]


@pytest.fixture
def verb(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Verb:
    """Runs a verb on one library; its exit code and what it printed."""

    def call(*words: object, library: bool = True) -> tuple[int, str]:
        place = ["--library", str(tmp_path / "library")] if library else []
        capfd.readouterr()
        code = run([*map(str, words), *place])
        return code, capfd.readouterr().out

    return call


def test_import_tells_what_became_of_everything(verb: Verb, outputs: Path) -> None:
    write_pictures(outputs, 3)
    (outputs / "cut.png").write_bytes(picture_bytes(5)[:-300])
    code, out = verb("import", outputs)
    assert code == 1
    assert out.startswith("3 of 4 brought in; 1 unreadable\n")
    assert "3 are unrated: their owner sees them, nobody else" in out
    assert f"not read: {outputs / 'cut.png'}: " in out
    code, out = verb("import", outputs, "--json", "--level", "pg13", "--tag", "boats")
    told = json.loads(out)
    assert code == 1
    assert (told["found"], told["alreadyHere"], told["unreadable"], told["rated"]) == (4, 3, 1, 3)
    assert told["refused"][0]["path"] == str(outputs / "cut.png")
    (outputs / "cut.png").unlink()
    assert verb("import", outputs)[0] == 0


def test_import_refuses_what_it_does_not_understand(verb: Verb, outputs: Path) -> None:
    assert verb("import", outputs / "nowhere")[0] == 2
    assert verb("import", outputs, "--level", "green")[0] == 2
    assert verb("import", outputs, "--user", "nobody")[0] == 1
    (outputs / "rules.toml").write_text("colour = 1")
    assert verb("import", outputs, "--rules", outputs / "rules.toml")[0] == 2


@pytest.mark.parametrize("words", [["missing"], ["duplicates"], ["regroup", "list"], ["trash", "list"]], ids=" ".join)
def test_a_list_of_no_library_makes_none(verb: Verb, tmp_path: Path, words: list[str]) -> None:
    """A slip of the pen in --library must not look like an empty library, nor leave one behind."""
    assert verb(*words) == (1, "")
    assert not (tmp_path / "library").exists()


def test_a_dangerous_pickle_is_told(verb: Verb, outputs: Path) -> None:
    (outputs / "other.pt").write_bytes(b"cos\nsystem\n(S'echo'\ntR.")
    code, out = verb("import", outputs)
    assert code == 0
    assert f"note: {outputs / 'other.pt'}: this pickle runs code" in out


KEYS = {
    "file", "generator", "recognised", "prompt", "negativePrompt", "seed", "steps", "cfgScale", "sampler", "scheduler",
    "width", "height", "model", "resources", "raw",
}  # fmt: skip


def test_inspect_answers_a_line_for_every_file(verb: Verb, outputs: Path) -> None:
    made = outputs / "made.png"
    made.write_bytes(picture_bytes(9, prompt="a boat <lora:pier:0.5>", model=("calm", "0123456789")))
    (outputs / "plain.png").write_bytes(picture_bytes(9))
    (outputs / "notes.txt").write_text("nothing")
    odd = outputs / os.fsdecode(b"odd \xff.png")
    odd.write_bytes(b"")
    model = write_lora(outputs / "harbor.safetensors")
    names = [made, outputs / "plain.png", outputs / "notes.txt", odd, model, outputs / "gone.png", outputs]
    code, out = verb("inspect", "--json", *names, library=False)
    lines: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert len(lines) == len(names)
    for line in lines:
        assert line.keys() >= KEYS
        assert {"name", "hash"} <= line["model"].keys()
    first, plain, notes, empty, lora, gone, folder = lines
    assert (first["generator"], first["recognised"], first["prompt"]) == ("a1111", True, "a boat")
    assert (first["seed"], first["steps"], first["cfgScale"], first["width"]) == (9, 20, 7, 96)
    assert first["model"]["name"] == "calm"
    assert {"kind": "lora", "name": "pier", "weight": 0.5}.items() <= first["resources"][-1].items()
    assert "Steps: 20" in first["raw"]
    assert (plain["recognised"], plain["generator"], plain["width"], plain["raw"]) == (False, None, 96, None)
    assert (notes["kind"], notes["error"]) == ("unknown", None)
    assert [bool(line["error"]) for line in (empty, gone, folder)] == [True, True, True]
    assert lora["modelFile"]["type"] == "LORA"
    assert lora["modelFile"]["hashes"].keys() >= {"SHA256", "AutoV2", "AutoV3", "BLAKE3", "CRC32"}
    assert lora["modelFile"]["pickleScan"]["result"] == "Success"
    assert lora["modelFile"]["trainedWords"] == ["harborlight"]


def test_inspect_is_readable(verb: Verb, outputs: Path) -> None:
    (outputs / "made.png").write_bytes(picture_bytes(9, prompt="a boat"))
    code, out = verb("inspect", outputs / "made.png", write_checkpoint(outputs / "calm.safetensors"), library=False)
    assert code == 0
    for word in ("made.png", "a boat", "Euler a", "SDXL 1.0", "AutoV2"):
        assert word in out
    digest = hashlib.sha256((outputs / "calm.safetensors").read_bytes()).hexdigest().upper()
    assert f"SHA256  {digest}\n" in out, "what goes into a pipe is not folded"
    assert "AutoV2" not in verb("inspect", "--quick", outputs / "calm.safetensors", library=False)[1]


def test_missing_duplicates_and_trash(verb: Verb, outputs: Path) -> None:
    (outputs / "made.png").write_bytes(picture_bytes(9, prompt="a boat", model=("calm", "0123456789")))
    plain = picture_bytes(9)
    (outputs / "plain.png").write_bytes(plain)
    verb("import", outputs)
    assert json.loads(verb("missing", "--json")[1]) == [
        {"kind": "checkpoint", "name": "calm", "hash": "0123456789", "versionId": None, "images": 1}
    ]
    assert "1 missing" in verb("missing")[1]
    [group] = json.loads(verb("duplicates", "--json")[1])
    assert (group["sameness"], group["keep"]["name"], group["others"][0]["name"]) == ("pixels", "made.png", "plain.png")
    assert "1 groups, 1 pictures too many" in verb("duplicates")[1]
    assert json.loads(verb("trash", "list", "--json")[1]) == []
    assert "1 are in the trash now" in verb("duplicates", "--trash")[1]
    [trashed] = json.loads(verb("trash", "list", "--json")[1])
    assert trashed["id"] == group["others"][0]["id"]
    assert verb("duplicates", "--near", group["keep"]["id"])[1].endswith("0 look like it\n")
    assert verb("trash", "restore", trashed["id"]) == (0, "1 back from the trash\n")
    assert "0 bits apart" in verb("duplicates", "--near", outputs / "plain.png")[1]
    assert verb("duplicates", "--near", "9" * 5000)[0] == 1
    verb("trash", "add", trashed["id"])
    again = json.loads(verb("import", "--json", outputs)[1])
    assert (again["alreadyHere"], again["inTrash"]) == (1, 1), "unchanged files too are told apart"
    assert verb("trash", "empty")[0] == 2
    assert verb("trash", "empty", "--all", "--yes") == (0, "1 removed for good\n")
    assert verb("check") == (0, "all is well\n")


def test_regroup(verb: Verb, outputs: Path) -> None:
    for number in (1, 2):
        write_lora(outputs / f"harbor_v{number}.safetensors", seed=number)
    verb("import", outputs)
    rows = json.loads(verb("regroup", "list", "--json")[1])
    assert len({row["modelId"] for row in rows}) == 1
    assert verb("regroup", "version", rows[0]["versionId"])[0] == 2
    code, _ = verb("regroup", "version", rows[0]["versionId"], "--split", "--name", "Harbor, again")
    assert code == 0
    assert "Harbor, again" in verb("regroup", "list")[1]
    assert verb("regroup", "version", rows[0]["versionId"], "--into", rows[1]["modelId"])[0] == 0
    assert verb("regroup", "version", 5, "--into", rows[1]["modelId"])[0] == 1
    assert verb("regroup", "file", rows[0]["fileId"], "--into", rows[1]["versionId"])[0] == 0
    assert verb("check") == (0, "all is well\n")


def test_a_small_demo(verb: Verb, tmp_path: Path) -> None:
    code, out = verb("demo", "--images", "12", "--seed", "4", "--json")
    told = json.loads(out)
    assert (code, told["images"], told["seed"]) == (0, 12, 4)
    assert verb("demo", "--images", "12")[1].startswith("12 images, seed 4")
    assert verb("check") == (0, "all is well\n")
    assert verb("demo", library=False)[0] == 2

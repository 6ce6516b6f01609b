"""`pinako export` to a folder: what lies there afterwards, for whom, and what a second or a broken-off run does."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from exporting_home import Opened, files_below, sums_of

from pinako import metadata
from pinako.metadata.modelfiles.sidecars import read_sidecars

Verb = Callable[..., tuple[int, str, str]]
Opening = Callable[..., Opened]


def test_sidecars_are_what_the_api_sends(read_only_demo: Path, tmp_path: Path, verb: Verb, opening: Opening) -> None:
    out = tmp_path / "out"
    code, told, _ = verb(
        "export", "--library", read_only_demo, "--to", out, "--sidecar", "json", "--path", "{id}.{ext}"
    )
    assert code == 0, told
    files = files_below(out)
    doors = opening(read_only_demo)
    key = doors.key_of(doors.owner_name)
    originals = {row[0]: row[1] for row in doors.rows("SELECT id, blob FROM images")}
    listed = doors.items("/api/v1/images?limit=200&nsfw=X&withMeta=true&withTags=true&browsingLevel=31", key)
    assert len(listed) > 100
    for item in listed:
        [name] = [name for name in files if name.startswith(f"{item['id']}.") and name.endswith(".json")]
        answer = doors.text(f"/api/v1/images?imageId={item['id']}&withMeta=true&withTags=true&browsingLevel=31", key)
        assert files[name].decode() in answer
        assert json.loads(files[name]) == item
        stored = read_only_demo / "media" / originals[item["id"]][:2] / originals[item["id"]]
        assert files[name.removesuffix(".json")] == stored.read_bytes()


def test_a_second_run_writes_only_what_is_missing_or_changed(read_only_demo: Path, tmp_path: Path, verb: Verb) -> None:
    out = tmp_path / "out"
    words = ["export", "--library", read_only_demo, "--to", out, "--sidecar", "json", "--json"]
    first = json.loads(verb(*words)[1])
    before = files_below(out)
    assert first["new"] == len(before) == 2 * first["images"]
    again = json.loads(verb(*words)[1])
    assert (again["new"], again["changed"], again["same"], again["bytes"]) == (0, 0, first["new"], 0)
    pictures = [name for name in before if not name.endswith(".json")]
    (out / pictures[0]).unlink()
    (out / pictures[1]).write_bytes(b"something else")
    (out / f"{pictures[2]}.json").write_text("{}")
    os.utime(out / pictures[3], (1, 1))  # copied by somebody: the content tells
    mended = json.loads(verb(*words)[1])
    assert (mended["new"], mended["changed"]) == (1, 2)
    assert files_below(out) == before


def test_nothing_goes_out_that_the_viewer_may_not_see(
    own_demo: Path, tmp_path: Path, verb: Verb, opening: Opening
) -> None:
    doors = opening(own_demo)
    key = doors.key_of("guest", level=3)
    with doors.library.database.write() as w:
        one = w.value("SELECT id FROM images WHERE level = 1 AND needs_review IS NULL AND published_at IS NOT NULL")
        w.run("UPDATE images SET hide_meta = 1 WHERE id = ?", (one,))
    out = tmp_path / "out"
    words = ["export", "--library", own_demo, "--as", "guest", "--to", out, "--path", "{id}.{ext}"]
    code, told, _ = verb(*words, "--sidecar", "json", "--json")
    report = json.loads(told)
    listed = {item["id"] for item in doors.items("/api/v1/images?limit=200&browsingLevel=3", key)}
    files = files_below(out)
    assert {int(name.split(".")[0]) for name in files if name.endswith(".json")} == listed
    hidden = [each["id"] for each in report["leftOut"]]
    assert code == 1
    assert one in hidden
    assert not [name for name in files if name.startswith(f"{one}.") and not name.endswith(".json")]
    assert json.loads(next(files[name] for name in files if name.startswith(f"{one}.")))["meta"] is None
    assert verb(*words, "--level", "XXX", "level:x")[1].startswith("0 images")


def test_a_query_and_filters_narrow_it(read_only_demo: Path, tmp_path: Path, verb: Verb, opening: Opening) -> None:
    doors = opening(read_only_demo)
    key = doors.key_of(doors.owner_name)

    def ids(*words: object) -> list[int]:
        place = tmp_path / "records.jsonl"
        code, told, error = verb("export", "--library", read_only_demo, "--records", "jsonl", place, *words)
        assert code == 0, told + error
        return [json.loads(line)["id"] for line in place.read_text().splitlines()]

    [(collection,)] = doors.rows(
        "SELECT id FROM collections WHERE type = 'Image' AND read = 'Public' ORDER BY id LIMIT 1"
    )
    in_order = [
        item["id"] for item in doors.items(f"/api/v1/images?limit=50&browsingLevel=31&q=collection:{collection}", key)
    ]
    assert (
        set(ids("--collection", collection)) == set(ids(f"http://127.0.0.1/collections/{collection}")) == set(in_order)
    )
    [(posts,)] = doors.rows("SELECT id FROM collections WHERE type = 'Post' AND read = 'Public' ORDER BY id LIMIT 1")
    inside = doors.rows(
        "SELECT i.id FROM images i JOIN collection_items c ON c.entity_type = 'Post' AND c.entity_id = i.post_id "
        "WHERE c.collection_id = ? AND i.published_at > 0 AND i.withheld = 0 AND i.needs_review IS NULL",
        posts,
    )
    assert set(ids(f"collection:{posts}")) == {row[0] for row in inside} != set()
    [(tag,)] = doors.rows(
        "SELECT t.name FROM tags t JOIN image_tags i ON i.tag_id = t.id GROUP BY t.name ORDER BY COUNT(*) DESC LIMIT 1"
    )
    assert set(ids("--tag", tag)) == set(ids(f'tag:"{tag}"')) != set()
    assert ids("--tag", tag, "--limit", 3) == ids("--tag", tag)[:3]
    assert ids("--sort", "Oldest") == list(reversed(ids("--sort", "Newest")))
    assert sorted(ids(f'tag:"{tag}"', "type:image")) == sorted(ids("type:image"))
    assert ids("--since", "2100-01-01") == []
    assert verb("export", "--library", read_only_demo, "--to", tmp_path / "o", "--tag", "nowhere to be seen")[0] == 1
    assert verb("export", "--library", read_only_demo, "--to", tmp_path / "o", "seed:many")[0] == 1
    assert not (tmp_path / "o").exists()


def test_equal_paths_become_different_files(read_only_demo: Path, tmp_path: Path, verb: Verb) -> None:
    words = ["export", "--library", read_only_demo, "--to", tmp_path / "out", "--path", "{type}.{ext}", "--json"]
    report = json.loads(verb(*words)[1])
    assert len(files_below(tmp_path / "out")) == report["images"] == report["new"]
    assert json.loads(verb(*words)[1])["same"] == report["images"]


def test_a_foreign_folder_is_not_written_into(read_only_demo: Path, tmp_path: Path, verb: Verb) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    code, _, error = verb("export", "--library", read_only_demo, "--to", tmp_path)
    assert code == 1
    assert "--force" in error
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert verb("export", "--library", read_only_demo, "--to", tmp_path, "--force", "--limit", 2)[0] == 0
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_dry_run_counts_and_writes_nothing(read_only_demo: Path, tmp_path: Path, verb: Verb) -> None:
    out = tmp_path / "out"
    words = ["export", "--library", read_only_demo, "--to", out, "--sidecar", "json", "--json"]
    planned = json.loads(verb(*words, "--dry-run")[1])
    assert not out.exists()
    done = json.loads(verb(*words)[1])
    assert [planned[name] for name in ("images", "new", "bytes")] == [done[name] for name in ("images", "new", "bytes")]
    assert json.loads(verb(*words, "--dry-run")[1])["new"] == 0


@pytest.mark.parametrize("how", ["a1111", "xmp"])
def test_copies_say_how_they_were_made(how: str, own_demo: Path, tmp_path: Path, verb: Verb, opening: Opening) -> None:
    from PIL import Image

    before = sums_of(own_demo)
    out = tmp_path / "out"
    words = [
        "export",
        "--library",
        own_demo,
        "--to",
        out,
        "--embed",
        how,
        "--path",
        "{id}.{ext}",
        "--limit",
        70,
        "--limit",
        70,
        "--json",
    ]
    report = json.loads(verb(*words)[1])
    assert report["embedded"] > 15
    assert sums_of(own_demo) == before
    doors = opening(own_demo)
    changed = 0
    for id, blob, mime in doors.rows("SELECT id, blob, mime FROM images WHERE type = 'image'"):
        for path in out.glob(f"{id}.*"):
            stored = own_demo / "media" / blob[:2] / blob
            if mime not in ("image/png", "image/jpeg", "image/webp") or path.suffix in (".txt", ".xmp"):
                continue
            with Image.open(path) as copy, Image.open(stored) as original:
                assert (copy.size, copy.mode, copy.tobytes()) == (original.size, original.mode, original.tobytes())
            said, was = metadata.read_file(path), metadata.read_file(stored)
            changed += path.read_bytes() != stored.read_bytes()
            if was.generation is not None:
                assert said.generation is not None
                for field in ("prompt", "negative_prompt", "seed", "steps", "sampler", "cfg_scale"):
                    assert getattr(said.generation, field) == getattr(was.generation, field), field
                if how == "a1111":
                    assert said.generation.generator == "a1111" or "parameters" in said.fields or "Steps: " in said.raw
                else:
                    assert b"http://ns.adobe.com/exif/1.0/" in path.read_bytes()
    assert changed == report["embedded"]
    again = json.loads(verb(*words)[1])
    assert (again["new"], again["changed"]) == (0, 0)


def test_what_cannot_carry_a_text_gets_one_beside_it(
    read_only_demo: Path, tmp_path: Path, verb: Verb, opening: Opening
) -> None:
    films = [
        row[0]
        for row in opening(read_only_demo).rows("SELECT id FROM images WHERE type = 'video' AND published_at > 0")
    ]
    if not films:
        pytest.skip("this machine has no ffmpeg, so the demo has no films")
    out = tmp_path / "out"
    words = [
        "export",
        "--library",
        read_only_demo,
        "type:video",
        "--to",
        out,
        "--embed",
        "a1111",
        "--path",
        "{id}.{ext}",
    ]
    report = json.loads(verb(*words, "--json")[1])
    notes = [each["id"] for each in report["notes"]]
    assert notes
    for id in notes:
        assert (out / f"{id}.mp4.txt").read_text()
        assert (out / f"{id}.mp4").exists()


def test_records_in_one_file(read_only_demo: Path, tmp_path: Path, verb: Verb) -> None:
    table, lines = tmp_path / "r.csv", tmp_path / "r.jsonl"
    assert verb("export", "--library", read_only_demo, "--records", "csv", table)[0] == 0
    assert verb("export", "--library", read_only_demo, "--records", "jsonl", lines)[0] == 0
    rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8-sig"))))
    items = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [int(row["id"]) for row in rows] == [item["id"] for item in items]
    for row, item in zip(rows, items, strict=True):
        assert (row["url"], row["createdAt"], int(row["likeCount"])) == (
            item["url"],
            item["createdAt"],
            item["stats"]["likeCount"],
        )
        if item["meta"] and item["meta"].get("seed"):
            assert int(row["seed"]) == item["meta"]["seed"]
    code, out, error = verb("export", "--library", read_only_demo, "--records", "jsonl", "-", "--limit", 2)
    assert (code, len(out.splitlines())) == (0, 2)
    assert "2 images" in error


def files_of(out: Path) -> list[Path]:
    return [path for path in sorted(out.iterdir()) if path.is_file()]


def test_links_are_the_stored_files(own_demo: Path, tmp_path: Path, verb: Verb, opening: Opening) -> None:
    out = tmp_path / "out"
    words = ["export", "--library", own_demo, "--to", out, "--path", "{sha256}.{ext}", "--json"]
    verb(*words, "--link", "--limit", 5)
    for path in files_of(out):
        assert path.samefile(own_demo / "media" / path.stem[:2] / path.stem)
    assert json.loads(verb(*words, "--link", "--limit", 5)[1])["same"] == 5
    copied = json.loads(verb(*words, "--limit", 5)[1])
    assert copied["changed"] == 5
    for path in files_of(out):
        assert not path.samefile(own_demo / "media" / path.stem[:2] / path.stem)


def test_models_come_with_what_other_tools_keep_beside_them(
    read_only_demo: Path, tmp_path: Path, verb: Verb, opening: Opening
) -> None:
    out = tmp_path / "out"
    verb("export", "--library", read_only_demo, "--to", out, "--models", "--json")
    files = sorted((out / "models").rglob("*.safetensors"))
    assert len(files) > 5
    stored = {row[0] for row in opening(read_only_demo).rows("SELECT blob FROM model_files")}
    import hashlib

    for path in files:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert digest in stored
        beside = read_sidecars(path)
        assert beside is not None
        assert beside.version_id is not None
        assert beside.model_name is not None
        assert digest.upper() in {hash for file in beside.files for hash in file.hashes.values()}
    assert list((out / "models").rglob("*.preview.*"))


def test_a_collection_of_models_is_its_models(
    read_only_demo: Path, tmp_path: Path, verb: Verb, opening: Opening
) -> None:
    sql = (
        "SELECT i.collection_id, i.entity_id FROM collection_items i JOIN models m ON m.id = i.entity_id "
        "WHERE i.entity_type = 'Model' AND m.status = 'Published' AND m.mode IS NULL AND m.availability = 'Public' ORDER BY i.id"
    )
    collection, model = opening(read_only_demo).rows(sql)[0]
    verb("export", f"collections/{collection}", "--library", read_only_demo, "--to", tmp_path / "out")
    assert list((tmp_path / "out" / "models").glob(f"*/*({model})/*/*.civitai.info"))


def test_a_run_that_is_killed_leaves_no_half_file(read_only_demo: Path, tmp_path: Path, verb: Verb) -> None:
    whole = tmp_path / "whole"
    words = ["export", "--library", str(read_only_demo), "--sidecar", "json", "--embed", "a1111", "--models", "--to"]
    verb(*words, whole)
    wanted = files_below(whole)
    out = tmp_path / "out"
    for wait in (0.0, 0.03):
        with subprocess.Popen([sys.executable, "-m", "pinako", *words, str(out)], stdout=subprocess.DEVNULL) as child:
            until = time.monotonic() + 60
            while not out.exists() and child.poll() is None and time.monotonic() < until:
                time.sleep(0.002)
            time.sleep(wait)
            child.send_signal(signal.SIGKILL)
        found = files_below(out)
        assert found.items() <= wanted.items()
    assert verb(*words, out)[0] in (0, 1)
    assert files_below(out) == wanted
    assert [path.name for path in (out / ".pinako-export").iterdir()] == ["export.json"]


def test_a_broken_original_is_reported_and_the_rest_goes_out(
    own_demo: Path, tmp_path: Path, verb: Verb, opening: Opening
) -> None:
    doors = opening(own_demo)
    rows = doors.rows(
        "SELECT id, blob FROM images WHERE published_at > 0 AND level > 0 AND needs_review IS NULL LIMIT 2"
    )
    (lost, blob), (damaged, other) = rows
    (own_demo / "media" / blob[:2] / blob).unlink()
    place = own_demo / "media" / other[:2] / other
    data = bytearray(place.read_bytes())
    data[-10] ^= 255
    place.unlink()  # it is a link to the session's own
    place.write_bytes(data)
    out = tmp_path / "out"
    code, told, _ = verb("export", "--library", own_demo, "--to", out, "--path", "{id}.{ext}", "--json")
    report = json.loads(told)
    assert code == 1
    assert {each["id"]: each["reason"].split(" (")[0] for each in report["leftOut"]} == {
        lost: "its bytes are not in the library",
        damaged: "its stored bytes are damaged",
    }
    assert len(files_below(out)) == report["images"] - 2


def test_the_command_line_says_what_it_does_not_understand(read_only_demo: Path, tmp_path: Path, verb: Verb) -> None:
    library = ["--library", read_only_demo]
    for words in (
        [],
        ["--embed", "a1111"],
        ["--to", tmp_path / "o", "--link", "--embed", "xmp"],
        ["--everyone", "--to", tmp_path / "o"],
        ["--takeout", tmp_path / "o", "tag:sea"],
        ["--takeout", tmp_path / "o", "--level", "PG"],
    ):
        assert verb("export", *library, *words)[0] == 2, words
    for words in (["--path", "{nope}"], ["--path", "../{id}"], ["--user", "nobody at all"], ["--as", "nobody"]):
        code, _, error = verb("export", *library, "--to", tmp_path / "o", *words)
        assert code == 1, words
        assert error
    assert not (tmp_path / "o").exists()

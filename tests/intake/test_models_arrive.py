"""Model files become models, versions and files; pictures find what they were made with, whichever came first."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from importing_files import picture_bytes, write_checkpoint, write_lora, write_pictures
from importing_home import Home

from pinako.intake.rules import Rules
from pinako.metadata.modelfiles import read_model_file


def autov2(path: Path) -> str:
    return read_model_file(path).hashes["AutoV2"]


def test_a_model_file_becomes_a_model_with_its_hashes(home: Home, outputs: Path) -> None:
    path = write_lora(outputs / "harbor_lights_v2.safetensors", words=("harborlight",))
    report = home.bring(outputs, rules=Rules(level=1, tags=("boats",)))
    assert (report.models, report.versions, report.model_files) == (1, 1, 1)
    assert home.rows("SELECT name, type, status, level FROM models") == [("harbor lights", "LORA", "Published", 1)]
    [(name, base, words, level)] = home.rows("SELECT name, base_model, trained_words, level FROM model_versions")
    assert (name, base, level) == ("v2", "SDXL 1.0", 1)
    assert json.loads(words) == ["harborlight"]
    hashes = dict(home.rows("SELECT type, hash FROM file_hashes"))
    assert hashes == read_model_file(path).hashes
    [(size_kb, format, pickle, blob)] = home.rows("SELECT size_kb, format, pickle_scan_result, blob FROM model_files")
    assert (size_kb * 1024, format, pickle) == (path.stat().st_size, "SafeTensor", "Success")
    assert b"".join(home.store.read(blob)) == path.read_bytes()
    assert home.value("SELECT t.name FROM model_tags m JOIN tags t ON t.id = m.tag_id") == "boats"


def test_versions_of_one_name_are_one_model_also_when_they_come_later(home: Home, outputs: Path) -> None:
    write_lora(outputs / "harbor_lights_v1.safetensors", seed=1)
    home.bring(outputs)
    write_lora(outputs / "harbor_lights_v3.safetensors", seed=3)
    write_lora(outputs / "harbor_lights_v2.safetensors", seed=2)
    write_lora(outputs / "mountain_mist.safetensors", seed=4)
    report = home.bring(outputs)
    assert (report.models, report.versions, report.model_files, report.already) == (1, 3, 3, 1)
    rows = home.rows(
        "SELECT m.name, v.name, v.idx FROM models m JOIN model_versions v ON v.model_id = m.id ORDER BY m.name, v.idx"
    )
    assert [row[:2] for row in rows if row[0] == "harbor lights"] == [
        ("harbor lights", "v3"),
        ("harbor lights", "v2"),
        ("harbor lights", "v1"),
    ]


def test_pictures_find_their_model_also_when_it_comes_later(home: Home, outputs: Path) -> None:
    models = outputs / "models"
    path = write_checkpoint(models / "calm_waters.safetensors", seed=5)
    with_model = picture_bytes(1, prompt="a boat", model=("calm_waters", autov2(path)))
    away = outputs.parent / "away.safetensors"
    shutil.move(path, away)
    (outputs / "made.png").write_bytes(with_model)
    write_pictures(outputs, 2, first=50)
    home.bring(outputs)
    assert home.value("SELECT COUNT(*) FROM image_resources") == 0
    shutil.move(away, path)
    home.bring(outputs)
    [(image_id, version_id)] = home.rows("SELECT image_id, version_id FROM image_resources")
    assert home.rows("SELECT name, base_model FROM images WHERE id = ?", image_id) == [("made.png", "SDXL 1.0")]
    assert home.rows("SELECT id FROM model_versions") == [(version_id,)]


def test_a_model_counts_its_pictures_whenever_they_come(home: Home, outputs: Path) -> None:
    path = write_checkpoint(outputs / "calm_waters.safetensors", seed=5)
    made_with = ("calm_waters", autov2(path))
    (outputs / "first.png").write_bytes(picture_bytes(1, prompt="a boat", model=made_with))
    home.bring(outputs)
    assert home.value("SELECT image_count FROM models") == 1
    (outputs / "second.png").write_bytes(picture_bytes(2, prompt="a boat", model=made_with))
    home.bring(outputs)
    assert home.value("SELECT image_count FROM models") == 2


def test_a_name_says_nothing_where_a_hash_says_another_file(home: Home, outputs: Path) -> None:
    path = write_checkpoint(outputs / "calm_waters.safetensors", seed=5)
    (outputs / "by_name.png").write_bytes(picture_bytes(1, prompt="a boat, <lora:calm_waters:1>"))
    (outputs / "other.png").write_bytes(picture_bytes(2, prompt="a boat", model=("calm_waters", "0123456789")))
    expected = [("by_name.png",)]
    credited = "SELECT i.name FROM image_resources r JOIN images i ON i.id = r.image_id"
    away = outputs.parent / "away.safetensors"
    shutil.move(path, away)
    home.bring(outputs)
    assert home.rows(credited) == []
    shutil.move(away, path)
    home.bring(outputs)
    assert home.rows(credited) == expected
    (outputs / "later.png").write_bytes(picture_bytes(3, prompt="a boat", model=("calm_waters", "0123456789")))
    home.bring(outputs)
    assert home.rows(credited) == expected


def test_the_feed_lists_pictures_by_the_version_they_were_made_with(sqlite_home: Home, outputs: Path) -> None:
    from pinako.app import open_library
    from pinako.catalog.people import Viewer
    from pinako.catalog.queries import ImageQuery

    path = write_checkpoint(outputs.parent / "calm_waters.safetensors", seed=5)
    (outputs / "made.png").write_bytes(picture_bytes(1, prompt="a boat", model=("calm_waters", autov2(path))))
    (outputs / "other.png").write_bytes(picture_bytes(2, prompt="a boat"))
    with open_library(sqlite_home.settings) as library:
        sqlite_home.bring(outputs, rules=Rules(level=1))
        sqlite_home.bring(path, rules=Rules(level=1))
        library.feeds.follower.catch_up()
        version_id = sqlite_home.value("SELECT id FROM model_versions")
        made = sqlite_home.value("SELECT id FROM images WHERE name = 'made.png'")
        page = library.feeds.images(ImageQuery(version_id=version_id), Viewer())
        assert list(page.ids) == [made]


def test_sidecars_tell_what_a_model_is_called_and_show_it(home: Home, outputs: Path) -> None:
    path = write_lora(outputs / "hl.safetensors")
    info = {
        "id": 4321,
        "modelId": 1234,
        "name": "second light",
        "baseModel": "Pony",
        "trainedWords": ["harbor at night"],
        "model": {"name": "Harbor Lights", "type": "LORA", "nsfw": False},
        "files": [{"hashes": {"SHA256": read_model_file(path).hashes["SHA256"]}}],
    }
    (outputs / "hl.civitai.info").write_text(json.dumps(info))
    (outputs / "hl.preview.png").write_bytes(picture_bytes(7))
    (outputs / "hl.png").write_bytes(picture_bytes(8))
    (outputs / "apart.png").write_bytes(picture_bytes(9))
    report = home.bring(outputs, rules=Rules(level=2))
    assert (report.model_files, report.previews, report.images, report.sidecars) == (1, 2, 1, 1)
    assert report.done == report.found == 5
    assert home.rows("SELECT id, name, source, source_id FROM models") == [(1234, "Harbor Lights", "civitai.com", 1234)]
    assert home.rows("SELECT id, name, level, trained_words FROM model_versions") == [
        (4321, "second light", 2, '["harbor at night"]')
    ]
    assert home.value("SELECT base_model FROM model_versions") == "Pony", "which the tensors call SDXL"
    shown = home.rows(
        "SELECT i.name, i.level FROM images i JOIN posts p ON p.id = i.post_id WHERE p.version_id = 4321 ORDER BY i.idx"
    )
    assert shown == [("hl.preview.png", 2), ("hl.png", 2)]
    assert (
        home.value("SELECT version_id FROM posts p JOIN images i ON i.post_id = p.id WHERE i.name = 'apart.png'")
        is None
    )
    again = home.bring(outputs)
    assert (again.already, again.sidecars, again.done) == (4, 1, 5)


def test_a_preview_may_come_after_its_model(home: Home, outputs: Path) -> None:
    write_lora(outputs / "hl.safetensors")
    home.bring(outputs)
    (outputs / "hl.preview.jpeg").write_bytes(picture_bytes(7, form="JPEG"))
    assert home.bring(outputs).previews == 1
    version_id = home.value("SELECT id FROM model_versions")
    assert home.rows("SELECT version_id FROM posts") == [(version_id,)]


def test_notes_about_another_file_are_left_aside(home: Home, outputs: Path) -> None:
    write_lora(outputs / "renamed.safetensors")
    info = {"id": 9, "modelId": 8, "name": "v9", "model": {"name": "Somebody Else", "type": "LORA"}}
    info["files"] = [{"hashes": {"SHA256": "AB" * 32}}]
    (outputs / "renamed.civitai.info").write_text(json.dumps(info))
    report = home.bring(outputs)
    assert home.rows("SELECT name, source FROM models") == [("renamed", "")]
    assert any("another file" in note.reason for note in report.notes)


def test_broken_model_files_are_reported(sqlite_home: Home, outputs: Path) -> None:
    whole = write_lora(outputs / "whole.safetensors")
    (outputs / "cut.safetensors").write_bytes(whole.read_bytes()[:-100])
    (outputs / "empty.safetensors").touch()
    (outputs / "page.safetensors").write_text("<html>not found</html>")
    (outputs / "header.safetensors").write_bytes((10).to_bytes(8, "little") + b"{not json}")
    (outputs / "picture.safetensors").write_bytes(picture_bytes(1))
    shutil.copy(whole, outputs / "odd.name")
    write_lora(outputs / "second.safetensors", seed=9).rename(outputs / "second.weights")
    report = sqlite_home.bring(outputs)
    assert report.done == report.found == 8
    assert {refusal.path.name for refusal in report.refused} == {
        "cut.safetensors",
        "empty.safetensors",
        "header.safetensors",
        "page.safetensors",
    }
    assert (report.model_files, report.already, report.images) == (2, 1, 1)


def test_a_moved_model_keeps_its_place(home: Home, outputs: Path) -> None:
    path = write_lora(outputs / "harbor.safetensors")
    home.bring(outputs)
    before = home.rows("SELECT id, version_id FROM model_files")
    path.rename(outputs / "something else.safetensors")
    assert home.bring(outputs).moved == 1
    copy = outputs / "copy.safetensors"
    shutil.copy(outputs / "something else.safetensors", copy)
    os.utime(copy)
    assert home.bring(outputs).already == 2
    assert home.rows("SELECT id, version_id FROM model_files") == before


def test_a_mirrored_file_without_bytes_gets_them(home: Home, outputs: Path) -> None:
    path = write_lora(outputs / "harbor.safetensors")
    home.bring(outputs)
    with home.database.write() as w:
        w.run("UPDATE model_files SET blob = NULL")
        w.run("DELETE FROM imported_files")
    assert home.bring(outputs).restored == 1
    assert home.value("SELECT blob FROM model_files") == read_model_file(path).hashes["SHA256"].lower()

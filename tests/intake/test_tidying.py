"""Duplicates, the trash, what is missing, and models put together by hand: on real imports, through the services."""

from __future__ import annotations

from pathlib import Path

import pytest
from importing_files import picture_bytes, write_checkpoint, write_lora, write_pictures
from importing_home import Home
from PIL import Image

from pinako.app import open_library
from pinako.catalog import levels
from pinako.catalog.people import Viewer
from pinako.catalog.queries import ImageQuery
from pinako.errors import BadRequest, NotFound
from pinako.intake.rules import Rules
from pinako.media.paint import encode, paint
from pinako.metadata import embed_png
from pinako.metadata.modelfiles import read_model_file
from pinako.services import regroup, trash
from pinako.services.check import check_contents
from pinako.services.duplicates import Sameness, find_duplicates
from pinako.services.missing import list_missing
from pinako.services.settle import Touched, settle


def write_twins(folder: Path) -> None:
    """One picture as PNG, the same pixels with a text, a smaller JPEG of it, and two others."""
    image = paint(3, 512, 384).convert("RGB")
    plain = encode(image, "png")
    (folder / "plain.png").write_bytes(plain)
    (folder / "told.png").write_bytes(embed_png(plain, {"parameters": "a harbor\nSteps: 9, Seed: 4, Size: 512x384"}))
    image.resize((256, 192), Image.Resampling.LANCZOS).save(folder / "small.jpg", quality=80)
    (folder / "other.png").write_bytes(encode(paint(8, 512, 384), "png"))
    (folder / "third.png").write_bytes(encode(paint(21, 512, 384), "png"))


def test_duplicates_are_told_by_kind_with_the_one_to_keep(home: Home, outputs: Path) -> None:
    write_twins(outputs)
    home.bring(outputs)
    groups = find_duplicates(home.database.read())
    found = {(g.sameness, g.keep.name, tuple(t.name for t in g.others)) for g in groups}
    assert found == {
        (Sameness.PIXELS, "told.png", ("plain.png",)),
        (Sameness.ALIKE, "told.png", ("small.jpg",)),
    }
    [small] = find_duplicates(home.database.read(), sameness=[Sameness.ALIKE], rule="newest", user_id=home.owner_id)
    assert len(small.others) == 2
    assert find_duplicates(home.database.read(), user_id=1) == []


def test_equal_bytes_of_two_people_are_found(home: Home, outputs: Path) -> None:
    from pinako.services import access

    [path] = write_pictures(outputs, 1)
    home.bring(outputs)
    with home.database.write() as w:
        other = access.add_user(w, "somebody", home.database.now())
    home.bring(path.rename(outputs.parent / path.name), user_id=other.id)
    [group] = find_duplicates(home.database.read())
    assert group.sameness is Sameness.EXACT
    assert find_duplicates(home.database.read(), user_id=home.owner_id) == []


def test_a_previews_copy_is_never_proposed_for_the_trash(home: Home, outputs: Path) -> None:
    data = picture_bytes(7, prompt="a harbor")
    (outputs / "made.png").write_bytes(data)
    home.bring(outputs)
    write_lora(outputs / "models" / "harbor.safetensors")
    (outputs / "models" / "harbor.preview.png").write_bytes(data)
    home.bring(outputs)
    [group] = find_duplicates(home.database.read())
    assert (group.keep.name, [twin.name for twin in group.others]) == ("harbor.preview.png", ["made.png"])


def throw(home: Home, *ids: int) -> int:
    with home.database.write() as w:
        touched = Touched()
        gone = trash.throw_away(w, touched, ids, home.database.now())
        settle(w, touched, home.database.now())
    return gone


def listed(home: Home) -> int:
    with open_library(home.settings) as library:
        return len(library.feeds.images(ImageQuery(level=levels.ALL), Viewer(cap=levels.ALL)).ids)


def test_the_trash_can_be_undone(home: Home, outputs: Path) -> None:
    write_pictures(outputs, 3)
    home.bring(outputs, rules=Rules(level=1, tags=("boats",)))
    ids = [row[0] for row in home.rows("SELECT id FROM images ORDER BY id")]
    assert listed(home) == 3
    assert (throw(home, ids[0], ids[1]), throw(home, ids[0])) == (2, 0)
    assert listed(home) == 1
    assert {each.id for each in trash.list_trash(home.database.read())} == {ids[0], ids[1]}
    assert home.value("SELECT image_count FROM posts") == 1
    with home.database.write() as w:
        touched = Touched()
        assert trash.take_back(w, touched, ids) == 2
        settle(w, touched, home.database.now())
    assert listed(home) == 3
    assert home.value("SELECT COUNT(*) FROM image_tags") == 3


def test_an_emptied_trash_is_gone_for_good(home: Home, outputs: Path) -> None:
    write_pictures(outputs / "two", 2)
    [linked] = write_pictures(outputs / "linked", 1, first=9)
    home.bring(outputs / "two")
    home.bring(outputs / "linked", in_place=True)
    ids = [row[0] for row in home.rows("SELECT id FROM images ORDER BY id")]
    throw(home, ids[0], ids[2])
    assert trash.empty_trash(home.database, home.store, home.settings.derivatives, ids, home.database.now()) == 2
    assert [row[0] for row in home.rows("SELECT id FROM images")] == [ids[1]]
    assert linked.exists()
    assert len(list(home.store.blobs())) == 1
    assert home.value("SELECT COUNT(*) FROM posts") == 1
    for table in ("image_meta", "image_rest", "image_trpc", "imported_files", "post_trpc", "blobs"):
        assert home.value(f"SELECT COUNT(*) FROM {table}") == 1, table
    assert list(check_contents(home.database, home.store)) == []
    # What was removed for good may be brought in again.
    assert home.bring(outputs).images == 2


def test_bytes_that_another_image_has_stay(home: Home, outputs: Path) -> None:
    from pinako.services import access

    [path] = write_pictures(outputs, 1)
    home.bring(path)
    with home.database.write() as w:
        other = access.add_user(w, "somebody", home.database.now())
    home.bring(path.rename(outputs / "again.png"), user_id=other.id)
    first = home.value("SELECT MIN(id) FROM images")
    throw(home, first)
    trash.empty_trash(home.database, home.store, home.settings.derivatives, [first], home.database.now())
    assert list(check_contents(home.database, home.store)) == []
    assert len(list(home.store.blobs())) == 1


def test_what_is_missing_is_counted_until_it_comes(home: Home, outputs: Path) -> None:
    path = write_checkpoint(outputs.parent / "calm_waters.safetensors", seed=5)
    digest = read_model_file(path).hashes["AutoV2"]
    for seed in range(3):
        data = picture_bytes(seed, prompt="a boat", model=("calm_waters", digest))
        (outputs / f"{seed}.png").write_bytes(data)
    (outputs / "b.png").write_bytes(
        picture_bytes(9, prompt="a pier <lora:Stone_Pier:0.7>", model=("calm_waters", digest))
    )
    home.bring(outputs)
    found = [(each.kind, each.name, each.hash, each.images) for each in list_missing(home.database.read())]
    assert found == [("checkpoint", "calm_waters", digest, 4), ("lora", "Stone_Pier", None, 1)]
    home.bring(path)
    assert [each.name for each in list_missing(home.database.read())] == ["Stone_Pier"]
    write_lora(outputs / "stone_pier.safetensors")
    home.bring(outputs)
    assert list_missing(home.database.read()) == []


def ids_of(home: Home) -> dict[str, tuple[int, int, int]]:
    return {
        each.file: (each.model_id, each.version_id, each.file_id) for each in regroup.list_places(home.database.read())
    }


def test_a_version_may_be_split_off_and_stays_so(home: Home, outputs: Path) -> None:
    for number in (1, 2):
        write_lora(outputs / f"harbor_v{number}.safetensors", seed=number)
    home.bring(outputs)
    one, two = ids_of(home)["harbor_v1.safetensors"], ids_of(home)["harbor_v2.safetensors"]
    assert one[0] == two[0]
    with home.database.write() as w:
        touched = Touched()
        made = regroup.split_version(w, touched, two[1], "Harbor, the second", home.database.now())
        settle(w, touched, home.database.now())
    assert ids_of(home)["harbor_v2.safetensors"][0] == made != one[0]
    write_lora(outputs / "harbor_v3.safetensors", seed=3)
    home.bring(outputs)
    assert ids_of(home)["harbor_v1.safetensors"][0] != ids_of(home)["harbor_v2.safetensors"][0]
    with home.database.write() as w:
        touched = Touched()
        regroup.move_version(w, touched, one[1], made, home.database.now())
        settle(w, touched, home.database.now())
    assert ids_of(home)["harbor_v1.safetensors"][0] == made
    with home.database.write() as w, pytest.raises(NotFound):
        regroup.move_version(w, Touched(), 7, made, 1)


def test_a_file_may_move_to_another_version(home: Home, outputs: Path) -> None:
    write_lora(outputs / "harbor.safetensors", seed=1)
    write_lora(outputs / "pier.safetensors", seed=2)
    (outputs / "pier.preview.png").write_bytes(picture_bytes(3))
    home.bring(outputs, rules=Rules(level=1))
    harbor, pier = ids_of(home)["harbor.safetensors"], ids_of(home)["pier.safetensors"]
    with home.database.write() as w:
        touched = Touched()
        regroup.move_file(w, touched, pier[2], harbor[1], home.database.now())
        settle(w, touched, home.database.now())
    assert ids_of(home)["pier.safetensors"][:2] == harbor[:2]
    assert home.rows("SELECT status FROM models WHERE id = ?", pier[0]) == [("Deleted",)]
    assert home.rows("SELECT version_id FROM posts") == [(harbor[1],)]
    with home.database.write() as w, pytest.raises(BadRequest):
        regroup.move_file(w, Touched(), pier[2], harbor[1], 1)

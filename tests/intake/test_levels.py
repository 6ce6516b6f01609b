"""Who sees what was imported: its level by option, rules and tags; without any, its owner alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from importing_files import picture_bytes, write_lora, write_pictures
from importing_home import Home

from pinako.app import open_library
from pinako.catalog import levels
from pinako.catalog.people import Viewer
from pinako.catalog.queries import ImageQuery, ModelQuery
from pinako.errors import SettingsError
from pinako.intake.rules import Rule, Rules, read_rules
from pinako.services import access, detail


def test_unrated_things_are_their_owners_alone(sqlite_home: Home, outputs: Path) -> None:
    write_pictures(outputs, 2)
    write_lora(outputs / "harbor.safetensors")
    report = sqlite_home.bring(outputs)
    assert report.unrated == 3
    with sqlite_home.database.write() as w:
        other = access.add_user(w, "somebody", sqlite_home.database.now(), moderator=True)
    viewers = {
        "nobody": Viewer(cap=levels.ALL),
        "owner": Viewer(cap=levels.ALL, user_id=sqlite_home.owner_id),
        "moderator": Viewer(cap=levels.ALL, user_id=other.id, moderator=True),
    }
    with open_library(sqlite_home.settings) as library:
        for mask, seen in ((levels.ALL, 2), (levels.XXX, 2), (levels.SFW, 0)):
            counts = {
                name: len(library.feeds.images(ImageQuery(level=mask), viewer).ids) for name, viewer in viewers.items()
            }
            assert counts == {"nobody": 0, "owner": seen, "moderator": 0}
        models = {
            name: len(library.feeds.models(ModelQuery(level=levels.ALL), viewer).ids)
            for name, viewer in viewers.items()
        }
        assert models == {"nobody": 0, "owner": 1, "moderator": 0}


def test_an_unrated_preview_is_shown_to_its_owner(sqlite_home: Home, outputs: Path) -> None:
    write_lora(outputs / "harbor.safetensors")
    (outputs / "harbor.preview.png").write_bytes(picture_bytes(5))
    sqlite_home.bring(outputs)
    id = sqlite_home.value("SELECT id FROM model_versions")
    with open_library(sqlite_home.settings) as library:
        owner = Viewer(cap=levels.ALL, user_id=sqlite_home.owner_id)
        assert len(detail.version(library, owner, id).full.previews) == 1
        with sqlite_home.database.write() as w:
            w.run("UPDATE models SET level = 1")
            w.run("UPDATE model_versions SET level = 1")
        assert detail.version(library, Viewer(cap=levels.ALL), id).full.previews == ()


def test_a_level_makes_them_public(sqlite_home: Home, outputs: Path) -> None:
    write_pictures(outputs, 2)
    sqlite_home.bring(outputs, rules=Rules(level=levels.R))
    with open_library(sqlite_home.settings) as library:
        assert len(library.feeds.images(ImageQuery(level=levels.R), Viewer(cap=levels.ALL)).ids) == 2
        assert len(library.feeds.images(ImageQuery(level=levels.ALL), Viewer(cap=levels.SFW)).ids) == 0


def test_a_later_run_rates_what_nobody_has_rated(home: Home, outputs: Path) -> None:
    write_pictures(outputs, 2)
    home.bring(outputs)
    with home.database.write() as w:
        w.run("UPDATE images SET level = 4 WHERE idx = 0")
    report = home.bring(outputs, rules=Rules(level=levels.PG, tags=("boats",)))
    assert report.rated == 1
    assert home.rows("SELECT level FROM images ORDER BY idx") == [(4,), (1,)]
    assert home.value("SELECT COUNT(*) FROM image_tags") == 2
    assert home.bring(outputs, rules=Rules(level=levels.XXX)).rated == 0


def test_somebody_elses_import_is_theirs(home: Home, outputs: Path) -> None:
    write_pictures(outputs, 1)
    home.bring(outputs)
    with home.database.write() as w:
        other = access.add_user(w, "somebody", home.database.now())
    (outputs / "two").mkdir()
    (outputs / "two" / "same.png").write_bytes(next(outputs.glob("*.png")).read_bytes())
    assert home.bring(outputs / "two", user_id=other.id).images == 1
    # The same file again, now for the other: both have it, and it stays that way.
    assert home.bring(outputs, user_id=other.id).images == 0
    assert home.bring(outputs).images == 0
    assert home.value("SELECT COUNT(DISTINCT user_id) FROM images") == 2
    assert home.value("SELECT COUNT(*) FROM blobs") == 1


RULES = """
[tag_levels]
"Life drawing" = "R"

[[rule]]
path = "private/**"
level = "X"

[[rule]]
prompt = ["harbor", "pier"]
tags = ["Boats"]

[[rule]]
path = "**/grids/*.png"
skip = true
"""


def test_rules_decide_by_folder_prompt_and_tag(home: Home, outputs: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    for folder, prompt in (("private", "a hill"), ("plain", "An old HARBOR"), ("grids", "a grid")):
        (outputs / folder).mkdir()
        (outputs / folder / f"{folder}.png").write_bytes(picture_bytes(len(folder) * 7, prompt=prompt))
    report = home.bring(outputs, rules=read_rules(tmp_path / "rules.toml", level=levels.PG))
    assert (report.images, report.skipped, report.done) == (2, 1, 3)
    assert home.rows("SELECT name, level FROM images ORDER BY name") == [("plain.png", 1), ("private.png", 8)]
    assert home.rows(
        "SELECT t.name, i.name FROM image_tags j JOIN tags t ON t.id = j.tag_id JOIN images i ON i.id = j.image_id"
    ) == [("boats", "plain.png")]


def test_a_tag_carries_a_level(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    rules = read_rules(tmp_path / "rules.toml", level=levels.PG13, tags=["LIFE drawing "])
    assert rules.judge(tmp_path / "a.png").level == levels.R
    assert rules.judge(tmp_path / "private" / "a.png").level == levels.X


def test_a_picture_that_a_rule_on_its_prompt_skips_leaves_nothing(sqlite_home: Home, outputs: Path) -> None:
    (outputs / "a.png").write_bytes(picture_bytes(1, prompt="a test card"))
    report = sqlite_home.bring(outputs, rules=Rules(rules=(Rule(prompt=("test card",), skip=True),)))
    assert (report.skipped, report.images) == (1, 0)
    assert list(sqlite_home.store.blobs()) == []
    assert sqlite_home.value("SELECT COUNT(*) FROM blobs") == 0


@pytest.mark.parametrize(
    ("pattern", "path", "holds"),
    [
        ("private/**", "/home/a/private/b/c.png", True),
        ("private/**", "/home/a/notprivate/c.png", False),
        ("**/grids/*.png", "/a/grids/b.PNG", True),
        ("**/grids/*.png", "/a/grids/b/c.png", False),
        ("/a/*", "/a/b", True),
        ("/a/*", "/x/a/b", False),
        ("img_?.png", "/x/img_1.png", True),
        ("[x].png", "/a/[x].png", True),
    ],
)
def test_patterns(pattern: str, path: str, holds: bool) -> None:
    rules = Rules(rules=(Rule(path=pattern, level=levels.X),))
    assert (rules.judge(Path(path)).level == levels.X) is holds


@pytest.mark.parametrize(
    "text", ["[[rule]]\nlevel = 'Q'", "[[rule]]\ncolour = 1", "[tag_levels]\na = 3", "no toml", "[[rule]]\npath = 3"]
)
def test_rules_that_cannot_be_read_are_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "rules.toml").write_text(text)
    with pytest.raises(SettingsError, match=r"rules\.toml|level"):
        read_rules(tmp_path / "rules.toml")

"""Takeouts: a library leaves and comes back, and every door of the new one says what the old one said."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from exporting_home import Opened, files_below

import postgres_server
from pinako.app import open_catalogue
from pinako.settings import load_settings
from pinako.storage.database import Database

Verb = Callable[..., tuple[int, str, str]]
Opening = Callable[..., Opened]


@pytest.fixture(scope="session")
def takeout(read_only_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A takeout of a whole demo library."""
    from pinako.cli.main import run

    folder = tmp_path_factory.mktemp("takeout") / "all"
    assert run(["export", "--library", str(read_only_demo), "--takeout", str(folder), "--everyone", "--link"]) == 0
    return folder


@pytest.fixture
def taken(takeout: Path, tmp_path: Path) -> Path:
    """A copy of the takeout, to be changed."""
    import shutil

    return shutil.copytree(takeout, tmp_path / "taken")


@pytest.fixture(params=["sqlite", "postgres"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[object]]:
    """Where a fresh library lies, on each engine, as words of a command line."""
    words: list[object] = ["--library", tmp_path / "fresh"]
    if request.param == "sqlite":
        yield words
        return
    lender: postgres_server.Lender = request.getfixturevalue("postgres")
    with lender.lent() as address:
        yield [*words, "--database-url", address]


def questions(doors: Opened) -> Iterator[str]:
    """What both libraries are asked: every list and every thing by id, at both doors."""
    for sort in ("Newest", "Most Reactions", "Most Collected"):
        yield f"/api/v1/images?limit=200&browsingLevel=31&withMeta=true&withTags=true&sort={sort.replace(' ', '%20')}"
    yield "/api/v1/models?limit=100&nsfw=true&browsingLevel=31"
    yield "/api/v1/models?limit=100&sort=Newest"
    yield "/api/v1/creators?limit=0"
    yield "/api/v1/tags?limit=0"
    yield "/api/v1/collections?limit=100&browsingLevel=31"
    yield "/api/v1/me"
    yield call("post.getInfinite", {"browsingLevel": 31, "limit": 100, "period": "AllTime", "sort": "Newest"})
    yield call("model.getAll", {"browsingLevel": 31, "limit": 100, "period": "AllTime", "sort": "Newest"})
    yield call("collection.getAllUser", {"permissions": ["VIEW", "ADD", "MANAGE"]})
    for (id,) in doors.rows("SELECT id FROM collections WHERE deleted_at IS NULL"):
        yield call("collection.getById", {"id": id})
        yield call("image.getInfinite", {"collectionId": id, "browsingLevel": 31, "limit": 100, "period": "AllTime"})
    for (id,) in doors.rows("SELECT id FROM models WHERE status = 'Published' AND withheld = 0"):
        yield f"/api/v1/models/{id}"
        yield call("model.getById", {"id": id})
    for (id,) in doors.rows("SELECT id FROM images WHERE withheld = 0 AND deleted_at IS NULL ORDER BY id LIMIT 8"):
        yield call("image.get", {"id": id})
        yield call("image.getGenerationData", {"id": id})
        yield call("tag.getVotableTags", {"id": id, "type": "image"})
    for (id,) in doors.rows("SELECT id FROM posts WHERE deleted_at IS NULL ORDER BY id LIMIT 6"):
        yield call("post.get", {"id": id})


def call(procedure: str, value: dict[str, Any]) -> str:
    from urllib.parse import quote

    return f"/api/trpc/{procedure}?input={quote(json.dumps({'json': value}))}"


def told_of(body: str) -> str:
    """A body without the id of the key that asked, which is each library's own."""
    return re.sub(r'"subject":\{[^}]*\}', "", body)


def test_a_library_leaves_and_comes_back(
    read_only_demo: Path, takeout: Path, fresh: list[Any], verb: Verb, opening: Opening
) -> None:
    code, told, error = verb("import", *fresh, takeout)
    assert code == 0, told + error
    old = opening(read_only_demo)
    given = {"database_url": fresh[3]} if len(fresh) > 2 else {}
    new = opening(fresh[1], **given)
    old_key, new_key = old.key_of(old.owner_name), new.key_of(new.owner_name)
    asked = 0
    for path in questions(old):
        for keys in ((old_key, new_key), (None, None)) if "/v1/" in path else ((old_key, new_key),):
            first = old.client.get(path, headers={"Authorization": f"Bearer {keys[0]}"} if keys[0] else {})
            second = new.client.get(path, headers={"Authorization": f"Bearer {keys[1]}"} if keys[1] else {})
            assert (first.status_code, told_of(first.text)) == (second.status_code, told_of(second.text)), path
            asked += first.status_code == 200
    assert asked > 80
    for key, mime in old.rows("SELECT media_key, mime FROM images WHERE published_at > 0 AND level = 1 LIMIT 5"):
        path = f"/any/{key}/original=true/{key}.jpeg"
        assert old.client.get(path).content == new.client.get(path).content
        assert mime
    for (sha,) in old.rows("SELECT blob FROM model_files WHERE blob IS NOT NULL"):
        assert new.library.media.stat(sha) is not None


TABLES = (
    "users", "images", "image_meta", "image_resources", "image_wants", "posts", "models", "model_versions", "model_files",
    "file_hashes", "tags", "image_tags", "image_tag_votes", "model_tags", "model_tag_votes", "post_tags", "collections",
    "collection_items", "collection_contributors", "collection_tags", "reactions", "engagements", "received", "blobs",
    "changes", "takeout_items", "image_rest", "image_trpc", "post_trpc", "model_rest", "model_trpc",
)  # fmt: skip


def contents(database: Database) -> dict[str, set[str]]:
    read = database.read()
    return {table: {repr(tuple(row)) for row in read.rows(f"SELECT * FROM {table}")} for table in TABLES}


def opened(words: list[Any]) -> Database:
    given = {"library": str(words[1])} | ({"database_url": words[3]} if len(words) > 2 else {})
    return open_catalogue(load_settings({}, given=given))


def test_bringing_it_twice_changes_nothing(takeout: Path, fresh: list[Any], tmp_path: Path, verb: Verb) -> None:
    """Nor does it change on the way: what leaves the new library is what came in."""
    assert verb("import", *fresh, takeout)[0] == 0
    with opened(fresh) as database:
        before = contents(database)
    code, told, _ = verb("import", *fresh, takeout, "--json")
    report = json.loads(told)
    assert code == 0
    assert (report["new"], report["changed"], report["bytes"]) == ({}, {}, 0)
    with opened(fresh) as database:
        assert contents(database) == before
    again = tmp_path / "again"
    assert verb("export", *fresh, "--takeout", again, "--everyone", "--link")[0] == 0
    first, second = files_below(takeout), files_below(again)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == ["takeout.json"]


def test_a_library_brought_into_itself_stays_as_it_is(own_demo: Path, tmp_path: Path, verb: Verb) -> None:
    words = ["--library", own_demo]
    assert verb("export", *words, "--takeout", tmp_path / "out", "--everyone", "--link")[0] == 0
    with opened(words) as database:
        before = contents(database)
    assert verb("import", *words, tmp_path / "out")[0] == 0
    with opened(words) as database:
        assert contents(database) == before


def test_a_takeout_is_written_once(own_demo: Path, tmp_path: Path, verb: Verb) -> None:
    words = ["export", "--library", own_demo, "--takeout", tmp_path / "out", "--everyone", "--json"]
    first = json.loads(verb(*words)[1])
    files = files_below(tmp_path / "out")
    again = json.loads(verb(*words)[1])
    assert (again["new"], again["changed"]) == (0, 0)
    assert again["same"] == first["new"]
    lost = next(name for name in files if name.startswith("media/"))
    (tmp_path / "out" / lost).unlink()
    assert json.loads(verb(*words)[1])["new"] == 1
    assert files_below(tmp_path / "out") == files
    for line in files["SHA256SUMS"].decode().splitlines():
        sha, name = line.split("  ")
        assert hashlib.sha256(files[name]).hexdigest() == sha
    listed = {line.split("  ")[1] for line in files["SHA256SUMS"].decode().splitlines()}
    assert listed == set(files) - {"SHA256SUMS", "takeout.json"}
    text = b"".join(files[name] for name in files if name.endswith(".jsonl")).decode()
    with opened(["--library", own_demo]) as database:
        secrets = [row[0] for row in database.read().rows("SELECT key_hash FROM api_keys")]
        withheld = [row[0] for row in database.read().rows("SELECT media_key FROM images WHERE withheld = 1")]
    assert not [secret for secret in (*secrets, *withheld) if secret in text]


def test_taken_numbers_are_mapped(own_demo: Path, takeout: Path, verb: Verb, opening: Opening) -> None:
    """A library that is another one, and has every number already: all records come in under new ones, and hang together."""
    with opened(["--library", own_demo]) as database, database.write() as w:
        w.run("UPDATE library SET value = 'another' WHERE name = 'library_id'")
        before = {row[0] for row in w.rows("SELECT id FROM images")}
    code, told, error = verb("import", "--library", own_demo, takeout, "--json")
    assert code == 0, told + error
    doors = opening(own_demo)
    shape = (
        "SELECT i.media_key, i.idx, p.title, p.published_at, u.username, count(t.tag_id) FROM images i "
        "LEFT JOIN posts p ON p.id = i.post_id JOIN users u ON u.id = i.user_id LEFT JOIN image_tags t ON t.image_id = i.id "
        "WHERE i.withheld = 0 GROUP BY i.id, i.media_key, i.idx, p.title, p.published_at, u.username"
    )
    rows = sorted(map(str, doors.rows(shape)))
    assert rows[::2] == rows[1::2]
    assert len(before & {row[0] for row in doors.rows("SELECT id FROM images")}) == len(before)
    used = (
        "SELECT i.media_key, m.name, v.name, r.detected FROM images i JOIN image_resources r ON r.image_id = i.id "
        "JOIN model_versions v ON v.id = r.version_id JOIN models m ON m.id = v.model_id"
    )
    assert {row[0] for row in doors.rows(used)}
    listed = (
        "SELECT c.name, n.entity_type, count(*), min(n.created_at) FROM collections c "
        "JOIN collection_items n ON n.collection_id = c.id GROUP BY c.id, c.name, n.entity_type"
    )
    lists = sorted(map(str, doors.rows(listed)))
    assert lists[::2] == lists[1::2]
    for table, column, other in (
        ("collection_items", "collection_id", "collections"),
        ("model_files", "version_id", "model_versions"),
        ("model_versions", "model_id", "models"),
        ("images", "post_id", "posts"),
        ("reactions", "user_id", "users"),
    ):
        lost = (
            f"SELECT count(*) FROM {table} a WHERE a.{column} > 0 "
            f"AND NOT EXISTS (SELECT 1 FROM {other} b WHERE b.id = a.{column})"
        )
        assert doors.rows(lost) == [(0,)], table
    assert verb("check", "--library", own_demo)[0] == 0


def test_one_users_takeout_holds_their_things_alone(
    read_only_demo: Path, tmp_path: Path, verb: Verb, opening: Opening
) -> None:
    old = opening(read_only_demo)
    [(name, user_id, count)] = old.rows(
        "SELECT u.username, u.id, count(*) FROM users u JOIN images i ON i.user_id = u.id "
        "WHERE i.withheld = 0 AND i.deleted_at IS NULL GROUP BY u.id, u.username ORDER BY 3 DESC LIMIT 1"
    )
    out = tmp_path / "out"
    assert verb("export", "--library", read_only_demo, "--takeout", out, "--user", name)[0] == 0
    images = [json.loads(line)["image"] for line in (out / "images.jsonl").read_text().splitlines()]
    assert {image["user_id"] for image in images} == {user_id}
    assert len(images) == count
    assert len(files_below(out / "media")) == len({image["blob"] for image in images})
    people = [json.loads(line) for line in (out / "people.jsonl").read_text().splitlines()]
    assert [one["user"]["id"] for one in people if one["subject"]] == [user_id]
    assert not [one for one in people if not one["subject"] and (one["user"]["email"] or one["user"]["is_moderator"])]
    code, told, error = verb("import", "--library", tmp_path / "new", out)
    assert code == 0, told + error
    new = opening(tmp_path / "new")
    path = f"/api/v1/images?username={name}&limit=200&browsingLevel=31&withMeta=true&withTags=true&sort=Newest"
    assert new.items(path, new.key_of(new.owner_name)) == old.items(path, old.key_of(old.owner_name))
    assert new.owner_name == "owner"
    assert verb("import", "--library", tmp_path / "mine", out, "--user", "owner")[0] == 0
    mine = opening(tmp_path / "mine")
    assert {row[0] for row in mine.rows("SELECT u.username FROM images i JOIN users u ON u.id = i.user_id")} == {
        "owner"
    }


def test_a_newer_takeout_brings_what_changed(own_demo: Path, tmp_path: Path, verb: Verb) -> None:
    """Things of other hosts keep identity and documents; what was changed there since comes, what was changed here stays."""
    source, target, out = ["--library", own_demo], ["--library", tmp_path / "new"], tmp_path / "out"
    with opened(source) as database, database.write() as w:
        ids = [row[0] for row in w.rows("SELECT id FROM images WHERE level = 1 AND withheld = 0 ORDER BY id LIMIT 4")]
        w.run("UPDATE images SET source = 'pics.example', source_id = 77 WHERE id = ?", (ids[0],))
        document = {
            "entity_type": "image",
            "entity_id": ids[0],
            "door": "rest",
            "fetched_at": 5,
            "source": "pics.example",
        }
        w.insert("received", {**document, "digest": "d", "body": b'{"id":77,"text":"a\\nb"}'})
    with opened(target) as database, database.write() as w:
        # The same thing, mirrored here before under another number.
        row = {"id": 77, "user_id": -1, "media_key": "here", "type": "image", "source": "pics.example", "source_id": 77}
        w.insert("images", {**row, "sort_at": 1, "created_at": 1, "updated_at": 1})
    assert verb("export", *source, "--takeout", out, "--everyone", "--link")[0] == 0
    assert verb("import", *target, out)[0] == 0
    with opened(target) as database:
        read = database.read()
        assert read.rows("SELECT id, media_key FROM images WHERE source_id = 77") == [(77, "here")]
        assert read.row("SELECT 1 FROM images WHERE id = ?", (ids[0],)) is None
        body = read.value("SELECT body FROM received WHERE entity_type = 'image' AND entity_id = 77")
        assert bytes(body) == b'{"id":77,"text":"a\\nb"}'
    with opened(source) as database, database.write() as w:
        w.run("UPDATE images SET name = 'new name', updated_at = updated_at + 5 WHERE id IN (?, ?)", (ids[1], ids[2]))
    with opened(target) as database, database.write() as w:
        w.run("UPDATE images SET name = 'kept', updated_at = updated_at + 9 WHERE id = ?", (ids[2],))
        w.run("UPDATE images SET deleted_at = 5 WHERE id = ?", (ids[3],))
    assert verb("export", *source, "--takeout", out, "--everyone", "--link")[0] == 0
    report = json.loads(verb("import", *target, out, "--json")[1])
    assert (report["changed"], report["trashed"], report["new"]) == ({"images": 1}, 1, {})
    with opened(target) as database:
        names = dict(database.read().rows("SELECT id, name FROM images"))
    assert (names[ids[1]], names[ids[2]]) == ("new name", "kept")


def rewrite(folder: Path, name: str, change: Callable[[list[Any]], None]) -> None:
    """Change the records of a takeout, and its head so that it is whole."""
    place = folder / f"{name}.jsonl"
    rows = [json.loads(line) for line in place.read_text().splitlines()]
    change(rows)
    data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    place.unlink()
    place.write_bytes(data)
    head = json.loads((folder / "takeout.json").read_text())
    head["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "rows": len(rows)}
    (folder / "takeout.json").write_text(json.dumps(head))


def test_a_takeout_that_is_not_whole_is_refused(taken: Path, tmp_path: Path, verb: Verb) -> None:
    with (taken / "images.jsonl").open("ab") as file:
        file.write(b"{}\n")
    code, _, error = verb("import", "--library", tmp_path / "new", taken)
    assert code == 1
    assert "not whole" in error
    with opened(["--library", tmp_path / "new"]) as database:
        assert database.read().value("SELECT count(*) FROM images") == 0
    head = json.loads((taken / "takeout.json").read_text())
    (taken / "takeout.json").write_text(json.dumps({**head, "version": 99}))
    assert "newer Pinako" in verb("import", "--library", tmp_path / "new", taken)[2]


def test_what_is_wrong_with_one_record_is_its_own_trouble(taken: Path, tmp_path: Path, verb: Verb) -> None:
    chosen: dict[str, Any] = {}

    def spoil(rows: list[Any]) -> None:
        chosen["bad"], chosen["hidden"], chosen["lost"], chosen["damaged"] = (rows[n]["image"]["id"] for n in range(4))
        rows[0]["image"]["width"] = "wide"
        rows[1]["image"] |= {"minor": True, "level": 8}
        for row, data in ((rows[2], None), (rows[3], b"other bytes")):
            [place] = (taken / "media").rglob(f"{row['image']['blob']}.*")
            kept = place.read_bytes()
            place.unlink()
            if data is None:
                chosen["place"], chosen["bytes"] = place, kept
            else:
                place.write_bytes(data)

    rewrite(taken, "images", spoil)
    words = ["import", "--library", tmp_path / "new", taken, "--json"]
    code, told, error = verb(*words)
    report = json.loads(told)
    assert code == 1, error
    assert report["withheld"] == 1
    assert {one["what"].rpartition(" ")[2] for one in report["refused"]} == {
        str(chosen[word]) for word in ("bad", "lost", "damaged")
    }
    with opened(["--library", tmp_path / "new"]) as database:
        read = database.read()
        rows = dict(read.rows("SELECT id, blob FROM images"))
        assert chosen["bad"] not in rows
        assert chosen["hidden"] not in rows
        assert rows[chosen["lost"]] is None
        assert rows[chosen["damaged"]] is None
    chosen["place"].write_bytes(chosen["bytes"])
    again = json.loads(verb(*words)[1])
    assert again["changed"].get("images") == 1, again
    with opened(["--library", tmp_path / "new"]) as database:
        assert database.read().value("SELECT blob FROM images WHERE id = ?", (chosen["lost"],)) == chosen["place"].stem


def test_nobody_gets_rights_by_a_takeout(own_demo: Path, tmp_path: Path, verb: Verb) -> None:
    """Strangers in it are nobody here, whatever they are called, and its owner does not become ours."""
    words = ["--library", own_demo]
    out = tmp_path / "out"
    with opened(words) as database:
        name = database.read().value("SELECT username FROM users WHERE is_owner = 0 ORDER BY id LIMIT 1")
        owner = database.read().row("SELECT id, username FROM users WHERE is_owner = 1")
    verb("export", *words, "--takeout", out, "--user", name)

    def claim(rows: list[Any]) -> None:
        for row in rows:
            row["user"] |= {"is_owner": True, "is_moderator": True}
            if not row["subject"]:
                row["user"] |= {"username": "owner", "username_key": "owner", "id": row["user"]["id"] + 1000}

    rewrite(out, "people", claim)
    assert owner is not None
    with opened(words) as database, database.write() as w:
        w.run("UPDATE library SET value = 'another' WHERE name = 'library_id'")
    verb("import", *words, out)
    with opened(words) as database:
        read = database.read()
        assert read.rows("SELECT id, username FROM users WHERE is_owner = 1") == [owner]
        assert read.value("SELECT count(*) FROM users WHERE username_key = 'owner'") == 1
        assert read.value("SELECT count(*) FROM users WHERE is_moderator = 1 AND is_owner = 0") == 0


def test_sidecars_of_a_plain_export_come_back(
    read_only_demo: Path, tmp_path: Path, verb: Verb, opening: Opening
) -> None:
    out, words = tmp_path / "out", ["import", "--library", tmp_path / "new"]
    assert verb("export", "--library", read_only_demo, "--to", out, "--sidecar", "json", "--limit", 50)[0] == 0
    [bare] = sorted(out.rglob("*.jpg"))[:1]
    bare.with_name(f"{bare.name}.json").unlink()
    broken = sorted(out.rglob("*.png"))[0]
    broken.with_name(f"{broken.name}.json").write_text("{")
    code, told, error = verb(*words, out)
    assert code == 1, error
    assert f"not brought in: {broken.name}.json" in told
    assert "1 of 1 brought in" in told
    old, new = opening(read_only_demo), opening(tmp_path / "new")
    path = "/api/v1/images?limit=200&browsingLevel=31&withMeta=true&withTags=true&sort=Newest"
    left = {int(broken.stem), int(bare.stem)}
    sent = {int(place.name.split(".")[0]) for place in out.rglob("*.json") if ".pinako-export" not in place.parts}
    listed = {one["id"]: one for one in old.items(path, old.key_of(old.owner_name))}
    told_before = {id: listed[id] for id in sent - left}
    assert len(told_before) > 40
    told_now = {one["id"]: one for one in new.items(path, new.key_of(new.owner_name))}
    assert told_before.keys() <= told_now.keys()
    for id, item in told_before.items():
        again = told_now[id]
        # Which models these are is found out by hashes, and none of them came along; of an account only the name is told.
        for name in ("modelVersionIds", "baseModel", "user"):
            item.pop(name), again.pop(name)
        assert again == item
    with opened(words[1:]) as database:
        before = contents(database)
    broken.with_name(f"{broken.name}.json").unlink()
    assert verb(*words, out)[0] == 0
    with opened(words[1:]) as database:
        after = contents(database)
    assert len(after["images"]) == len(before["images"]) + 1
    assert before["posts"] - after["posts"] == set()


@pytest.mark.slow
def test_takeouts_and_imports_survive_being_killed(takeout: Path, own_demo: Path, tmp_path: Path, verb: Verb) -> None:
    """Whatever is cut short is finished by the next run, and ends as if nothing had happened."""
    out, library = tmp_path / "out", tmp_path / "new"
    kill_often(["export", "--library", str(own_demo), "--takeout", str(out), "--everyone"], out / "images.jsonl")
    assert verb("export", "--library", own_demo, "--takeout", out, "--everyone")[0] == 0
    wanted = files_below(takeout)
    assert {name: data for name, data in files_below(out).items() if name != "takeout.json"} == {
        name: data for name, data in wanted.items() if name != "takeout.json"
    }
    kill_often(["import", "--library", str(library), str(out)], library / "library.db")
    assert verb("import", "--library", library, out)[0] == 0
    assert verb("check", "--library", library)[0] == 0
    again = tmp_path / "again"
    assert verb("export", "--library", library, "--takeout", again, "--everyone")[0] == 0
    assert {name: data for name, data in files_below(again).items() if name != "takeout.json"} == {
        name: data for name, data in wanted.items() if name != "takeout.json"
    }


def kill_often(words: list[str], sign: Path) -> None:
    """Run a command line three times, and kill it some moments after its sign appears."""
    for wait in (0.0, 0.1, 0.4):
        with subprocess.Popen(
            [sys.executable, "-m", "pinako", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as child:
            until = time.monotonic() + 60
            while not sign.exists() and child.poll() is None and time.monotonic() < until:
                time.sleep(0.005)
            time.sleep(wait)
            child.kill()

"""What was received stays: revisions, what changed in them, things that are gone; at the door only for whom it concerns."""

from __future__ import annotations

from typing import Any

from mirroring import Changing, Home, Host, read_history
from starlette.testclient import TestClient

import real_server
from pinako.app import open_library
from pinako.services.check import check_documents
from pinako.services.library import Library
from pinako.web.asgi import make_app


def test_a_changed_record_is_a_revision_and_the_old_one_stays(changing: Changing, home: Home) -> None:
    id = changing.an_image()
    page = f"{changing.host.address}/images/{id}"
    home.mirror(page)
    assert home.mirror(page).already == 1
    assert [row["door"] for row in read_history(home, "image", id)].count("trpc") == 1
    changing.change("UPDATE images SET name = 'renamed.png' WHERE id = ?", id, image=id)
    report = home.mirror(page)
    assert (report.changed, report.images, report.fetched) == (1, 0, 0)
    revisions = [row for row in read_history(home, "image", id) if row["door"] == "trpc"]
    assert [row["changed"] for row in revisions] == [[], ["name"]]
    assert [row["body"]["name"] for row in revisions][1] == "renamed.png"
    assert home.rows("SELECT name FROM images WHERE id = ?", id) == [("renamed.png",)]


def test_counts_alone_are_no_revision(changing: Changing, home: Home) -> None:
    id = changing.an_image()
    page = f"{changing.host.address}/images/{id}"
    home.mirror(page)
    changing.change("UPDATE images SET like_count = 4711 WHERE id = ?", id, image=id)
    assert home.mirror(page).already == 1
    assert home.rows("SELECT like_count FROM images WHERE id = ?", id) == [(4711,)]
    assert len([row for row in read_history(home, "image", id) if row["door"] == "trpc"]) == 1


def test_what_upstream_deletes_stays_and_is_marked_gone(changing: Changing, home: Home) -> None:
    id = changing.an_image()
    page = f"{changing.host.address}/images/{id}"
    home.mirror(page)
    changing.change("UPDATE images SET deleted_at = 1 WHERE id = ?", id, image=id)
    report = home.mirror(page)
    assert (report.gone, report.missing_count) == (1, 0), report
    [(state, since, parts)] = home.rows(
        "SELECT state, since, parts FROM mirror_items WHERE entity_type = 'image' AND source_id = ?", id
    )
    assert (state, "media" in parts) == ("gone", True)
    assert since > 0
    [(blob, deleted)] = home.rows("SELECT blob, deleted_at FROM images WHERE id = ?", id)
    assert blob is not None
    assert deleted is None


def test_what_left_a_list_is_asked_for_once_and_marked_gone(changing: Changing, home: Home) -> None:
    row = changing.host.ask("/api/v1/images?limit=1")["items"][0]
    page = f"{changing.host.address}/user/{row['username']}/images"
    before = home.mirror(page)
    changing.change("UPDATE images SET deleted_at = 1 WHERE id = ?", row["id"], image=row["id"])
    again = home.mirror(page)
    assert (again.images, again.fetched) == (0, 0)
    assert again.already == before.images - 1
    gone = home.rows("SELECT source_id FROM mirror_items WHERE entity_type = 'image' AND state = 'gone'")
    assert gone == [(row["id"],)]
    assert home.mirror(page).gone == 0


def test_other_bytes_under_the_same_number_do_not_overwrite(changing: Changing, home: Home) -> None:
    rows = changing.host.ask("/api/v1/images?limit=2")["items"]
    id, other = rows[0]["id"], rows[1]["id"]
    page = f"{changing.host.address}/images/{id}"
    home.mirror(page)
    [(old,)] = home.rows("SELECT blob FROM images WHERE id = ?", id)
    changing.change(
        "UPDATE images SET media_key = '11111111-2222-3333-4444-555555555555', "
        "blob = (SELECT blob FROM images WHERE id = ?) WHERE id = ?",
        other,
        id,
        image=id,
    )
    assert home.mirror(page).fetched == 1
    [(new,)] = home.rows("SELECT blob FROM images WHERE id = ?", id)
    assert new != old
    kept = [row["body"]["sha256"] for row in read_history(home, "image", id) if row["door"] == "bytes"]
    assert kept == [old, new]
    assert {row[0] for row in home.rows("SELECT sha256 FROM blobs")} >= {old, new}


def test_the_door_tells_of_what_the_caller_may_see(changing: Changing, home: Home) -> None:
    id = changing.an_image()
    hidden = changing.host.ask("/api/v1/images?limit=1&browsingLevel=16", key=changing.host.key)["items"][0]["id"]
    home.mirror(*(f"{changing.host.address}/images/{one}" for one in (id, hidden)), key=changing.host.key)
    with real_server.serving(home.folder) as running:
        door = Host(running.address)
        body = door.ask(f"/api/v1/pinako/history/image/{id}")
        assert (body["state"], body["left"]) == ("kept", [])
        assert {row["door"] for row in body["revisions"]} == {"trpc", "trpc.generation", "trpc.tags", "bytes"}
        assert door.status(f"/api/v1/pinako/history/image/{hidden}") == 404
        assert door.status("/api/v1/pinako/history/image/5") == 404
        assert door.status("/api/v1/pinako/history/nothing/5") == 400
        assert door.status("/api/v1/pinako/history/image/" + "9" * 5000) == 400


def shown_of(library: Library, user: int) -> dict[str, list[tuple[str, Any]]]:
    """Under which name and picture each list shows the things of somebody."""
    door = make_app(library)
    client = TestClient(door)
    found: dict[str, list[tuple[str, Any]]] = {}
    for procedure, path in (("image.getInfinite", "images"), ("post.getInfinite", ""), ("model.getAll", "models")):
        listed = client.get(f'/api/trpc/{procedure}?input={{"limit":100}}').json()["result"]["data"]["json"]["items"]
        mine = {row["id"]: row["user"] for row in listed if row["user"]["id"] == user}
        found[procedure] = [(shown["username"], shown["image"]) for shown in mine.values()]
        for row in client.get(f"/api/v1/{path}?limit=100").json()["items"] if path else ():
            if row["id"] in mine:
                shown = row["creator" if path == "models" else "user"]
                found.setdefault(path, []).append((shown["username"], shown["image"]))
    door.close()
    return found


def test_a_new_name_and_picture_are_shown_by_everything_of_theirs_at_once(changing: Changing, home: Home) -> None:
    [(user, name, model, *posts)] = changing.rows(
        "SELECT u.id, u.username, MAX(m.id), MIN(p.id), MAX(p.id) FROM users u "
        "JOIN models m ON m.user_id = u.id AND m.status = 'Published' AND m.level = 1 "
        "JOIN posts p ON p.user_id = u.id AND p.published_at IS NOT NULL AND p.level = 1 "
        "GROUP BY u.id HAVING MIN(p.id) < MAX(p.id) ORDER BY u.id LIMIT 1"
    )
    host = changing.host.address
    home.mirror(f"{host}/models/{model}", *(f"{host}/posts/{id}" for id in posts))
    with open_library(home.settings) as library:
        before = shown_of(library, user)
        assert len(before) == 5
        assert all(rows and {row[0] for row in rows} == {name} for rows in before.values()), before
        one = library.database.read().value("SELECT MAX(id) FROM images WHERE post_id = ?", (posts[0],))
        face = "https://faces.example/new.png"
        sql = "UPDATE users SET username = 'newname', username_key = 'newname', image = ? WHERE id = ?"
        changing.change(sql, face, user, image=one, user=user)
        assert home.mirror(f"{host}/images/{one}").changed == 1
        library.feeds.catch_up()
        assert shown_of(library, user) == {word: [("newname", face)] * len(rows) for word, rows in before.items()}
        assert not list(check_documents(library.database))

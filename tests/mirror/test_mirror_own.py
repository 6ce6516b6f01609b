"""What people of the library did to mirrored things stays when the mirror comes by again: upstream's news come beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mirroring import Changing, Home, Host

from pinako.app import open_library
from pinako.catalog.commands import (
    ItemRef,
    KeepCollection,
    RateImages,
    RemoveItem,
    SaveItem,
    SaveTarget,
    ToggleReaction,
    UpdatePost,
    VoteTags,
)
from pinako.catalog.people import Scope, Viewer
from pinako.client import Client
from pinako.services import access, compose, curate, discard, react, trash, voting
from pinako.services.history import past_of
from pinako.services.library import Library
from pinako.services.settle import Touched, settle


@dataclass(frozen=True)
class Owner:
    """The owner of a library, at work in it."""

    library: Library
    viewer: Viewer

    def react(self, kind: str, id: int, reaction: str) -> None:
        react.toggle_reaction(
            self.library, self.viewer, ToggleReaction(entity_type=kind, entity_id=id, reaction=reaction)
        )

    def collect(self, id: int, into: int | None = None) -> int:
        """Put an image into a collection, a new one unless it is said; which."""
        if into is None:
            into = curate.keep(self.library, self.viewer, KeepCollection(name="Mine", type="Image")).id
        item = SaveItem(item=ItemRef(type="Image", id=id), into=(SaveTarget(collection_id=into),))
        curate.save(self.library, self.viewer, item)
        return into

    def take_out(self, id: int, collection: int) -> None:
        curate.remove(self.library, self.viewer, RemoveItem(collection_id=collection, item_id=id))

    def discard(self, id: int) -> None:
        """Throw an image away for good."""
        library = self.library
        with library.database.write() as w:
            touched = Touched()
            trash.throw_away(w, touched, [id], library.now())
            settle(w, touched, library.now())
        assert trash.empty_trash(library.database, library.media, library.settings.derivatives, [id], library.now())


@contextmanager
def owner_of(home: Home) -> Iterator[Owner]:
    with open_library(home.settings) as library:
        user = access.ensure_owner(library.database, library.now())
        yield Owner(library, Viewer(user_id=user.id, cap=31, moderator=True, scope=Scope.WRITE))


COUNTS = "like_count, heart_count, reaction_count, collected_count"


def test_reactions_collections_tags_and_ratings_stay_beside_news(changing: Changing, home: Home) -> None:
    with Client(changing.host.address) as client:
        image = next(
            one
            for one in client.image_feed(with_tags=True)
            if any(tag.automated for tag in client.votable_tags(one.id))
        )
        tag = next(tag for tag in client.votable_tags(image.id) if tag.automated)
    id, pages = image.id, [f"{changing.host.address}/posts/{image.post_id}"]
    home.mirror(*pages)
    [before] = home.rows(f"SELECT {COUNTS} FROM images WHERE id = ?", id)
    with owner_of(home) as owner:
        owner.react("image", id, "Heart")
        owner.react("post", image.post_id or 0, "Like")
        mine = owner.collect(id)
        voting.vote(owner.library, owner.viewer, VoteTags(kind="image", id=id, tag_ids=(tag.id,), vote=-1))
        discard.rate(owner.library, owner.viewer, RateImages(ids=(id,), level=2))
        compose.change(owner.library, owner.viewer, UpdatePost(id=image.post_id or 0, title="As I call it"))
    assert home.mirror(*pages).already > 0  # nothing new upstream: only counters are looked at
    assert home.rows(f"SELECT {COUNTS} FROM images WHERE id = ?", id) == [
        (before[0], before[1] + 1, before[2] + 1, before[3] + 1)
    ]
    changing.change("UPDATE images SET name = 'renamed.png', like_count = 4711 WHERE id = ?", id, image=id)
    assert home.mirror(*pages).changed == 1
    [(name, level, like, heart, _, collected)] = home.rows(f"SELECT name, level, {COUNTS} FROM images WHERE id = ?", id)
    assert (name, level) == ("renamed.png", 2)
    assert (like, heart, collected) == (4711, before[1] + 1, before[3] + 1)
    assert home.rows("SELECT entity_id FROM collection_items WHERE collection_id = ?", mine) == [(id,)]
    assert home.rows("SELECT 1 FROM image_tags WHERE image_id = ? AND tag_id = ?", id, tag.id) == []
    [(title, likes)] = home.rows("SELECT title, like_count FROM posts WHERE id = ?", image.post_id)
    [(theirs,)] = changing.rows("SELECT like_count FROM posts WHERE id = ?", image.post_id)
    assert (title, likes) == ("As I call it", theirs + 1)


def shelf(host: Host, collection: int, key: str = "") -> list[int]:
    """A collection's images in its order."""
    values = {"collectionId": collection, "limit": 200, "browsingLevel": 31}
    return [row["id"] for row in host.query("image.getInfinite", values, key=key)["items"]]


def kept(home: Home, collection: int) -> list[int]:
    sql = "SELECT entity_id FROM collection_items WHERE collection_id = ? ORDER BY created_at DESC, id DESC"
    return [row[0] for row in home.rows(sql, collection)]


def test_a_collection_keeps_upstreams_order_what_left_it_and_what_people_here_did(
    changing: Changing, home: Home
) -> None:
    host = changing.host
    [(id, *_)] = changing.rows(
        "SELECT collection_id, COUNT(*) FROM collection_items WHERE entity_type = 'Image' "
        "GROUP BY collection_id ORDER BY 2 DESC LIMIT 1"
    )
    members = shelf(host, id, host.key)
    assert len(members) > 3
    others = [row["id"] for row in host.ask("/api/v1/images?limit=60")["items"] if row["id"] not in members]
    page = f"{host.address}/collections/{id}"
    home.mirror(page, f"{host.address}/images/{others[1]}", key=host.key)
    assert kept(home, id) == members
    left, out, new, own = members[1], members[2], others[0], others[1]
    host.command("collection.removeFromCollection", {"collectionId": id, "itemId": left})
    save = {"imageId": new, "type": "Image", "collections": [{"collectionId": id}]}
    host.command("collection.saveItem", save)
    with owner_of(home) as owner:
        owner.take_out(out, id)
        owner.collect(own, into=id)
    for _ in range(2):
        report = home.mirror(page, key=host.key)
        # New ones come to the front as upstream, what left stays in its place, and nothing that was done here is undone.
        assert [one for one in kept(home, id) if one != own] == [new, *(one for one in members if one != out)]
        assert own in kept(home, id)
    assert report.left == 0  # it was told once
    with home.opened() as database:
        past = past_of(database.read(), "collection", id)
    assert past is not None
    assert [(one.entity, one.source_id) for one in past.left] == [("image", left)]
    assert past.left[0].since > 0
    host.command("collection.saveItem", save | {"imageId": left})
    home.mirror(page, key=host.key)
    assert [one for one in kept(home, id) if one != own] == [one for one in shelf(host, id, host.key) if one != out]
    with home.opened() as database:
        past = past_of(database.read(), "collection", id)
    assert past is not None
    assert past.left == ()
    assert home.mirror(page, key=host.key, limit=1).left == 0  # a part of a list says nothing about the rest


def test_what_was_thrown_away_for_good_does_not_come_back(changing: Changing, home: Home) -> None:
    id = changing.an_image()
    page = f"{changing.host.address}/images/{id}"
    home.mirror(page)
    with owner_of(home) as owner:
        owner.discard(id)
    report = home.mirror(page)
    assert (report.images, report.fetched, report.left_out, report.missing_count) == (0, 0, 1, 0)
    assert home.rows("SELECT id FROM images") == []


def test_a_version_that_its_model_lists_no_longer_stays_and_is_marked_gone(changing: Changing, home: Home) -> None:
    [(model, version)] = changing.rows(
        "SELECT v.model_id, MAX(v.id) FROM model_versions v JOIN models m ON m.id = v.model_id "
        "JOIN model_files f ON f.version_id = v.id WHERE m.status = 'Published' AND v.status = 'Published' "
        "AND m.availability = 'Public' AND m.level = 1 AND m.mode IS NULL "
        "GROUP BY v.model_id HAVING COUNT(DISTINCT v.id) > 1 ORDER BY 1 LIMIT 1"
    )
    page, parts = f"{changing.host.address}/models/{model}", {"parts": frozenset({"models"})}
    files = home.mirror(page, **parts).files
    changing.change("UPDATE model_versions SET status = 'Unpublished' WHERE id = ?", version, model=model)
    report = home.mirror(page, **parts)
    assert report.gone >= 1
    state = "SELECT state FROM mirror_items WHERE entity_type = 'version' AND source_id = ?"
    assert home.rows(state, version) == [("gone",)]
    assert home.rows("SELECT status FROM model_versions WHERE id = ?", version) == [("Published",)]
    assert len(home.rows("SELECT 1 FROM model_files WHERE blob IS NOT NULL")) == files
    changing.change("UPDATE model_versions SET status = 'Published' WHERE id = ?", version, model=model)
    assert home.mirror(page, **parts).gone == 0
    assert home.rows(state, version) == [("kept",)]


def test_a_collection_that_is_gone_stays_and_is_nothing_missing(changing: Changing, home: Home) -> None:
    [(id, owner)] = changing.rows(
        "SELECT c.id, u.username FROM collections c JOIN users u ON u.id = c.user_id "
        "WHERE c.type = 'Image' AND c.mode IS NULL AND c.read = 'Public' ORDER BY c.id LIMIT 1"
    )
    itself, tab = f"{changing.host.address}/collections/{id}", f"{changing.host.address}/user/{owner}/collections"
    home.mirror(itself, tab)
    members = kept(home, id)
    assert members
    changing.host.command("collection.delete", {"id": id})
    report = home.mirror(tab)  # its list does not name it any more, so it is asked for
    assert (report.gone, report.missing_count) == (1, 0)
    again = home.mirror(itself, tab)
    assert (again.gone, again.missing_count) == (0, 0)
    assert kept(home, id) == members
    assert home.mirror(f"{changing.host.address}/collections/77").missing[0].state == "private"


def test_downloads_made_here_stay_on_top_of_upstreams(changing: Changing, home: Home) -> None:
    with Client(changing.host.address) as client:
        model = next(row for row in client.model_feed() if client.model_details(row.id).model_versions)
        version = client.model_details(model.id).model_versions[0].id
    page, words = f"{changing.host.address}/models/{model.id}", frozenset({"tags"})

    def counts(of: Home | Changing) -> list[int]:
        one = of.rows("SELECT download_count FROM models WHERE id = ?", model.id)
        other = of.rows("SELECT download_count FROM model_versions WHERE id = ?", version)
        return [one[0][0], other[0][0]]

    home.mirror(page, parts=words)  # type: ignore[arg-type]
    assert counts(home) == (before := counts(changing))
    with home.opened() as database, database.write() as w:
        w.run("UPDATE models SET download_count = download_count + 2 WHERE id = ?", (model.id,))
        w.run("UPDATE model_versions SET download_count = download_count + 2 WHERE id = ?", (version,))
    changing.change(
        "UPDATE model_versions SET download_count = download_count + 5 WHERE id = ?", version, model=model.id
    )
    changing.change("UPDATE models SET download_count = download_count + 5 WHERE id = ?", model.id, model=model.id)
    for _ in range(2):
        home.mirror(page, parts=words)  # type: ignore[arg-type]
        assert counts(home) == [count + 7 for count in before]

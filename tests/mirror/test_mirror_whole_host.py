"""One Pinako mirrors another over sockets, by every kind of page; then both answer the same questions alike.

On each engine: the program itself, with a credential that `pinako login` keeps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mirroring import Home, Host, differences

import demo_library
import real_server
from pinako.client import Client
from pinako.client.calls.feeds import ALL_REACTIONS
from pinako.client.hosts import read_address
from pinako.intake import journal
from pinako.services import access

FAR_FROM_ALL = 20
"""Things of a kind about which both are asked one by one."""


@dataclass(frozen=True)
class Page:
    """A page to mirror, and what it must bring, as the host's own lists have it."""

    address: str
    images: frozenset[int] = frozenset()
    posts: frozenset[int] = frozenset()
    models: frozenset[int] = frozenset()


@pytest.fixture(scope="module")
def host(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host whose owner has reacted, collected and bookmarked."""
    pristine = demo_library.pristine(shared)
    folder = demo_library.copy_of(pristine, tmp_path_factory.mktemp("host") / "library")
    use(Home(folder))
    with real_server.serving(folder) as running:
        yield Host(running.address, demo_library.info_of(pristine).owner_key)


def use(library: Home) -> None:
    """Give the library's owner what somebody in it has: reactions, a bookmark collection, and one of images."""
    with library.opened() as database, database.write() as w:
        owner = access.owner_of(w)
        assert owner is not None
        # Every library has an owner called so: this one's gets a name of its own, which the mirror need not change.
        w.run("UPDATE users SET username = 'harbourmaster', username_key = 'harbourmaster' WHERE id = ?", (owner.id,))
        fan = w.value("SELECT user_id FROM reactions GROUP BY user_id ORDER BY COUNT(*), user_id LIMIT 1")
        mornings = w.value("SELECT MIN(id) FROM collections WHERE type = 'Image' AND mode IS NULL")
        w.run("UPDATE reactions SET user_id = ? WHERE user_id = ?", (owner.id, fan))
        bookmarks = w.value("SELECT MIN(id) FROM collections WHERE mode = 'Bookmark'")
        w.run("UPDATE collections SET user_id = ? WHERE id IN (?, ?)", (owner.id, bookmarks, mornings))


@pytest.fixture(scope="module")
def pages(host: Host) -> list[Page]:
    """Every kind of page; together they show the whole host."""
    with Client(host.address, api_key=host.key) as client:
        return [*some(client), *own(client), *lists(client), *everything(client)]


def ids(rows: Any) -> frozenset[int]:
    return frozenset(row.id for row in rows)


def some(client: Client) -> list[Page]:
    """One of each single thing."""
    image, model = client.image_feed().page().items[0], client.model_feed().page().items[0]
    version = client.model_details(model.id).model_versions[0]
    only = frozenset({model.id})
    assert image.post_id is not None
    return [
        Page(f"/images/{image.id}", images=frozenset({image.id})),
        Page(f"/api/v1/images?imageId={image.id}", images=frozenset({image.id})),
        Page(f"/posts/{image.post_id}", posts=frozenset({image.post_id})),
        Page(f"/models/{model.id}/its-name", models=only),
        Page(f"/models/{model.id}?modelVersionId={version.id}"),
        Page(f"/model-versions/{version.id}"),
        Page(f"/api/download/models/{version.id}"),
        Page(f"urn:air:sdxl:checkpoint:civitai:{model.id}@{version.id}"),
    ]


def own(client: Client) -> list[Page]:
    """What only the owner sees."""
    reacted = ids(client.image_feed(reactions=ALL_REACTIONS, more={"authed": True}))
    mine = client.my_collections()
    kept = ids(client.image_feed(collection_id=next(one.id for one in mine if one.type == "Image")))
    shelved = ids(client.post_feed(collection_id=next(one.id for one in mine if one.type == "Post")))
    models = ids(client.model_feed(collection_id=next(one.id for one in mine if one.mode == "Bookmark")))
    assert reacted
    assert kept
    assert shelved
    assert models
    return [
        Page("my reactions", images=reacted),
        Page("my bookmarks", models=models),
        Page("my collections", images=kept, posts=shelved, models=models),
    ]


def lists(client: Client) -> list[Page]:
    """Tags, searches and tabs."""
    images, models = list(client.image_feed(with_tags=True)), list(client.model_feed())
    video = next(image for image in images if image.type == "video")
    videos = ids(image for image in images if image.type == "video" and image.author == video.author)
    tag = next(tag for tag in client.tag_feed(entity="Image") if any(tag.id in image.tag_ids for image in images))
    tagged = ids(image for image in images if tag.id in image.tag_ids)
    modelled = ids(client.model_feed(tag=tag.name))
    by = video.author
    posts = frozenset(image.post_id for image in images if image.author == by and image.post_id is not None)
    owner = next(model for model in models if model.creator)
    word = owner.name.split()[0]
    assert owner.creator is not None
    return [
        Page(f"/user/{by}/videos", images=videos),
        Page(f"/user/{by}/images", images=ids(image for image in images if image.author == by)),
        Page(f"/user/{by}/posts", posts=posts),
        Page(f"/user/{owner.creator.username}/models", models=ids(client.model_feed(username=owner.creator.username))),
        Page(f"/api/v1/images?username={by}", images=ids(image for image in images if image.author == by)),
        Page(f"/tag/{tag.name}", images=tagged, models=modelled),
        Page(f"/models?tag={tag.name}", models=modelled),
        Page(f"/images?tags={tag.id}", images=tagged),
        Page(f"/search/models?query={word}", models=ids(client.model_feed(query=word))),
    ]


def everything(client: Client) -> list[Page]:
    """All users, with their models, and all collections."""
    images = list(client.image_feed())
    names = {image.author for image in images} | {creator.username for creator in client.creators()}
    collections = {
        "Image": lambda id: {"images": ids(client.image_feed(collection_id=id))},
        "Post": lambda id: {"posts": ids(client.post_feed(collection_id=id))},
        "Model": lambda id: {"models": ids(client.model_feed(collection_id=id))},
    }
    return [
        *(
            Page(f"/user/{name}", images=ids(image for image in images if image.author == name))
            for name in sorted(filter(None, names))
        ),
        *(Page(f"/collections/{one.id}", **collections[one.type or ""](one.id)) for one in client.collection_feed()),
    ]


@dataclass(frozen=True)
class Mirrored:
    """A host and the library that mirrors it, served."""

    host: Host
    door: Host
    home: Home
    report: dict[str, Any]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def both(
    host: Host, pages: list[Page], request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mirrored]:
    """The host, and a server over its mirror, on each engine."""
    folder = tmp_path_factory.mktemp("whole") / "library"
    with ExitStack() as lent:
        url = None
        if request.param == "postgres":
            url = lent.enter_context(request.getfixturevalue("postgres").lent())
        yield from mirrored(host, pages, Home(folder, given={"database_url": url} if url else {}))


def mirrored(host: Host, pages: list[Page], home: Home) -> Iterator[Mirrored]:
    """Mirror all pages into a library and serve it."""
    code, [*_, whose, kept], complaints = home.program("login", host.address, said=f"{host.key}\n")
    assert (code, kept) == (0, "kept in the private credentials file"), complaints
    assert host.key not in f"{whose}{complaints}"
    listed = home.folder.with_name("pages.txt")
    listed.write_text("# what to keep\n\n" + "\n".join(page.address for page in pages))
    code, [*_, report], complaints = home.program("mirror", "--host", host.address, "--list", str(listed))
    assert (code, complaints) == (0, ""), report
    environment = {"PINAKO_DATABASE_URL": home.settings.database_url} if home.settings.database_url else {}
    with real_server.serving(home.folder, **environment) as running:
        yield Mirrored(host, Host(running.address), home, report)


def test_each_page_brings_what_it_shows(both: Mirrored, pages: list[Page]) -> None:
    found: dict[str, dict[str, set[int]]] = {}
    for target, entity, id in both.home.rows("SELECT target, entity_type, source_id FROM mirror_finds"):
        found.setdefault(target, {}).setdefault(entity, set()).add(id)
    for page in pages:
        key = journal.key_of(read_address(page.address, default_origin=both.host.address))
        named = found.get(key, {})
        assert page.images <= named.get("image", set()), page.address
        assert page.posts <= named.get("post", set()), page.address
        more = page.address.startswith("/user/")  # other tabs of the same account
        assert page.models == named.get("model", set()) or more, page.address
        assert page.images == named.get("image", set()) or more or page.posts, page.address


def test_everything_came_once_and_nothing_is_left_over(both: Mirrored) -> None:
    report, home = both.report, both.home
    [(images, without)] = home.rows("SELECT COUNT(*), COUNT(*) - COUNT(blob) FROM images")
    [(files,)] = home.rows("SELECT COUNT(*) FROM model_files WHERE blob IS NOT NULL")
    assert (report["images"], without, report["missing"]) == (images, 0, 0)
    assert report["files"] == files > 0
    left = [path for path in (home.folder / "mirror").rglob("*") if path.is_file()]
    assert left == []


def test_all_once_more_brings_only_what_is_new(both: Mirrored) -> None:
    code, [*_, report], complaints = both.home.program("mirror", "--all")
    assert (code, complaints) == (0, "")
    new = {
        name: report[name] for name in ("images", "posts", "models", "files", "fetched", "bytes", "changed", "missing")
    }
    assert not any(new.values()), new


QUESTIONS = [
    "/api/v1/images?limit=200&sort=Newest&browsingLevel=31",
    "/api/v1/images?limit=200&sort=Most%20Reactions&withMeta=true&withTags=true",
    "/api/v1/models?limit=100&nsfw=true",
    "/api/v1/creators?limit=100",
    "/api/v1/tags?limit=200",
]


@pytest.mark.parametrize("path", QUESTIONS)
def test_both_answer_rest_lists_alike(both: Mirrored, path: str) -> None:
    upstream, mirrored = both.host, both.door
    assert list(differences(mirrored.ask(path), upstream.ask(path))) == []


TRPC: list[tuple[str, dict[str, Any]]] = [
    ("image.getInfinite", {"limit": 200, "sort": "Newest", "include": ["tags", "metaSelect"]}),
    ("post.getInfinite", {"limit": 200, "sort": "Newest"}),
    ("model.getAll", {"limit": 100, "sort": "Newest"}),
]


@pytest.mark.parametrize(("procedure", "values"), TRPC, ids=[name for name, _ in TRPC])
def test_both_answer_trpc_lists_alike(both: Mirrored, procedure: str, values: dict[str, Any]) -> None:
    upstream, mirrored = both.host, both.door
    assert list(differences(mirrored.query(procedure, values), upstream.query(procedure, values))) == []


def ids_of(host: Host, procedure: str) -> list[int]:
    """Some of a list's things, from all over it."""
    rows = [row["id"] for row in host.query(procedure, {"limit": 200, "sort": "Newest"})["items"]]
    return rows[:: max(1, len(rows) // FAR_FROM_ALL)]


BY_ID = [
    ("image.getInfinite", "image.get"),
    ("image.getInfinite", "image.getGenerationData"),
    ("post.getInfinite", "post.get"),
    ("model.getAll", "model.getById"),
    ("collection.getInfinite", "collection.getById"),
]


@pytest.mark.parametrize(("listing", "procedure"), BY_ID, ids=[name for _, name in BY_ID])
def test_both_answer_alike_about_each_thing(both: Mirrored, listing: str, procedure: str) -> None:
    upstream, mirrored = both.host, both.door
    asked = ids_of(upstream, listing)
    assert asked
    for id in asked:
        found = differences(mirrored.query(procedure, {"id": id}), upstream.query(procedure, {"id": id}))
        # A post may credit a version of somebody's draft: upstream says that there is one, and nobody else can have it.
        assert [line for line in found if not line.startswith(".modelVersion: None / {")] == [], id


def test_votable_tags_stand_as_they_do_upstream(both: Mirrored) -> None:
    upstream, mirrored = both.host, both.door
    for id in ids_of(upstream, "image.getInfinite"):
        one, other = (host.query("tag.getVotableTags", {"id": id, "type": "image"}) for host in (mirrored, upstream))
        assert list(differences(one, other)) == [], id


def test_rest_models_and_versions_are_alike(both: Mirrored) -> None:
    upstream, mirrored = both.host, both.door
    models = upstream.ask("/api/v1/models?limit=100&nsfw=true")["items"]
    for model in models:
        path = f"/api/v1/models/{model['id']}"
        assert list(differences(mirrored.ask(path), upstream.ask(path))) == []
        for version in model["modelVersions"]:
            path = f"/api/v1/model-versions/{version['id']}"
            assert list(differences(mirrored.ask(path), upstream.ask(path))) == []


def test_collections_stand_in_their_order(both: Mirrored) -> None:
    one, other = (host.query("collection.getInfinite", {"limit": 100}) for host in (both.door, both.host))
    # Who follows one is known by number only.
    assert [line for line in differences(one, other) if "_count.contributors" not in line] == []


def test_people_are_who_they_are_upstream(both: Mirrored) -> None:
    upstream, mirrored = both.host, both.door
    for creator in upstream.ask("/api/v1/creators?limit=100")["items"]:
        one, other = (host.query("user.getCreator", {"username": creator["username"]}) for host in (mirrored, upstream))
        assert list(differences(one, other)) == [], creator["username"]


@pytest.mark.parametrize("order", [{}, {"sort": "Newest"}], ids=["their own", "newest"])
def test_members_of_collections_are_alike(both: Mirrored, order: dict[str, Any]) -> None:
    upstream, mirrored = both.host, both.door
    for id in ids_of(upstream, "collection.getInfinite"):
        for procedure in ("image.getInfinite", "post.getInfinite", "model.getAll"):
            values = {"collectionId": id, "limit": 100, **order}
            found = differences(mirrored.query(procedure, values), upstream.query(procedure, values))
            assert list(found) == [], (id, procedure)


def test_originals_are_the_same_bytes(both: Mirrored) -> None:
    upstream, mirrored = both.host, both.door
    images = upstream.ask("/api/v1/images?limit=30")["items"]
    for image in images:
        path = image["url"].removeprefix("HOST")
        assert mirrored.bytes(path) == upstream.bytes(path)


def test_model_files_are_the_same_bytes(both: Mirrored) -> None:
    upstream, mirrored = both.host, both.door
    model = upstream.ask("/api/v1/models?limit=1")["items"][0]
    for file in model["modelVersions"][0]["files"]:
        path = file["downloadUrl"].removeprefix("HOST")
        body = mirrored.bytes(path)
        assert hashlib.sha256(body).hexdigest().upper() == file["hashes"]["SHA256"]

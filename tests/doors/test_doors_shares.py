"""Share links: a stranger sees one collection's things within the link's levels, and nothing else; until it ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from acting import Actor, actor, path_of, picture
from asking import Doors, opened
from test_doors_visibility import ACCOUNT, every_answer, leaks
from worlds import Oracle, Who, make_world

from pinako.services import shares
from pinako.services.settle import Touched, settle


def link(owl: Actor, collection: int, level: int = 4, days: int = 1, *, status: int = 201) -> Any:
    """A new link, as its maker gets it."""
    body = {"collectionId": collection, "level": level, "days": days}
    answer = owl.doors.client.post("/api/v1/pinako/shares", json=body, headers=owl.headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_stranger_sees_what_the_link_opens_until_it_is_revoked(house: Doors) -> None:
    owl, fox, stranger = actor(house, "owl"), actor(house, "fox"), house.client
    _, (mature, extreme) = owl.post(picture(), picture(), level=4)
    owl.do("image.updateImageNsfwLevel", {"id": extreme, "nsfwLevel": 16})
    _, (other,) = owl.post(picture(), level=4)
    _, (draft,) = owl.post(picture(), level=4, published=False)
    id = owl.do("collection.upsert", {"name": "Shown", "type": "Image"})["id"]
    owl.do("collection.bulkSaveItems", {"collectionId": id, "imageIds": [mature, extreme, draft]})
    made = link(owl, id)
    assert fox.see("collection.getById", {"id": id})["collection"] is None
    link(fox, id, status=401)
    link(owl, id, level=0, status=400)

    asked = f"share={made['token']}&input="

    def ask(procedure: str, value: str) -> Any:
        return stranger.get(f"/api/trpc/{procedure}?{asked}{value}")

    assert ask("collection.getById", f'{{"id":{id}}}').json()["result"]["data"]["json"]["collection"]["name"] == "Shown"
    listed = ask("image.getInfinite", f'{{"collectionId":{id}}}').json()["result"]["data"]["json"]["items"]
    assert [one["id"] for one in listed] == [mature]
    assert ask("image.getInfinite", '{"browsingLevel":31}').json()["result"]["data"]["json"]["items"] == []
    statuses = {image: ask("image.get", f'{{"id":{image}}}').status_code for image in (mature, extreme, other, draft)}
    assert statuses == {mature: 200, extreme: 404, other: 404, draft: 404}
    url = listed[0]["url"]
    sent = stranger.get(f"/{ACCOUNT}/{url}/original=true/x.png?share={made['token']}")
    assert sent.status_code == 200
    assert sent.headers["cache-control"].startswith("private")
    assert stranger.get(f"/{ACCOUNT}/{url}/original=true/x.png").status_code == 404

    opening = stranger.get(path_of(made["url"]).rstrip("?"))
    assert (opening.status_code, opening.headers["location"]) == (303, f"/collections/{id}")
    assert "HttpOnly" in opening.headers["set-cookie"]
    assert stranger.get(f"/collections/{id}").status_code == 200
    assert stranger.get(f'/api/trpc/image.get?input={{"id":{mature}}}').status_code == 200
    pages = {image: stranger.get(f"/images/{image}").status_code for image in (mature, extreme, other, draft)}
    assert pages == statuses
    assert fox.doors.client.delete(f"/api/v1/pinako/shares/{made['id']}", headers=fox.headers).status_code == 404
    held = stranger.get(f"/api/v1/pinako/shares?collectionId={id}", headers=owl.headers).json()["items"]
    assert [one["id"] for one in held] == [made["id"]]
    assert stranger.delete(f"/api/v1/pinako/shares/{made['id']}", headers=owl.headers).status_code == 200
    assert stranger.get(f'/api/trpc/image.get?input={{"id":{mature}}}').status_code == 404
    assert stranger.get(f"/collections/{id}").status_code == 404
    assert stranger.get(path_of(made["url"]).rstrip("?")).status_code == 404
    stranger.cookies.clear()


def test_a_link_to_models_lists_those_that_it_opens(open_demo: Callable[..., Doors]) -> None:
    house = open_demo()
    owl = actor(house, "owl")
    found = owl.see("model.getAll", {"browsingLevel": 30, "limit": 100})["items"]
    shown, other = [one["id"] for one in found if not one["nsfwLevel"] & 1][:2]
    id = owl.do("collection.upsert", {"name": "Models", "type": "Model"})["id"]
    owl.do("collection.bulkSaveItems", {"collectionId": id, "modelIds": [shown]})
    key = f"share={link(owl, id, 31)['token']}"
    assert f"/models/{shown}" in house.client.get(f"/collections/{id}?{key}").text
    wire = house.client.get(f'/api/trpc/model.getAll?{key}&input={{"collectionId":{id}}}').json()["result"]["data"][
        "json"
    ]
    assert [one["id"] for one in wire["items"]] == [shown]
    pages = [house.client.get(f"/models/{path}").status_code for path in (f"{shown}?{key}", shown, f"{other}?{key}")]
    assert pages == [200, 404, 404]


def test_a_link_is_not_to_be_forged_or_stretched(house: Doors) -> None:
    owl = actor(house, "owl")
    id = owl.do("collection.upsert", {"name": "Kept", "type": "Image"})["id"]
    token = link(owl, id)["token"]
    number, expires, signature = token.split("-")
    for wrong in (
        f"{int(number) + 1}-{expires}-{signature}",
        f"{number}-{int(expires) + 86400}-{signature}",
        f"{number}-{expires}-{'0' * 40}",
        f"{number}-{expires}",
        "x" * 500,
        "--",
    ):
        assert house.get(f"/share/{wrong}").status_code == 404
        assert house.get(f'/api/trpc/collection.getById?share={wrong}&input={{"id":{id}}}').json()["result"]["data"]["json"][
            "collection"
        ] is None  # fmt: skip
    library = house.library
    with library.database.write() as w:
        w.run("UPDATE shares SET expires_at = ? WHERE id = ?", (library.now() - 1, int(number)))
    assert shares.open_token(library, token) is None


@pytest.mark.parametrize("seed", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_no_door_answers_a_link_with_what_is_not_its_own(tmp_path: Path, seed: int) -> None:
    with opened(tmp_path / "library", public_level=1) as doors:
        world = make_world(doors.library, seed)
        _open_some(doors)
        oracle = Oracle(doors.library)
        mod = next(who for who in world.callers if who.moderator)
        with doors.library.database.write() as w:
            for id in oracle.collections:
                w.update("collections", id, {"read": "Private"})
                w.note("collection", id, "u")
        collections = [id for id, row in oracle.collections.items() if row["type"] == "Image"]
        assert collections
        for id in oracle.collections:
            oracle.collections[id]["read"] = "Private"
        id = collections[0]
        _fill(doors, id, [*oracle.images][::2])
        oracle.items = Oracle(doors.library).items
        viewer = _viewer(doors, mod)
        made = shares.make(doors.library, viewer, id, 31, 1)
        token = shares.token_of(doors.library.database.library.link_secret, made)
        doors.client.cookies.set("pinako-share", token)
        plain, through = Who("stranger", None, 1), Who("stranger", None, 31, browsing=31)
        held = {
            item["entity_id"]
            for item in oracle.items
            if item["collection_id"] == id and item["entity_type"] == "Image" and item["status"] == "ACCEPTED"
        }
        opened_ids = {image for image in held if oracle.sees_image(image, through)}
        assert any(not oracle.sees_image(image, plain) for image in opened_ids), "this world proves nothing"
        allowed = _allowed(oracle, plain, through, id, opened_ids)
        found: list[str] = []
        for question, text in every_answer(doors, oracle, plain):
            found += [f"{question}: {leak}" for leak in leaks(text, allowed)]
        assert found == []
        for image, row in oracle.images.items():
            answer = doors.get(f"/{ACCOUNT}/{row['media_key']}/original=true/x.jpeg")
            # A minor's PG image vanishes for who looks with mature levels, as everywhere.
            assert (answer.status_code == 200) is oracle.sees_image(image, through if image in held else plain), row


def _open_some(doors: Doors) -> None:
    """A world has few images that are open at a mature level: every third one becomes so."""
    plain = {
        "level": 4, "ingestion": "Scanned", "blocked_for": None, "needs_review": None, "availability": "Public", "minor": 0,
        "poi": 0, "model_restricted": 0, "deleted_at": None, "withheld": 0,
    }  # fmt: skip
    now, touched = doors.library.now(), Touched()
    with doors.library.database.write() as w:
        for image, post in doors.sql("SELECT id, post_id FROM images ORDER BY id")[::3]:
            w.update("images", image, plain)
            w.update("posts", post, {"published_at": 1, "availability": "Public", "deleted_at": None})
            touched.images.add(image)
            touched.posts.add(post)
        settle(w, touched, now)


def _fill(doors: Doors, collection: int, images: list[int]) -> None:
    """Put images into a collection, whatever they are: what became hidden after it was collected stays in it."""
    with doors.library.database.write() as w:
        w.run("DELETE FROM collection_items WHERE collection_id = ?", (collection,))
        for image in images:
            row = {"id": w.next_id("collection_items"), "collection_id": collection, "entity_type": "Image"}
            w.insert("collection_items", {**row, "entity_id": image, "created_at": doors.library.now()})
        w.note("collection", collection, "u")


def _viewer(doors: Doors, who: Who) -> Any:
    from msgspec.structs import replace

    from pinako.catalog.people import Scope
    from pinako.services import access

    library = doors.library
    return replace(access.viewer_of_key(library.database.read(), who.key or "", library.caps)[0], scope=Scope.WRITE)


def _allowed(oracle: Oracle, plain: Who, through: Who, collection: int, opened_ids: set[int]) -> dict[str, str]:
    """What stays hidden: all that a stranger may not meet, but for the link's things and what their own pages name."""
    hidden = oracle.hidden_marks(plain, gone=True)
    shown = oracle.hidden_marks(through, gone=True)
    posts = {oracle.images[image]["post_id"] for image in opened_ids}
    open_things = {
        *(f"image {image}" for image in opened_ids),
        *(f"post {post}" for post in posts),
        f"collection {collection}",
    }
    named = {text for text, thing in hidden.items() if thing.startswith(("model", "version")) and text not in shown}
    return {text: thing for text, thing in hidden.items() if thing not in open_things and text not in named}

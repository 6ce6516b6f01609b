"""What callers change through tRPC: each procedure as trpc.md 10 has it, who may, and that lists and counters follow at once."""

from __future__ import annotations

from random import Random

import pytest
from acting import Actor, actor, picture
from asking import Doors

from pinako.catalog.people import Scope
from pinako.services import access
from pinako.web import csrf, trpc_writes

MISSING = 1_999_999_999


@pytest.fixture(scope="module")
def mod(house: Doors) -> Actor:
    """A moderator."""
    return actor(house, "mod", moderator=True)


@pytest.fixture(scope="module")
def nobody(house: Doors) -> Actor:
    """A stranger."""
    return Actor(house, 0, "", "")


# --- who may write at all ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("procedure", trpc_writes.MUTATIONS)
def test_strangers_and_reading_keys_write_nothing(house: Doors, nobody: Actor, procedure: str) -> None:
    assert nobody.do(procedure, {}, status=401)["data"]["code"] == "UNAUTHORIZED"
    reader = actor(house, "reader", scope=Scope.READ)
    refused = reader.do(procedure, {}, status=403)
    assert refused["message"] == "Your API key does not have the required scope for this action"


@pytest.mark.parametrize("procedure", trpc_writes.MUTATIONS)
def test_nonsense_is_a_bad_request(owl: Actor, procedure: str) -> None:
    if procedure in ("post.create", "image.emptyTrash", "image.purgeWithheld"):
        assert owl.do(procedure, [], status=400)["data"]["code"] == "BAD_REQUEST"
    elif procedure not in ("user.setSettings", "user.updateContentSettings"):
        assert owl.do(procedure, {"id": "x", "name": 5}, status=400)["data"]["code"] == "BAD_REQUEST"


def test_a_login_writes_with_its_pages_word_only(house: Doors, owl: Actor, fox: Actor) -> None:
    with house.library.database.write() as w:
        token = access.open_session(w, fox.id, house.library.now(), 1)
    body = {"json": {"targetUserId": owl.id}}
    right = {"x-csrf-token": csrf.word_of(token)}
    elsewhere = {"origin": "https://evil.example"}
    for given, status in (({}, 403), ({"x-csrf-token": "0" * 64}, 403), ({**right, **elsewhere}, 403), (right, 200)):
        headers = {"cookie": f"civ-token={token}", **given}
        answer = house.client.post("/api/trpc/user.toggleFollow", json=body, headers=headers)
        assert answer.status_code == status, answer.text
    asked = house.client.post("/api/trpc/user.getById", json={"json": {"id": owl.id}}, headers=headers)
    assert asked.status_code == 200


ODD = "quiet\x00 sea \u202e\U0001f30a"


def test_html_is_kept_without_what_could_act(owl: Actor) -> None:
    html = '<p onclick="x()">soft <b>light</b><script>x()</script> <a href="javascript:x()">here</a></p>'
    kept = '<p>soft <b>light</b> <a rel="noopener noreferrer nofollow">here</a></p>'
    made = owl.do("post.create", {"detail": html})
    assert made["detail"] == kept
    owl.do("post.update", {"id": made["id"], "detail": "harbours & quays"})
    assert owl.see("post.get", {"id": made["id"]})["detail"] == "harbours & quays"
    owl.do("post.update", {"id": made["id"], "detail": html})
    assert owl.see("post.get", {"id": made["id"]})["detail"] == kept


def test_odd_letters_are_kept_or_refused_and_never_an_accident(owl: Actor, fox: Actor) -> None:
    made = owl.do("post.create", {"title": ODD, "detail": ODD, "tags": [ODD]})
    assert "sea" in made["title"]
    owl.do("post.update", {"id": made["id"], "title": ODD + "x"})
    id = owl.do("collection.upsert", {"name": ODD, "description": ODD, "type": "Image", "tags": [{"name": ODD}]})["id"]
    owl.do("collection.upsert", {"id": id, "name": ODD, "metadata": {ODD: ODD}})
    _, (image,) = owl.post(picture())
    owl.do("collection.saveItem", {"imageId": image, "collections": [{"collectionId": id}], "note": ODD})
    owl.do("post.updateImage", {"id": image, "meta": {"prompt": ODD, ODD: [ODD]}})
    fox.do("tag.addTagVotes", {"type": "image", "id": image, "tags": [ODD], "vote": 1})
    owl.do("user.setSettings", {ODD: ODD})
    assert fox.see("image.getGenerationData", {"id": image})["meta"]["prompt"]
    long = {"prompt": "x" * 1_100_000}
    assert owl.do("post.updateImage", {"id": image, "meta": long}, status=400)
    lone = owl.doors.client.post(
        "/api/trpc/post.create", content=b'{"json":{"title":"\\ud800"}}',
        headers={**owl.headers, "content-type": "application/json"},
    )  # fmt: skip
    assert lone.status_code in (200, 400)


# --- reactions and votes ----------------------------------------------------------------------------------------------


def test_a_reaction_is_given_counted_and_taken_back(owl: Actor, fox: Actor) -> None:
    post, (image, other) = owl.post(picture(), picture())
    react = {"entityId": image, "entityType": "image", "reaction": "Heart"}
    assert fox.do("reaction.toggle", react) is None
    fox.do("reaction.toggle", {**react, "reaction": "Like"})
    fox.do("reaction.toggle", {**react, "reaction": "Dislike"})
    seen = fox.see("image.get", {"id": image})
    assert (seen["stats"]["heartCountAllTime"], seen["stats"]["likeCountAllTime"]) == (1, 1)
    assert {one["reaction"] for one in seen["reactions"]} == {"Heart", "Like", "Dislike"}
    assert seen["stats"]["dislikeCountAllTime"] == 0, "kept, and not told"
    loved, ranked = fox.listed(reactions=["Heart"], sort="Newest"), owl.listed(sort="Most Reactions")
    assert (image in loved, other in loved) == (True, False)
    assert ranked.index(image) < ranked.index(other)
    fox.do("reaction.toggle", react)
    assert fox.see("image.get", {"id": image})["stats"]["heartCountAllTime"] == 0
    fox.do("reaction.toggle", {**react, "entityId": post, "entityType": "post"})
    found = fox.see("post.getInfinite", {"ids": [post]})["items"][0]
    assert found["stats"]["heartCount"] == 1


def test_a_reaction_to_what_is_hidden_or_unknown_does_nothing_and_says_nothing(
    house: Doors, owl: Actor, fox: Actor
) -> None:
    _, (image,) = owl.post(picture(), published=False)
    for id in (image, MISSING):
        assert fox.do("reaction.toggle", {"entityId": id, "entityType": "image", "reaction": "Like"}) is None
    assert house.sql(
        "SELECT COUNT(*) FROM reactions WHERE entity_type = 'image' AND entity_id IN (?, ?)", image, MISSING
    ) == [(0,)]
    assert owl.see("image.get", {"id": image})["stats"]["likeCountAllTime"] == 0


GIVEN = "SELECT reaction, COUNT(*) FROM reactions WHERE entity_type = 'image' AND entity_id = ? GROUP BY reaction"


@pytest.mark.parametrize("seed", range(2))
def test_counters_are_what_the_rows_say_whatever_is_done(
    house: Doors, owl: Actor, fox: Actor, mod: Actor, seed: int
) -> None:
    chance = Random(seed)
    _, images = owl.post(*(picture() for _ in range(3)))
    shelves = [
        owl.do("collection.upsert", {"name": f"{seed} {n}", "type": "Image", "write": "Public"})["id"] for n in range(2)
    ]
    for _ in range(40):
        who, image, shelf = chance.choice((owl, fox, mod)), chance.choice(images), chance.choice(shelves)
        what = chance.randrange(6)
        if what < 3:
            word = chance.choice(("Like", "Dislike", "Laugh", "Cry", "Heart"))
            who.do("reaction.toggle", {"entityId": image, "entityType": "image", "reaction": word})
        elif what == 3:
            owl.do("collection.bulkSaveItems", {"collectionId": shelf, "imageIds": chance.sample(images, 2)})
        elif what == 4:
            house.client.post(
                "/api/trpc/collection.removeFromCollection",
                json={"json": {"collectionId": shelf, "itemId": image}},
                headers=owl.headers,
            )
        else:
            owl.do("image.delete", {"id": image})
            owl.do("image.restore", {"id": image})
    for image in images:
        rows = dict(house.sql(GIVEN, image))
        stats = fox.see("image.get", {"id": image})["stats"]
        for word in ("Like", "Laugh", "Cry", "Heart"):
            assert stats[f"{word.lower()}CountAllTime"] == rows.get(word, 0)
        held = house.one("SELECT COUNT(*) FROM collection_items WHERE entity_type = 'Image' AND entity_id = ?", image)
        assert stats["collectedCountAllTime"] == held
        assert house.one("SELECT reaction_count FROM images WHERE id = ?", image) == sum(rows.values()) - rows.get(
            "Dislike", 0
        )
    ranked = [id for id in fox.listed(sort="Most Reactions") if id in images]
    counted = dict(house.sql("SELECT id, reaction_count FROM images"))
    assert ranked == sorted(images, key=lambda id: (-counted[id], -id))


def test_muted_accounts_react_to_nothing(house: Doors, owl: Actor) -> None:
    crow = actor(house, "crow")
    _, (image,) = owl.post(picture())
    with house.library.database.write() as w:
        w.update("users", crow.id, {"muted": 1})
    crow.do("reaction.toggle", {"entityId": image, "entityType": "image", "reaction": "Like"}, status=403)


def test_votes_are_weighed_replaced_and_apply_a_tag(house: Doors, owl: Actor, fox: Actor, mod: Actor) -> None:
    _, (image,) = owl.post(picture())
    owl.do("post.create", {"tags": ["lighthouse"]})
    about = {"type": "image", "id": image, "tags": [" Lighthouse "]}
    assert fox.do("tag.addTagVotes", {**about, "vote": 1}) is None
    fox.do("tag.addTagVotes", {**about, "vote": 1})
    mine = fox.see("tag.getVotableTags", {"type": "image", "id": image})
    assert [(tag["name"], tag["score"], tag["concrete"], tag["vote"]) for tag in mine] == [("lighthouse", 1, False, 1)]
    assert owl.see("tag.getVotableTags", {"type": "image", "id": image}) == []
    owl.do("tag.addTagVotes", {**about, "vote": 1})
    applied = owl.see("tag.getVotableTags", {"type": "image", "id": image})[0]
    assert (applied["score"], applied["upVotes"], applied["concrete"]) == (4, 2, True)
    tag = applied["id"]
    assert image in owl.listed(tags=[tag])
    mod.do("tag.addTagVotes", {**about, "tags": [tag], "vote": -1})
    assert owl.see("tag.getVotableTags", {"type": "image", "id": image})[0]["score"] == -6
    fox.do("tag.removeTagVotes", about)
    assert "vote" not in fox.see("tag.getVotableTags", {"type": "image", "id": image})[0]
    fox.do("tag.addTagVotes", {**about, "tags": ["no such tag"], "vote": 1})
    assert house.sql("SELECT COUNT(*) FROM tags WHERE name_key = 'no such tag'") == [(0,)]
    assert fox.do("tag.addTagVotes", {**about, "vote": 2}, status=400)


def test_a_voted_down_automatic_tag_goes(house: Doors, owl: Actor, fox: Actor) -> None:
    _, (image,) = owl.post(picture(), tags=["seagull"])
    tag = house.one("SELECT id FROM tags WHERE name_key = 'seagull'")
    with house.library.database.write() as w:
        w.insert("image_tags", {"image_id": image, "tag_id": tag, "source": "WD14", "automated": 1, "confidence": 60})
    asked = f"/api/v1/images?imageId={image}&withTags=true"
    assert {"id": tag, "name": "seagull"} in house.json(asked)["items"][0]["tags"]
    fox.do("tag.addTagVotes", {"type": "image", "id": image, "tags": ["seagull"], "vote": -1})
    assert house.json(asked)["items"][0]["tags"] == []
    assert owl.see("tag.getVotableTags", {"type": "image", "id": image}) == []


# --- collections ------------------------------------------------------------------------------------------------------


def test_a_collection_is_made_filled_and_emptied(owl: Actor, fox: Actor, nobody: Actor) -> None:
    post, (first, second) = owl.post(picture(), picture())
    made = fox.do(
        "collection.upsert", {"name": "Harbours", "type": "Image", "read": "Public", "tags": [{"name": "sea"}]}
    )
    assert (made["isOwner"], made["read"], made["write"], made["image"]) == (True, "Public", "Private", None)
    id = made["id"]
    assert fox.see("collection.getById", {"id": id})["collection"]["tags"][0]["name"] == "sea"
    save = {"imageId": first, "type": "Image", "collections": [{"collectionId": id}]}
    assert fox.do("collection.saveItem", save) == {"status": "added", "isOwner": True}
    assert fox.do("collection.saveItem", save) == {"status": "added", "isOwner": True}
    assert nobody.listed(collectionId=id) == [first]
    assert fox.see("image.get", {"id": first})["stats"]["collectedCountAllTime"] == 1
    assert fox.do("collection.bulkSaveItems", {"collectionId": id, "imageIds": [first, second, MISSING]}) == {
        "count": 1
    }
    assert sorted(nobody.listed(collectionId=id)) == [first, second]
    held = fox.see("collection.getUserCollectionItemsByItem", {"imageId": second})
    assert [(one["collectionId"], one["canRemoveItem"]) for one in held] == [(id, True)]
    taken = {"imageId": first, "type": "Image", "collections": [], "removeFromCollectionIds": [str(id)]}
    assert fox.do("collection.saveItem", taken)["status"] == "removed"
    assert fox.see("image.get", {"id": first})["stats"]["collectedCountAllTime"] == 0
    gone = fox.do("collection.removeFromCollection", {"collectionId": id, "itemId": second})
    assert gone == {"collectionId": id, "itemId": second, "type": "Image"}
    assert nobody.listed(collectionId=id) == []
    assert fox.do("collection.saveItem", {"postId": post, "collections": [{"collectionId": id}]}, status=400)[
        "message"
    ] == ("Collection type mismatch")
    assert owl.do("collection.delete", {"id": id}, status=401)
    assert fox.do("collection.delete", {"id": id}) is None
    assert fox.see("collection.getById", {"id": id})["collection"] is None


def test_a_collection_is_its_managers_to_change(owl: Actor, fox: Actor) -> None:
    id = owl.do("collection.upsert", {"name": "Mine", "type": "Image", "read": "Private"})["id"]
    refused = fox.do("collection.upsert", {"id": id, "name": "Yours"}, status=401)
    unknown = fox.do("collection.upsert", {"id": MISSING, "name": "Yours"}, status=401)
    assert refused == unknown
    owl.do("collection.upsert", {"id": id, "name": "Still mine", "type": "Post", "description": "quiet"})
    found = owl.see("collection.getById", {"id": id})["collection"]
    assert (found["name"], found["type"], found["description"]) == ("Still mine", "Image", "quiet")


def test_rights_of_owner_editor_viewer_and_guest(owl: Actor, fox: Actor, house: Doors) -> None:
    _, (image,) = owl.post(picture())
    hen = actor(house, "hen")
    id = owl.do("collection.upsert", {"name": "Shared", "type": "Image", "read": "Private"})["id"]
    save = {"imageId": image, "collections": [{"collectionId": id}]}
    for guest in (fox, hen):
        assert guest.see("collection.getById", {"id": id})["collection"] is None
        guest.do("collection.saveItem", save, status=401)
        guest.do("collection.follow", {"collectionId": id}, status=401)
    fox.do("collection.setContributor", {"collectionId": id, "userId": fox.id, "permissions": ["MANAGE"]}, status=401)
    owl.do("collection.setContributor", {"collectionId": id, "userId": fox.id, "permissions": ["VIEW", "ADD"]})
    owl.do("collection.setContributor", {"collectionId": id, "userId": hen.id, "permissions": ["VIEW"]})
    assert fox.do("collection.saveItem", save) == {"status": "added", "isOwner": False}
    assert hen.listed(collectionId=id) == [image]
    hen.do("collection.saveItem", {**save, "collections": [], "removeFromCollectionIds": [id]}, status=401)
    hen.do("collection.upsert", {"id": id, "name": "x"}, status=401)
    owl.do("collection.unfollow", {"collectionId": id, "userId": hen.id})
    assert hen.listed(collectionId=id) == []


def test_what_is_put_into_an_open_collection_may_need_review(owl: Actor, fox: Actor, nobody: Actor) -> None:
    _, (image,) = fox.post(picture())
    id = owl.do("collection.upsert", {"name": "Open", "type": "Image", "read": "Public", "write": "Review"})["id"]
    assert fox.do("collection.saveItem", {"imageId": image, "collections": [{"collectionId": id}]})["isOwner"] is False
    assert fox.listed(collectionId=id) == [image]
    (item,) = fox.see("image.getInfinite", {"collectionId": id})["items"]
    assert item["collectionItemStatus"] == "REVIEW"
    assert nobody.listed(collectionId=id) == []
    row = fox.do("collection.unfollow", {"collectionId": id})
    assert row["permissions"] == ["VIEW", "ADD_REVIEW"]
    assert fox.do("collection.unfollow", {"collectionId": id}) is None
    assert fox.do("collection.follow", {"collectionId": id})["collectionId"] == id


# --- posts and images -------------------------------------------------------------------------------------------------


def test_a_post_is_made_filled_published_and_deleted(owl: Actor, fox: Actor, nobody: Actor) -> None:
    made = owl.do("post.create", {})
    assert (made["title"], made["publishedAt"], made["images"]) == (None, None, [])
    id = made["id"]
    assert fox.see("post.get", {"id": id}, status=404)
    key = owl.upload(picture(), "harbour.png")["id"]
    added = owl.do("post.addImage", {"postId": id, "url": key, "nsfwLevel": 1, "width": 9999, "type": "video"})
    assert (added["url"], added["name"], added["width"], added["type"]) == (key, "harbour.png", 24, "image")
    assert owl.do("post.addImage", {"postId": id, "url": key})["id"] == added["id"]
    assert nobody.listed(postId=id) == []
    assert owl.do("post.update", {"id": id, "title": "Dawn", "publishedAt": "2026-01-01T00:00:00.000Z"},
                  marks={"publishedAt": ["Date"]}) is None  # fmt: skip
    assert nobody.see("post.get", {"id": id})["title"] == "Dawn"
    assert nobody.listed(postId=id) == [added["id"]]
    owl.do("post.update", {"id": id, "title": ""})
    assert nobody.see("post.get", {"id": id})["title"] == "Dawn"
    for at in ("2099-01-01T00:00:00.000Z", "2020-01-01T00:00:00.000Z"):
        owl.do("post.update", {"id": id, "publishedAt": at}, status=400)
    for procedure, value in (("post.update", {"id": id, "title": "x"}), ("post.delete", {"id": id})):
        assert fox.do(procedure, value, status=401) == fox.do(procedure, {**value, "id": MISSING}, status=401)
    assert owl.do("post.delete", {"id": id}) == {"id": id, "nsfwLevel": 1}
    assert nobody.see("post.get", {"id": id}, status=404)
    assert owl.see("image.get", {"id": added["id"]}, status=404)
    assert owl.do("post.restore", {"id": id}) == {"id": id, "nsfwLevel": 1}
    assert nobody.listed(postId=id) == [added["id"]]


def test_who_asks_for_what_is_pending_finds_what_was_just_put_there(owl: Actor, fox: Actor) -> None:
    post = owl.do("post.create", {})["id"]
    asked = {"postId": post, "browsingLevel": 1}
    image = owl.do("post.addImage", {"postId": post, "url": owl.upload(picture())["id"]})["id"]
    assert owl.listed(**asked, pending=True) == [image]
    for wish in ({"draftOnly": True, "username": "owl"}, {"pending": True, "ids": [post]}):
        drafts = {
            one["id"]: [item["id"] for item in one["images"]] for one in owl.see("post.getInfinite", wish)["items"]
        }
        assert drafts[post] == [image]
        assert len(drafts) == 1 or "ids" not in wish
        assert fox.see("post.getInfinite", wish)["items"] == []
    assert owl.listed(**asked) == fox.listed(**asked, pending=True) == []
    owl.do("post.update", {"id": post, "publishedAt": "2026-01-01T00:00:00.000Z"}, marks={"publishedAt": ["Date"]})
    assert owl.listed(**asked, pending=True) == [image]
    assert owl.listed(**asked) == fox.listed(**asked, pending=True) == []


def test_what_is_added_to_a_post_is_an_own_finished_upload(owl: Actor, fox: Actor) -> None:
    id = owl.do("post.create", {"title": "Mine"})["id"]
    theirs = fox.upload(picture())["id"]
    for key in (theirs, "00000000-0000-4000-8000-000000000000"):
        assert owl.do("post.addImage", {"postId": id, "url": key}, status=400)["data"]["code"] == "BAD_REQUEST"
    assert fox.do("post.addImage", {"postId": id, "url": theirs}, status=404)
    assert fox.do("post.addImage", {"postId": MISSING, "url": theirs}, status=404)
    owl.do("post.update", {"id": id, "publishedAt": "2020-01-01T00:00:00.000Z"})
    _, (image,) = owl.post(picture())
    shown = owl.see("image.get", {"id": image})["postId"]
    assert fox.do("post.addImage", {"postId": shown, "url": theirs}, status=401)


def test_the_metadata_of_an_upload_is_read_and_can_be_hidden(owl: Actor, fox: Actor) -> None:
    import io

    from PIL import Image as Picture
    from PIL.PngImagePlugin import PngInfo

    info, out = PngInfo(), io.BytesIO()
    info.add_text(
        "parameters", "quiet harbour at dawn\nSteps: 20, Sampler: Euler a, CFG scale: 5, Seed: 42, Size: 24x16"
    )
    Picture.new("RGB", (24, 16), (9, 9, 9)).save(out, "PNG", pnginfo=info)
    _, (image,) = owl.post(out.getvalue())
    assert fox.see("image.getGenerationData", {"id": image})["meta"]["prompt"] == "quiet harbour at dawn"
    owl.do("post.updateImage", {"id": image, "hideMeta": True})
    assert fox.see("image.getGenerationData", {"id": image})["meta"] is None
    assert owl.see("image.getGenerationData", {"id": image})["meta"]["seed"] == 42
    elsewhere = {"source": {"name": "A studio", "homepage": "https://studio.example"}}
    owl.do("post.updateImage", {"id": image, "meta": {"prompt": "kept to myself", "external": elsewhere}})
    told = fox.see("image.getGenerationData", {"id": image})
    assert (told["meta"], told["external"], told["canRemix"]) == (None, elsewhere, False)
    owl.do("post.updateImage", {"id": image, "hideMeta": False, "meta": {"prompt": "another"}})
    assert fox.see("image.getGenerationData", {"id": image})["meta"]["prompt"] == "another"
    fox.do("post.updateImage", {"id": image, "hideMeta": True}, status=401)


def test_images_of_a_post_are_put_into_order_and_tags_on_it(owl: Actor) -> None:
    id, images = owl.post(picture(), picture(), picture())
    turned = owl.do("post.reorderImages", {"id": id, "imageIds": images[::-1]})
    assert [(one["id"], one["index"]) for one in turned] == [(image, place) for place, image in enumerate(images[::-1])]
    assert owl.listed(postId=id) == images[::-1]
    tag = owl.do("post.addTag", {"id": id, "name": "Quiet Sea"})
    assert tag["name"] == "quiet sea"
    assert [one["name"] for one in owl.see("post.get", {"id": id})["tags"]] == ["quiet sea"]
    owl.do("post.removeTag", {"id": id, "tagId": tag["id"]})
    assert owl.see("post.get", {"id": id})["tags"] == []


def test_an_image_goes_to_the_trash_and_comes_back_with_all_it_had(owl: Actor, fox: Actor, nobody: Actor) -> None:
    post, (image, other) = owl.post(picture(), picture())
    fox.do("reaction.toggle", {"entityId": image, "entityType": "image", "reaction": "Like"})
    assert fox.do("image.delete", {"id": image}, status=401) == fox.do("image.delete", {"id": MISSING}, status=401)
    gone = owl.do("image.delete", {"id": image})
    assert (gone["postId"], gone["userId"], gone["nsfwLevel"]) == (post, owl.id, 1)
    assert nobody.see("image.get", {"id": image}, status=404)
    assert nobody.listed(postId=post) == [other]
    owl.do("image.delete", {"id": image}, status=401)
    assert [one["id"] for one in owl.see("image.getTrash")["items"]] == [image]
    assert fox.see("image.getTrash")["items"] == []
    assert fox.do("image.restore", {"id": image}, status=401)
    assert owl.do("image.restore", {"id": image}) == {"ids": [image]}
    assert nobody.see("image.get", {"id": image})["stats"]["likeCountAllTime"] == 1
    assert owl.do("image.bulkDelete", {"ids": [image, other, MISSING]}) == {"ids": [image, other]}
    assert nobody.see("post.get", {"id": post}, status=404)
    assert owl.do("image.emptyTrash", {"ids": [other]}) == {"count": 1}
    assert owl.do("image.restore", {"id": other}, status=401)
    owl.do("image.restore", {"ids": [image]})
    assert nobody.listed(postId=post) == [image]


def test_owners_rate_their_images_and_a_moderators_word_stays(
    owl: Actor, fox: Actor, mod: Actor, nobody: Actor
) -> None:
    _, (image,) = owl.post(picture(), level=0)
    assert nobody.see("image.get", {"id": image}, status=404)
    rate = {"id": image, "nsfwLevel": 1}
    fox.do("image.updateImageNsfwLevel", rate, status=401)
    assert owl.do("image.updateImageNsfwLevel", rate) == {"ids": [image]}
    assert nobody.see("image.get", {"id": image})["nsfwLevel"] == 1
    mod.do("image.updateImageNsfwLevel", {"ids": [image], "nsfwLevel": 4})
    assert nobody.see("image.get", {"id": image}, status=404)
    owl.do("image.updateImageNsfwLevel", rate, status=401)
    owl.do("image.updateImageNsfwLevel", {"id": image, "nsfwLevel": 3}, status=400)


def test_no_owner_lowers_the_level_of_a_minors_image(house: Doors, owl: Actor) -> None:
    _, (image, held) = owl.post(picture(), picture(), level=1)
    with house.library.database.write() as w:
        w.update("images", image, {"minor": 1, "level": 4, "withheld": 1})
        w.update("images", held, {"needs_review": "minor", "minor": 1, "level": 2})
    unknown = owl.do("image.updateImageNsfwLevel", {"id": MISSING, "nsfwLevel": 1}, status=401)
    for id in (image, held):
        assert owl.do("image.updateImageNsfwLevel", {"id": id, "nsfwLevel": 1}, status=401) == unknown
    assert owl.do("image.delete", {"id": image}, status=401) == owl.do("image.delete", {"id": MISSING}, status=401)


def test_moderators_purge_what_is_withheld_and_nobody_else_learns_of_it(
    house: Doors, owl: Actor, fox: Actor, mod: Actor
) -> None:
    from pinako.media.cache import forget_source
    from pinako.services.settle import Touched, settle

    library = house.library
    post, (image, other) = owl.post(picture(), picture())
    sha256 = house.one("SELECT blob FROM images WHERE id = ?", image)
    with library.database.write() as w:
        w.update("images", image, {"minor": 1, "level": 4})
        touched = Touched()
        touched.images.add(image)
        settle(w, touched, library.now())
    assert not owl.listed(postId=post).count(image)
    assert owl.see("image.getWithheld", status=403)
    listed = next(one for one in mod.see("image.getWithheld")["items"] if one["id"] == image)
    assert (listed["sha256"], listed["level"], listed["minor"]) == (sha256, 4, 1)
    assert not {"name", "meta", "prompt", "blurhash", "tags", "mediaKey", "url"} & listed.keys()
    assert owl.do("image.purgeWithheld", {"ids": [image]}, status=403)
    assert mod.do("image.purgeWithheld", {"ids": [image, other]}) == {"count": 1}
    assert library.media.stat(sha256) is None
    assert not forget_source(library.settings.derivatives, sha256)
    assert house.sql("SELECT COUNT(*) FROM images WHERE id = ?", image) == [(0,)]
    assert owl.listed(postId=post) == [other]
    who, what = house.sql("SELECT user_id, subject FROM audit WHERE action = 'purge withheld' ORDER BY id DESC")[0]
    assert who == mod.id
    assert f'"id":{image},' in what


# --- preferences, models ----------------------------------------------------------------------------------------------


def test_settings_are_merged_and_levels_stay_within_the_account(house: Doors) -> None:
    cat = actor(house, "cat", level=3)
    assert cat.see("user.getSettings").items() >= {"showNsfw": False, "blurNsfw": False, "autoplayGifs": True}.items()
    cat.do("user.setSettings", {"autoplayGifs": False, "theme": "dark"})
    cat.do("user.updateContentSettings", {"browsingLevel": 31, "blurNsfw": True})
    found = cat.see("user.getSettings")
    assert (found["theme"], found["autoplayGifs"], found["blurNsfw"], found["browsingLevel"]) == (
        "dark",
        False,
        True,
        3,
    )


def test_models_are_described_by_their_owners(house: Doors, owl: Actor, fox: Actor) -> None:
    from pinako.catalog.resources import Model, ModelFile, ModelVersion
    from pinako.services import publish
    from pinako.services.settle import Touched, settle

    now = house.library.now()
    with house.library.database.write() as w:
        touched = Touched()
        id, version = w.next_id("models"), w.next_id("model_versions")
        common = {"created_at": now, "updated_at": now, "published_at": now, "status": "Published"}
        publish.keep_model(w, touched, Model(id=id, user_id=owl.id, name="Old", type="LORA", level=1, **common))
        publish.keep_version(w, touched, ModelVersion(id=version, model_id=id, name="v1", level=1, **common))
        file = ModelFile(id=w.next_id("model_files"), version_id=version, name="a.safetensors", created_at=now)
        publish.keep_file(w, touched, file, {})
        settle(w, touched, now)
    change = {
        "id": id,
        "name": "New",
        "tagsOnModels": [{"name": "Style"}],
        "description": "<p>soft<iframe></iframe></p>",
    }
    assert fox.do("model.upsert", change, status=401) == fox.do("model.upsert", {**change, "id": MISSING}, status=401)
    assert owl.do("model.upsert", change)["name"] == "New"
    found = owl.see("model.getById", {"id": id})
    assert (found["name"], found["tagsOnModels"][0]["tag"]["name"]) == ("New", "style")
    listed = owl.see("model.getAll", {"ids": [id], "browsingLevel": 31})["items"]
    assert [one["name"] for one in listed] == ["New"]
    fox.do("modelVersion.upsert", {"id": version, "name": "v9"}, status=401)
    owl.do("modelVersion.upsert", {"id": version, "name": "v2", "trainedWords": ["soft wash"]})
    found = owl.see("modelVersion.getById", {"id": version})
    assert (found["name"], found["trainedWords"]) == ("v2", ["soft wash"])
    owl.do("model.upsert", {"id": id, "minor": True})
    owl.do("model.upsert", {"id": id, "minor": False, "nsfw": True})
    assert house.sql("SELECT minor, nsfw FROM models WHERE id = ?", id) == [(1, 0)]

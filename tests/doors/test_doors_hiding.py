"""What callers want out of their sight: kept and listed on the wire, left out of the library's own pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from acting import Actor, actor, picture
from asking import Doors

from pinako.services import publish


def test_hidden_things_are_listed_and_shown_again(owl: Actor, fox: Actor, house: Doors) -> None:
    _, (image,) = owl.post(picture(), tags=["fog"])
    tag = house.one("SELECT id FROM tags WHERE name_key = 'fog'")
    done = fox.do("hiddenPreferences.toggleHidden", {"kind": "tag", "data": [{"id": tag, "name": "fog"}]})
    assert done == {"added": [{"id": tag, "hidden": True, "name": "fog"}], "removed": []}
    fox.do("hiddenPreferences.toggleHidden", {"kind": "image", "data": [{"id": image}]})
    posts = {"username": "owl", "browsingLevel": 31}
    assert fox.see("post.getInfinite", posts)["items"]
    person = {"kind": "user", "data": [{"id": owl.id, "username": "owl"}]}
    done = fox.do("hiddenPreferences.toggleHidden", person)
    assert done == {"added": [{"id": owl.id, "hidden": True, "username": "owl"}], "removed": []}
    assert fox.see("post.getInfinite", posts)["items"] == []
    found = fox.see("hiddenPreferences.getHidden")
    assert [one["id"] for one in found["hiddenTags"]] == [tag]
    assert [one["id"] for one in found["hiddenImages"]] == [image]
    assert [one["username"] for one in found["hiddenUsers"]] == ["owl"]
    assert fox.listed(hidden=True) == [image]
    fox.do("hiddenPreferences.toggleHidden", {"kind": "user", "data": [{"id": owl.id}]})
    fox.do("hiddenPreferences.toggleHidden", {"kind": "tag", "data": [{"id": tag, "name": "fog"}], "hidden": False})
    assert fox.see("hiddenPreferences.getHidden")["hiddenTags"] == []
    fox.do("hiddenPreferences.toggleHidden", {"kind": "image", "data": [{"id": image}, {"id": 1}]}, status=400)


def test_whoever_asks_is_told_the_moderated_tags(fox: Actor, house: Doors) -> None:
    with house.library.database.write() as w:
        id = publish.keep_tag(w, publish.TagOn(name="graphic", type="Moderation", level=4), "Image")
    told = {"id": id, "name": "graphic", "nsfwLevel": 4}
    assert house.call("hiddenPreferences.getHidden")["hiddenTags"] == [told]
    hide = {"kind": "tag", "data": [{"id": id, "name": "graphic"}]}
    fox.do("hiddenPreferences.toggleHidden", hide)
    hidden = {"id": id, "name": "graphic", "hidden": True}
    assert fox.see("hiddenPreferences.getHidden")["hiddenTags"] == [hidden, told]
    fox.do("hiddenPreferences.toggleHidden", hide)
    with house.library.database.write() as w:
        w.delete("tags", id)


def test_the_librarys_own_pages_leave_out_what_their_reader_hides(owl: Actor, fox: Actor, house: Doors) -> None:
    post, (image,) = owl.post(picture())
    owl.do("tag.addTagVotes", {"type": "image", "id": image, "tags": ["mist"], "vote": 1, "edit": True})
    tag = house.one("SELECT id FROM tags WHERE name_key = 'mist'")

    def shown(path: str, link: str = f"/images/{image}") -> bool:
        page = house.client.get(path, headers=fox.headers)
        return page.status_code == 200 and f'href="{link}"' in page.text

    targets: list[tuple[str, dict[str, Any]]] = [
        ("image", {"id": image}),
        ("tag", {"id": tag, "name": "mist"}),
        ("user", {"id": owl.id}),
        ("blockedUser", {"id": owl.id}),
    ]
    assert shown("/")
    assert shown("/posts", f"/posts/{post}")
    for kind, target in targets:
        fox.do("hiddenPreferences.toggleHidden", {"kind": kind, "data": [target], "hidden": True})
        assert not any(shown(path) for path in ("/", "/images", "/search/images")), kind
        assert shown("/tag/mist") is (kind == "tag")
        assert shown("/user/owl/images") is kind.lower().endswith("user")
        assert shown("/posts", f"/posts/{post}") is (not kind.lower().endswith("user"))
        assert image in fox.listed(), "on the wire hiding is the client's"
        fox.do("hiddenPreferences.toggleHidden", {"kind": kind, "data": [target], "hidden": False})
    assert shown("/images")


def block(who: Actor, whom: Actor, *, hidden: bool = True) -> None:
    who.do("hiddenPreferences.toggleHidden", {"kind": "blockedUser", "data": [{"id": whom.id}], "hidden": hidden})


def test_what_is_of_who_has_blocked_one_is_not_there_thing_by_thing(owl: Actor, fox: Actor, house: Doors) -> None:
    post, (image,) = owl.post(picture(), title="Kept from fox")
    own_post, (own,) = fox.post(picture())
    crow, keeper = actor(house, "crow"), actor(house, "keeper", moderator=True)
    stranger = Actor(house, 0, "", "")
    shelf = owl.do("collection.upsert", {"name": "Shown", "type": "Image", "read": "Public"})["id"]
    owl.do("collection.bulkSaveItems", {"collectionId": shelf, "imageIds": [image]})
    body = {"collectionId": shelf, "level": 1, "days": 1}
    share = house.client.post("/api/v1/pinako/shares", json=body, headers=owl.headers).json()["token"]
    doors = (("image.get", image), ("post.get", post))
    pages = (f"/images/{image}", f"/images/{image}?part=similar", f"/images/{image}?share={share}", f"/posts/{post}")

    def statuses(who: Actor, paths: tuple[str, ...]) -> set[int]:
        return {house.client.get(path, headers=who.headers).status_code for path in paths}

    block(owl, fox)
    assert fox.see("hiddenPreferences.getHidden")["blockedByUsers"] == [
        {"id": owl.id, "hidden": True, "username": "owl"}
    ]
    assert owl.see("hiddenPreferences.getHidden")["blockedByUsers"] == []
    for procedure, id in doors:
        assert fox.see(procedure, {"id": id}, status=404)["message"] == "Could not find entity"
        for who in (owl, crow, keeper, stranger):
            assert who.see(procedure, {"id": id})["id"] == id
    path = f"/api/trpc/image.get?share={share}&input=%7B%22id%22:{image}%7D"
    assert statuses(fox, (*pages, "/user/owl", "/user/owl/models", path)) == {404}
    for who in (owl, crow, keeper, stranger):
        assert statuses(who, (*pages, "/user/owl", "/user/owl/models", path)) == {200}, who.name

    # what names no block in the documents knows none: lists, generation data, votable tags, REST
    assert image in fox.listed()
    fox.see("image.getGenerationData", {"id": image})
    fox.see("tag.getVotableTags", {"type": "image", "id": image})
    assert [one["id"] for one in house.json(f"/api/v1/images?imageId={image}", key=fox.key)["items"]] == [image]
    # the library's own lists are a client, and a block is no two-way thing
    for wall in ("/images", f"/collections/{shelf}", "/search/images?query=user:owl"):
        for who, sees in ((fox, False), (crow, True), (keeper, True)):
            page = house.client.get(wall, headers=who.headers).text
            assert (f'href="/images/{image}"' in page) is sees, (wall, who.name)
    assert owl.see("image.get", {"id": own})["id"] == own
    assert owl.see("post.get", {"id": own_post})["id"] == own_post

    block(owl, fox, hidden=False)
    assert all(fox.see(procedure, {"id": id})["id"] == id for procedure, id in doors)
    assert statuses(fox, (*pages, "/user/owl")) == {200}
    assert fox.see("hiddenPreferences.getHidden")["blockedByUsers"] == []


def test_a_model_of_who_has_blocked_one_is_not_there_for_trpc_and_pages(open_demo: Callable[..., Doors]) -> None:
    doors = open_demo()
    fox = actor(doors, "fox")
    found = next(one for one in fox.see("model.getAll", {"limit": 100})["items"])
    id, version = found["id"], found["version"]["id"]
    page = f"/model-versions/{version}"
    assert doors.client.get(page, headers=fox.headers).status_code == 200
    block(actor(doors, found["user"]["username"]), fox)
    assert fox.see("model.getById", {"id": id}, status=404)["message"] == "Could not find entity"
    assert [doors.client.get(path, headers=fox.headers).status_code for path in (page, f"/models/{id}")] == [404, 404]
    assert f'href="/models/{id}' not in doors.client.get("/models", headers=fox.headers).text
    assert fox.see("modelVersion.getById", {"id": version})["id"] == version
    assert doors.json(f"/api/v1/models/{id}", key=fox.key)["id"] == id
    assert doors.call("model.getById", {"id": id})["id"] == id

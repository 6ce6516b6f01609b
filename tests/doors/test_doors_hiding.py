"""What callers want out of their sight: kept and listed on the wire, left out of the library's own pages."""

from __future__ import annotations

from typing import Any

from acting import Actor, picture
from asking import Doors


def test_hidden_things_are_listed_and_shown_again(owl: Actor, fox: Actor, house: Doors) -> None:
    _, (image,) = owl.post(picture(), tags=["fog"])
    tag = house.one("SELECT id FROM tags WHERE name_key = 'fog'")
    done = fox.do("hiddenPreferences.toggleHidden", {"kind": "tag", "data": [{"id": tag, "name": "fog"}]})
    assert done == {"added": [{"id": tag, "hidden": True, "name": "fog"}], "removed": []}
    fox.do("hiddenPreferences.toggleHidden", {"kind": "image", "data": [{"id": image}]})
    posts = {"username": "owl", "browsingLevel": 31}
    assert fox.see("post.getInfinite", posts)["items"]
    fox.do("hiddenPreferences.toggleHidden", {"kind": "user", "data": [{"id": owl.id}]})
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

"""Page addresses as people paste them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinako.client.hosts import Entity, Kind, Target, home_of, read_address
from pinako.errors import BadRequest

CIVITAI = "https://civitai.com"


def target(kind: Kind, origin: str = CIVITAI, **fields: object) -> Target:
    return Target(kind=kind, origin=origin, **fields)  # type: ignore[arg-type]


CASES = [
    ("https://civitai.com/images/117165031", target(Kind.IMAGE, id=117165031)),
    (
        "https://civitai.com/images/5?postId=9&tags=4",
        target(Kind.IMAGE, id=5, filters={"postId": ("9",), "tags": ("4",)}),
    ),
    ("https://www.civitai.com/posts/70001/", target(Kind.POST, id=70001)),
    ("civitai.red/models/4411/harbor-lights-xl", target(Kind.MODEL, "https://civitai.red", id=4411)),
    (
        "https://civitai.green/models/4411?modelVersionId=9001",
        target(Kind.VERSION, "https://civitai.green", id=9001, model_id=4411),
    ),
    ("https://civitai.com/model-versions/9001", target(Kind.VERSION, id=9001)),
    ("https://civitai.com/collections/3001", target(Kind.COLLECTION, id=3001)),
    ("https://civitai.com/user/paper_fox", target(Kind.USER, name="paper_fox")),
    (
        "https://civitai.com/user/paper_fox/images?sort=Newest",
        target(Kind.USER, name="paper_fox", entity=Entity.IMAGES, filters={"sort": ("Newest",)}),
    ),
    ("https://civitai.com/user/paper_fox/videos", target(Kind.USER, name="paper_fox", entity=Entity.VIDEOS)),
    ("https://civitai.com/user/paper_fox/posts", target(Kind.USER, name="paper_fox", entity=Entity.POSTS)),
    ("https://civitai.com/user/paper_fox/models", target(Kind.USER, name="paper_fox", entity=Entity.MODELS)),
    ("https://civitai.com/user/paper_fox/collections", target(Kind.USER, name="paper_fox", entity=Entity.COLLECTIONS)),
    ("https://civitai.com/user/paper_fox/images?section=reactions", target(Kind.MY_REACTIONS, name="paper_fox")),
    ("https://civitai.com/tag/comic%20book", target(Kind.TAG, name="comic book")),
    ("https://civitai.com/models?tag=landscape", target(Kind.TAG, name="landscape", entity=Entity.MODELS)),
    (
        "https://civitai.com/search/models?query=ink%20wash&baseModel=Pony",
        target(Kind.SEARCH, name="ink wash", entity=Entity.MODELS, filters={"baseModel": ("Pony",)}),
    ),
    (
        "https://civitai.com/images?tags=5&tags=6",
        target(Kind.SEARCH, entity=Entity.IMAGES, filters={"tags": ("5", "6")}),
    ),
    ("https://civitai.com/images?modelVersionId=9001&modelId=4411", target(Kind.VERSION, id=9001, model_id=4411)),
    ("https://civitai.com/images?collectionId=3001", target(Kind.COLLECTION, id=3001)),
    ("https://civitai.com/images?postId=7&tags=5", target(Kind.POST, id=7)),
    (
        "https://civitai.com/posts?username=paper_fox&period=Day",
        target(Kind.USER, name="paper_fox", entity=Entity.POSTS, filters={"period": ("Day",)}),
    ),
    ("https://civitai.com/collections", target(Kind.MY_COLLECTIONS)),
    ("https://civitai.com/models?favorites=true", target(Kind.MY_BOOKMARKS, filters={"favorites": ("true",)})),
    ("my reactions", target(Kind.MY_REACTIONS)),
    (" My  Bookmarks ", target(Kind.MY_BOOKMARKS)),
    ("urn:air:sdxl:checkpoint:civitai:4411@9001", target(Kind.VERSION, id=9001, model_id=4411)),
    (
        "https://civitai.com/api/v1/images?username=paper_fox&token=secret",
        target(Kind.USER, name="paper_fox", entity=Entity.IMAGES),
    ),
    ("https://civitai.com/api/v1/images?postId=7", target(Kind.POST, id=7)),
    ("https://civitai.com/api/v1/models/4411", target(Kind.MODEL, id=4411)),
    ("https://civitai.com/api/download/models/9001?type=Model", target(Kind.VERSION, id=9001)),
    (
        "https://image.civitai.com/xG1nkqKTMzGDvpLrqFT7WA/1F0C9A52-6d3b-4c0e-9b7a-3f1f5a2c7d10/width=450/x.jpeg",
        target(Kind.MEDIA, key="1f0c9a52-6d3b-4c0e-9b7a-3f1f5a2c7d10"),
    ),
    (
        "https://image.civitai.com/xG1nkqKTMzGDvpLrqFT7WA/1f0c9a52-6d3b-4c0e-9b7a-3f1f5a2c7d10/width=450/900101.jpeg",
        target(Kind.MEDIA, key="1f0c9a52-6d3b-4c0e-9b7a-3f1f5a2c7d10", id=900101),
    ),
    ("https://civitai.com/search/images?query=fog", target(Kind.SEARCH, name="fog", entity=Entity.IMAGES)),
    ("https://civitai.com/search/users?query=fox", target(Kind.SEARCH, name="fox", entity=Entity.USERS)),
    ("https://civitai.com/collections?query=fog", target(Kind.SEARCH, name="fog", entity=Entity.COLLECTIONS)),
    ("<https://civitai.com/images/5>", target(Kind.IMAGE, id=5)),
    ("https://civitai.com/images/5/#comments", target(Kind.IMAGE, id=5)),
    ("HTTPS://CIVITAI.COM:443/Images/5", target(Kind.IMAGE, id=5)),
    ("localhost:8765/images/5", target(Kind.IMAGE, "http://localhost:8765", id=5)),
    ("http://[::1]:8765/posts/5", target(Kind.POST, "http://[::1]:8765", id=5)),
    ("https://library.example:444/user/me", target(Kind.USER, "https://library.example:444", name="me")),
    ("/images/5", target(Kind.IMAGE, id=5)),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_an_address_means_what_its_page_shows(text: str, expected: Target) -> None:
    assert read_address(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "https://civitai.com", "https://civitai.com/pricing", "ftp://civitai.com/images/5", "https://civitai.com/images/0",
     "https://civitai.com/posts/99999999999", "https://civitai.com/user", "https://civitai.com/search/articles?query=fog", "https://civitai.com/user/paper_fox/followers",
     "javascript:alert(1)", "images", "https:///images/5",
     "urn:air:sdxl:lora:civitai:0", "urn:air:sdxl:lora:civitai:" + "9" * 5000],
)  # fmt: skip
def test_other_pages_are_refused_with_what_is_known(text: str) -> None:
    with pytest.raises(BadRequest, match="my collections"):
        read_address(text)


def test_sister_hosts_know_each_other() -> None:
    assert read_address("https://www.civitai.red/images/5").sister
    assert not read_address("https://civitai.example/images/5").sister


def test_a_login_for_a_sister_host_is_civitais() -> None:
    assert {home_of(host) for host in ("civitai.red", "https://www.civitai.green/models", "civitai.com")} == {
        "civitai.com"
    }
    assert home_of("http://127.0.0.1:8765") == "http://127.0.0.1:8765"
    assert home_of("pics.example") == "pics.example"


@given(st.text(max_size=200))
def test_any_text_is_a_target_or_refused(text: str) -> None:
    try:
        read_address(text)
        read_address(f"https://civitai.com/{text}")
    except BadRequest:
        pass

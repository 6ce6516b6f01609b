"""REST bodies against every example of the documents: each field, type and nesting shown there is in ours."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
import wire_nouns as nouns
from hypothesis import given
from hypothesis import strategies as st
from shapes import missing

from pinako.catalog.people import Creator, Scope, User, Viewer
from pinako.catalog.resources import HashMatch
from pinako.catalog.tags import CountedTag
from pinako.errors import NotFound
from pinako.wire import fragments, rest_images, rest_lists, rest_models, rest_versions

ORIGIN = "http://library.example:8765"
BASES = fragments.bases(ORIGIN, ORIGIN + "/acct")
EVERYTHING = rest_models.EVERYTHING
LATER = nouns.NOON + 1000
COUNTS = (9, 4, 1, 0, 2)


def read(body: bytes) -> Any:
    return json.loads(fragments.splice(body, BASES))


def image_item(*, tags: bool = False, **options: Any) -> Any:
    full = nouns.full_image()
    item = rest_images.join_image(rest_images.read_head(rest_images.write_image(full)), *COUNTS)
    shown = b"[%b]" % b",".join(rest_images.write_tag(tag.id, tag.name) for tag in full.tags)
    return read(rest_images.with_more(item, tags=shown if tags else None, **options))


META = nouns.META.encode()

IMAGE_OF_2023 = {
    "id": 1, "url": "https://x/1.jpeg", "hash": "U", "width": 1, "height": 1, "nsfw": False, "nsfwLevel": "None",
    "createdAt": "2023-04-11T15:33:12.500Z", "postId": 1,
    "stats": {"cryCount": 0, "laughCount": 0, "likeCount": 0, "dislikeCount": 0, "heartCount": 0, "commentCount": 0},
    "meta": {"Size": "512x768", "seed": 1, "Model": "x", "steps": 35, "prompt": "x", "sampler": "x", "cfgScale": 7,
             "Clip skip": "2", "negativePrompt": "x"},
    "username": "ink",
}  # fmt: skip
IMAGE_OF_2026 = {
    **IMAGE_OF_2023, "type": "image", "browsingLevel": 2, "baseModel": "SDXL 1.0", "modelVersionIds": [1, 2],
    "meta": {"civitaiResources": [{"type": "checkpoint", "modelVersionId": 1}]},
}  # fmt: skip
VERSION_IMAGE_OF_2022 = {
    "url": "https://x/width=450", "nsfw": False, "width": 832, "height": 832, "hash": "U", "meta": None,
}  # fmt: skip
FILE_OF_2022 = {
    "sizeKB": 1.5, "format": "PickleTensor", "pickleScanResult": "Success", "pickleScanMessage": "x",
    "virusScanResult": "Success", "scannedAt": "2022-12-08T20:15:36.133Z",
}  # fmt: skip
VERSION_OF_2022 = {
    "id": 1, "name": "toad", "createdAt": "2022", "updatedAt": "2022", "trainedWords": ["x"], "modelId": 1,
    "modelName": "x", "model": {"name": "x", "type": "Checkpoint", "nsfw": False, "poi": False},
    "files": [FILE_OF_2022], "images": [VERSION_IMAGE_OF_2022], "downloadUrl": "https://x",
}  # fmt: skip
MODEL_OF_2022 = {
    "id": 64, "name": "x", "description": "x", "type": "Checkpoint", "nsfw": False, "tags": ["render"],
    "creator": {"username": "x", "image": None},
    "modelVersions": [{
        "id": 73, "name": "v1", "createdAt": "2022", "trainedWords": ["x"], "downloadUrl": "https://x",
        "files": [FILE_OF_2022], "images": [VERSION_IMAGE_OF_2022],
    }],
}  # fmt: skip
MODEL_TODAY = {
    **MODEL_OF_2022, "allowNoCredit": True, "allowCommercialUse": "{}", "allowDerivatives": True,
    "allowDifferentLicense": True, "minor": False, "sfwOnly": False, "poi": False, "nsfwLevel": 1,
    "availability": "Public", "userId": 1, "baseModels": ["x"], "cosmetic": None, "supportsGeneration": True,
    "stats": {"downloadCount": 1, "thumbsUpCount": 1, "thumbsDownCount": 1, "commentCount": 1, "tippedAmountCount": 1,
              "favoriteCount": 1, "ratingCount": 1, "rating": 1},
    "modelVersions": [{
        "id": 1, "index": 0, "name": "x", "baseModel": "x", "baseModelType": "x", "publishedAt": "x",
        "availability": "Public", "nsfwLevel": 1, "flags": 0, "description": None, "trainedWords": ["x"], "vaeId": None,
        "paidAccess": None, "stats": {"downloadCount": 1, "thumbsUpCount": 1, "thumbsDownCount": 1},
        "supportsGeneration": True, "status": "Published", "createdAt": "x", "covered": True, "downloadUrl": "x",
        "files": [{
            "id": 1, "sizeKB": 1, "name": "x", "overrideName": None, "type": "Model", "pickleScanResult": "x",
            "pickleScanMessage": "x", "virusScanResult": "x", "virusScanMessage": None, "scannedAt": "x",
            "metadata": {"format": "x", "size": "x", "fp": "x"}, "hashes": {}, "downloadUrl": "x",
        }],
        "images": [{
            "id": 1, "url": "x", "nsfwLevel": 1, "width": 1, "height": 1, "hash": "x", "type": "image", "minor": False,
            "poi": False, "hasMeta": True, "hasPositivePrompt": True, "onSite": False, "remixOfId": None, "meta": None,
        }],
    }],
}  # fmt: skip
VERSION_TODAY = {
    **VERSION_OF_2022, "nsfwLevel": 1, "status": "x", "publishedAt": "x", "trainingStatus": None,
    "trainingDetails": None, "baseModel": "x", "baseModelType": "x", "description": "x", "uploadType": "x",
    "usageControl": "x", "licensingFee": None, "paidAccess": None, "air": "x", "availability": "Public",
    "earlyAccessEndsAt": None, "stats": {"downloadCount": 1, "thumbsUpCount": 1},
    "images": [{"metadata": {}, "meta": {"prompt": "x"}, "availability": "Public", "hash": "x", "nsfwLevel": 1}],
}  # fmt: skip
MINI = {
    "air": "x", "versionName": "x", "modelName": "x", "userId": 1, "baseModel": "x", "availability": "x",
    "publishedAt": "x", "size": 1.5, "fileType": "x", "fileName": "x", "hashes": {"SHA256": "x"},
    "downloadUrls": ["x"], "format": "x", "canGenerate": True, "isFeatured": False, "requireAuth": False,
    "checkPermission": False, "additionalResourceCharge": False, "minor": False, "sfwOnly": False, "fees": [],
    "payoutEnabled": True,
}  # fmt: skip


def whole_model(**changes: object) -> Any:
    return read(rest_models.model_body(nouns.full_model(**changes), LATER))


def whole_version(**changes: object) -> Any:
    return read(rest_versions.version_body(nouns.version_in_model(**changes), LATER))


@pytest.mark.parametrize(
    ("answer", "example"),
    [
        (lambda: image_item(meta=META), IMAGE_OF_2023),
        (lambda: image_item(meta=META), IMAGE_OF_2026),
        (whole_model, MODEL_OF_2022),
        (whole_model, MODEL_TODAY),
        (whole_version, VERSION_OF_2022),
        (whole_version, VERSION_TODAY),
        (lambda: read(rest_versions.mini_body(nouns.version_in_model(), LATER)), MINI),
    ],
)
def test_answers_have_all_that_the_examples_show(answer: Any, example: Any) -> None:
    assert list(missing(answer(), example)) == []


def test_an_image_item_says_its_level_three_ways_and_its_time_of_posting() -> None:
    item = image_item()
    assert (item["nsfw"], item["nsfwLevel"], item["browsingLevel"]) == (False, "None", 1)
    assert item["createdAt"] == nouns.NOON_TEXT
    assert item["modelVersionIds"] == [9002, 9001]
    assert item["url"] == f"{ORIGIN}/acct/{nouns.KEY}/original=true/{nouns.KEY}.jpeg"
    assert item["user"]["image"].startswith(f"{ORIGIN}/acct/")
    assert item["stats"]["likeCount"] == 9
    assert item["meta"] is None
    assert "tags" not in item


def test_meta_and_tags_of_an_image_come_where_they_are_asked() -> None:
    assert image_item(meta=META)["meta"]["seed"] == 42
    assert image_item(meta=META, nested_id=612001)["meta"] == {"id": 612001, "meta": json.loads(META)}
    assert image_item(nested_id=612001)["meta"] == {"id": 612001, "meta": None}
    assert image_item(tags=True)["tags"] == [{"id": 5, "name": "sea"}, {"id": 7, "name": "comic book"}]


@pytest.mark.parametrize(("level", "word"), [(1, "None"), (2, "Soft"), (4, "Mature"), (8, "X"), (16, "X"), (0, "None")])
def test_level_words(level: int, word: str) -> None:
    head = rest_images.read_head(rest_images.write_image(nouns.full_image(level=level)))
    assert read(rest_images.join_image(head, *COUNTS))["nsfwLevel"] == word


@given(st.text(), st.text(), st.integers(0, 2**31))
def test_marks_are_never_confused_with_texts(name: str, username: str, count: int) -> None:
    """Control characters inside texts are escaped, so only our own marks are replaced."""
    full = msgspec.structs.replace(
        nouns.full_image(), user=User(id=1, username=username, image="http://x/\x01\x02\x03")
    )
    head, tags = rest_images.read_head(rest_images.write_image(full)), b"[%b]" % rest_images.write_tag(5, name)
    plain = rest_images.join_image(head, *(count,) * 5)
    item = read(rest_images.with_more(plain, meta=json.dumps({"p": name}).encode(), tags=tags))
    assert (item["username"], item["tags"][0]["name"], item["meta"]["p"]) == (username, name, name)
    assert item["user"]["image"] == "http://x/\x01\x02\x03"


def test_an_origin_cannot_break_out_of_its_text() -> None:
    evil = fragments.bases('http://a","x":"', 'http://a","x":"/acct')
    head = rest_images.read_head(rest_images.write_image(nouns.full_image()))
    item = json.loads(fragments.splice(head + b"}", evil))
    assert item["url"].startswith('http://a","x":"/acct/')


def test_models_show_each_viewer_the_previews_inside_its_mask() -> None:
    parts = rest_models.split_model(rest_models.write_model(nouns.full_model()))
    for mask, ids in ((1, [612001]), (8, [612002]), (31, [612001, 612002]), (2, [])):
        item = read(rest_models.join_model(parts, sight=fragments.sight(mask), now=LATER))
        assert [image["id"] for image in item["modelVersions"][0]["images"]] == ids


def test_flagged_previews_follow_the_viewer() -> None:
    minor = fragments.gate_of(level=1, minor=True, poi=False)
    person = fragments.gate_of(level=1, minor=False, poi=True)
    plain = fragments.sight_of(1, 1, moderator=False, owner=False)
    mature = fragments.sight_of(31, 31, moderator=False, owner=True)
    moderator = fragments.sight_of(31, 31, moderator=True, owner=False)
    assert (plain[minor], plain[person]) == (1, 0)
    assert (mature[minor], mature[person]) == (0, 1)
    assert (moderator[minor], moderator[person]) == (1, 1)
    assert not any(fragments.sight(31)[gate] for gate in (0, 32))


def test_models_are_narrowed_to_the_versions_and_files_asked_for() -> None:
    parts = rest_models.split_model(rest_models.write_model(nouns.full_model()))

    def item(**words: Any) -> bytes:
        narrowing = rest_models.Narrowing(**words)
        return rest_models.join_model(parts, sight=EVERYTHING, now=LATER, narrowing=narrowing)

    assert item(version_ids=(1,)) == b""
    assert item(base_models=("Pony",)) == b""
    assert [v["id"] for v in read(item(base_models=("SDXL 1.0",), version_ids=(9001,)))["modelVersions"]] == [9001]
    primary = read(item(primary_file_only=True))["modelVersions"][0]["files"]
    assert [(file["id"], file["primary"]) for file in primary] == [(70001, True)]


def test_a_gate_closes_by_the_clock() -> None:
    gated = msgspec.structs.replace(nouns.full_version(), version=nouns.version(gate_ends_at=LATER))
    full = msgspec.structs.replace(nouns.full_model(), versions=(gated,))
    parts = rest_models.split_model(rest_models.write_model(full))

    def version(now: int) -> Any:
        return read(rest_models.join_model(parts, sight=EVERYTHING, now=now))["modelVersions"][0]

    before, after = version(LATER - 1), version(LATER)
    assert before["paidAccess"] == {"permanent": False, "endsAt": before["earlyAccessDeadline"]}
    assert after["paidAccess"] is None
    assert "earlyAccessDeadline" not in after


def test_archived_and_taken_down_models_lose_files_or_images() -> None:
    archived, taken = whole_model(mode="Archived"), whole_model(mode="TakenDown")
    assert archived["mode"] == "Archived"
    assert archived["modelVersions"][0]["files"] == []
    assert "downloadUrl" not in archived["modelVersions"][0]
    assert taken["modelVersions"][0]["images"] == []
    assert "mode" not in whole_model()


def test_hidden_counts_are_null_and_words_are_in_braces() -> None:
    item = whole_model(hidden_metrics='["downloads","buzz"]')
    assert item["stats"]["downloadCount"] is None
    assert item["stats"]["tippedAmountCount"] is None
    assert item["modelVersions"][0]["stats"]["downloadCount"] is None
    assert item["allowCommercialUse"] == "{Image,RentCivit}"
    assert whole_model(allow_commercial_use="[]")["allowCommercialUse"] == "{}"
    assert "creator" not in whole_model(user_id=-1)


def test_files_say_how_to_get_exactly_them() -> None:
    main, other = whole_version()["files"]
    base = f"{ORIGIN}/api/download/models/9001"
    assert (main["downloadUrl"], main["primary"], main["name"]) == (base, True, "harborLightsXl_v10.safetensors")
    assert other["downloadUrl"] == f"{base}?type=Model&format=PickleTensor&size=full&fp=fp32"
    assert (other["primary"], other["hashes"]) == (False, {})
    assert list(main["hashes"]) == ["AutoV2", "SHA256"]


def test_two_files_that_look_alike_are_told_apart_by_id() -> None:
    main, _ = nouns.files()
    twin = msgspec.structs.replace(main, file=msgspec.structs.replace(main.file, id=70009))
    item = msgspec.structs.replace(
        nouns.version_in_model(), full=msgspec.structs.replace(nouns.full_version(), files=(main, twin))
    )
    files = read(rest_versions.version_body(item, LATER))["files"]
    assert files[1]["downloadUrl"].endswith("/api/download/models/9001?fileId=70009")


def test_files_that_are_not_public_are_not_listed() -> None:
    main, other = nouns.files()
    hidden = msgspec.structs.replace(main, file=msgspec.structs.replace(main.file, visibility="Private"))
    item = msgspec.structs.replace(
        nouns.version_in_model(), full=msgspec.structs.replace(nouns.full_version(), files=(hidden, other))
    )
    assert [(file["id"], file["primary"]) for file in read(rest_versions.version_body(item, LATER))["files"]] == [
        (70002, False)
    ]


def test_mini_is_about_the_asked_file() -> None:
    item = nouns.version_in_model()
    other = read(rest_versions.mini_body(item, LATER, 70002))
    assert (other["fileName"], other["format"], other["air"]) == (
        "harbor_lights.ckpt", "PickleTensor", "urn:air:sdxl:checkpoint:civitai:4411@9001+70002",
    )  # fmt: skip
    with pytest.raises(NotFound, match="Model file 5 not found in version 9001"):
        rest_versions.mini_body(item, LATER, 5)
    private = read(rest_versions.mini_body(nouns.version_in_model(availability="Private"), LATER))
    assert (private["checkPermission"], private["earlyAccessEndsAt"], private["freeTrialLimit"]) == (True, None, None)


def test_batch_answers() -> None:
    assert json.loads(rest_versions.pairs_body([HashMatch(version_id=1, model_id=2, hash="ab")])) == [
        {"modelVersionId": 1, "modelId": 2, "hash": "AB"}
    ]
    assert [item["id"] for item in read(rest_versions.versions_body([nouns.version_in_model()], LATER))] == [9001]


def test_the_smaller_lists() -> None:
    creators = [
        read(item)
        for item in rest_lists.creator_items(
            [Creator(user=nouns.INK, model_count=12), Creator(user=User(id=2, username="b"))]
        )
    ]
    assert creators[0]["modelCount"] == 12
    assert creators[0]["link"] == f"{ORIGIN}/api/v1/models?username=inkharbor"
    assert creators[0]["image"].endswith("/width=96/inkharbor.jpeg")
    assert creators[1] == {"username": "b", "link": f"{ORIGIN}/api/v1/models?username=b"}
    tag = read(rest_lists.tag_items([CountedTag(tag=nouns.STYLE, model_count=7)])[0])
    assert tag == {"name": "comic book", "modelCount": 7, "link": f"{ORIGIN}/api/v1/models?tag=comic book"}
    users = json.loads(rest_lists.users_body([nouns.INK, User(id=2, username="b")]))
    assert users["items"][0] == {
        "id": 77,
        "username": "inkharbor",
        "avatarUrl": nouns.INK.image,
        "avatarNsfw": 1,
        "meta": None,
    }
    assert "avatarUrl" not in users["items"][1]


def test_me_tells_a_key_from_a_session() -> None:
    keyed = json.loads(rest_lists.me_body(nouns.INK, Viewer(user_id=77, key_id=501, scope=Scope.WRITE)))
    session = json.loads(rest_lists.me_body(nouns.INK, Viewer(user_id=77, via_session=True, scope=Scope.WRITE)))
    assert keyed["subject"] == {"type": "apiKey", "id": 501}
    assert (keyed["tokenScope"], keyed["buzzLimit"]) == (33554431, None)
    assert not {"subject", "tokenScope", "buzzLimit"} & set(session)
    assert session["status"] == "active"


def test_enums_and_collections() -> None:
    found = json.loads(rest_lists.enums_body(["House Blend", "Pony"]))
    assert list(found) == ["ModelType", "ModelFileType", "ActiveBaseModel", "BaseModel", "BaseModelType"]
    assert (len(found["BaseModel"]), len(found["ActiveBaseModel"]), len(found["ModelType"])) == (100, 69, 23)
    listed = read(rest_lists.collection_items([nouns.collection()])[0])
    alone = read(rest_lists.collection_body(nouns.collection(read="Unlisted")))
    assert (listed["itemCount"], listed["isPublic"], listed["user"]) == (42, True, {"id": 77, "username": "inkharbor"})
    assert "tags" not in listed
    assert (alone["tags"], alone["isPublic"]) == ([{"id": 5, "name": "sea"}], False)
    assert "itemCount" not in alone
    assert alone["coverImageUrl"] == f"{ORIGIN}/acct/{nouns.KEY}/width=450/{nouns.KEY}.jpeg"

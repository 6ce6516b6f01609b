"""Query strings of every age: what each table and each row of 'Where the documents disagree' says about parameters."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinako.catalog.basemodels import BASE_MODELS
from pinako.catalog.queries import CollectionSort, ImageSort, ModelSort, Period, TagSort
from pinako.errors import BadRequest, PinakoError, TooManyRequests, Unauthorized
from pinako.wire import params
from pinako.wire.coerce import js_number
from pinako.wire.failures import IMAGES, MODELS, PlainRefusal, TextRefusal, error_answer
from pinako.wire.issues import ValidationError
from pinako.wire.params_images import ImagesAsk, read_images
from pinako.wire.params_models import ModelsAsk, read_models


def pairs(query: str) -> list[tuple[str, str]]:
    """The pairs of a query string as a server sees them."""
    return parse_qsl(query, keep_blank_values=True)


def images(query: str) -> ImagesAsk:
    return read_images(pairs(query))


def models(query: str, *, known: bool = False) -> ModelsAsk:
    return read_models(pairs(query), known=known, base_models=lambda: ["House Blend"])


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        ("", "limit", 100),
        ("limit=0", "limit", 100),
        ("limit=", "limit", 100),
        ("limit=200", "limit", 200),
        ("limit=1e1", "limit", 10),
        ("limit=0x10", "limit", 16),
        ("", "sort", ImageSort.MOST_REACTIONS),
        ("sort=Random", "sort", ImageSort.RANDOM),
        ("sort=Most+Comments", "sort", ImageSort.MOST_COMMENTS),
        ("postId=7", "sort", None),
        ("postId=7&sort=Oldest", "sort", ImageSort.OLDEST),
        ("postId=7", "post_ids", (7,)),
        ("postId=", "post_ids", ()),
        ("imageId=0", "ids", ()),
        ("imageId=12", "ids", (12,)),
        ("modelId=4&modelVersionId=9", "model_id", None),
        ("modelId=4&modelVersionId=9", "version_id", 9),
        ("modelId=4", "model_id", 4),
        ("username=Ink Harbor!", "username", "ink_harbor"),
        ("username=Ink.Harbor", "username", "inkharbor"),
        ("username=墨", "username", "墨"),
        ("username=Ink_civitai.com", "username", "ink_civitai.com"),
        ("username=ink_127.0.0.1:8765", "username", "ink_127.0.0.1:8765"),
        ("username=ink&userId=77", "username", None),
        ("username=", "username", None),
        ("period=Week", "period", Period.WEEK),
        ("", "level", None),
        ("nsfw=None", "level", 1),
        ("nsfw=Soft", "level", 3),
        ("nsfw=Mature", "level", 7),
        ("nsfw=X", "level", 31),
        ("nsfw=Blocked", "level", 32),
        ("nsfw=True", "level", 60),
        ("nsfw=false", "level", 1),
        ("nsfw=X&browsingLevel=3", "level", 3),
        ("nsfw=X&browsingLevel=0", "level", 31),
        ("browsingLevel=", "level", None),
        ("tags=1,2", "all_tags", (1, 2)),
        ("tags=1&tags=2,3", "all_tags", (1, 2, 3)),
        ("type=video", "types", ("video",)),
        ("baseModels=SDXL 1.0,Pony", "base_models", ("SDXL 1.0", "Pony")),
        ("baseModels=SDXL 1.0&baseModels=Pony", "base_models", ("SDXL 1.0", "Pony")),
        ("requiringMeta=true", "ids", (0,)),
        ("cursor=12|34", "cursor", "12|34"),
        ("cursor=", "cursor", None),
        ("page=3", "page", 3),
        ("page=0", "page", None),
        ("page=3&cursor=9", "page", None),
        ("unknown=1&types[]=x&token=abc", "limit", 100),
    ],
)
def test_each_image_parameter_fills_its_field(query: str, field: str, value: Any) -> None:
    assert getattr(images(query).query, field) == value


@pytest.mark.parametrize(
    ("query", "flags"),
    [
        ("", (False, True, False)),
        ("withMeta=true", (True, True, False)),
        ("withMeta=1&flatMeta=no&withTags=YES", (True, False, True)),
    ],
)
def test_image_flags_say_how_to_show_a_page(query: str, flags: tuple[bool, bool, bool]) -> None:
    ask = images(query)
    assert (ask.with_meta, ask.flat_meta, ask.with_tags) == flags


@pytest.mark.parametrize(
    "query",
    [
        "limit=201", "limit=-1", "limit=abc", "limit=Infinity", "limit=1.5", "limit=1&limit=2", "sort=newest", "sort=",
        "nsfw=", "nsfw=maybe", "period=Forever", "type=gif", "baseModels=Nobody", "withMeta=perhaps", "withMeta=",
        "tags=a", "postId=99999999999", "browsingLevel=-1", "cursor=1&cursor=2",
    ],
)  # fmt: skip
def test_image_parameters_that_do_not_fit_are_refused_in_shape_z(query: str) -> None:
    with pytest.raises(ValidationError) as caught:
        images(query)
    answer = error_answer(caught.value, IMAGES)
    error = json.loads(answer.body)["error"]
    found = json.loads(error["message"])
    assert answer.status == 400
    assert error["name"] == "ZodError"
    assert found[0]["path"][0] == query.partition("=")[0]
    assert {"code", "message", "path"} <= set(found[0])


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        ("", "limit", 100),
        ("limit=0", "limit", 100),
        ("", "sort", ModelSort.HIGHEST_RATED),
        ("sort=Most Liked", "sort", ModelSort.MOST_LIKED),
        ("nsfw=true", "level", 31),
        ("nsfw=True", "level", 31),
        ("nsfw=false", "level", 1),
        ("", "level", None),
        ("types=LORA&types=LoCon", "types", ("LORA", "LoCon")),
        ("types=LORA,LoCon", "types", ("LORA", "LoCon")),
        ("type=TextualInversion", "types", ()),
        ("tag=sea&tagname=ink", "tag", "ink"),
        ("query=&tag=", "tag", None),
        ("query=&tag=", "text", None),
        ("username=Ink Harbor", "username", "ink_harbor"),
        ("user=Ink", "username", "Ink"),
        ("username=&user=Ink", "username", "Ink"),
        ("ids=1,2", "ids", (1, 2)),
        ("ids=1&ids=2", "ids", (1, 2)),
        ("ids=1&query=sea", "ids", ()),
        ("modelVersionIds=5", "version_ids", (5,)),
        ("baseModels=House Blend", "base_models", ("House Blend",)),
        ("checkpointType=Standard", "checkpoint_type", None),
        ("checkpointType=Merge", "checkpoint_type", "Merge"),
        ("periodMode=stats&period=Day", "period_filters", False),
        ("rating=4.5", "limit", 100),
        ("primaryFileOnly=true", "primary_file_only", True),
        ("supportsGeneration=false", "supports_generation", None),
        ("supportsGeneration=true", "supports_generation", True),
        ("archived=anything", "archived", True),
        ("earlyAccess=", "early_access", None),
        ("allowDerivatives=true", "allow_derivatives", True),
        ("allowCommercialUse=Image,Rent", "allow_commercial_use", ("Image", "Rent")),
        ("allowCommercialUse=", "allow_commercial_use", ()),
        ("fileFormats=GGUF", "file_formats", ("GGUF",)),
        ("browsingLevel=3&nsfw=true", "level", 3),
        ("page=2", "page", 2),
        ("page=2&cursor=a|b", "page", None),
        ("collectionId=8", "collection_id", 8),
    ],
)
def test_each_model_parameter_fills_its_field(query: str, field: str, value: Any) -> None:
    assert getattr(models(query).query, field) == value


@pytest.mark.parametrize(
    "query",
    ["limit=201", "page=", "page=0", "rating=good", "types=", "types=Nothing", "nsfw=", "sort=Best", "availability=x"],
)
def test_model_parameters_that_do_not_fit_are_refused(query: str) -> None:
    with pytest.raises(ValidationError):
        models(query)


def test_models_keep_the_order_of_checks() -> None:
    with pytest.raises(Unauthorized):
        models("favorites=false&limit=999")
    assert models("favorites=false", known=True).query.favorites is False
    with pytest.raises(ValidationError):
        models("limit=999&page=999&query=x")
    with pytest.raises(TooManyRequests):
        models("page=11&query=x")
    with pytest.raises(PlainRefusal, match="Cannot use page param with query search"):
        models("page=1&query=x")
    with pytest.raises(Unauthorized, match="not authorized to perform"):
        models("availability=Private")
    assert models("availability=Private&username=ink", known=True).query.availability == "Private"


@pytest.mark.parametrize("read", [images, models])
def test_pages_are_capped_at_a_thousand_rows(read: Any) -> None:
    assert read("limit=100&page=10").page == 10
    with pytest.raises(TooManyRequests) as caught:
        read("limit=100&page=11")
    answer = error_answer(caught.value, MODELS)
    assert answer.status == 429
    assert json.loads(answer.body) == {"error": "You've requested too many pages, please use cursors instead"}
    assert read("limit=100&page=11&cursor=a|1").query.cursor == "a|1"


@pytest.mark.parametrize("read", [images, models])
def test_an_unknown_base_model_lists_the_known_ones_in_both_forms(read: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        read("baseModels=GetModels")
    error = json.loads(error_answer(caught.value, MODELS).body)["error"]
    today = json.loads(error["message"])[0]
    assert today["code"] == "invalid_union"
    listed = today["errors"][0][0]["values"]
    assert set(BASE_MODELS) <= set(listed)
    assert error["issues"][0]["unionErrors"][0]["issues"][0]["options"] == listed
    assert ("House Blend" in listed) == (read is models)


def test_creators_and_tags_take_zero_as_all_and_page_zero_as_first() -> None:
    ask = params.read_creators(pairs("limit=0&page=0&query=ink"))
    assert (ask.query.limit, ask.query.page, ask.page, ask.query.text) == (0, 1, 0, "ink")
    tags = params.read_tags(pairs("sort=Most Images&limit=3"))
    assert (tags.query.sort, tags.query.limit, tags.page) == (TagSort.MOST_IMAGES, 3, 1)
    with pytest.raises(ValidationError):
        params.read_tags(pairs("moderation=true"))


def test_users_are_limited_by_their_ids() -> None:
    assert params.read_users(pairs("ids=1,2,3")).limit == 3
    assert params.read_users(pairs("query=ink&limit=50")).limit == 5
    with pytest.raises(ValidationError):
        params.read_users(pairs("email=a@example.com"))


def test_collections_walk_by_id_and_only_when_newest() -> None:
    query = params.read_collections(pairs("cursor=12&nsfw=yes&query= sea "))
    assert (query.cursor, query.level, query.text, query.sort) == ("12", 31, "sea", CollectionSort.NEWEST)
    with pytest.raises(ValidationError):
        params.read_collections(pairs("cursor="))
    with pytest.raises(PlainRefusal, match="Cursor pagination is only supported"):
        params.read_collections(pairs("cursor=12&sort=Most Followers"))


def test_downloads_understand_the_file_types_of_2022() -> None:
    ask = params.read_download(pairs("type=PrunedModel&format=SafeTensor&size=full&fp=fp16&fileId="))
    assert (ask.wishes.type, ask.wishes.format, ask.wishes.size, ask.file_id) == (
        "Pruned Model", "SafeTensor", "full", None,
    )  # fmt: skip
    with pytest.raises(ValidationError) as caught:
        params.read_download(pairs("type=Nothing"))
    assert caught.value.pretty.endswith("→ at type")
    with pytest.raises(ValidationError):
        params.read_download(pairs("fp=" + "x" * 65))


def test_mini_takes_an_epoch() -> None:
    assert params.read_mini(pairs("epoch=3&modelFileId=5")) == params.MiniAsk(file_id=5, epoch=3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("abc", "✖ Invalid input: expected number, received NaN\n  → at id"),
        ("0", "✖ Too small: expected number to be >0\n  → at id"),
        ("-4", "✖ Too small: expected number to be >0\n  → at id"),
        ("2147483648", "✖ Too big: expected number to be <=2147483647\n  → at id"),
        ("1.5", "✖ Invalid input: expected int, received number\n  → at id"),
    ],
)
def test_ids_in_paths_fail_in_the_documented_words(text: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        params.read_path_id(text)
    assert json.loads(error_answer(caught.value).body) == {"error": words}


def test_a_version_id_of_zero_is_missing() -> None:
    assert params.read_version_id("9001") == 9001
    with pytest.raises(BadRequest, match="Missing modelVersionId"):
        params.read_version_id("0")


def test_hash_lists() -> None:
    good = "ab" * 32
    assert params.read_hashes(json.dumps([good]).encode(), is_json=True, most=100) == (good.upper(),)
    assert params.read_hashes(b"[]", is_json=True, most=100) == ()
    with pytest.raises(TextRefusal, match="Invalid JSON"):
        params.read_hashes(b"[", is_json=True, most=100)
    for body, is_json, words in (
        (b'["abc"]', True, "Invalid hash"),
        (json.dumps([good] * 3).encode(), True, "Too many hashes"),
        (b"", True, "expected array, received undefined"),
        (b'["x"]', False, "expected array, received string"),
        (b"{}", True, "expected array, received object"),
        (b"[1]", True, "expected string, received number"),
    ):
        with pytest.raises(PlainRefusal, match="Request must include an array of SHA256 Hashes") as caught:
            params.read_hashes(body, is_json=is_json, most=2)
        assert words in caught.value.message


@pytest.mark.parametrize(
    ("text", "value"),
    [("", 0), ("  ", 0), (" 7 ", 7), ("1e1", 10), ("0b11", 3), (".5", 0.5), ("+4", 4), ("1_0", None), ("٣", None)],
)
def test_numbers_convert_as_in_javascript(text: str, value: float | None) -> None:
    found = js_number(text)
    assert (found != found) if value is None else found == value


KEYS = (
    "limit", "page", "cursor", "query", "tag", "tagname", "username", "user", "types", "baseModels", "sort",
    "period", "periodMode", "nsfw", "browsingLevel", "ids", "rating", "modelVersionIds", "tags", "type", "withMeta",
    "flatMeta", "withTags", "postId", "modelId", "imageId", "userId", "favorites", "hidden", "followed", "archived",
    "checkpointType", "availability", "fileFormats", "allowCommercialUse", "token", "format", "size", "fp",
    "quantType", "fileId", "epoch", "include", "email",
)  # fmt: skip
WORDS = (
    "0",
    "1",
    "-1",
    "true",
    "True",
    "",
    "abc",
    "1,2",
    "X",
    "Newest",
    "LORA",
    "99999999999999999999",
    "1e400",
    "NaN",
    "\x00",
    "é",
)
TEXTS = st.one_of(st.sampled_from(WORDS), st.text(max_size=12))
PAIRS = st.lists(st.tuples(st.one_of(st.sampled_from(KEYS), st.text(max_size=6)), TEXTS), max_size=8)


@given(PAIRS)
def test_any_pairs_give_a_record_or_one_of_our_errors(found: list[tuple[str, str]]) -> None:
    readers: list[Any] = [
        read_images, lambda p: read_models(p, known=True), params.read_creators, params.read_tags, params.read_users,
        params.read_collections, params.read_download, params.read_mini,
    ]  # fmt: skip
    for read in readers:
        try:
            ask = read(found)
        except PinakoError as error:
            error_answer(error, MODELS)
            continue
        limit = getattr(getattr(ask, "query", ask), "limit", 1)
        assert 0 <= limit <= max(200, len(found) * 12)

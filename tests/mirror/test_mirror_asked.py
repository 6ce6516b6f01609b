"""What a run is asked for: parts, filters, how much, only counting, refreshing; by the program's own words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mirroring import Home, Host

from pinako.client import Client
from pinako.client.hosts import read_address
from pinako.client.records.images import Image
from pinako.client.records.models import Model
from pinako.errors import BadRequest
from pinako.intake.journal import key_of


@pytest.fixture(scope="session")
def images(upstream: Host) -> list[Image]:
    with Client(upstream.address, api_key=upstream.key) as client:
        return list(client.image_feed(level=31))


@pytest.fixture(scope="session")
def model(upstream: Host) -> Model:
    """The model with most versions."""
    with Client(upstream.address) as client:
        found = [client.model_details(row.id) for row in client.model_feed()]
    return max(found, key=lambda one: len(one.model_versions))


@pytest.fixture
def user(images: list[Image]) -> str:
    """Somebody with many images."""
    names = [image.author for image in images if image.author]
    return max(sorted(set(names)), key=names.count)


def of(images: list[Image], user: str) -> list[Image]:
    return [image for image in images if image.author == user]


def rows_of(home: Home) -> dict[int, tuple[Any, ...]]:
    return {row[0]: row for row in home.rows("SELECT id, level, type, published_at, blob FROM images")}


def test_levels_keep_out_what_is_above_them_on_each_engine(
    upstream: Host, tmp_path: Path, database_url: str, images: list[Image], user: str
) -> None:
    home = Home(tmp_path / "home", given={"database_url": database_url})
    report = home.mirror(f"{upstream.address}/user/{user}/images", key=upstream.key, levels=1)
    wanted = {image.id for image in of(images, user) if image.level == 1}
    assert wanted < {image.id for image in of(images, user)}
    assert rows_of(home).keys() == wanted
    assert (report.images, report.missing) == (len(wanted), [])


def test_since_and_limit_and_kind(upstream: Host, home: Home, images: list[Image], user: str) -> None:
    mine = sorted(
        (image for image in of(images, user) if image.published_at), key=lambda image: str(image.published_at)
    )
    middle = mine[len(mine) // 2].published_at
    assert middle is not None
    since = int(middle.timestamp() * 1000)
    home.mirror(f"{upstream.address}/user/{user}/images", key=upstream.key, since=since, types=("image",))
    assert rows_of(home).keys() == {
        image.id for image in mine if image.published_at and image.published_at >= middle and image.type == "image"
    }
    few = Home(home.folder.with_name("few"))
    assert few.mirror(f"{upstream.address}/images", limit=7).images == 7
    assert len(rows_of(few)) == 7


@pytest.mark.parametrize(
    ("page", "asked"),
    [
        ("/search/images?query=lighthouse", "q=lighthouse"),
        ("/images?query=steps%3E20&user={user}&withMeta=true", "q=steps%3E20%20user%3A{user}%20has%3Ameta"),
        ("/search/videos?query=has%3Ameta", "q=has%3Ameta&type=video"),
    ],
)
def test_words_bring_what_the_search_box_finds(upstream: Host, home: Home, user: str, page: str, asked: str) -> None:
    found = upstream.ask(f"/api/v1/images?limit=200&browsingLevel=31&{asked.format(user=user)}", key=upstream.key)
    wanted = {row["id"] for row in found["items"]}
    report = home.mirror(f"{upstream.address}{page.format(user=user)}", key=upstream.key)
    assert rows_of(home).keys() == wanted != set()
    assert (report.missing, report.images) == ([], len(wanted))
    assert home.mirror(f"{upstream.address}{page.format(user=user)}", key=upstream.key).already == len(wanted)


def test_searches_for_users_and_collections_bring_what_is_theirs(upstream: Host, home: Home, user: str) -> None:
    home.mirror(f"{upstream.address}/search/users?query={user}", parts=frozenset())
    assert {id for (id,) in home.rows("SELECT id FROM images")} >= {
        row["id"] for row in upstream.ask(f"/api/v1/images?limit=200&username={user}")["items"]
    }
    few = Home(home.folder.with_name("few"))
    assert few.mirror(f"{upstream.address}/collections?query=a", limit=2).found == 2


def test_a_medium_called_by_its_images_number_is_that_image(upstream: Host, home: Home, images: list[Image]) -> None:
    one, other = images[:2]
    media = f"{upstream.address}/xG1nkqKTMzGDvpLrqFT7WA/{one.url}/width=450"
    with pytest.raises(BadRequest, match="give the page of its image"):
        home.mirror(f"{media}/{other.id}.jpeg")
    with pytest.raises(BadRequest, match="give the page of its image"):
        home.mirror(f"{media}/{one.url}.jpeg")
    assert home.mirror(f"{media}/{one.id}.jpeg").images == 1
    assert rows_of(home).keys() == {one.id}


def test_parts_that_are_not_asked_for_do_not_come(upstream: Host, home: Home, model: Model) -> None:
    page = f"{upstream.address}/models/{model.id}"
    bare = home.mirror(page, parts=frozenset())
    assert (bare.models, bare.files, bare.images, bare.fetched) == (1, 0, 0, 0)
    files = home.mirror(page, parts=frozenset({"models"}))
    assert (files.models, files.images) == (0, 0)
    assert files.files == home.rows("SELECT COUNT(*) FROM model_files WHERE blob IS NOT NULL")[0][0] > 0
    shown = home.mirror(page, parts=frozenset({"gallery", "previews"}))
    assert shown.images > 0
    assert [row for row in rows_of(home).values() if row[4] is not None] == []
    whole = home.mirror(page)
    assert whole.fetched == len(rows_of(home))
    assert whole.files == 0
    assert None not in {row[4] for row in rows_of(home).values()}


def test_base_models_and_sizes_leave_files_out(upstream: Host, home: Home, model: Model) -> None:
    page = f"{upstream.address}/models/{model.id}"
    none = home.mirror(page, base_models=("Some Other Base",), parts=frozenset({"models"}))
    assert (none.models, none.files) == (1, 0)
    small = home.mirror(page, file_limit=10, parts=frozenset({"models"}))
    assert (small.files, small.missing_count) == (0, 0)
    assert small.left_out > 0
    assert home.mirror(page, parts=frozenset({"models"})).files == small.left_out


def test_a_kind_leaves_the_other_kinds_of_a_page_out(upstream: Host, home: Home, model: Model) -> None:
    assert model.creator is not None
    page = f"{upstream.address}/user/{model.creator.username}"
    seen = home.mirror(page, types=("image",), dry=True)
    assert seen.images > 0
    assert (seen.models, seen.files) == (0, 0)
    models = home.mirror(page, types=(model.type,), parts=frozenset({"models"}), dry=True)
    assert models.models > 0
    assert models.images == 0


def test_filters_are_read_in_any_case(upstream: Host, home: Home, model: Model) -> None:
    words = ["--type", "Video", "--type", model.type.lower(), "--base-model", "sdxl 1.0", "--base-model", "New One"]
    assert home.program("mirror", f"{upstream.address}/models/{model.id}", *words, "--with", "tags")[0] == 0
    [options] = [json.loads(row[0]) for row in home.rows("SELECT options FROM mirror_targets")]
    assert options["types"] == ["Video", model.type]
    assert options["base_models"] == ["SDXL 1.0", "New One"]


def test_a_dry_run_counts_and_writes_nothing(upstream: Host, home: Home, images: list[Image], user: str) -> None:
    page = f"{upstream.address}/user/{user}/images"
    dry = home.mirror(page, key=upstream.key, dry=True)
    assert (dry.found, dry.images, dry.missing) == (len(of(images, user)), len(of(images, user)), [])
    assert rows_of(home) == {}
    assert home.rows("SELECT COUNT(*) FROM mirror_targets") == [(0,)]
    real = home.mirror(page, key=upstream.key)
    sizes = home.rows("SELECT SUM(b.size) FROM images i JOIN blobs b ON b.sha256 = i.blob")
    assert (dry.expected_bytes, real.bytes) == (sizes[0][0], sizes[0][0])
    again = home.mirror(page, key=upstream.key, dry=True)
    assert (again.already, again.expected_bytes, again.sentence()) == (dry.found, 0, f"{dry.found} already here")


def test_a_dry_run_over_several_pages_counts_as_the_run_itself(upstream: Host, home: Home, model: Model) -> None:
    pages = [f"{upstream.address}/models/{model.id}", f"{upstream.address}/collections/{collection_of(upstream)}"]
    pages += [pages[0], f"{upstream.address}/images/1"]
    dry, real = (home.mirror(*pages, key=upstream.key, dry=dry) for dry in (True, False))
    for name in ("images", "posts", "models", "files", "collections", "missing"):
        assert getattr(dry, name) == getattr(real, name), name
    assert dry.expected_bytes == real.bytes > 0


def collection_of(upstream: Host) -> int:
    with Client(upstream.address, api_key=upstream.key) as client:
        return next(one.id for one in client.collection_feed() if one.type == "Image")


def test_the_program_reads_lists_and_refreshes_everything(
    upstream: Host, home: Home, images: list[Image], tmp_path: Path
) -> None:
    shown = [image for image in images if image.level == 1][:3]
    listed = tmp_path / "pages.txt"
    listed.write_text("\n".join(["# pages", "", *(f"{upstream.address}/images/{one.id}" for one in shown[:2])]))
    words = ["--with", "media", "--level", "1", "--type", "image"]
    code, [*events, report], complaints = home.program(
        "mirror", *words, "--list", str(listed), f"{upstream.address}/images/{shown[2].id}"
    )
    assert (code, complaints) == (0, "")
    assert (report["images"], report["event"]) == (3, "report")
    assert {event["id"] for event in events if event["entity"] == "image"} == {one.id for one in shown}
    [options] = {row[0] for row in home.rows("SELECT options FROM mirror_targets")}
    assert json.loads(options)["parts"] == ["media"]
    code, [*_, again], _ = home.program("mirror", "--all")
    assert (code, again["images"], again["fetched"], again["alreadyHere"]) == (0, 0, 0, 3)
    assert home.program("mirror")[0] == 2
    code, [dry], _ = home.program("mirror", "--dry-run", *words, f"{upstream.address}/images/{shown[0].id}")
    assert (code, dry["found"], dry["alreadyHere"], dry["images"]) == (0, 1, 1, 0)


def test_what_is_missing_is_said_with_its_reason(upstream: Host, home: Home) -> None:
    code, [*_, report], complaints = home.program("mirror", f"{upstream.address}/images/1")
    assert (code, complaints) == (1, "")
    [missing] = report["items"]
    assert (missing["entity"], missing["id"], missing["state"]) == ("image", 1, "not found")
    [nobody] = home.mirror("http://127.0.0.1:9/images/1").missing
    assert (nobody.state, "No answer" in nobody.reason) == ("failed", True)


def test_quiet_says_only_what_is_missing(upstream: Host, home: Home, images: list[Image]) -> None:
    page = f"{upstream.address}/images/{images[0].id}"
    assert home.program("mirror", page, "--quiet") == (0, [], "")
    code, [report], complaints = home.program("mirror", "--quiet", page, f"{upstream.address}/images/1")
    assert (code, report["missing"], complaints) == (1, 1, "")


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("/images", "shows everything"),
        ("/images?sort=Newest&period=Day&utm_source=x", "shows everything"),
        ("/images?tags=no-such-tag-anywhere", "knows no tag"),
        (f"/images?tags={'9' * 5000}", "knows no tag '9{80}'"),
        ("/posts?tags=%D9%A1%D9%A2", "knows no tag"),
        (f"/images?tools={'9' * 5000}", "'tools' is by number"),
        ("/images?techniques=%C2%B2", "'techniques' is by number, and '²' is none"),
        ("/images?tags=5&hidden=true", "'hidden' cannot be asked"),
    ],
)
def test_a_page_whose_filters_cannot_be_asked_is_refused_not_flooded(
    upstream: Host, home: Home, page: str, said: str
) -> None:
    with pytest.raises(BadRequest, match=said):
        home.mirror(upstream.address + page)
    for table in ("images", "mirror_targets"):
        assert home.rows(f"SELECT COUNT(*) FROM {table}") == [(0,)], table


def test_a_thing_is_one_target_from_wherever_it_was_pasted(upstream: Host, home: Home) -> None:
    id = upstream.ask("/api/v1/images?limit=1")["items"][0]["id"]
    for page in (f"/images/{id}", f"/images/{id}?postId=9&tags=4", f"/images?imageId={id}"):
        home.mirror(upstream.address + page)
    assert home.rows("SELECT COUNT(*) FROM mirror_targets") == [(1,)]
    keys = {
        key_of(read_address(f"{host}/posts/7")) for host in ("civitai.com", "http://www.civitai.red", "civitai.green")
    }
    assert len(keys) == 1


def test_an_address_that_cannot_be_read_keeps_no_other_back(upstream: Host, home: Home) -> None:
    id = upstream.ask("/api/v1/images?limit=1")["items"][0]["id"]
    page = f"{upstream.address}/images/{id}"
    code, told, _ = home.program("mirror", "--list", "-", said=f"no such page\n{page}\n")
    assert (code, told[-1]["images"], told[-1]["missing"], told[-1]["items"][0]["entity"]) == (1, 1, 1, "address")

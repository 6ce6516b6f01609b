"""Every page of the gallery over its door: it answers, it is safe, and what it links to is there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from visiting import HOST, Visit, opened

import demo_library
import pinako.web.gallery as gallery
from pinako.feed import documents
from pinako.services import access
from pinako.services.around import Lookalikes
from pinako.web.gallery.strings import WORDS
from pinako.web.health import VERSION

PACKAGE = Path(gallery.__file__).parent
TEMPLATES = PACKAGE.parent / "templates"
OWNED = ("/duplicates", "/missing", "/mirrors", "/imports", "/storage")


class Page(HTMLParser):
    """What a browser would see of a page's markup."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]

    def links(self) -> Iterator[str]:
        for attrs in self.all("a"):
            if attrs.get("href"):
                yield attrs["href"] or ""


def ids_of(visit: Visit) -> dict[str, int]:
    """Some public thing of each kind."""
    read = visit.library.database.read()
    return {
        "image": read.value("SELECT id FROM images WHERE level = 1 AND type = 'image' AND has_meta = 1 ORDER BY id"),
        "video": read.value("SELECT id FROM images WHERE level = 1 AND type = 'video' ORDER BY id"),
        "post": read.value("SELECT id FROM posts WHERE level = 1 AND published_at IS NOT NULL ORDER BY id"),
        "model": read.value("SELECT id FROM models WHERE level = 1 AND status = 'Published' ORDER BY id"),
        "collection": read.value("SELECT id FROM collections WHERE read = 'Public' AND type = 'Image' ORDER BY id"),
    }


def addresses(visit: Visit) -> list[str]:
    """One of every page that a stranger may open."""
    ids = ids_of(visit)
    return [
        "/", "/images", "/videos", "/posts", "/models", "/collections", "/tags", "/tag/sea", "/search/help", "/login",
        *(f"/search/{kind}?query=a" for kind in ("images", "models", "posts", "users", "collections", "tags")),
        f"/images/{ids['image']}", f"/images/{ids['video']}", f"/posts/{ids['post']}", f"/models/{ids['model']}",
        f"/collections/{ids['collection']}", "/user/inkharbor",
        *(f"/user/inkharbor/{section}" for section in ("images", "videos", "posts", "models", "collections")),
        "/images?query=harbour&sort=Oldest&period=Year&types=image&baseModels=SDXL+1.0&tags=sea&excludedTags=night&withMeta=true",
    ]  # fmt: skip


def check_safe(answer: Any) -> None:
    """A strict policy, and nothing in the markup that it would forbid."""
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    assert f"<span>Pinako {VERSION}</span>" in answer.text, (
        "what a page calls its own must not be taken for the site's version"
    )
    page = Page(answer.text)
    assert all(attrs.get("src", "").startswith("/static/") for attrs in page.all("script"))  # type: ignore[union-attr]
    assert not page.all("style")
    for tag, attrs in page.tags:
        assert "style" not in attrs, (tag, attrs)
        assert not any(name.startswith("on") for name in attrs), (tag, attrs)
    for attrs in (*page.all("img"), *page.all("link"), *page.all("video"), *page.all("audio")):
        for name in ("src", "href", "poster"):
            assert not (attrs.get(name) or "/").startswith(("http", "//", "data:")), attrs


def test_every_page_answers_a_stranger_and_is_safe(visit: Visit) -> None:
    for address in addresses(visit):
        answer = visit.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"].startswith(("private", "max-age=0, private", "no-store"))
        check_safe(answer)


def test_every_page_answers_its_owner_and_is_safe(visit: Visit) -> None:
    for address in (*addresses(visit), *OWNED, "/collections?mine=true", "/settings", "/user/owner"):
        answer = visit.get(address, owner=True, cookies="pinako-level=31; pinako-theme=dark")
        assert answer.status_code == 200, address
        assert 'data-theme="dark"' in answer.text
        check_safe(answer)


def test_keepers_pages_are_closed_to_others(visit: Visit) -> None:
    for address in OWNED:
        answer = visit.get(address)
        assert answer.status_code == 401
        assert "/login" in answer.text


def test_what_pages_link_to_is_there(visit: Visit) -> None:
    seen: set[str] = set()
    waiting = ["/", f"/images/{ids_of(visit)['image']}", f"/models/{ids_of(visit)['model']}"]
    while waiting and len(seen) < 150:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = visit.client.get(path, headers={"accept": "text/html"})
        assert answer.status_code < 400, path
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        for link in Page(answer.text).links():
            target = urlsplit(urljoin(HOST + path, link))
            local = f"{target.path}{'?' + target.query if target.query else ''}"
            if target.netloc == urlsplit(HOST).netloc and local not in seen and not target.path.startswith("/api/"):
                waiting.append(local)
    assert len(seen) == 150


def test_the_first_pictures_are_in_the_page_as_served_and_can_be_had(visit: Visit) -> None:
    page = Page(visit.get("/images").text)
    pictures = [attrs for attrs in page.all("img") if "srcset" in attrs]
    assert len(pictures) >= 40
    assert all(attrs["alt"] and attrs["width"] and attrs["height"] for attrs in pictures)
    picture = visit.client.get(pictures[0]["src"] or "")
    assert picture.status_code == 200
    assert picture.headers["content-type"].startswith("image/")


def test_a_wall_goes_on_where_it_ended_without_scripts_and_with_them(visit: Visit) -> None:
    first = visit.get("/images?sort=Newest")
    more = next(attrs["href"] for attrs in Page(first.text).all("a") if attrs.get("rel") == "next")
    shown = re.findall(r'data-id="(\d+)"', first.text)
    second = re.findall(r'data-id="(\d+)"', visit.get(more or "").text)
    assert second
    assert not set(shown) & set(second)
    part = json.loads(visit.get(f"{more}&part=items").text)
    assert [str(item["id"]) for item in part["items"]] == second
    assert all(f'data-id="{item["id"]}"' in item["html"] for item in part["items"])


def test_the_whole_wall_has_every_picture_once(visit: Visit) -> None:
    found, cursor = [], ""
    while True:
        part = json.loads(visit.get(f"/images?part=items&sort=Most+Reactions&cursor={cursor}").text)
        found += [item["id"] for item in part["items"]]
        if part["next"] is None:
            break
        cursor = part["next"]
    listed = visit.client.get("/api/v1/images?limit=200&sort=Newest").json()["items"]
    assert len(found) == len(set(found))
    assert {item["id"] for item in listed if not item["nsfw"]} <= set(found)


def test_levels_of_the_cookie_narrow_and_never_widen(visit: Visit) -> None:
    levels = dict(visit.library.database.read().rows("SELECT id, level FROM images"))

    def shown(path: str, **given: object) -> set[int]:
        return {levels[int(id)] for id in re.findall(r'data-id="(\d+)"', visit.get(path, **given).text)}  # type: ignore[arg-type]

    assert shown("/images", cookies="pinako-level=31") == {1}
    assert shown("/images?browsingLevel=31") == {1}
    assert shown("/images?sort=Random", owner=True, cookies="pinako-level=12") <= {4, 8}
    assert shown("/images", owner=True) == {1}


def test_levels_are_a_filter_of_lists_that_the_address_keeps(visit: Visit) -> None:
    levels = dict(visit.library.database.read().rows("SELECT id, level FROM images"))
    answer = visit.get("/images?browsingLevel=4&browsingLevel=8&period=AllTime&followed=", owner=True)
    boxes = [one for one in Page(answer.text).all("input") if one.get("name") == "browsingLevel" and one.get("value")]
    form = answer.text.split("data-filters", 1)[1].split("</form>", 1)[0]
    assert [box["value"] for box in boxes[-5:] if "checked" in box] == ["4", "8"]
    assert form.count('name="browsingLevel"') == 5
    assert {levels[int(id)] for id in re.findall(r'data-id="(\d+)"', answer.text)} == {4, 8}
    assert ">R X<" in re.sub(r"\s*([<>])\s*", r"\1", answer.text)
    assert 'name="browsingLevel"' not in visit.get("/images").text.split("data-filters", 1)[1].split("</form>", 1)[0]


def test_levels_in_words_and_in_the_address_are_both_kept(visit: Visit) -> None:
    def shown(query: str, level: int = 31) -> int:
        page, rest = f"/images?query={query}&browsingLevel={level}", f"/api/v1/images?q={query}&browsingLevel={level}"
        found = visit.get(rest, owner=True, accept="application/json").json()["items"]
        assert bool(found) == ('data-id="' in visit.get(page, owner=True).text)
        return len(found)

    assert shown("level:r") > 0
    assert shown("level:r", 4) == shown("level:r")
    assert shown("level:r", 1) == shown("level:pg+level:r") == shown("-level:all") == 0


def test_a_name_in_quotes_is_suggested_while_it_is_typed(visit: Visit) -> None:
    name = next(
        name for (name,) in visit.library.database.read().rows("SELECT name FROM models WHERE id > 0") if " " in name
    )
    begun = f'harbour model:"{name[: name.index(" ") + 2]}'
    told = visit.client.get("/search/suggest", params={"text": begun}).json()
    assert f'harbour model:"{name}" ' in [one["value"] for one in told]
    assert visit.client.get("/search/suggest", params={"text": f'model:"{name}" '}).json() == []


def test_a_page_that_did_not_change_is_not_sent_again(visit: Visit) -> None:
    first = visit.get("/images?sort=Newest")
    again = visit.get("/images?sort=Newest", **{"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert not again.content


def test_assets_are_kept_for_ever_under_names_of_their_content(visit: Visit) -> None:
    page = Page(visit.get("/").text)
    names = {attrs["src"] for attrs in page.all("script")} | {
        attrs["href"] for attrs in page.all("link") if attrs.get("rel") == "stylesheet"
    }
    seen: set[str] = set()
    waiting = [name or "" for name in names]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        answer = visit.client.get(name)
        assert answer.status_code == 200, name
        assert "immutable" in answer.headers["cache-control"]
        assert re.search(r"\.[0-9a-f]{12}\.(js|css)$", name)
        assert "http://" not in answer.text.replace("http://www.w3.org/", "")
        waiting += [urljoin(name, found) for found in re.findall(r'(?:from|import) "([^"]+)"', answer.text)]
    assert len(seen) > 8
    assert visit.client.get("/static/gallery.000000000000.js").status_code == 404
    assert visit.client.get("/static/../pages.py").status_code == 404


@pytest.mark.parametrize(
    "path", ["/nothing", "/images/1", "/images/abc", "/models/99999999999", "/user/nobody_here", "/posts/0"]
)
def test_what_is_not_there_is_a_page_for_people(visit: Visit, path: str) -> None:
    answer = visit.get(path)
    assert answer.status_code == 404
    assert WORDS["error.404.title"] in answer.text
    check_safe(answer)


def test_what_is_not_there_is_a_line_for_programs(visit: Visit) -> None:
    answer = visit.client.get("/nothing", headers={"accept": "application/json"})
    assert (answer.status_code, answer.text) == (404, "Not found")
    assert visit.client.get("/api/nothing").json() == {"error": "Not found"}


def test_a_search_that_cannot_be_read_says_why(visit: Visit) -> None:
    answer = visit.get("/images?query=steps%3Emany")
    assert answer.status_code == 200
    assert "steps&gt;many" in answer.text
    assert "steps:30" in answer.text


def test_a_foreign_cursor_is_a_page_that_says_so(visit: Visit) -> None:
    answer = visit.get("/images?cursor=nonsense")
    assert answer.status_code == 400
    assert WORDS["error.400.title"] in answer.text


def test_markup_in_texts_stays_text(visit: Visit) -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    for path in (
        "/images?query={}",
        "/search/tags?query={}",
        "/tags?query={}",
        "/tag/{}",
        "/models?query={}",
        "/user/{}",
    ):
        answer = visit.get(path.format(evil))
        assert "<script>alert" not in answer.text
        check_safe(answer)


def test_look_alikes_are_answered_while_their_index_is_made_anew(visit: Visit) -> None:
    read, making = visit.library.database.read(), list[Callable[[], None]]()
    alike = Lookalikes(visit.library, making.append, lasts_s=-1)
    viewer = access.viewer_of_session(read, visit.session, visit.library.now(), visit.library.caps)
    ids = [row[0] for row in read.rows("SELECT id FROM images WHERE phash <> 0 ORDER BY id LIMIT 40")]
    first = {id: alike.of(viewer, id, 10) for id in ids}
    assert any(first.values())
    assert not making, "nothing changed"
    with visit.library.database.write() as w:
        w.note("image", ids[0], "u")
    assert {id: alike.of(viewer, id, 10) for id in ids} == first
    (renew,) = making  # once, however many ask meanwhile
    renew()
    assert {id: alike.of(viewer, id, 10) for id in ids} == first
    assert len(making) == 1, "made anew, it is right again"


HOSTILE = """'"><x-evil onload=alert(1)>&lt;x-evil&gt;</x-evil> {{ 7 * 7 }}"""
WRITTEN = {
    "images": ("name", "media_key", "blurhash"), "posts": ("title", "detail"), "models": ("name", "description", "type"),
    "model_versions": ("name", "base_model", "description"), "model_files": ("name",), "tags": ("name",),
    "users": ("username",), "collections": ("name", "description"),
}  # fmt: skip
"""What people and files write, as far as pages show it."""


def test_hostile_text_in_every_field_is_text_on_every_page(shared: Path, tmp_path: Path) -> None:
    with opened(demo_library.copy_of(demo_library.pristine(shared), tmp_path / "demo")) as visit:
        whole = addresses(visit)
        database = visit.library.database
        with database.write() as w:
            for table, columns in WRITTEN.items():
                for column in columns:
                    w.run(f"UPDATE {table} SET {column} = {column} || ?", (HOSTILE,))
            making = json.dumps(
                {"generator": HOSTILE, "prompt": HOSTILE, "negative_prompt": HOSTILE, "sampler": HOSTILE}
            )
            meta = json.dumps({"prompt": HOSTILE, "negativePrompt": HOSTILE, "sampler": HOSTILE, HOSTILE: HOSTILE})
            w.run("UPDATE image_meta SET site_meta = ?, generation = ?", (meta, making))
            for table, entity in (("images", "image"), ("posts", "post"), ("models", "model")):
                ids = [row[0] for row in w.rows(f"SELECT id FROM {table} ORDER BY id")]
                documents.remake(w, entity, ids, database.now())
                for id in ids:
                    w.note(entity, id, "u")
        seen = 0
        for address in (*whole, *OWNED, "/settings", "/collections?mine=true", "/images?part=items"):
            answer = visit.get(address, owner=True)
            assert answer.status_code in (200, 404), (
                address
            )  # some are named in their address, and have another name now
            page = Page(answer.text if "html" in answer.headers["content-type"] else "".join(pieces(answer.json())))
            assert not [tag for tag, attrs in page.tags if "evil" in tag or any(n.startswith("on") for n in attrs)], (
                address
            )
            assert "49" not in {attrs.get("alt") for attrs in page.all("img")}
            seen += "x-evil" in answer.text
        assert seen > 20


def pieces(part: Any) -> list[str]:
    return [item["html"] for item in part["items"]]


def test_copies_of_how_a_picture_was_made(visit: Visit) -> None:
    read = visit.library.database.read()
    sql = "SELECT i.id FROM images i WHERE i.level = 1 AND i.hide_meta = 0 AND i.generator = ? ORDER BY i.id"
    made = visit.get(f"/images/{read.value(sql, ('a1111',))}?part=a1111", owner=True)
    assert "Steps: " in made.text
    graph = visit.get(f"/images/{read.value(sql, ('comfyui',))}?part=workflow", owner=True)
    assert isinstance(json.loads(graph.text), dict)


def test_a_link_of_the_original_leads_to_the_version(visit: Visit) -> None:
    read = visit.library.database.read()
    sql = (
        "SELECT v.model_id, v.id, v.name FROM model_versions v JOIN models m ON m.id = v.model_id WHERE m.level = 1 "
        "AND v.level = 1 AND m.status = 'Published' AND v.status = 'Published' AND v.idx > 0"
    )
    model, version, name = read.row(sql) or (0, 0, "")
    for path in (
        f"/models/{model}?modelVersionId={version}",
        f"/models/{model}/some-name?modelVersionId={version}",
        f"/model-versions/{version}",
    ):
        assert f'modelVersionId={version}" aria-current="page">{name}' in visit.get(path).text


def test_every_string_that_is_said_is_written_down_and_every_one_written_down_is_said() -> None:
    sources = [path for path in (*TEMPLATES.glob("*.html"), *PACKAGE.glob("*.py")) if "strings" not in path.name]
    text = "\n".join(path.read_text() for path in sources)
    scripts = "\n".join(path.read_text() for path in (PACKAGE.parent / "static").glob("*.js"))
    said = set(re.findall(r'\b(?:t|say)\(\s*"([a-z][\w.]*\w)"[,)]', text))
    assert said <= set(WORDS)
    # Keys that are put together: `t("period." + word)`, `say(f"period.{word}")`, `t(key + ".title")`.
    begun = (*re.findall(r'\b(?:t|tn|say)\(\s*f?"([a-z.]+\.)(?:"|\{)', text), "error.", "menu.")
    # Suggestions are named by the word that the server sends.
    looked_up = ("tag", "model", "user", "prompt", *re.findall(r"words\[`(\w+)\$", scripts))
    assert {f"js.{name}" for name in re.findall(r"\bwords\.(?!js\b)(\w+)", scripts)} <= set(WORDS)
    for key in WORDS:
        if key.startswith("js."):
            name = key.removeprefix("js.")
            assert f"words.{name}" in scripts or name.startswith(looked_up) or f'"{key}"' in text, key
        else:
            plain = key.removesuffix(".one").removesuffix(".other")
            assert f'"{key}"' in text or f'"{plain}"' in text or key.startswith(begun), key


@pytest.mark.parametrize(
    ("field", "word"), [("user", "inkharbor"), ("model", "Harbor Lights"), ("lora", "nobody's lora")]
)
def test_fields_of_the_filter_form_are_words_of_the_search_box(visit: Visit, field: str, word: str) -> None:
    by_field = visit.get(f"/images?part=items&{urlencode({field: word})}").json()
    said = urlencode({"query": f'{field}:"{word}"'})
    by_words = visit.get(f"/images?part=items&{said}").json()
    assert [one["id"] for one in by_field["items"]] == [one["id"] for one in by_words["items"]]
    assert bool(by_field["items"]) is (field != "lora")
    shown = Page(visit.get(f"/images?{urlencode({field: word, 'sort': 'Oldest'})}").text)
    assert [found["value"] for found in shown.all("input") if found.get("name") == field] == [word]


def test_a_tag_that_is_not_here_finds_nothing_instead_of_everything(visit: Visit) -> None:
    for path in ("/images?tags=5133,no+such+tag", "/images?tags=2147483646", "/posts?tags=no+such+tag"):
        page = visit.get(path).text
        assert 'class="tile' not in page
        assert 'class="card' not in page
        assert 'class="chip' in page, "what is asked can be taken away"
    assert 'class="tile' in visit.get("/images?excludedTags=no+such+tag").text
    names = visit.library.database.read().rows("SELECT name FROM tags WHERE name LIKE '% %' LIMIT 1")
    assert 'class="tile' in visit.get(f"/tag/{names[0][0].replace(' ', '+')}").text


def test_videos_are_searched_as_a_kind(visit: Visit) -> None:
    found = visit.get("/search/videos").text
    assert "data-video=" in found
    assert found.count("data-video=") == found.count('class="tile')

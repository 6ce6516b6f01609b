"""No page ever shows what the rules hide from whoever looks: random libraries, every caller, every page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from visiting import Visit, opened

MASKS = (1, 31)


def seeds() -> Iterator[Any]:
    """A few quick ones, and many slow ones."""
    yield 0
    yield from (pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))


def pages(oracle: Any) -> Iterator[str]:
    """Every page, by everything that narrows."""
    for mask in MASKS:
        for path in ("/images", "/videos", "/posts", "/models", "/images?part=items", "/models?part=items"):
            yield f"{path}{'&' if '?' in path else '?'}browsingLevel={mask}"
        yield f"/images?query=common&browsingLevel={mask}"
    yield from ("/", "/collections", "/collections?mine=true", "/tags", "/tags?query=zq", "/search/tags?query=zq")
    yield from ("/search/suggest?text=zq", "/search/suggest?text=zq&only=tags", "/search/models?query=zqmodel")
    yield from (
        "/search/posts?query=zqpost&browsingLevel=31",
        "/search/collections?query=zqset",
        "/search/users?query=a",
    )
    for user in ("alice", "bob", "carol"):
        for section in ("", "/images", "/posts", "/models", "/collections"):
            yield f"/user/{user}{section}?browsingLevel=31"
        yield f"/images?query=user:{user}%20level:all"
    for id in oracle.images:
        yield from (
            f"/images/{id}",
            f"/images/{id}?part=panel",
            f"/images/{id}?part=similar",
            f"/images/{id}?part=a1111",
        )
        yield f"/images?query=seed:{id}%20level:all"
        yield f"/tag/zqtag{id}qz?browsingLevel=31"
    for id in oracle.posts:
        yield from (f"/posts/{id}", f"/images?postId={id}&browsingLevel=31")
    for id in oracle.models:
        yield from (
            f"/models/{id}",
            f"/images?modelId={id}&browsingLevel=31",
            f"/images?query=model:zqmodel{id}qz%20level:all",
        )
    for id in oracle.versions:
        yield from (f"/model-versions/{id}", f"/images?modelVersionId={id}&browsingLevel=31")
    for id in oracle.collections:
        yield from (f"/collections/{id}?browsingLevel=31", f"/images?collectionId={id}&browsingLevel=31")
        yield f"/images?query=collection:zqset{id}qz%20level:all"


def ask(visit: Visit, who: Any, path: str) -> Any:
    """One page as this caller."""
    headers = {"accept": "text/html", "cookie": "pinako-level=31" if who.cap == 31 and who.browsing else ""}
    if who.key:
        headers["authorization"] = f"Bearer {who.key}"
    return visit.client.get(path, headers=headers)


@pytest.mark.parametrize("seed", list(seeds()))
def test_no_page_shows_what_is_hidden(seed: int, tmp_path: Path) -> None:
    from worlds import Oracle, make_world

    with opened(tmp_path / "library", public_level=(1, 3, 31, 7)[seed % 4]) as visit:
        world = make_world(visit.library, seed)
        visit.library.feeds.catch_up()
        oracle = Oracle(visit.library)
        shown = 0
        for who in world.callers:
            hidden = oracle.hidden_marks(who, gone=True)
            for path in pages(oracle):
                answer = ask(visit, who, path)
                assert answer.status_code in (200, 400, 404), (who.name, path, answer.status_code)
                # What the page says because it was asked for is no leak: the question is not the answer.
                text = answer.text.replace(path, "")
                found = {mark: thing for mark, thing in hidden.items() if mark in text and mark not in path}
                assert not found, (who.name, path, found)
                shown += len(text)
        assert shown > 100_000

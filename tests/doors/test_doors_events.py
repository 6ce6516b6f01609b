"""Server-sent events: every process's writes within a second, only what the caller may see, and no end held up."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from acting import actor
from asking import opened
from worlds import Who, make_world

import demo_library
import real_server
from pinako.services import access, events, react
from pinako.services.events import Happened
from pinako.web.events import MOST, Client


class Listener:
    """A client of `/api/events`."""

    def __init__(self, address: str, headers: dict[str, str] | None = None) -> None:
        self._client = httpx2.Client(base_url=address, headers=headers or {}, timeout=60)
        self._sending = self._client.stream("GET", "/api/events")
        self.answer = self._sending.__enter__()
        self.lines = self.answer.iter_lines()
        assert "told from here" in self.until(lambda line: line.startswith(":"))

    def until(self, wanted: Callable[[str], bool]) -> str:
        """The next line of that kind."""
        return next(line for line in self.lines if wanted(line))

    def change(self, entity: str, id: int) -> Any:
        """The next event about a thing."""
        word = f'"entity":"{entity}","id":{id},'
        return json.loads(
            self.until(lambda line: word in line or line.endswith(word[:-1] + "}")).removeprefix("data: ")
        )

    def close(self) -> None:
        """Hang up."""
        self._sending.__exit__(None, None, None)
        self._client.close()


@pytest.fixture(scope="module")
def two(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[real_server.Server, str]]:
    """Two workers over a demo library, and its owner's key."""
    original = demo_library.pristine(shared)
    folder = demo_library.copy_of(original, tmp_path_factory.mktemp("events") / "library")
    with real_server.serving(folder, "--workers", "2") as server:
        yield server, demo_library.info_of(original).owner_key


def test_every_workers_streams_hear_of_every_workers_writes_and_none_holds_up_the_end(
    two: tuple[real_server.Server, str],
) -> None:
    server, key = two
    owner = {"Authorization": f"Bearer {key}"}
    image = httpx2.get(server.url("/api/v1/images?limit=1"), timeout=60).json()["items"][0]["id"]
    listeners = [Listener(server.address) for _ in range(6)]  # both workers have some, in all likelihood
    react = {"json": {"entityId": image, "entityType": "image", "reaction": "Heart"}}
    begun = time.monotonic()
    assert (
        httpx2.post(server.url("/api/trpc/reaction.toggle"), json=react, headers=owner, timeout=60).status_code == 200
    )
    told = [listener.change("image", image) for listener in listeners]
    assert time.monotonic() - begun < 30  # a second where nothing else is done; this machine may be busy
    assert len({one["counts"]["heart"] for one in told}) == 1
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=120) == 0
    assert "cut off" not in server.log.read_text(), "streams held up the end"
    for listener in listeners:
        listener.close()


def test_events_tell_what_the_caller_may_see_and_nothing_else(tmp_path: Path) -> None:
    with opened(tmp_path / "library") as doors:
        world = make_world(doors.library, 1)
        from worlds import Oracle

        oracle = Oracle(doors.library)
        every = [(kind, id) for kind, ids in _all(oracle).items() for id in ids]
        for who in world.callers:
            told = {(one.entity, one.id): one for one in events.visible(doors.library, _viewer(doors, who), every)}
            for id in oracle.images:
                trashed = oracle.images[id]["deleted_at"] is not None
                if ("image", id) in told:
                    assert told["image", id].gone is trashed
                    assert trashed or oracle.sees_image(id, who) or oracle.images[id]["user_id"] == who.user_id
                else:
                    assert trashed or not oracle.sees_image(id, who)
            for id in (id for kind, id in told if kind == "post"):
                assert told["post", id].gone is (oracle.posts[id]["deleted_at"] is not None)
                assert told["post", id].gone or oracle.sees_post(id, who)
            assert {id for kind, id in told if kind == "model"} == {
                id for id in oracle.models if oracle.sees_model(id, who)
            }
            assert {id for kind, id in told if kind == "collection"} == {
                id for id in oracle.collections if oracle.sees_collection(id, who)
            }


def _all(oracle: Any) -> dict[str, list[int]]:
    return {
        "image": [*oracle.images],
        "post": [*oracle.posts],
        "model": [*oracle.models],
        "collection": [*oracle.collections],
    }


def _viewer(doors: Any, who: Who) -> Any:
    library = doors.library
    if who.key is None:
        return access.anonymous(library.caps)
    return access.viewer_of_key(library.database.read(), who.key, library.caps)[0]


def test_what_a_slow_client_has_not_taken_is_bounded() -> None:
    client = Client()
    client.add([("image", id) for id in range(MOST)])
    assert client.take() == ([("image", id) for id in range(MOST)], False)
    client.add([("image", 1), ("image", 2), ("image", 1)])
    client.add([("image", id) for id in range(MOST)])
    assert client.take() == ([], True)
    assert client.take() == ([], False)
    client.add(())
    assert client.take() == ([], True)


def test_a_page_is_told_once_that_what_it_shows_was_hidden(tmp_path: Path) -> None:
    with opened(tmp_path / "library") as doors:
        owl, stranger = actor(doors, "owl"), access.anonymous(doors.library.caps)
        shelf, secret = (
            ("collection", owl.do("collection.upsert", {"name": name, "type": "Image", "read": read})["id"])
            for name, read in (("Lamps", "Public"), ("Secret", "Private"))
        )
        both = [shelf, secret]
        client, other = Client(frozenset(both)), Client()

        def told(client: Client) -> list[Happened]:
            return client.follow(both, events.visible(doors.library, stranger, both))

        assert told(client) == told(other) == []
        for read, expected in (("Private", [Happened(entity="collection", id=shelf[1], gone=True)]), ("Private", [])):
            owl.do("collection.upsert", {"id": shelf[1], "name": "Lamps", "read": read})
            assert (told(client), told(other)) == (expected, [])
        owl.do("collection.upsert", {"id": shelf[1], "name": "Lamps", "read": "Public"})
        assert told(client) == []
        owl.do("collection.upsert", {"id": shelf[1], "name": "Lamps", "read": "Private"})
        assert [one.id for one in told(client)] == [shelf[1]], "met once more, and hidden once more"


def test_a_page_is_told_at_once_what_was_hidden_before_its_stream_opened(tmp_path: Path) -> None:
    with opened(tmp_path / "library") as doors:
        owl, stranger = actor(doors, "owl"), access.anonymous(doors.library.caps)
        shelf, hidden = (
            owl.do("collection.upsert", {"name": name, "type": "Image", "read": "Public"})["id"]
            for name in ("Lamps", "Hidden in time")
        )
        owl.do("collection.upsert", {"id": hidden, "name": "Hidden in time", "read": "Private"})
        about = [("collection", id) for id in (shelf, hidden, hidden + 1)]
        client = Client(frozenset(about))
        gone = [Happened(entity="collection", id=id, gone=True) for id in (hidden, hidden + 1)]
        assert client.meet(events.visible(doors.library, stranger, about)) == gone, "what never was is told just so"
        assert client.follow(about, events.visible(doors.library, stranger, about)) == []


def test_a_stream_that_broke_off_is_told_what_it_missed(tmp_path: Path) -> None:
    with opened(tmp_path / "library") as doors:
        library = doors.library
        with library.database.write() as w:
            one = access.add_user(w, "one", library.now()).id
            two = access.add_user(w, "two", library.now()).id
        from pinako.catalog.people import Scope, Viewer

        before = library.feeds.follower.place.seq
        react.toggle_follow(library, Viewer(user_id=one, scope=Scope.WRITE), two)
        assert events.missed(library, before) == [("user", two)]
        assert events.missed(library, before + 5) is None

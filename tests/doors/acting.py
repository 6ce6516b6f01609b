"""People who write through the doors: by key, or by a login with its page's word."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from asking import Doors
from PIL import Image as Picture

from pinako.catalog.people import Scope
from pinako.services import access


@dataclass
class Actor:
    """Somebody with an account and a key that writes."""

    doors: Doors
    id: int
    name: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """What a request of this actor carries."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def do(self, procedure: str, value: Any, *, status: int = 200, marks: Any = None) -> Any:
        """What a mutation answers: its value, or the error where another status is expected."""
        body = {"json": value, **({"meta": {"values": marks}} if marks else {})}
        answer = self.doors.client.post(f"/api/trpc/{procedure}", json=body, headers=self.headers)
        assert answer.status_code == status, f"{procedure} {value}: {answer.status_code} {answer.text[:500]}"
        whole = answer.json()
        return whole["result"]["data"]["json"] if status == 200 else whole["error"]["json"]

    def see(self, procedure: str, value: Any = None, *, status: int = 200) -> Any:
        """What a query answers."""
        return self.doors.call(procedure, value, key=self.key or None, status=status)

    def listed(self, **query: Any) -> list[int]:
        """The images of a list."""
        return [
            item["id"] for item in self.see("image.getInfinite", {"browsingLevel": 31, "limit": 200, **query})["items"]
        ]

    def upload(self, data: bytes, name: str = "a.png") -> Any:
        """Send a file; what the last answer says of it, with its `id`."""
        place = self.doors.client.post("/api/v1/image-upload", json={"filename": name}, headers=self.headers).json()
        sent = self.doors.client.put(path_of(place["uploadURL"]), content=data)
        assert sent.status_code == 200, sent.text
        return sent.json()

    def post(self, *pictures: bytes, level: int = 1, published: bool = True, **members: Any) -> tuple[int, list[int]]:
        """A post of these pictures; its id and theirs."""
        id = self.do("post.create", members)["id"]
        images = []
        for data in pictures:
            key = self.upload(data)["id"]
            images.append(self.do("post.addImage", {"postId": id, "url": key, "nsfwLevel": level})["id"])
        if published:
            self.do("post.update", {"id": id, "publishedAt": "2020-01-01T00:00:00.000Z"})
        return id, images


def path_of(address: str) -> str:
    """Path and query of a whole address."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


_colour = iter(range(1, 1 << 24))


def picture(kind: str = "PNG", **options: Any) -> bytes:
    """A small picture unlike all others."""
    number, out = next(_colour), io.BytesIO()
    Picture.new("RGB", (24, 16), (number % 256, number // 256 % 256, 77)).save(out, kind, **options)
    return out.getvalue()


def actor(doors: Doors, name: str, *, level: int = 31, moderator: bool = False, scope: Scope = Scope.WRITE) -> Actor:
    """An account of this name with a key, made where it is new."""
    database = doors.library.database
    with database.write() as w:
        user = access.find_user(w, name) or access.add_user(
            w, name, database.now(), max_level=level, moderator=moderator
        )
        return Actor(doors, user.id, name, access.add_key(w, user.id, "acts", scope, database.now()))

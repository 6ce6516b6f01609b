"""Which local row stands for a thing upstream. The upstream's own number is used wherever it is free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from pinako.catalog.people import User
from pinako.client.records.people import Profile
from pinako.client.records.people import User as Person
from pinako.intake.mirror.nouns import at
from pinako.services import publish
from pinako.services.settle import Touched
from pinako.storage.records import find
from pinako.storage.scopes import Statements, Write

NOBODY = -1
_MOST_REMEMBERED = 20_000
_FOLLOW = "SELECT COUNT(*) FROM engagements WHERE target_type = 'user' AND target_id = ? AND kind = 'Follow'"


def local_id(read: Statements, table: str, source: str, id: int) -> int | None:
    """The local id of a thing that is here, None where it is not."""
    found = read.value(f"SELECT id FROM {table} WHERE source = ? AND source_id = ?", (source, id))
    return None if found is None else int(found)


def local_ids(read: Statements, table: str, source: str, ids: Iterable[int]) -> dict[int, int]:
    """The same for many, by upstream id."""
    sql = f"SELECT source_id, id FROM {table} WHERE source = ? AND source_id IN (?*)"
    return {row[0]: row[1] for row in read.by_ids(sql, list(ids), (source,))}


def reference(read: Statements, table: str, source: str, id: int | None) -> int | None:
    """The local id under which a thing is, or will be once it comes; None where its number is another thing's here.

    What is mirrored later takes its own number when that is free, so a reference may be written before.
    """
    if id is None or not 0 < id <= publish.MAX_ID:
        return None
    here = local_id(read, table, source, id)
    if here is not None:
        return here
    taken = read.row(f"SELECT 1 FROM {table} WHERE id = ?", (id,))
    return None if taken is not None else id


def tombstones(read: Statements, entity: str, source: str, ids: Sequence[int]) -> dict[int, str]:
    """Those of these things, by upstream's number, that must not be kept, each with the reason."""
    sql = "SELECT source_id, reason FROM tombstones WHERE entity_type = ? AND source = ? AND source_id IN (?*)"
    return {int(row[0]): str(row[1]) for row in read.by_ids(sql, ids, (entity, source))}


class People:
    """Accounts of one host, each written once a run unless it changes."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._seen: dict[tuple[int | None, str | None, str | None], int] = {}

    def keep(
        self,
        w: Write,
        touched: Touched,
        person: Person | None,
        now: int,
        *,
        id: int | None = None,
        name: str | None = None,
    ) -> int:
        """The local id of an account, written where it is new or changed. Without id and name it is nobody's."""
        upstream_id = person.id if person is not None and person.id is not None else id
        username = (person.username if person is not None else None) or name
        image = person.image if person is not None else None
        key = (upstream_id, username, image)
        if key not in self._seen:
            if len(self._seen) >= _MOST_REMEMBERED:
                self._seen.clear()
            self._seen[key] = self._keep(w, touched, upstream_id, username, image, now)
        return self._seen[key]

    def keep_profile(self, w: Write, touched: Touched, profile: Profile, now: int) -> None:
        """What an account's own page says: since when it is there, its links, and its followers beside those of this library."""
        local = self.keep(w, touched, None, now, id=profile.id, name=profile.username)
        old = find(w, User, local)
        if old is None or local == NOBODY:
            return
        followers = profile.stats.get("followerCountAllTime")
        new = msgspec.structs.replace(
            old,
            created_at=at(profile.created_at) or old.created_at,
            image=profile.image or old.image,
            links=msgspec.json.encode(profile.links).decode(),
            follower_count=old.follower_count
            if type(followers) is not int
            else followers + int(w.value(_FOLLOW, (local,))),
        )
        if new != old:
            publish.keep_user(w, touched, new)

    def forget(self) -> None:
        """The transaction was undone: nothing of it is known."""
        self._seen.clear()

    def _keep(
        self, w: Write, touched: Touched, id: int | None, username: str | None, image: str | None, now: int
    ) -> int:
        if id == NOBODY or (id is None and username is None):
            return NOBODY
        if id is None:
            known = w.value(
                "SELECT id FROM users WHERE source = ? AND username_key = ?", (self._source, str(username).lower())
            )
            return int(known) if known is not None else self._new(w, touched, None, username, image, now)
        local, here = publish.place(w, "users", self._source, id)
        old = find(w, User, local) if here else None
        if old is None:
            return self._new(w, touched, id, username, image, now, local)
        told = self._as_told(old, username, image)
        if told != old:
            publish.keep_user(w, touched, msgspec.structs.replace(told, fetched_at=now))
        return local

    def _as_told(self, old: User, username: str | None, image: str | None) -> User:
        """An account as a row tells it. What the row leaves out, and what it only spells another way, stays as it is.

        REST writes a picture's whole address where tRPC writes its key.
        """
        same_name = username is None or old.username in {username, f"{username}_{self._source}"}
        known = old.image or ""
        same_image = image is None or (known != "" and (known in image or image in known))
        return msgspec.structs.replace(
            old, username=old.username if same_name else username, image=old.image if same_image else image
        )

    def _new(
        self,
        w: Write,
        touched: Touched,
        id: int | None,
        username: str | None,
        image: str | None,
        now: int,
        local: int | None = None,
    ) -> int:
        row = User(
            id=local if local is not None else w.next_id("users"),
            username=username,
            image=image,
            created_at=now,
            source=self._source,
            source_id=id,
            fetched_at=now,
        )
        return publish.keep_user(w, touched, row)

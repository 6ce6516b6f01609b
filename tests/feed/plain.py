"""Lists the slow way: every row read by SQL, judged by the one predicate, filtered by one plain condition a word."""

from __future__ import annotations

import re
from typing import Any

from pinako.catalog import levels
from pinako.catalog.images import Image, Post
from pinako.catalog.people import Viewer
from pinako.catalog.queries import PERIOD_DAYS, ImageQuery, ImageSort, ModelQuery, ModelSort, PostQuery, PostSort
from pinako.catalog.resources import Model
from pinako.catalog.visibility import BLOCKED_TAGS, Standing, image_standing, model_standing, sees
from pinako.storage.database import Database
from pinako.storage.records import select

DAY = 86_400_000
KEYS: dict[Any, Any] = {
    ImageSort.NEWEST: lambda x: (-x.sort_at, -x.id),
    ImageSort.OLDEST: lambda x: (x.sort_at, x.id),
    ImageSort.MOST_REACTIONS: lambda x: (-x.reaction_count, -x.id),
    ImageSort.MOST_COMMENTS: lambda x: (-x.comment_count, -x.id),
    ImageSort.MOST_COLLECTED: lambda x: (-x.collected_count, -x.id),
}
MODEL_KEYS: dict[Any, Any] = {
    ModelSort.NEWEST: lambda x: (-x.sort_at, -x.id),
    ModelSort.OLDEST: lambda x: (x.sort_at, x.id),
    ModelSort.HIGHEST_RATED: lambda x: (-x.thumbs_up_count, -x.download_count, x.id),
    ModelSort.MOST_LIKED: lambda x: (-x.thumbs_up_count, -x.download_count, x.id),
    ModelSort.MOST_DOWNLOADED: lambda x: (-x.download_count, -x.thumbs_up_count, x.id),
    ModelSort.MOST_DISCUSSED: lambda x: (-x.comment_count, -x.thumbs_up_count, x.id),
    ModelSort.MOST_COLLECTED: lambda x: (-x.collected_count, -x.thumbs_up_count, x.id),
    ModelSort.MOST_IMAGES: lambda x: (-x.image_count, -x.thumbs_up_count, x.id),
}


class Plain:
    """One viewer looking at one database."""

    def __init__(self, database: Database, viewer: Viewer) -> None:
        self.database = database
        self.read = database.read()
        self.viewer = viewer
        self.now = database.now()

    def having(self, sql: str, *values: Any) -> set[int]:
        return {row[0] for row in self.read.rows(sql, values)}

    def listed(self, standing: Standing, level: int, owner: int, mask: int, drafts: bool, **flags: bool) -> bool:
        """What `sees` allows, less what lists leave out."""
        if not sees(standing, level=level, owner_id=owner, viewer=self.viewer, mask=mask, **flags):
            return False
        own = owner == self.viewer.user_id
        if standing is Standing.DRAFT:
            return drafts
        return standing is not Standing.HELD or own or drafts

    def _in_view(self, x: Any) -> bool:
        return self.viewer.moderator or (self.viewer.user_id is not None and x.user_id == self.viewer.user_id)

    def recent(self, query: Any) -> int:
        days = PERIOD_DAYS.get(query.period) if query.period_filters else None
        return -1 if days is None else self.now // 60_000 * 60_000 - days * DAY

    def owner(self, query: Any) -> int | None:
        if query.user_id is None and query.username:
            found = self.having("SELECT id FROM users WHERE username_key = ?", query.username.lower())
            return found.pop() if found else -1
        user: int | None = query.user_id
        return user

    def people(self, query: Any) -> Any:
        owner, followed = self.owner(query), None
        if query.followed and self.viewer.known:
            sql = "SELECT target_id FROM engagements WHERE user_id = ? AND target_type = 'user' AND kind = 'Follow'"
            followed = self.having(sql, self.viewer.user_id)
        return lambda x: (
            owner in (None, x.user_id)
            and (followed is None or x.user_id in followed)
            and x.user_id not in query.excluded_users
        )

    def collected(self, query: Any, entity: str) -> list[int]:
        sql = (
            "SELECT entity_id, status, added_by_id, tag_id FROM collection_items WHERE collection_id = ? "
            "AND entity_type = ? ORDER BY created_at DESC, id DESC"
        )
        wanted = getattr(query, "collection_tag_id", None)
        return [
            id
            for id, status, by, tag in self.read.rows(sql, (query.collection_id, entity))
            if (status == "ACCEPTED" or (by == self.viewer.user_id and status != "REJECTED")) and wanted in (None, tag)
        ]

    def tagged(self, table: str, column: str, tag: int) -> set[int]:
        disabled = " AND disabled = 0" if table == "image_tags" else ""
        return self.having(f"SELECT {column} FROM {table} WHERE tag_id = ?{disabled}", tag)

    def images(self, query: ImageQuery) -> list[int]:
        mask = self.viewer.mask(query.level)
        kept = [x for x in select(self.read, Image, "1 = 1") if self._image(x, query, mask)]
        for condition in (self.people(query), *self._image_conditions(query)):
            kept = [x for x in kept if condition(x)]
        if query.sort is None and query.post_ids:
            return [x.id for x in sorted(kept, key=lambda x: (x.idx, x.id))]
        if query.sort is None and query.collection_id is not None:
            ids = {x.id for x in kept}
            return [id for id in self.collected(query, "Image") if id in ids]
        return [x.id for x in sorted(kept, key=KEYS[query.sort or ImageSort.NEWEST])]

    def _image(self, x: Image, query: ImageQuery, mask: int) -> bool:
        own = x.user_id == self.viewer.user_id
        if x.acceptable_minor and query.collection_id is None and not own and not self.viewer.moderator:
            return False
        if (query.hide_minor and x.minor) or (query.hide_poi and x.poi):
            return False
        standing = image_standing(x, self.now)
        drafts = query.drafts or query.unpublished or query.scheduled or query.in_review
        if query.drafts and own and mask and x.level == levels.UNRATED:
            mask |= self.viewer.cap & levels.MATURE_BITS
        return self.listed(standing, x.level, x.user_id, mask, drafts, minor=x.minor, poi=x.poi)

    def _image_conditions(self, query: ImageQuery) -> Any:
        recent = self.recent(query)
        yield lambda x: x.sort_at >= recent
        for words, column in ((query.types, "type"), (query.base_models, "base_model")):
            if words:
                yield lambda x, words=words, column=column: getattr(x, column) in words
        if query.ids:
            yield lambda x: x.id in query.ids
        if query.post_ids:
            yield lambda x: x.post_id in query.post_ids
        yield lambda x: x.id not in query.excluded_images
        if query.has_meta:
            yield lambda x: x.has_meta and not x.hide_meta
        if query.on_site:
            yield lambda x: x.on_site
        if query.processes:
            yield lambda x: x.process in query.processes
        if query.remixes is not None:
            yield lambda x: (x.remix_of_id is not None) == query.remixes
        for wanted, column in ((query.minor_only, "minor"), (query.poi_only, "poi"), (query.in_review, "needs_review")):
            if wanted:
                yield lambda x, column=column: bool(getattr(x, column)) and self._in_view(x)
        if query.unpublished:
            yield lambda x: x.published_at is None and self._in_view(x)
        if query.scheduled:
            yield lambda x: x.published_at is not None and x.published_at > self.now and self._in_view(x)
        if query.remix_of is not None:
            yield lambda x: x.remix_of_id == query.remix_of
        for ids in self._image_sets(query):
            yield lambda x, ids=ids: x.id in ids

    def _image_sets(self, query: ImageQuery) -> Any:
        for tag in query.all_tags:
            yield self.tagged("image_tags", "image_id", tag) if self._may_ask(tag) else set()
        if query.any_tags:
            tags = [tag for tag in query.any_tags if self._may_ask(tag)]
            yield set().union(*(self.tagged("image_tags", "image_id", tag) for tag in tags))
        everything = self.having("SELECT id FROM images")
        for tag in query.excluded_tags:
            yield everything - self.tagged("image_tags", "image_id", tag)
        shown = (
            "SELECT i.id FROM images i JOIN posts p ON p.id = i.post_id JOIN model_versions v ON v.id = p.version_id"
        )
        if query.version_id is not None:
            yield self.having("SELECT image_id FROM image_resources WHERE version_id = ?", query.version_id)
            if query.credited:
                yield self.having(f"{shown} WHERE v.id = ?", query.version_id)
        elif query.model_id is not None and query.credited:
            yield self.having(f"{shown} WHERE v.model_id = ?", query.model_id)
        if query.model_id is not None:
            sql = (
                "SELECT image_id FROM image_resources r JOIN model_versions v ON v.id = r.version_id WHERE model_id = ?"
            )
            yield self.having(sql, query.model_id)
        if query.collection_id is not None:
            yield set(self.collected(query, "Image"))
        if query.text:
            yield self._prompted(query.text)
        if query.hidden:
            yield self.having(
                "SELECT target_id FROM engagements WHERE user_id = ? AND kind = 'Hide'", self.viewer.user_id
            )
        if query.reactions and self.viewer.known:
            given = self.read.rows(
                "SELECT entity_id, reaction FROM reactions WHERE user_id = ?", (self.viewer.user_id,)
            )
            yield {id for id, reaction in given if reaction in query.reactions}

    def _may_ask(self, tag: int) -> bool:
        return self.viewer.moderator or tag not in BLOCKED_TAGS

    def _prompted(self, asked: str) -> set[int]:
        sql = (
            "SELECT m.image_id, m.site_meta FROM image_meta m JOIN images i ON i.id = m.image_id WHERE i.hide_meta = 0"
        )
        words = set(re.findall(r"\w+", asked.casefold()))
        if not words:
            return set()
        return {
            id
            for id, meta in self.read.rows(sql)
            if words <= set(re.findall(r"\w+", meta.encode().decode("unicode_escape").casefold()))
        }

    def posts(self, query: PostQuery) -> list[int]:
        mask = self.viewer.mask(query.level)
        sql = "deleted_at IS NULL AND image_count > 0"
        kept = [x for x in select(self.read, Post, sql) if self._post(x, query, mask)]
        for condition in (self.people(query), *self._post_conditions(query)):
            kept = [x for x in kept if condition(x)]
        if query.sort is None and query.collection_id is not None:
            ids = {x.id for x in kept}
            return [id for id in self.collected(query, "Post") if id in ids]
        return [x.id for x in sorted(kept, key=KEYS[query.sort or PostSort.NEWEST])]

    def _post(self, x: Post, query: PostQuery, mask: int) -> bool:
        standing = Standing.UNRATED if x.level == levels.UNRATED else Standing.PUBLIC
        if x.published_at is None or x.published_at > self.now or x.availability == "Private":
            standing = Standing.DRAFT
        mine = query.unpublished or query.scheduled
        if mine and (standing is not Standing.DRAFT or x.user_id != self.viewer.user_id):
            return False
        if (query.unpublished and x.published_at is not None) or (
            query.scheduled and (x.published_at or 0) <= self.now
        ):
            return False
        if (query.drafts or mine) and x.user_id == self.viewer.user_id and mask and x.level == levels.UNRATED:
            mask |= self.viewer.cap & levels.MATURE_BITS
        return self.listed(standing, x.level, x.user_id, mask, query.drafts or mine)

    def _post_conditions(self, query: PostQuery) -> Any:
        recent = self.recent(query)
        yield lambda x: x.sort_at >= recent
        if query.ids:
            yield lambda x: x.id in query.ids
        if query.version_id is not None:
            yield lambda x: x.version_id == query.version_id
        if query.model_id is not None:
            versions = self.having("SELECT id FROM model_versions WHERE model_id = ?", query.model_id)
            yield lambda x: x.version_id in versions
        if query.collection_id is not None:
            ids = self.collected(query, "Post")
            yield lambda x: x.id in ids
        if query.text:
            yield lambda x: (x.title or "").lower().startswith(query.text.lower())
        if query.any_tags:
            tags = [tag for tag in query.any_tags if self._may_ask(tag)]
            tagged = set().union(*(self.tagged("post_tags", "post_id", tag) for tag in tags))
            yield lambda x: x.id in tagged
        for tag in query.excluded_tags:
            without = self.tagged("post_tags", "post_id", tag)
            yield lambda x, without=without: x.id not in without

    def models(self, query: ModelQuery) -> list[int]:
        mask = self.viewer.mask(query.level)
        kept = [x for x in select(self.read, Model, "1 = 1") if self._model(x, query, mask)]
        for condition in (self.people(query), *self._model_conditions(query)):
            kept = [x for x in kept if condition(x)]
        if query.sort is None and query.collection_id is not None:
            ids = {x.id for x in kept}
            return [id for id in self.collected(query, "Model") if id in ids]
        return [x.id for x in sorted(kept, key=MODEL_KEYS[query.sort or ModelSort.HIGHEST_RATED])]

    def _model(self, x: Model, query: ModelQuery, mask: int) -> bool:
        standing = model_standing(x)
        if standing in (Standing.PUBLIC, Standing.UNRATED) and x.last_version_at is None:
            standing = Standing.DRAFT
        if (query.hide_minor and x.minor) or (query.hide_poi and x.poi):
            return False
        drafts = query.availability == "Private" or bool(query.status and self.viewer.moderator)
        return self.listed(standing, x.level, x.user_id, mask, drafts, minor=x.minor, poi=x.poi)

    def _model_conditions(self, query: ModelQuery) -> Any:
        recent = self.recent(query)
        yield lambda x: x.sort_at >= recent
        statuses = query.status if query.status and self.viewer.moderator else ("Published",)
        yield lambda x: x.status in statuses
        yield lambda x: query.archived or x.mode != "Archived"
        for wanted, column in ((query.minor_only, "minor"), (query.poi_only, "poi")):
            if wanted:
                yield lambda x, column=column: getattr(x, column) and self._in_view(x)
        plain = (
            (query.ids, "id"),
            (query.types, "type"),
            ((query.availability,) if query.availability else (), "availability"),
        )
        for words, column in plain:
            if words:
                yield lambda x, words=words, column=column: getattr(x, column) in words
        if query.checkpoint_type:
            yield lambda x: x.checkpoint_type in (None, query.checkpoint_type)
        for wanted, column in (
            (query.supports_generation, "supports_generation"),
            (query.allow_no_credit, "allow_no_credit"),
        ):
            if wanted is not None:
                yield lambda x, wanted=wanted, column=column: getattr(x, column) == wanted
        if query.allow_commercial_use:
            yield lambda x: any(f'"{word}"' in x.allow_commercial_use for word in query.allow_commercial_use)
        if query.text:
            yield lambda x: all(word in x.name.lower() for word in query.text.lower().split())
        for ids in self._model_sets(query):
            yield lambda x, ids=ids: x.id in ids

    def _model_sets(self, query: ModelQuery) -> Any:
        everything = self.having("SELECT id FROM models")
        listed = "SELECT v.model_id FROM model_versions v JOIN model_files f ON f.version_id = v.id WHERE v.status = 'Published'"
        if query.version_ids:
            yield set().union(*(self.having(f"{listed} AND v.id = ?", id) for id in query.version_ids))
        if query.base_models:
            yield set().union(*(self.having(f"{listed} AND v.base_model = ?", word) for word in query.base_models))
        if query.public_versions:
            yield self.having(f"{listed} AND v.availability = 'Public'")
        if query.file_formats:
            yield set().union(*(self.having(f"{listed} AND f.format = ?", word) for word in query.file_formats))
        if query.tag:
            sql = "SELECT model_id FROM model_tags j JOIN tags t ON t.id = j.tag_id WHERE t.name_key = ?"
            tag = self.having("SELECT id FROM tags WHERE name_key = ?", query.tag.lower())
            yield self.having(sql, query.tag.lower()) if all(map(self._may_ask, tag)) else set()
        for tag in query.excluded_tags:
            yield everything - self.tagged("model_tags", "model_id", tag)
        if query.early_access is not None:
            sql = "SELECT model_id FROM model_versions WHERE status = 'Published' AND gate_ends_at > ?"
            gated = self.having(sql, self.now)
            yield gated if query.early_access else everything - gated
        if query.collection_id is not None:
            yield set(self.collected(query, "Model"))
        if query.hidden:
            yield self.having(
                "SELECT target_id FROM engagements WHERE user_id = ? AND kind = 'Hide'", self.viewer.user_id
            )

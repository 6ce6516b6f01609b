"""The filters that are on, in words, each with the address that goes without it."""

from __future__ import annotations

from pinako.catalog.queries import Period
from pinako.services import browse
from pinako.web.gallery.asked import Address, Chip, ImageFilters, ModelFilters, PostFilters
from pinako.web.gallery.strings import say

_NAMED = {"model": "filter.model", "lora": "filter.lora", "user": "filter.user", "collection": "filter.collection"}
_NO_FILTERS = ("cursor", "part", "sort", "token", "mine")


class Chips:
    """Gathers chips over one address."""

    def __init__(self, address: Address) -> None:
        self.at = Address(address.path, tuple(p for p in address.pairs if p[0] not in _NO_FILTERS and p[1]))
        self.found: list[Chip] = []

    def add(self, key: str, value: str, rest: Address, *, out: bool = False) -> None:
        """One filter: what it is called (nothing for those that say so themselves), its value, the address without it."""
        self.found.append(Chip(label=say(key) if key else "", value=value, address=str(rest), out=out))

    def add_text(self, query: str) -> None:
        """What was searched."""
        if query:
            self.add("filter.query", query, self.at.less("query"))

    def add_words(self, types: dict[str, str], bases: tuple[str, ...]) -> None:
        """Types with what they are called, and base models."""
        for word, called in types.items():
            self.add("", called, self.at.less("types", word).less("type", word))
        for name in bases:
            self.add("filter.base", name, self.at.less("baseModels", name))

    def add_period(self, period: Period) -> None:
        """A period that is not all time."""
        if period is not Period.ALL_TIME:
            self.add("", say(f"period.{period.value}"), self.at.less("period"))

    def add_ids(self, filters: ImageFilters) -> None:
        """Things that are named by number."""
        for key, name, id in (
            ("modelId", "filter.model", filters.model_id),
            ("modelVersionId", "filter.version", filters.version_id),
            ("postId", "filter.post", filters.post_id),
            ("collectionId", "filter.collection", filters.collection_id),
        ):
            if id is not None:
                self.add(name, str(id), self.at.less(key))

    def add_flags(self, filters: ImageFilters) -> None:
        """Yes-or-no filters."""
        for on, name, keys in (
            (filters.with_meta, "filter.meta", ("withMeta",)),
            (filters.on_site, "filter.onsite", ("onSite", "fromPlatform")),
            (filters.followed, "filter.followed", ("followed",)),
            (bool(filters.reactions), "filter.reacted", ("reactions",)),
        ):
            rest = self.at
            for key in keys:
                rest = rest.less(key)
            if on:
                self.add("", say(name), rest)

    def add_level(self, level: int | None) -> None:
        """Levels other than the caller's own."""
        if level is not None:
            self.add("filter.level", browse.level_named(level), self.at.less("browsingLevel"))

    def without_tag(self, key: str, id: int, name: str) -> Address:
        """The address without one of its tags, by id or name, alone or in a list with commas."""
        kept = []
        for pair in self.at.pairs:
            parts = [part for part in pair[1].split(",") if part.strip().lower() not in ("", str(id), name.lower())]
            if pair[0] != key:
                kept.append(pair)
            elif parts:
                kept.append((key, ",".join(parts)))
        return Address(self.at.path, tuple(kept))


def image_chips(filters: ImageFilters) -> list[Chip]:
    """The filters of a wall."""
    chips = Chips(filters.address)
    chips.add_text(filters.query)
    for key, name in filters.named:
        chips.add(_NAMED[key], name, chips.at.less(key))
    for tag in filters.tags:
        chips.add("filter.tag", tag.name, chips.without_tag("tags", tag.id, tag.name))
    for tag in filters.excluded_tags:
        chips.add("filter.not", tag.name, chips.without_tag("excludedTags", tag.id, tag.name), out=True)
    chips.add_words({word: say(f"type.{word}") for word in filters.types}, filters.base_models)
    chips.add_period(filters.period)
    chips.add_ids(filters)
    chips.add_flags(filters)
    chips.add_level(filters.level)
    return chips.found


def model_chips(filters: ModelFilters) -> list[Chip]:
    """The filters of a list of models."""
    chips = Chips(filters.address)
    chips.add_text(filters.query)
    if filters.tag:
        chips.add("filter.tag", filters.tag, chips.at.less("tag"))
    chips.add_words({word: word for word in filters.types}, filters.base_models)
    chips.add_period(filters.period)
    chips.add_level(filters.level)
    return chips.found


def post_chips(filters: PostFilters) -> list[Chip]:
    """The filters of a list of posts."""
    chips = Chips(filters.address)
    chips.add_text(filters.query)
    for tag in filters.tags:
        chips.add("filter.tag", tag.name, chips.without_tag("tags", tag.id, tag.name))
    chips.add_period(filters.period)
    chips.add_level(filters.level)
    return chips.found

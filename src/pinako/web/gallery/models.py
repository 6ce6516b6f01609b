"""Models: the list with its filters, and the page of one with versions, files, words and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from pinako.catalog import enums
from pinako.catalog.people import Viewer
from pinako.catalog.primary import primary_file
from pinako.catalog.queries import ImageQuery, ImageSort, ModelSort, Period
from pinako.catalog.resources import FullModel, FullVersion
from pinako.catalog.tags import VotableTag
from pinako.errors import NotFound
from pinako.services import browse, detail, holdings, votes
from pinako.services.hiding import without_hidden
from pinako.services.library import Library
from pinako.web.answers import Answer
from pinako.web.ask import Ask
from pinako.web.gallery import shown
from pinako.web.gallery.asked import ModelFilters, model_query, number_of, read_model_filters
from pinako.web.gallery.chips import model_chips
from pinako.web.gallery.image import Fact
from pinako.web.gallery.images import base_choices
from pinako.web.gallery.lists import card_page, own_order
from pinako.web.gallery.pages import Pages
from pinako.web.gallery.rich import clean
from pinako.web.gallery.strings import say
from pinako.web.gallery.tiles import Tile, models, tile_of, tiles
from pinako.web.routes import Route
from pinako.wire.rest_files import hashes_of, shown_name, words_of
from pinako.wire.rest_versions import air_of

GALLERY = 30


class ShownFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a version. `here`: its bytes are in this library."""

    id: int
    name: str
    type: str
    size: str
    facts: str
    hashes: dict[str, str]
    main: bool
    here: bool
    scan: str
    address: str


class ShownVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version as its model's page shows it."""

    full: FullVersion
    files: list[ShownFile]
    triggers: list[str]
    air: str
    facts: list[Fact]
    disk: str


class Models:
    """`/models` and `/models/ID`."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._library = pages.library
        self._card = pages.draw.model_card

    def routes(self) -> list[Route]:
        """The doors."""
        return [
            self._pages.route("/models", self.models),
            self._pages.route("/models/{}", self.model),
            self._pages.route("/models/{}/{*}", self.model),
            self._pages.route("/model-versions/{}", self.version),
        ]

    def models(self, ask: Ask) -> Answer:
        """`/models`."""
        return self.cards(ask, say("model.title"), "models.html")

    def cards(self, ask: Ask, title: str, template: str, **fixed: Any) -> Answer:
        """A list of models, or for a script its next cards. `fixed` are filters that the page itself stands for."""
        extra = fixed.pop("extra", {})
        library, viewer = self._library, self._pages.viewer_of(ask)
        filters = read_model_filters(library, ask.path, ask.pairs)
        query = msgspec.structs.replace(model_query(filters), **fixed)
        query = own_order(query, chosen=filters.sort is not None)
        page = browse.models(library, without_hidden(library, viewer, query), viewer)

        def around() -> dict[str, Any]:
            kept = {"title": title, "chips": model_chips(filters), "clear": filters.address.path}
            return {**kept, **model_form(library, filters, query.sort), **extra}

        listed = models(library, page), page.next_cursor
        return card_page(self._pages, ask, self._card, listed, template, around)

    def version(self, ask: Ask) -> Answer:
        """`/model-versions/ID`: the page of its model."""
        id = number_of(ask.args[0])
        if id is None:
            raise NotFound("Not found")
        viewer = self._pages.viewer_of(ask)
        item = detail.version_as_it_was(self._library, viewer, id)
        return self._show(ask, viewer, item.model.id, id)

    def model(self, ask: Ask) -> Answer:
        """`/models/ID`, with or without a name behind it."""
        id = number_of(ask.args[0])
        if id is None:
            raise NotFound("Not found")
        asked = next((value for key, value in ask.pairs if key == "modelVersionId"), "")
        return self._show(ask, self._pages.viewer_of(ask), id, number_of(asked))

    def _show(self, ask: Ask, viewer: Viewer, id: int, version_id: int | None) -> Answer:
        library = self._library
        full = detail.model(library, viewer, id)
        chosen = next((one for one in full.versions if one.version.id == version_id), full.versions[0])
        disk = holdings.disk_of(library.database.read(), [one.version.id for one in full.versions])
        return self._pages.show(
            ask,
            "model.html",
            full=full,
            model=full.model,
            chosen=shown_version(library, full, chosen, disk),
            disk_all=shown.size(sum(held.size for held in disk.values())),
            about=clean(full.model.description),
            changes=clean(chosen.version.description),
            previews=[tile_of(image) for image in chosen.previews],
            pictures=self._pictures(viewer, chosen),
            used=self._used(viewer, id),
            tags=self._tags(viewer, id),
            licence=licence(full),
            favourite=holdings.likes_model(library.database.read(), viewer, id),
        )

    def _pictures(self, viewer: Viewer, chosen: FullVersion) -> list[Tile]:
        query = ImageQuery(limit=GALLERY, version_id=chosen.version.id, sort=ImageSort.NEWEST)
        found = browse.images(self._library, without_hidden(self._library, viewer, query), viewer)
        return tiles(self._library, found.ids, viewer)

    def _used(self, viewer: Viewer, id: int) -> int | None:
        """In how many of the caller's own images the model was used; None for strangers."""
        if viewer.user_id is None:
            return None
        query = ImageQuery(model_id=id, user_id=viewer.user_id, level=viewer.cap)
        return self._library.feeds.count_images(query, viewer)

    def _tags(self, viewer: Viewer, id: int) -> list[VotableTag]:
        return votes.votable_tags(self._library, viewer, "model", id)


def shown_version(
    library: Library, model: FullModel, full: FullVersion, disk: dict[int, holdings.Held]
) -> ShownVersion:
    """A version with everything that its page says of it."""
    version = full.version
    main = primary_file([item.file for item in full.files])
    files = [
        ShownFile(
            id=item.file.id,
            name=shown_name(model.model, version, item.file),
            type=item.file.type,
            size=shown.size(item.file.size_kb * 1024),
            facts=" · ".join(filter(None, (item.file.format, item.file.size_word, item.file.fp, item.file.quant_type))),
            hashes=hashes_of(item),
            main=item.file is main,
            here=item.file.id in disk,
            scan=item.file.virus_scan_result,
            address=f"/api/download/models/{version.id}?fileId={item.file.id}",
        )
        for item in full.files
        if item.file.visibility == "Public"
    ]
    held = sum(disk[item.file.id].size for item in full.files if item.file.id in disk)
    return ShownVersion(
        full=full,
        files=files,
        triggers=words_of(version.trained_words),
        air=air_of(model.model, version, full.files),
        facts=version_facts(model, full),
        disk=shown.size(held) if held else "",
    )


def version_facts(model: FullModel, full: FullVersion) -> list[Fact]:
    """The small facts beside a version."""
    version = full.version
    training = [
        say("model.steps", steps=shown.number(version.steps)) if version.steps else "",
        say("model.epochs", epochs=version.epochs) if version.epochs else "",
        say("model.clip", skip=version.clip_skip) if version.clip_skip else "",
    ]
    values = (
        ("model.type", model.model.type),
        ("model.base", version.base_model),
        ("model.published", shown.day(version.published_at)),
        ("model.downloads.count", shown.number(version.download_count)),
        ("model.trained", ", ".join(filter(None, training))),
    )
    return [Fact(say(key), value) for key, value in values if value]


def licence(full: FullModel) -> list[Fact]:
    """What the creator allows."""
    model = full.model

    def word(allowed: bool) -> str:
        return say("model.yes" if allowed else "model.no")

    uses = [use for use in words_of(model.allow_commercial_use) if use != "None"]
    return [
        Fact(say("model.licence.credit"), word(model.allow_no_credit)),
        Fact(say("model.licence.derivatives"), word(model.allow_derivatives)),
        Fact(say("model.licence.different"), word(model.allow_different_license)),
        Fact(say("model.licence.commercial"), ", ".join(uses) or say("model.no")),
    ]


def model_form(library: Library, filters: ModelFilters, sort: ModelSort | None) -> dict[str, Any]:
    """What the filter form of models shows."""
    own = [("", say("filter.sort.own"))] if sort is None else []
    return {
        "filters": filters,
        "more": True,
        "kept": [pair for pair in filters.address.pairs if pair[0] in ("query", "tag", "followed") and pair[1]],
        "sorts": own + [(word.value, word.value) for word in ModelSort],
        "sort": sort.value if sort else "",
        "periods": [(period.value, say(f"period.{period.value}")) for period in Period],
        "types": [(word, word, word in filters.types) for word in types_here(library, filters.types)],
        "bases": base_choices(library, filters.base_models),
        "flags": [],
        "tag_fields": False,
        "named": [],
    }


def types_here(library: Library, chosen: Sequence[str]) -> list[str]:
    """The types of models that the library has."""
    held = library.feeds.model_types.all().union(chosen)
    return [word for word in enums.MODEL_TYPES if word in held]

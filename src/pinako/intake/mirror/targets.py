"""From what a page shows to the questions that find it all: every kind of target, and those that are refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from pinako.catalog import levels
from pinako.client.calls import feeds
from pinako.client.calls.entities import get_my_collections
from pinako.client.digits import number_of
from pinako.client.hosts import Entity, Kind, Target
from pinako.client.records.images import Image, Post
from pinako.client.records.models import Model
from pinako.client.records.people import Collection, Profile
from pinako.errors import BadRequest, BudgetSpent, UpstreamError, UpstreamNotFound, UpstreamUnauthorized
from pinako.intake.journal import State
from pinako.intake.mirror.asker import NO_COLLECTION, Asker
from pinako.intake.mirror.asking_models import ModelAsker, ids_of
from pinako.intake.mirror.asking_words import NAMED, images_by_words, of_no_words, words_of
from pinako.intake.mirror.findings import CollectionFound, Page, UserFound
from pinako.intake.mirror.terms import reason_of

AGAIN = 100
ALL_OF_A_USER = (Entity.IMAGES, Entity.POSTS, Entity.MODELS)


class TargetAsker:
    """Asks about one target."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._models = ModelAsker(asker)

    def ask(self, target: Target) -> None:
        """Give everything of a target. BadRequest for what the host's interface has no question for."""
        if self._rests(target):
            return
        if target.kind is Kind.MEDIA:
            self._medium(target)
        elif target.id is not None:
            self._one(target, target.id)
        elif target.kind is Kind.USER:
            self._user(target)
        elif target.kind is Kind.TAG:
            self._tag(target)
        elif target.kind is Kind.SEARCH:
            self._search(target)
        else:
            self._own(target)

    def again(self, overdue: Sequence[tuple[str, int]]) -> None:
        """Ask once more for things that failed before this run was interrupted: their lists have gone on beyond them."""
        ids = {entity: [id for name, id in overdue if name == entity] for entity, _ in overdue}
        page = Page("")
        for start in range(0, len(ids.get("image", ())), AGAIN):
            self._images_again(ids["image"][start : start + AGAIN], page)
        self._asker.give_posts(ids.get("post", ()), page)
        for id in dict.fromkeys([*ids.get("model", ()), *self._asker.models_of_files(ids.get("file", ()))]):
            if self._asker.launch("model", id, page):
                self._models.model(id, page)
        self._asker.close(page)

    def _images_again(self, ids: Sequence[int], page: Page) -> None:
        """Images by their list; what that does not show, or no longer, one by one."""
        left = set(ids)

        def is_asked(row: Image) -> bool:
            asked = row.id in left
            left.discard(row.id)
            return asked

        listed = self._asker.image_list(ids=list(ids), level=levels.ALL, types=(), base_models=())
        self._asker.images(listed, "", parent=page, belongs=is_asked)
        for id in sorted(left) if not page.spoiled else ():
            self._asker.give_single(id, page)

    def _rests(self, target: Target) -> bool:
        """Whether a refresh lets a thing alone, and says why: upstream has said no to it, and it is not time to ask again."""
        asker, entity = self._asker, str(target.kind)
        if not asker.terms.again or target.id is None:
            return False
        item = asker.known(entity, [target.id]).get(target.id)
        is_known = item is not None and item.digest and item.state is not State.GONE  # only its bytes cannot be had
        if item is None or is_known or asker.opens(item) or not item.rests(asker.now):
            return False
        page = Page("")
        page.members.append((entity, target.id))
        asker.note(page, entity, target.id, item.state, item.reason, item.retry_at)
        asker.close(page)
        return True

    def _one(self, target: Target, id: int) -> None:
        if target.kind is Kind.IMAGE:
            self._asker.image(id)
        elif target.kind is Kind.POST:
            self._asker.post(id)
        elif target.kind is Kind.COLLECTION:
            self._collection(id)
        elif target.kind is Kind.VERSION:
            self._models.version(id, target.model_id)
        else:
            page = Page("")
            page.members.append(("model", id))
            if self._asker.launch("model", id, page):
                self._models.model(id, page)
            self._asker.close(page)

    def _medium(self, target: Target) -> None:
        """A medium whose file is called by the number of its image, as a model's previews are."""
        if target.id is not None:
            try:
                image = self._asker.client.image(target.id)
            except UpstreamNotFound:
                image = None
            if image is not None and str(target.key) in (image.url or "").lower():
                self._asker.image(target.id)
                return
        raise BadRequest("A bare media address names no record: give the page of its image.")

    # users

    def _user(self, target: Target) -> None:
        name = target.name or ""
        try:
            creator = self._asker.client.creator(name)
        except BudgetSpent:
            raise
        except UpstreamError as error:
            # A name that is gone makes some hosts answer lists with everybody's things: no list is asked for it.
            self._no_user(name, error)
            return
        page = Page("")
        if self._asker.launch("user", creator.id, page):
            self._asker.give(UserFound(page=page, profile=creator))
        self._asker.close(page)
        for entity in ALL_OF_A_USER if target.entity is Entity.ALL else (target.entity,):
            if target.entity is not Entity.ALL or self._takes(entity):
                self._of_user(creator, entity, target)

    def _takes(self, entity: Entity) -> bool:
        """Whether this tab of a page that shows everything has what is asked for."""
        options = self._asker.options
        return options.takes_models if entity is Entity.MODELS else options.takes_media

    def _of_user(self, creator: Profile, entity: Entity, target: Target) -> None:
        asker, name = self._asker, creator.username or ""
        if entity in {Entity.IMAGES, Entity.VIDEOS, Entity.POSTS}:
            asked = {**image_words(target), **self._tags_of(target)}
            if entity is Entity.VIDEOS:
                asked["types"] = ("video",)
            listed = asker.image_list(username=name, **asked)
            asker.images(listed, f"user:{creator.id}:{entity}", belongs=lambda row: is_by(row, creator))
        elif entity is Entity.MODELS:
            self._model_list(f"user:{creator.id}:{entity}", username=name, creator=creator, **model_words(target))
        elif entity is Entity.COLLECTIONS:
            self._collections(feeds.collection_feed(user_id=creator.id))

    def _no_user(self, name: str, error: UpstreamError) -> None:
        """An account that was here and is gone is no trouble: whatever it had is looked for, and noted, afterwards."""
        reason = f"user {name}: {reason_of(error)}"
        if not isinstance(error, UpstreamNotFound):
            self._trouble(reason)
            return
        id, page = self._asker.local_user(name), Page("")
        self._asker.note(page, "user", id, State.NEVER if id is None else State.GONE, reason)
        self._asker.close(page)

    # lists of things

    def _model_list(
        self, walk: str, *, collection: int | None = None, creator: Profile | None = None, **asked: Any
    ) -> None:
        options = self._asker.options
        words = {"level": options.levels, "types": options.model_types, "base_models": options.base_models, **asked}
        if collection is not None:
            words["collection_id"] = collection
        listed = feeds.model_feed(**words)

        def handle(rows: Sequence[Model], page: Page) -> None:
            chosen = [row for row in rows if creator is None or is_by_model(row, creator)]
            self._models.models(self._asker.limited(ids_of(chosen)), page)

        self._asker.walk(listed, walk, handle, collection=collection)

    def _post_list(self, walk: str, *, collection: int | None = None, **asked: Any) -> None:
        words = {"level": self._asker.options.levels, **asked}
        if collection is not None:
            words["collection_id"] = collection

        def handle(rows: Sequence[Post], page: Page) -> None:
            self._asker.posts(self._asker.limited([row.id for row in rows]), page)

        self._asker.walk(feeds.post_feed(**words), walk, handle, collection=collection)

    def _collections(self, listed: Any) -> None:
        found: list[int] = []

        def handle(rows: Sequence[Collection], page: Page) -> None:
            found.extend(row.id for row in rows)

        # Without a name: a mark would say that the list is over, and say nothing of what these collections hold.
        self._asker.walk(listed, "", handle)
        for id in found:
            if not self._asker.is_full:
                self._collection(id)

    def _collection(self, id: int) -> None:
        page = Page(f"collection:{id}")
        try:
            detail = self._asker.client.collection(id)
        except BudgetSpent:
            raise
        except UpstreamError as error:
            self._asker.refused(page, "collection", id, error)
            self._asker.close(page)
            return
        if detail.collection is None:
            state = self._asker.gone_or(State.PRIVATE, "collection", id)
            self._asker.note(page, "collection", id, state, NO_COLLECTION)
            self._asker.close(page)
            return
        page.members.append(("collection", id))
        if self._asker.launch("collection", id, page):
            [rows] = self._asker.batch([feeds.collection_feed(ids=[id], limit=1).page(None)])
            listed = (
                None if isinstance(rows, UpstreamError) else next((row for row in rows.items if row.id == id), None)
            )
            self._asker.give(CollectionFound(page=page, collection=detail.collection, listed=listed))
        self._asker.close(page)
        self._members(id, detail.collection.type)

    def _members(self, id: int, type: str | None) -> None:
        """The things of a collection; an old one without a type may hold all kinds."""
        try:
            if not self._asker.heeds("collection_id"):
                self._trouble(f"collection {id}: the host ignores which one is asked for; nothing of it was used")
                return
            # A host of our kind shows a collection in its own order unless told otherwise. Elsewhere no sort means lists by
            # reactions, which move while they are read and leave out what has none.
            sort = "" if self._asker.heeds("words for images", of_no_words(Entity.IMAGES)) else "Newest"
        except BudgetSpent:
            raise
        except UpstreamError as error:
            self._trouble(f"collection {id}: {error}")
            return
        if type in {"Image", None}:
            self._asker.images(
                self._asker.image_list(collection_id=id, sort=sort), f"collection:{id}:images", collection=id
            )
        if type in {"Post", None}:
            self._post_list(f"collection:{id}:posts", collection=id, sort=sort)
        if type in {"Model", None}:
            self._model_list(f"collection:{id}:models", collection=id, sort=sort)

    # tags and searches

    def _tag(self, target: Target) -> None:
        name = (target.name or "").strip()
        tabs = {tab for tab in (Entity.MODELS, Entity.IMAGES) if self._takes(tab)}
        wanted = tabs if target.entity is Entity.ALL else {target.entity}
        modelled = Entity.MODELS in wanted and self._tag_id(name, "Model") is not None
        id = self._tag_id(name, "Image") if wanted - {Entity.MODELS} else None
        if id is None and not modelled:
            self._trouble(f"the host knows no tag {name!r}; it would answer with everything")
        if modelled:
            self._model_list("tag:models", tag=name, **model_words(target))
        if id is not None and target.entity is Entity.POSTS:
            self._post_list("tag:posts", tags=(id,))
        elif id is not None:
            asked = {**image_words(target), "tags": (id,)}
            if target.entity is Entity.VIDEOS:
                asked["types"] = ("video",)
            self._asker.images(self._asker.image_list(**asked), "tag:images")

    def _tag_id(self, name: str, entity: str) -> int | None:
        """The host's number of a tag, None where it knows none of that name. Raises UpstreamError where it fails to answer."""
        listed = feeds.tag_feed(query=name, entity=entity, limit=100)
        rows = self._asker.client.run(listed.page(None)).items
        return next((row.id for row in rows if row.name.casefold() == name.casefold()), None)

    def _search(self, target: Target) -> None:
        options = self._asker.options
        words, known = words_of(target), _KNOWN | (NAMED if target.entity in {Entity.IMAGES, Entity.VIDEOS} else set())
        unknown = sorted(name for name in target.filters if name not in known and not name.startswith(_IDLE))
        if unknown:
            raise BadRequest(
                f"The page's filter {unknown[0]!r} cannot be asked of the host: without it, far more would come."
            )
        narrow = words or set(target.filters) & _NARROWING
        if not narrow and options.limit is None and options.since is None:
            raise BadRequest("This page shows everything there is: say how much with --limit or --since.")
        if words:
            self._heeding_words(target.entity)
        if target.entity is Entity.MODELS:
            self._model_list("search:models", query=words, **model_words(target))
        elif target.entity is Entity.POSTS:
            self._post_list("search:posts", query=words, **self._post_words(target))
        elif target.entity is Entity.COLLECTIONS:
            self._collections(feeds.collection_feed(query=words))
        elif target.entity is Entity.USERS:
            for user in self._asker.client.find_users(words):
                if not self._asker.is_full:
                    self._user(msgspec.structs.replace(target, name=user.username, entity=Entity.ALL))
        else:
            asked = {**image_words(target), **self._tags_of(target)}
            if target.entity is Entity.VIDEOS:
                asked["types"] = ("video",)
            listed = images_by_words(self._asker, words, asked) if words else self._asker.image_list(**asked)
            self._asker.images(listed, "search:images")

    def _heeding_words(self, entity: Entity) -> None:
        """BadRequest for a host whose lists of a kind take no words: without them, everything would come."""
        if not self._asker.heeds(f"words for {entity}", of_no_words(entity)):
            raise BadRequest(
                f"The host's interface cannot search {entity} by words; its pages may ask a service of their own. What it does "
                "list can be mirrored: a tag (/tag/NAME), a user, a model, a post or a collection."
            )

    def _post_words(self, target: Target) -> dict[str, Any]:
        """A page's filters as those of a post list."""
        pairs = (("sort", _one_of(target.filters, "sort")), ("period", _one_of(target.filters, "period")))
        return {**_without_empty(pairs), **self._tags_of(target)}

    def _tags_of(self, target: Target) -> dict[str, Any]:
        """The tags of a page, by number as hosts write them or by name as we do. BadRequest for one that the host lacks."""
        words = _many_of(target.filters, "tags")
        numbers = [number_of(word) if word.isdecimal() else self._tag_id(word, "Image") for word in words]
        if None in numbers:
            unknown = words[numbers.index(None)][:_TOLD]
            raise BadRequest(f"The host knows no tag {unknown!r}; it would answer with everything.")
        return {"tags": tuple(numbers)} if numbers else {}

    # the caller's own

    def _own(self, target: Target) -> None:
        client = self._asker.client
        if client.host.credential is None:
            raise UpstreamUnauthorized(f"{target.kind} needs a login.", advice="Do `pinako login` for this host first.")
        if target.kind is Kind.MY_REACTIONS:
            self._check_own(target.name)
            listed = self._asker.image_list(reactions=feeds.ALL_REACTIONS, more={"authed": True})
            self._asker.images(listed, "my:reactions", belongs=lambda row: bool(row.reactions))
            return
        collections = client.run(get_my_collections())
        wanted = [one for one in collections if (one.mode == "Bookmark") or target.kind is Kind.MY_COLLECTIONS]
        for one in wanted:
            self._collection(one.id)

    def _check_own(self, name: str | None) -> None:
        """BadRequest for the reactions of somebody else: hosts show everybody their own, whoever's page is asked for."""
        mine = self._asker.client.me().username if name else None
        if name and (mine or "").casefold() != name.casefold():
            raise BadRequest(f"What {name} reacted to is shown to {name} alone; the login is that of {mine}.")

    def _trouble(self, reason: str) -> None:
        page = Page("")
        self._asker.broken(page, reason)
        self._asker.close(page)


def is_by(row: Image, creator: Profile) -> bool:
    """Whether an image is by this user, as far as the row says."""
    owner = row.user.id if row.user else row.user_id
    if owner is not None:
        return owner == creator.id
    return (row.author or "").casefold() == (creator.username or "").casefold()


def is_by_model(row: Model, creator: Profile) -> bool:
    """The same for a model."""
    if row.creator is None:
        return row.user_id in {None, creator.id}
    if row.creator.id is not None:
        return row.creator.id == creator.id
    return (row.creator.username or "").casefold() == (creator.username or "").casefold()


def _one_of(filters: Mapping[str, tuple[str, ...]], name: str) -> str | None:
    return next(iter(filters.get(name, ())), None)


def _many_of(filters: Mapping[str, tuple[str, ...]], name: str) -> tuple[str, ...]:
    return tuple(word for text in filters.get(name, ()) for word in text.split(",") if word)


def _without_empty(words: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in words if value}


_BY_NUMBER = ("tools", "techniques")
_SWITCHES = ("withMeta", "fromPlatform", "followed")
"""Filters of an image page that go to the host as they are."""
_NARROWING = frozenset({"tags", "types", "type", "baseModels", "baseModel", *_BY_NUMBER, *_SWITCHES})
_KNOWN = _NARROWING | {"sort", "sortBy", "period", "view", "browsingLevel", "nsfw"}
_TOLD = 80
"""Most characters of a filter's word that a refusal repeats."""
_IDLE = ("utm_", "ref", "fbclid", "gclid")
"""What links carry for those who count them."""


def image_words(target: Target) -> dict[str, Any]:
    """A page's filters as those of an image list. BadRequest for one by number that is none."""
    filters = target.filters
    more: dict[str, Any] = {name: [_number(name, word) for word in _many_of(filters, name)] for name in _BY_NUMBER}
    more |= {name: True for name in _SWITCHES if _one_of(filters, name) in {"true", "1"}}
    pairs = (
        ("sort", _one_of(filters, "sort")),
        ("period", _one_of(filters, "period")),
        ("types", _many_of(filters, "types")),
        ("base_models", (*_many_of(filters, "baseModels"), *_many_of(filters, "baseModel"))),
        ("more", _without_empty(more.items())),
    )
    return _without_empty(pairs)


def _number(name: str, word: str) -> int:
    number = number_of(word)
    if number is None:
        raise BadRequest(f"The page's filter {name!r} is by number, and {word[:_TOLD]!r} is none.")
    return number


def model_words(target: Target) -> dict[str, Any]:
    """A page's filters as those of a model list."""
    filters = target.filters
    pairs = (
        ("sort", _one_of(filters, "sort")),
        ("period", _one_of(filters, "period")),
        ("types", (*_many_of(filters, "types"), *_many_of(filters, "type"))),
        ("base_models", (*_many_of(filters, "baseModels"), *_many_of(filters, "baseModel"))),
    )
    return _without_empty(pairs)

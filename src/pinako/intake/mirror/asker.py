"""The asking side: lists walked page by page, and for each thing the questions that are still open about it.

It runs on a thread of its own, so that the host is asked while files are fetched and rows are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any, TypeVar

import msgspec

from pinako.client.asks import Call
from pinako.client.calls import entities, feeds
from pinako.client.listings import Listing
from pinako.client.paging import Ending, Listed
from pinako.client.paging import Page as Listed_page
from pinako.client.records.images import Image, Post
from pinako.client.records.people import CollectionDetail
from pinako.errors import BudgetSpent, UpstreamError, UpstreamNonsense, UpstreamNotFound
from pinako.intake import journal
from pinako.intake.journal import Item, State
from pinako.intake.mirror.asking import Asking
from pinako.intake.mirror.asking_details import give_detailed
from pinako.intake.mirror.documents import digest_of
from pinako.intake.mirror.findings import (
    ImageFound,
    Page,
    PostFound,
)
from pinako.intake.mirror.ids import tombstones
from pinako.intake.mirror.options import Part
from pinako.intake.mirror.terms import is_fault, reason_of
from pinako.wire.times import millis_of

T = TypeVar("T")

TOGETHER = 15
"""Images whose details share one request: two questions each."""
POSTS_TOGETHER = 15
IMAGES_A_PAGE = 200


class Asker(Asking):
    """Asks one host about one target."""

    # lists

    def walk(
        self,
        listed: Listed[T],
        name: str,
        handle: Callable[[Sequence[T], Page], None],
        *,
        parent: Page | None = None,
        collection: int | None = None,
    ) -> None:
        """Walk a list from where it was left to its end; `handle` gives what each page is about."""
        begin, last = Page("", parent=parent), None
        try:
            for page, items in self._pages(listed, name, parent, collection):
                handle(items, page)
                self.close(page)
                last = page
                if self.is_full and parent is None:
                    break
        except BudgetSpent:
            raise
        except UpstreamError as error:
            begin.spoil()
            self.broken(begin, str(error))
        else:
            # That the list is over counts only once all its pages are dealt with.
            end = Page(name, parent=parent, collection=collection)
            end.previous = last
            end.of_collection = _KIND_OF_LIST.get(name.rpartition(":")[2], "") if not self.options.are_narrow else ""
            self.close(end)
        self.close(begin)

    def _pages(
        self, listed: Listed[T], name: str, parent: Page | None, collection: int | None
    ) -> Iterator[tuple[Page, Sequence[T]]]:
        place = journal.place_of(self.read(), self.terms.source, self.terms.key, name) if name else None
        if place is not None and place.ended:
            return
        start = msgspec.json.decode(place.mark) if place is not None and place.mark is not None else None
        listing, previous = Listing(self.client.run, listed), None
        for found in self._from(listing, start):
            page = Page(name, mark=found.next, parent=parent, collection=collection)
            page.previous, previous = previous, page
            yield page, found.items
        if listing.ending not in {None, Ending.COMPLETE}:
            raise UpstreamNonsense(f"The list went in circles ({listing.ending}).")

    def _from(self, listing: Listing[T], start: str | int | None) -> Iterator[Listed_page[T]]:
        """The pages of a list from a mark on; from its beginning where the host no longer takes that mark."""
        pages = listing.pages(start)
        try:
            first = next(pages, None)
        except UpstreamError:
            if start is None:
                raise
            pages = listing.pages(None)
            first = next(pages, None)
        if first is not None:
            yield first
            yield from pages

    # images

    def image_list(self, **asked: Any) -> Listed[Image]:
        """A list of images as this run asks it."""
        options = self.options
        given = {"level": options.levels, "types": options.media_types, "base_models": options.base_models, **asked}
        return feeds.image_feed(**{"limit": IMAGES_A_PAGE, **given}, with_tags=True, with_meta=True)

    def images(
        self,
        listed: Listed[Image],
        name: str,
        *,
        parent: Page | None = None,
        collection: int | None = None,
        belongs: Callable[[Image], bool] | None = None,
    ) -> None:
        """Walk a list of images and give each with its post and details. `belongs`: rows that fail it are passed over."""
        fits = belongs or listed.fits

        def handle(rows: Sequence[Image], page: Page) -> None:
            self.give_images([row for row in rows if fits is None or fits(row)], page, top=parent is None)

        self.walk(listed, name, handle, parent=parent, collection=collection)

    def give_images(
        self, rows: Sequence[Image], page: Page, *, top: bool = True, lacking: Mapping[int, str] | None = None
    ) -> None:
        """Give a page's images, those that the filters leave. `lacking`: what the host failed to say of some, and why."""
        chosen = [row for row in rows if self.admits(row)]
        chosen = self.limited(chosen) if top else chosen
        page.members += [("image", row.id) for row in chosen]
        page.beside += dict.fromkeys(("post", row.post_id) for row in chosen if row.post_id is not None)
        known = self.known("image", (row.id for row in chosen))
        chosen = self._without_barred(chosen, known, page)
        fresh, known = self._launched(chosen, page)
        open_ones: list[ImageFound] = []
        lacking = lacking or {}
        for found in (self._judge(row, known.get(row.id), page, lacking.get(row.id)) for row in fresh):
            if found.steady or self.terms.dry:
                self.give(found)
            else:
                open_ones.append(found)
        self._give_posts_of(chosen if not self.terms.dry else (), {found.row.id for found in open_ones}, page)
        give_detailed(self, [open_ones[start : start + TOGETHER] for start in range(0, len(open_ones), TOGETHER)])

    def _launched(self, rows: Sequence[Image], page: Page) -> tuple[list[Image], dict[int, Item]]:
        """The images that this run has not dealt with, launched, and what the journal says of them: by now, not a page ago."""
        sent = [row for row in rows if self.launch("image", row.id, page)]
        known, fresh = self.known("image", (row.id for row in sent)), []
        for row in sent:
            if self.is_fresh(known.get(row.id)):
                self.landed("image", row.id)
            else:
                fresh.append(row)
        return fresh, known

    def _without_barred(self, rows: Sequence[Image], known: Mapping[int, Item], page: Page) -> list[Image]:
        """Without what was thrown away here for good, or must never be kept: it is not asked about again."""
        ids = [row.id for row in rows]
        barred = tombstones(self.read(), "image", self.terms.source, ids)
        for id, reason in barred.items():
            if not self.is_fresh(known.get(id)):
                state = State.WITHHELD if reason == "withheld" else State.LEFT_OUT
                self.note(page, "image", id, state, "")
        return [row for row in rows if row.id not in barred]

    def admits(self, row: Image) -> bool:
        """Whether the run's filters let an image pass."""
        options = self.options
        if row.level and not row.level & options.levels:
            return False
        if options.media_types and row.type not in options.media_types:
            return False
        at = row.published_at or row.sort_at or row.created_at
        return options.since is None or at is None or millis_of(at) >= options.since

    def _judge(self, row: Image, known: Item | None, page: Page, fault: str | None) -> ImageFound:
        """What is open about an image."""
        digest = digest_of(row.raw)
        wanted = {part for part in (Part.MEDIA, Part.GENERATION, Part.TAGS) if self.options.wants(part)}
        had = set(known.parts) if known is not None and known.digest == digest else set()
        lacking = {str(part) for part in wanted} - had
        at_rest = known is not None and known.digest == digest and known.rests(self.now)
        if known is not None and known.state is State.WITHHELD and known.digest == digest:
            lacking = set()
        elif at_rest:
            lacking -= {str(Part.MEDIA)}
        same = known is not None and known.digest == digest
        return ImageFound(
            page=page,
            row=row,
            digest=digest,
            known=known,
            fetch=Part.MEDIA in lacking,
            steady=same and not lacking and not fault,
            parts=tuple(sorted(had)),
            failed=(fault,) if fault else (),
        )

    # posts

    def _give_posts_of(self, rows: Sequence[Image], open_ones: Set[int], page: Page) -> None:
        """The posts of what is open, and those that another run did not get, however little is open about their images."""
        ids = list(dict.fromkeys(row.post_id for row in rows if row.post_id is not None))
        known, wanted = self.known("post", ids), {row.post_id for row in rows if row.id in open_ones}
        wanted |= {id for id in ids if id not in known or known[id].state in journal.FAULTS}
        self.give_posts([id for id in ids if id in wanted and not self.is_fresh(known.get(id))], page)

    def give_posts(self, ids: Sequence[int], page: Page) -> None:
        """Give these posts, their images apart."""
        wanted = [id for id in ids if self.launch("post", id, page)]
        for start in range(0, len(wanted), POSTS_TOGETHER):
            part = wanted[start : start + POSTS_TOGETHER]
            listed = feeds.post_feed(ids=part, limit=len(part)).page(None)
            *singles, rows = self.batch([*(entities.get_post(id) for id in part), listed])
            found: dict[int, Post] = {} if isinstance(rows, UpstreamError) else {row.id: row for row in rows.items}
            for id, single in zip(part, singles, strict=True):
                self.give(_post_found(page, id, single, rows, found.get(id)))

    # single things

    def image(self, id: int) -> None:
        """One image by its id."""
        page = Page(f"image:{id}")
        self.give_single(id, page)
        self.close(page)

    def give_single(self, id: int, page: Page) -> None:
        """Give an image as it is asked for by its id."""
        listed = self.image_list(image_id=id, level=31, types=(), base_models=(), limit=10)
        basic, rows = self.batch([entities.get_image(id), listed.page(None)])
        if isinstance(basic, UpstreamError):
            self.refused(page, "image", id, basic)
        else:
            # A host that ignores the filter answers with somebody else's images: only the right one counts.
            same = [] if isinstance(rows, UpstreamError) else [row for row in rows.items if row.id == id]
            lacking = {id: f"its row: {reason_of(rows)}"} if is_fault(rows) else {}
            self.give_images(same or [basic], page, lacking=lacking)

    def post(self, id: int) -> None:
        """One post with its images."""
        page = Page(f"post:{id}")
        try:
            self.client.post(id)
        except BudgetSpent:
            raise
        except UpstreamError as error:
            self.refused(page, "post", id, error)
            self.close(page)
            return
        self.posts([id], page)
        self.close(page)

    def posts(self, ids: Sequence[int], page: Page) -> None:
        """Posts with all their images."""
        page.members += [("post", id) for id in ids]
        known = self.known("post", ids)
        self.give_posts([id for id in ids if not self.is_fresh(known.get(id))], page)
        for id in ids:
            if not self.is_dealt_with(f"post:{id}:images"):
                self.images(self.image_list(post_id=id, types=(), base_models=()), f"post:{id}:images", parent=page)

    def check_gone(self, entity: str, ids: Sequence[int]) -> None:
        """Ask for things that their lists no longer name, and note those that are gone."""
        known = self.known(entity, ids)
        asked = [id for id in ids if id in known and not known[id].rests(self.now)]
        page = Page(f"gone:{entity}")
        for start in range(0, len(asked), TOGETHER):
            part = asked[start : start + TOGETHER]
            calls: list[Call[Any]] = [_ONE[entity](id) for id in part]
            for id, answer in zip(part, self.batch(calls), strict=True):
                if isinstance(answer, CollectionDetail) and answer.collection is None:
                    self.refused(page, entity, id, UpstreamNotFound(NO_COLLECTION))
                elif isinstance(answer, UpstreamNotFound):
                    self.refused(page, entity, id, answer)
                elif is_fault(answer):
                    self.broken(page, f"whether {entity} {id} is still there: {reason_of(answer)}")
        self.close(page)


def _post_found(page: Page, id: int, single: Post | UpstreamError, rows: object, listed: Post | None) -> PostFound:
    """A post from both answers. That a list does not name it is no trouble; that it was not given is."""
    if not isinstance(single, UpstreamError):
        error = rows if isinstance(rows, UpstreamError) and is_fault(rows) else None
        return PostFound(page=page, id=id, single=single, listed=listed, error=error)
    error = single if listed is None or is_fault(single) else None
    return PostFound(page=page, id=id, listed=listed, error=error)


NO_COLLECTION = "it is private or does not exist; hosts do not tell the two apart"
_ONE: dict[str, Callable[[int], Call[Any]]] = {
    "image": entities.get_image,
    "post": entities.get_post,
    "model": entities.get_model_details,
    "collection": entities.get_collection,
}
LOOKED_FOR = tuple(_ONE)
"""Kinds of things that are asked for once their lists no longer name them."""
_KIND_OF_LIST = {"images": "image", "posts": "post", "models": "model"}

"""Pages for whoever keeps the library: duplicates, missing models, mirrors, imports, storage and health."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from pinako.catalog import levels
from pinako.errors import Forbidden, Unauthorized
from pinako.services import duplicates, missing, overview
from pinako.services.duplicates import Group
from pinako.services.overview import Overview, Share, Surveys
from pinako.web.answers import Answer
from pinako.web.ask import Ask
from pinako.web.gallery import charts, shown
from pinako.web.gallery.asked import Address, link, number_of
from pinako.web.gallery.pages import Pages
from pinako.web.gallery.strings import WORDS, say, say_many
from pinako.web.gallery.tiles import Tile, tiles
from pinako.web.routes import Route
from pinako.web.threads import Threads

GROUPS = 20
ROWS = 200
SLICES = 12


class ShownGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One group of duplicates: its pictures in order, the first is kept; notes on each by id."""

    sameness: str
    tiles: list[Tile]
    notes: dict[int, str]
    others: list[int]


class Owner:
    """The doors."""

    def __init__(self, pages: Pages, threads: Threads) -> None:
        self._pages = pages
        self._library = pages.library
        self._threads = threads
        self._surveys = Surveys(pages.library)

    def routes(self) -> list[Route]:
        """The doors, each for moderators only."""
        doors: tuple[tuple[str, Callable[[Ask], Awaitable[Answer]]], ...] = (
            ("/duplicates", self.duplicates),
            ("/missing", self.missing),
            ("/mirrors", self.mirrors),
            ("/imports", self.imports),
            ("/storage", self.storage),
        )
        return [self._pages.route(path, guarded(handler)) for path, handler in doors]

    async def duplicates(self, ask: Ask) -> Answer:
        """Groups of the same pictures, a page at a time, with what the rule would keep."""
        address = Address(ask.path, ask.pairs)
        kind = address.first("kind")
        wanted = [one for one in duplicates.Sameness if one == kind] or list(duplicates.Sameness)
        rule = address.first("rule") if address.first("rule") in duplicates.RULES else "best"
        page = number_of(address.first("page")) or 1
        groups = await self._threads.run(
            lambda: duplicates.find_duplicates(self._library.database.read(), sameness=wanted, rule=rule)
        )
        here = groups[(page - 1) * GROUPS : page * GROUPS]
        return self._pages.show(
            ask,
            "duplicates.html",
            groups=self._shown_groups(ask, here),
            total=len(groups),
            kinds=[
                (link("/duplicates", kind=one), say(f"duplicates.{one}"), kind == one) for one in duplicates.Sameness
            ],
            everything=not kind,
            rules=[(name, say(f"duplicates.rule.{name}")) for name in duplicates.RULES],
            rule=rule,
            kind=kind,
            next=str(address.put("page", str(page + 1))) if page * GROUPS < len(groups) else "",
        )

    def _shown_groups(self, ask: Ask, groups: Sequence[Group]) -> list[ShownGroup]:
        found = []
        viewer = self._pages.viewer_of(ask)
        for group in groups:
            twins = (group.keep, *group.others)
            held = {tile.id: tile for tile in tiles(self._library, [twin.id for twin in twins], viewer)}
            notes = {twin.id: _note(twin) for twin in twins}
            ordered = [held[twin.id] for twin in twins if twin.id in held]
            others = [twin.id for twin in group.others]
            found.append(ShownGroup(sameness=group.sameness, tiles=ordered, notes=notes, others=others))
        return found

    async def missing(self, ask: Ask) -> Answer:
        """What pictures say they were made with and is not here."""
        found = await self._threads.run(lambda: missing.list_missing(self._library.database.read()))
        rows = [(one, link("/images", query=wanted_query(one))) for one in found[:ROWS]]
        return self._pages.show(ask, "missing.html", rows=rows, total=len(found))

    async def mirrors(self, ask: Ask) -> Answer:
        """What is kept a copy of."""
        found = await self._threads.run(lambda: overview.mirrors(self._library.database.read()))
        return self._pages.show(ask, "mirrors.html", found=found)

    async def imports(self, ask: Ask) -> Answer:
        """What came from folders."""
        folders, recent = await self._threads.run(lambda: overview.imports(self._library.database.read()))
        return self._pages.show(ask, "imports.html", folders=folders, recent=recent)

    async def storage(self, ask: Ask) -> Answer:
        """Numbers, plots, and how quick the library answers just now."""
        viewer = self._pages.viewer_of(ask)
        found = await self._threads.run(self._surveys.get)
        timed = await self._threads.run(overview.time_questions, self._library, viewer)
        return self._pages.show(ask, "storage.html", found=found, plots=plots(found), speed=speed_plot(timed))


def guarded(handler: Callable[[Ask], Awaitable[Answer]]) -> Callable[[Ask], Awaitable[Answer]]:
    """A handler for moderators only: what these pages tell is about the machine, or names what others may not see."""

    async def answer(ask: Ask) -> Answer:
        if not ask.viewer.known:
            raise Unauthorized("Sign in first")
        if not ask.viewer.moderator:
            raise Forbidden(say("error.403.note"))
        return await handler(ask)

    return answer


def _note(twin: duplicates.Twin) -> str:
    parts = (
        f"{twin.width} × {twin.height}" if twin.width and twin.height else "",
        shown.size(twin.size),
        (twin.mime or "").partition("/")[2],
        say("duplicates.meta") if twin.has_meta else "",
        say("duplicates.shown") if twin.shown else "",
        shown.day(twin.created_at),
    )
    return " · ".join(part for part in parts if part)


def wanted_query(one: missing.Missing) -> str:
    """A search for the pictures that want a thing; nothing where it has no name."""
    key = "lora" if one.kind == "lora" else "model"
    return f'{key}:"{one.name}"' if one.name else ""


def plots(found: Overview) -> list[tuple[str, str]]:
    """Each plot with its title."""
    made = [(say("storage.growth"), _growth(found))]
    for key, shares in (
        ("base", found.by_base),
        ("level", found.by_level),
        ("generator", found.by_generator),
        ("type", found.by_type),
    ):
        made.append((say(f"storage.by.{key}"), _bars(key, shares)))
    disk = [(say(f"storage.disk.{share.name}"), share.amount, shown.size(share.amount)) for share in found.disk]
    made.append((say("storage.disk"), charts.bars(disk, say("storage.disk"))))
    return [(title, plot) for title, plot in made if plot]


def _growth(found: Overview) -> str:
    points = [(float(moment.at), float(moment.count)) for moment in found.growth]
    if not points:
        return ""
    return charts.curve(points, (shown.day(found.growth[0].at), shown.day(found.growth[-1].at)), say("storage.growth"))


def _bars(key: str, shares: Sequence[Share]) -> str:
    rows = [
        (_called(key, share.name), share.amount, say_many("count.images", share.amount)) for share in shares[:SLICES]
    ]
    return charts.bars(rows, say(f"storage.by.{key}"))


def _called(key: str, name: str) -> str:
    if key == "level":
        return levels.NAMES.get(int(name or 0), name)
    if key == "type":
        return WORDS.get(f"type.{name}", name)
    return name or say("storage.unknown")


def speed_plot(timed: Sequence[overview.Timed]) -> str:
    """How long questions take, in the middle of several."""
    rows = [(say(f"storage.speed.{one.name}"), one.median, f"{one.median:.2f} ms") for one in timed]
    return charts.bars(rows, say("storage.speed"))

"""The markup of icons, tiles and cards, in one place for pages, for their scripts and for the browser without any.

Plain text put together here, since a template takes ten times as long for sixty tiles. Whatever came from people or files goes
through `plain`; what is not wrapped in it is a number or a word of this program. A piece follows from its record alone, which
was read for one caller before it came here, so that pieces drawn lately can be kept for everybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import ParamSpec
from urllib.parse import quote

from markupsafe import Markup, escape

from pinako.media.video import has_ffmpeg
from pinako.web.gallery.shown import day_of, short_number
from pinako.web.gallery.strings import say, say_many
from pinako.web.gallery.tiles import LADDER, CollectionCard, ModelCard, PostCard, Somebody, Tile

KEPT_ICONS, KEPT_TILES, KEPT_CARDS = 256, 4096, 1024
P = ParamSpec("P")
HALF, QUARTER, CARD = (
    "(max-width: 640px) 50vw, {}px",
    "(max-width: 640px) 25vw, 150px",
    "(max-width: 640px) 50vw, 260px",
)
"""How wide a picture is shown: on a wall, as one of four on a card, and alone on a card."""
_ENDINGS = {"video": ".mp4", "audio": ".mp3"}


class Drawing:
    """Draws for the pages of one library. `asset` gives the address of a file of the gallery's own."""

    def __init__(self, account: str, asset: Callable[[str], str]) -> None:
        self._account = account
        self._moving = "transcode=true,width=450" if has_ffmpeg() else "original=true"
        self._icons = plain(asset("icons.svg"))
        self.icon = _drawn(self._icon, KEPT_ICONS)
        self.tile = _drawn(self._tile, KEPT_TILES)
        self.model_card = _drawn(self._model_card, KEPT_CARDS)
        self.post_card = _drawn(self._post_card, KEPT_CARDS)
        self.collection_card = _drawn(self._collection_card, KEPT_CARDS)

    def _icon(self, name: str) -> str:
        return (
            f'<svg class="icon icon-{plain(name)}" aria-hidden="true" focusable="false">'
            f'<use href="{self._icons}#{plain(name)}"></use></svg>'
        )

    def media(self, key: str, options: str, type: str = "image") -> str:
        """The address of a medium in one of its forms, as plain text."""
        return f"/{self._account}/{key}/{options}/{key}{_ENDINGS.get(type, '.jpeg')}"

    def still(self, tile: Tile, width: int) -> str:
        """The address of a picture of this width; of a video, its poster. Plain text too."""
        lead, end = self._around_width(tile)
        return f"{lead}{width}{end}"

    def _around_width(self, tile: Tile) -> tuple[str, str]:
        return f"/{self._account}/{tile.url}/{'anim=false,' if tile.moves else ''}width=", f"/{tile.url}.jpeg"

    def picture(self, tile: Tile, alt: str, sizes: str, *, eager: bool = False) -> str:
        """The picture of a tile in the widths that it offers. `eager`: it is in the first screen."""
        lead, end = map(plain, self._around_width(tile))
        offered = ", ".join([f"{lead}{width}{end} {width}w" for width in LADDER])
        return (
            f'<img src="{lead}{LADDER[1]}{end}" srcset="{offered}" sizes="{plain(sizes)}" '
            f'width="{int(tile.width or 450)}" height="{int(tile.height or 450)}" alt="{plain(alt)}" '
            f'{"fetchpriority=high" if eager else "loading=lazy"} decoding="async">'
        )

    def tiles(self, found: Iterable[Tile], eager: int = 0) -> Markup:
        """Tiles one after another; the first few are wanted at once."""
        return _marked("\n".join([self.tile(tile, place < eager) for place, tile in enumerate(found)]))

    def _tile(self, tile: Tile, eager: bool = False, current: bool = False) -> str:
        hash = f' data-hash="{plain(tile.hash)}"' if tile.hash else ""
        moving = plain(self.media(tile.url, self._moving, "video"))
        video = f' data-video="{moving}"' if tile.moves else ""
        return (
            f'<li class="tile r-{tile.ratio:d}"{_CURRENT if current else ""} data-id="{tile.id:d}" '
            f'data-key="{plain(tile.url)}" data-level="{int(tile.nsfw_level)}"{hash}{video}>\n'
            f'<a href="/images/{tile.id:d}">{self._inside(tile, eager)}</a>'
            f"{self._badge('play', tile.length) if tile.moves else ''}"
            f'<span class="line">{_by(tile.user)}{self._hearts(tile.reacted)}</span>\n</li>'
        )

    def _inside(self, tile: Tile, eager: bool) -> str:
        if tile.type == "audio":
            return f'<span class="sound">{self.icon("note")}<span>{plain(tile.name or tile.alt)}</span></span>'
        return self.picture(tile, tile.alt, HALF.format(tile.shown_width), eager=eager)

    def _hearts(self, count: int) -> str:
        if not count:
            return ""
        words = f'<span class="hidden"> {plain(say("tile.reactions"))}</span>'
        return f'<span class="count">{self.icon("heart")}{short_number(count)}{words}</span>'

    def _badge(self, sign: str, text: str) -> str:
        return f'<span class="badge">{self.icon(sign)}{plain(text)}</span>'

    def _model_card(self, card: ModelCard) -> str:
        address, version = f"/models/{card.id:d}", card.version
        cover = self.picture(card.cover, "", CARD) if card.cover else self._blank("cube")
        facts = " · ".join(filter(None, (version.base_model, version.name))) if version else ""
        counts = "".join(
            f'<span title="{plain(say(key))}">{self.icon(sign)}{short_number(count)}</span>'
            for key, sign, count in (
                ("model.downloads", "download", card.rank.download_count),
                ("model.likes", "thumb", card.rank.thumbs_up_count),
            )
        )
        return (
            f'<li class="card model" data-id="{card.id:d}" data-level="{int(card.nsfw_level)}">\n'
            f'<a class="cover" href="{address}">{cover}<span class="label">{plain(card.type)}</span></a>\n'
            f'<div class="about"><h3><a href="{address}">{plain(card.name)}</a></h3>\n'
            f'<p class="quiet">{plain(facts)}</p>\n<p class="counts">{_by(card.user, "/models")}{counts}</p></div>\n</li>'
        )

    def _post_card(self, card: PostCard) -> str:
        address, title = f"/posts/{card.id:d}", card.title or say("post.untitled")
        named = f"{title}, {say_many('count.images', card.image_count)}"
        at = plain(card.published_at or "")
        when = f'<time datetime="{at}">{plain(day_of(card.published_at))}</time>' if at else ""
        return (
            f'<li class="card post" data-id="{card.id:d}">\n{self._covers(address, named, card.covers)}'
            f"{self._badge('stack', str(card.image_count)) if card.image_count > 1 else ''}\n</a>\n"
            f'<div class="about"><h3><a href="{address}">{plain(title)}</a></h3>\n'
            f'<p class="counts">{_by(card.user)}{when}</p></div>\n</li>'
        )

    def _collection_card(self, card: CollectionCard) -> str:
        address, name = f"/collections/{card.id:d}", plain(card.name)
        count = plain(say_many("count.items", card.item_count))
        read = plain(say(f"collection.{card.read.lower()}")) if card.read != "Public" else ""
        return (
            f'<li class="card collection" data-id="{card.id:d}">\n{self._covers(address, card.name, card.covers)}'
            f"{'' if card.covers else self._blank('folder')}\n</a>\n"
            f'<div class="about"><h3><a href="{address}">{name}</a></h3>\n'
            f'<p class="counts">{_by(card.user, "/collections")}<span>{count}</span>'
            f'{f"""<span class="label still">{read}</span>""" if read else ""}</p></div>\n</li>'
        )

    def _covers(self, address: str, named: str, covers: tuple[Tile, ...]) -> str:
        """The pictures of a card, as the beginning of its link."""
        drawn = (self.icon("note") if one.type == "audio" else self.picture(one, "", QUARTER) for one in covers)
        return f'<a class="cover count-{len(covers)}" href="{address}" aria-label="{plain(named)}">\n' + "\n".join(
            drawn
        )

    def _blank(self, sign: str) -> str:
        return f'<span class="blank">{self.icon(sign)}</span>'


_SPECIAL = re.compile(r"[&<>'\"]").search
_CURRENT = ' aria-current="true"'


def _drawn(write: Callable[P, str], most: int) -> Callable[P, Markup]:
    """The same as markup that a template takes as it is, so many of the latest kept."""

    @lru_cache(maxsize=most)
    def draw(*args: P.args, **kwargs: P.kwargs) -> Markup:
        return _marked(write(*args, **kwargs))

    return draw  # type: ignore[return-value]


def plain(text: str) -> str:
    """A text as markup that shows just that text. Most have nothing to escape, and looking costs a quarter of escaping."""
    return str(escape(text)) if _SPECIAL(text) else text


def _marked(text: str) -> Markup:
    return Markup(text)  # noqa: S704  # everything in it was escaped where it was put in


def _by(somebody: Somebody, section: str = "") -> str:
    """A link to whose it is; who has no name any more has no page."""
    name = somebody.username
    return f'<a href="/user/{quote(name)}{section}">{plain(name)}</a>' if name else "<span></span>"

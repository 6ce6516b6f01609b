"""Page metadata and the links in it: absolute addresses of the host that was asked, never with a key in them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote

import msgspec
from msgspec import UNSET, UnsetType

from pinako.wire.coerce import Pair
from pinako.wire.params import PAGE_CAP

_QUOTED = [quote(bytes([byte]), safe="-_.~") for byte in range(256)]
"""How each byte is written in a link."""
_SECRET = "token"  # noqa: S105 - the name of the parameter that carries a key, not a key


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The request that a link continues: `origin` without a slash at its end, the path, the pairs in their order."""

    origin: str
    path: str
    pairs: tuple[Pair, ...] = ()

    def link(self, key: str, value: str | int, *, without: str = "") -> str:
        """The same request with `key` set: in its place where it was asked, else appended.

        Repeated keys stay repeated (together, where the first stood), blank values vanish, so does the caller's key.
        """
        grouped: dict[str, list[str]] = {}
        for name, text in self.pairs:
            if name.lower() != _SECRET and name != without:
                grouped.setdefault(name, []).append(text)
        grouped[key] = [str(value)]
        parts = [_part(name, text) for name, texts in grouped.items() for text in texts if text]
        return f"{self.origin}{self.path}?{'&'.join(parts)}"


@lru_cache(maxsize=4096)
def _part(name: str, text: str) -> str:
    """One pair. The same ones come in link after link; cursors pass through and fall out again."""
    return f"{_quoted(name)}={_quoted(text)}"


def _quoted(text: str) -> str:
    """As `urllib.parse.quote`, a tenth of its time: parts that were not met lately are many."""
    return "".join(map(_QUOTED.__getitem__, text.encode(errors="replace")))


class PageMetadata(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """`metadata` of every REST list; what a list does not have is absent."""

    total_items: int | UnsetType = UNSET
    current_page: int | UnsetType = UNSET
    page_size: int | UnsetType = UNSET
    total_pages: int | UnsetType = UNSET
    has_more: bool | UnsetType = UNSET
    next_cursor: str | int | UnsetType = UNSET
    next_page: str | UnsetType = UNSET
    prev_page: str | UnsetType = UNSET

    def json(self) -> bytes:
        """The object's text."""
        return msgspec.json.encode(self)


def paged_metadata(asked: Asked, *, total: int, limit: int, page: int, has_more: bool | None = None) -> PageMetadata:
    """Creators and tags. `page` is the number asked for (0 is the first page); `limit` 0 asked for all rows.

    `has_more` is sent where given (creators with `query`).
    """
    size = limit or total
    pages = 1 if not limit else -(-total // limit)
    before = asked.link("page", page - 1) if pages > 1 and page > 1 else UNSET
    after = asked.link("page", page + 1) if page < pages and limit else UNSET
    if page == 0 and pages <= 1:
        after = UNSET  # page 0 is served as page 1, which is all there is
    return PageMetadata(
        total_items=total, current_page=page, page_size=size, total_pages=pages,
        has_more=UNSET if has_more is None else has_more, next_page=after, prev_page=before,
    )  # fmt: skip


def images_metadata(
    asked: Asked, *, next_cursor: str | None, limit: int, page: int | None, first: bool = False
) -> PageMetadata:
    """Images: the cursor pair while there is more; in page mode also where we are.

    `first`: no cursor was asked for. The document of 2023 shows page 1 in such an answer, also where no page was asked for.
    """
    shown = 1 if page is None and first and next_cursor is not None else page
    here = UNSET if shown is None else shown
    size = UNSET if shown is None else limit
    if next_cursor is None:
        return PageMetadata(current_page=here, page_size=size)
    return PageMetadata(
        current_page=here, page_size=size, next_cursor=next_cursor, next_page=_next(asked, next_cursor, limit, page)
    )


def models_metadata(
    asked: Asked, *, next_cursor: str | None, limit: int, page: int | None, total: int, rows_before: int | None = None
) -> PageMetadata:
    """Models: totals and links in both modes (rest.md 20.5).

    `rows_before` is how many rows lie before this page, where the feed knows it; without, a cursor's page counts as 1.
    """
    current = page or (1 if rows_before is None else rows_before // limit + 1)
    pages = -(-total // limit)
    before = asked.link("page", page - 1) if page is not None and 1 < page <= pages + 1 else UNSET
    return PageMetadata(
        total_items=total, current_page=current, page_size=limit, total_pages=pages,
        next_cursor=UNSET if next_cursor is None else next_cursor,
        next_page=UNSET if next_cursor is None else _next(asked, next_cursor, limit, page),
        prev_page=before,
    )  # fmt: skip


def collections_metadata(asked: Asked, *, next_cursor: int | None) -> PageMetadata:
    """Collections: a numeric cursor while there is more."""
    if next_cursor is None:
        return PageMetadata()
    return PageMetadata(next_cursor=next_cursor, next_page=asked.link("cursor", next_cursor))


def _next(asked: Asked, next_cursor: str, limit: int, page: int | None) -> str:
    """By page where the request was, until the next page would be refused: then by cursor (rest.md 20.10).

    A random list goes on by cursor alone, which has its seed in it (rest.md 20.41).
    """
    if page is not None and (page + 1) * limit <= PAGE_CAP and not next_cursor.startswith("random."):
        return asked.link("page", page + 1)
    return asked.link("cursor", next_cursor, without="page")


def origin_of(scheme: str, host: str) -> str:
    """`https://example.org:8443`; a host with characters that no host has is left out of links by refusing it here."""
    if not host or any(not (c.isalnum() or c in ".-_:[]") for c in host) or not host.isascii():
        return f"{scheme}://localhost"
    return f"{scheme}://{host}"


def listed(items: Iterable[bytes], metadata: bytes) -> bytes:
    """`{"items":[…],"metadata":{…}}` of ready-made items."""
    return b'{"items":[' + b",".join(items) + b'],"metadata":' + metadata + b"}"

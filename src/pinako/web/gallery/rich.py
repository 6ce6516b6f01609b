"""HTML that people wrote (descriptions, details of posts), cut down to what can do no harm on our own pages."""

from __future__ import annotations

import re
from functools import lru_cache

import nh3
from markupsafe import Markup

from pinako.services.hypertext import DROPPED

_TAGS = {
    "a", "b", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "i", "ins", "li", "ol", "p", "pre", "s", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr",
    "u", "ul",
}  # fmt: skip
_HEADING = re.compile(r"<(/?)h([1-6])>")
MOST_LETTERS = 200_000


@lru_cache(maxsize=256)
def clean(text: str | None, under: int = 2) -> Markup:
    """The harmless part of an HTML text. No pictures (they would tell another host who looks), no styles, no scripts.

    `under`: the level of the heading that it stands below; the text's own headings begin one lower and skip none.
    """
    if not text:
        return Markup("")
    cleaned = nh3.clean(
        text[:MOST_LETTERS],
        tags=_TAGS,
        clean_content_tags=DROPPED,
        attributes={"a": {"href", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    return Markup(_outlined(cleaned, under))  # noqa: S704 - this is what the sanitiser lets through


def _outlined(cleaned: str, under: int) -> str:
    level = under

    def place(found: re.Match[str]) -> str:
        nonlocal level
        if not found[1]:
            level = min(max(int(found[2]), under + 1), level + 1)
        return f"<{found[1]}h{level}>"

    return _HEADING.sub(place, cleaned)

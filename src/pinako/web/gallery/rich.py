"""HTML that people wrote (descriptions, details of posts), cut down to what can do no harm on our own pages."""

from __future__ import annotations

import re
from functools import lru_cache

import nh3
from markupsafe import Markup

_TAGS = {
    "a", "b", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em", "h3", "h4", "h5", "h6", "hr", "i", "ins",
    "li", "ol", "p", "pre", "s", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
_DROPPED = {"script", "style", "iframe", "object", "embed", "template", "svg", "math", "noscript"}
"""Tags whose content goes with them."""
_LARGE_HEADING = re.compile(r"(</?)h[12](?=[\s>])", re.IGNORECASE)
MOST_LETTERS = 200_000


@lru_cache(maxsize=256)
def clean(text: str | None) -> Markup:
    """The harmless part of an HTML text. No pictures (they would tell another host who looks), no styles, no scripts."""
    if not text:
        return Markup("")
    # Our own pages have the two largest headings; those of a text stand below them.
    lowered = _LARGE_HEADING.sub(r"\1h3", text[:MOST_LETTERS])
    cleaned = nh3.clean(
        lowered,
        tags=_TAGS,
        clean_content_tags=_DROPPED,
        attributes={"a": {"href", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    return Markup(cleaned)  # noqa: S704 - this is what the sanitiser lets through

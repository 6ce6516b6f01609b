"""HTML that people write here: what could act for its reader is taken out before it is kept.

Our own pages cut what they show down further (web/gallery/rich.py); this is for every other program that reads the library.
What was mirrored is kept as it was received.
"""

from __future__ import annotations

from typing import overload

import nh3

DROPPED = {"script", "style", "iframe", "object", "embed", "template", "svg", "math", "noscript"}
"""Tags whose content goes with them."""


@overload
def harmless(html: str) -> str: ...
@overload
def harmless(html: None) -> None: ...
def harmless(html: str | None) -> str | None:
    """The text without scripts, handlers, frames and addresses that run something. Plain text stays as it is."""
    if html is None or "<" not in html:
        return html
    return nh3.clean(html, clean_content_tags=DROPPED, link_rel="noopener noreferrer nofollow")

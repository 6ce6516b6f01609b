"""Browsing levels: one bit for an image, a union for what holds images, a mask for a viewer (domain.md c)."""

from __future__ import annotations

UNRATED = 0
PG = 1
PG13 = 2
R = 4
X = 8
XXX = 16
BLOCKED = 32

PUBLIC = PG
SFW = PG | PG13
ALL = 31
MATURE_BITS = R | X | XXX
NSFW = MATURE_BITS | BLOCKED
"""The classification mask 60. As a viewer's mask it becomes 28, because Blocked is never selectable."""

BITS = (PG, PG13, R, X, XXX)
NAMES = {UNRATED: "?", PG: "PG", PG13: "PG-13", R: "R", X: "X", XXX: "XXX", BLOCKED: "Blocked"}

LEGACY_MASKS = {"None": PG, "Soft": SFW, "Mature": SFW | R, "X": ALL, "Blocked": BLOCKED}
"""What `nsfw=<word>` asks for: cumulative, unlike the words of an answer."""

_LEGACY_NAMES = {PG: "None", PG13: "Soft", R: "Mature", X: "X", XXX: "X", BLOCKED: "Blocked"}


def legacy_name(level: int) -> str:
    """The word that `/api/v1/images` sends for one level bit; anything but a single bit is `None`."""
    return _LEGACY_NAMES.get(level, "None")


def cut(asked: int, cap: int) -> int:
    """The part of an asked mask that a caller capped at `cap` gets. May be 0: then a list is empty (rest.md 20)."""
    return asked & cap & ALL


def is_mature(mask: int) -> bool:
    """Whether a mask or level has any of R, X, XXX, Blocked."""
    return bool(mask & NSFW)

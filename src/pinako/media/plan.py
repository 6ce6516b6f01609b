"""How a wish is met for a source of a given type (domain.md f): its own bytes, a picture, a still, a converted video."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from pinako.catalog.derivative import Derivative

Way = Literal["source", "picture", "still", "video"]

_MAY_MOVE: Final = frozenset({"image/gif", "image/webp", "image/apng"})
_PICTURE_NAMES: Final = frozenset({"jpeg", "webp"})
_SOURCE: Final = Derivative(original=True)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The way, and the wish without what does not matter on it: two plans that are equal make equal files."""

    way: Way
    wish: Derivative

    def cache_key(self, sha256: str) -> str:
        """The name of the result for one source."""
        return f"{sha256}/{self.way}/{self.wish.cache_key()}"


def plan(derivative: Derivative, mime: str) -> Plan:
    """The plan for a source of type `mime`; anything that is neither picture nor video is sent as it is."""
    if mime.startswith("video/"):
        return _plan_video(derivative)
    if mime.startswith("image/"):
        return _plan_picture(derivative, mime)
    return _source()


def _plan_picture(derivative: Derivative, mime: str) -> Plan:
    """`original=true` is the source, whatever else is asked, except that a moving picture may be stopped."""
    if mime == "image/gif" and derivative.transcode and derivative.container in {"mp4", "webm"}:
        return _video(derivative)
    stops = not derivative.anim and mime in _MAY_MOVE
    plain = derivative.blur == 0 and derivative.gamma == 1.0
    if not stops and (derivative.original is True or (_implies_source(derivative) and plain)):
        return _source()
    return Plan(way="picture", wish=_settle(derivative, transcode=False, container="", skip=0.0))


def _plan_video(derivative: Derivative) -> Plan:
    """Converted only with `transcode`; stopped by `anim=false`, or by a size under a picture's name (2022's form)."""
    named_picture = derivative.container in _PICTURE_NAMES and derivative.has_size
    if not derivative.anim or (named_picture and not derivative.transcode):
        return Plan(way="still", wish=_settle(derivative, anim=False, transcode=False, container=""))
    return _video(derivative) if derivative.transcode else _source()


def _video(derivative: Derivative) -> Plan:
    container = "webm" if derivative.container == "webm" else "mp4"
    wish = _settle(derivative, container=container, skip=0.0, optimized=False, gamma=1.0, background=None)
    return Plan(way="video", wish=msgspec.structs.replace(wish, fit="scale-down", gravity="center", metadata="none"))


def _source() -> Plan:
    return Plan(way="source", wish=_SOURCE)


def _implies_source(derivative: Derivative) -> bool:
    return derivative.original is None and derivative.full_size


def _settle(derivative: Derivative, **changes: object) -> Derivative:
    """Full size is said in one way only, so that it is made only once."""
    if derivative.full_size:
        changes |= {"original": False, "width": None, "height": None}
    else:
        changes |= {"original": None}
    return msgspec.structs.replace(derivative, **changes)

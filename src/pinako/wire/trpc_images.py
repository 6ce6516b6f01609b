"""Images as tRPC sends them: one fragment for list items and for `image.get`, and the generation data of one image.

The item is the union of what each age reads (trpc.md 4.2): fields that today's server dropped stay. Stored: the head, its
date marks, the image's id, its tags in short. Counts, the caller's reactions, metadata and tags are spliced in on joining.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from pinako.catalog.images import FullImage, GenerationData, GenerationResource, Reacted
from pinako.catalog.people import User
from pinako.catalog.tags import UNSCORED, Tag, TagScore
from pinako.wire.fragments import encode
from pinako.wire.superjson import Marks, record_marks, under
from pinako.wire.times import iso
from pinako.wire.trpc import Item, Reply, reply

_BREAK = b"\x03"
NO_VOTES: Mapping[int, int] = {}
_STRENGTH_TYPES = ("TextualInversion", "LORA", "DoRA", "LoCon")
"""Types whose use has a weight worth telling."""


class TrpcUser(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A user wherever one appears. `image` is a whole address or a bare media key."""

    id: int
    username: str | None
    image: str | None
    deleted_at: str | None
    cosmetics: tuple[()] = ()
    profile_picture: None = None


def trpc_user(user: User) -> TrpcUser:
    """A user as tRPC shows one."""
    return TrpcUser(id=user.id, username=user.username, image=user.image, deleted_at=iso(user.deleted_at))


class TrpcImage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An image without what is spliced: stats, reactions, meta, tags."""

    id: int
    name: str | None
    url: str
    nsfw_level: int
    width: int | None
    height: int | None
    hash: str | None
    hide_meta: bool
    has_meta: bool
    has_positive_prompt: bool
    on_site: bool
    remix_of_id: int | None
    created_at: str
    sort_at: str
    published_at: str | UnsetType | None
    scanned_at: str | None
    mime_type: str | None
    type: str
    metadata: dict[str, Any]
    ingestion: str
    blocked_for: str | None
    needs_review: str | None
    post_id: int | None
    post_title: str | None
    index: int
    minor: bool
    poi: bool
    acceptable_minor: bool
    availability: str
    model_version_id: int | None
    model3d_id: None = msgspec.field(default=None, name="model3dId")
    model_version_ids: tuple[int, ...]
    model_version_ids_manual: tuple[int, ...]
    base_model: str | None
    user_id: int
    user: TrpcUser
    profile_picture_id: None = None
    cosmetic: None = None
    thumbnail_url: None = None
    judge_score: None = None
    tag_ids: tuple[int, ...]


class TrpcVotable(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A tag inside an item, where `include` asks for tags. `vote` only where the caller voted."""

    image_id: int
    id: int
    name: str
    type: str
    nsfw_level: int
    score: int = 0
    up_votes: int = 0
    down_votes: int = 0
    automated: bool = False
    needs_review: bool = False
    concrete: bool = True
    last_upvote: str | None = None
    source: str
    vote: int | UnsetType = UNSET


class _ShortTag(msgspec.Struct, frozen=True, array_like=True):
    """A tag as it is stored: few ask for an image's tags, and in full they are three quarters of its fragment.

    Nearly every tag's source is the tagger where it is automated and a person where it is not: only others are written.
    """

    id: int
    name: str
    type: str
    level: int
    score: int
    up_votes: int
    down_votes: int
    automated: bool
    needs_review: bool
    last_upvote: int | None
    source: str = ""


def _usual_source(*, automated: bool) -> str:
    return "WD14" if automated else "User"


_short_tags = msgspec.json.Decoder(list[_ShortTag])


class ImageParts(NamedTuple):
    """A fragment split once, when it is cached. `tags` are short ones."""

    head: bytes
    marks: Marks
    id: int
    tags: bytes


def write_image(full: FullImage) -> bytes:
    """The fragment of one image."""
    return _fragment(full, _image(full))


def _fragment(full: FullImage, image: TrpcImage) -> bytes:
    tags = encode([_short(tag, full.scores.get(tag.id, UNSCORED)) for tag in full.tags])
    return _BREAK.join((encode(image)[:-1], ",".join(record_marks(image)).encode(), b"%d" % full.image.id, tags))


def split_image(body: bytes) -> ImageParts:
    """A stored fragment in its parts. ValueError for one that was written in another form."""
    head, text, id, tags = body.split(_BREAK)
    marks = tuple(text.decode().split(",")) if text else ()
    return ImageParts(head, marks + _undefined(head, marks), int(id), tags)


def _undefined(head: bytes, dated: Marks) -> Marks:
    """The members that the original leaves undefined where they are null, beside `tags` (trpc.md 4.2)."""
    base_model = ("baseModel?",) if b',"baseModel":null,"userId":' in head else ()
    return (*base_model, *(() if "publishedAt" in dated else ("publishedAt?",)), "thumbnailUrl?")


def stats_text(like: int, heart: int, laugh: int, cry: int, comment: int, collected: int, tipped: int) -> bytes:
    """The counts of an item. Dislikes and views are not told, here as upstream (domain.md e)."""
    return (
        f',"stats":{{"likeCountAllTime":{like},"laughCountAllTime":{laugh},"heartCountAllTime":{heart},'
        f'"cryCountAllTime":{cry},"commentCountAllTime":{comment},"collectedCountAllTime":{collected},'
        f'"tippedAmountCountAllTime":{tipped},"dislikeCountAllTime":0,"viewCountAllTime":0}},"reactions":['
    ).encode()


@lru_cache(maxsize=4096)
def reactions_text(user_id: int, words: tuple[str, ...]) -> bytes:
    """The caller's own reactions to one thing, without the brackets."""
    return b",".join(b'{"userId":%d,"reaction":"%s"}' % (user_id, word.encode()) for word in words)


def join_image(
    parts: ImageParts,
    counts: Sequence[int],
    *,
    reactions: bytes = b"",
    meta: bytes | None = None,
    tags: bool = False,
    votes: Mapping[int, int] = NO_VOTES,
    standing: str = "",
) -> Item:
    """One item. `counts` are likes, hearts, laughs, cries, comments, collections, tips.

    `reactions` is `reactions_text`; `meta` the metadata to show, as JSON; `tags`: show them, with the caller's own `votes`
    by tag; `standing`: how it stands in the collection that was asked for.
    """
    votable, marks = _votables(parts, votes) if tags else (b"null", ("tags?",))
    body = b"".join((
        parts.head, stats_text(*counts), reactions, b'],"meta":', meta or b"null", b',"tags":', votable,
        b',"collectionItemStatus":"%s"}' % standing.encode() if standing else b"}",
    ))  # fmt: skip
    return body, parts.marks + marks


def image_reply(full: FullImage, reacted: Reacted | None, *, without_post: bool = False) -> Reply:
    """`image.get`. `without_post`: the time that the post was published, which is the image's, is not told either."""
    image, body = full.image, _image(full)
    if without_post:
        body = msgspec.structs.replace(body, published_at=UNSET)
    counts = (
        image.like_count, image.heart_count, image.laugh_count, image.cry_count, image.comment_count,
        image.collected_count, image.tipped_count,
    )  # fmt: skip
    own = reactions_text(reacted.user_id, reacted.words) if reacted else b""
    item, marks = join_image(split_image(_fragment(full, body)), counts, reactions=own, tags=True)
    return reply(item, tuple(mark for mark in marks if mark[-1] != "?"))  # every member is there, also where it is null


def _image(full: FullImage) -> TrpcImage:
    image, post = full.image, full.post
    return TrpcImage(
        id=image.id, name=image.name, url=image.media_key, nsfw_level=image.level, width=image.width,
        height=image.height, hash=image.blurhash, hide_meta=image.hide_meta,
        has_meta=image.has_meta and not image.hide_meta,
        has_positive_prompt=image.has_prompt and not image.hide_meta, on_site=image.on_site,
        remix_of_id=image.remix_of_id, created_at=iso(image.created_at), sort_at=iso(image.sort_at),
        published_at=None if image.published_at is None else iso(image.sort_at), scanned_at=iso(image.scanned_at),
        mime_type=image.mime, type=image.type, metadata=file_facts(full), ingestion=image.ingestion,
        blocked_for=image.blocked_for, needs_review=image.needs_review, post_id=image.post_id,
        post_title=post.title if post else None, index=image.idx, minor=image.minor, poi=image.poi,
        acceptable_minor=image.acceptable_minor, availability=image.availability,
        model_version_id=post.version_id if post else None,
        model_version_ids=tuple(dict.fromkeys(used.version_id for used in full.used if used.detected)),
        model_version_ids_manual=tuple(dict.fromkeys(used.version_id for used in full.used if not used.detected)),
        base_model=image.base_model, user_id=image.user_id, user=trpc_user(full.user),
        tag_ids=tuple(tag.id for tag in full.tags),
    )  # fmt: skip


def file_facts(full: FullImage) -> dict[str, Any]:
    """`metadata` of an image: its size and BlurHash, and whatever else was kept (a video's length)."""
    image = full.image
    facts: dict[str, Any] = {"hash": image.blurhash, "width": image.width, "height": image.height}
    if image.size is not None:
        facts["size"] = image.size
    kept = msgspec.json.decode(image.metadata) if image.metadata not in ("", "{}") else {}
    return facts | kept if isinstance(kept, dict) else facts


def _short(tag: Tag, stands: TagScore) -> tuple[object, ...]:
    """The fields of a _ShortTag."""
    usual = stands.source == _usual_source(automated=stands.automated)
    return (
        tag.id, tag.name, tag.type, tag.level, stands.score, stands.up_votes, stands.down_votes, stands.automated,
        stands.needs_review, stands.last_upvote, *(() if usual else (stands.source,)),
    )  # fmt: skip


def _votables(parts: ImageParts, votes: Mapping[int, int]) -> Item:
    """The tags in full, and where their dates lie."""
    tags = [
        TrpcVotable(
            image_id=parts.id, id=tag.id, name=tag.name, type=tag.type, nsfw_level=tag.level, score=tag.score,
            up_votes=tag.up_votes, down_votes=tag.down_votes, automated=tag.automated, needs_review=tag.needs_review,
            last_upvote=iso(tag.last_upvote), source=tag.source or _usual_source(automated=tag.automated),
            vote=votes.get(tag.id, UNSET),
        )
        for tag in _short_tags.decode(parts.tags)
    ]  # fmt: skip
    dated = tuple(f"{at}.lastUpvote" for at, tag in enumerate(tags) if tag.last_upvote is not None)
    return encode(tags), under(dated, "tags")


# --- generation data ----------------------------------------------------------------------------------------------


class TrpcResource(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A model version that an image was made with. Both names of its id are sent (trpc.md 11)."""

    image_id: int
    model_version_id: int
    strength: float | None
    model_id: int
    model_name: str
    model_type: str
    version_id: int
    version_name: str
    base_model: str


class TrpcGeneration(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`image.getGenerationData`. `engine` stands beside `meta` too, where one of the documents reads it."""

    type: str
    on_site: bool
    process: str | None
    engine: str | None
    meta: msgspec.Raw
    display_keys: None = None
    resources: tuple[TrpcResource, ...]
    tools: tuple[()] = ()
    techniques: tuple[()] = ()
    external: msgspec.Raw
    can_remix: bool
    remix_of_id: int | None


_LEGACY_META = {"Clip skip": "clipSkip"}
_NUMBERS = ("cfgScale", "steps", "seed", "clipSkip")


def generation_reply(data: GenerationData) -> Reply:
    """`image.getGenerationData`; members that the original leaves undefined are null and marked so."""
    image = data.image
    meta = _decoded_meta(data.meta)
    meta.pop("external", None)
    shown = clean_meta(meta) if data.meta is not None else None
    prompt = bool(shown and shown.get("prompt"))
    body = TrpcGeneration(
        type=image.type,
        on_site=image.on_site and shown is not None,
        process=data.process,
        engine=_text_of(meta.get("engine")) or (image.generator if shown is not None else None),
        meta=msgspec.Raw(encode(shown)),
        resources=tuple(_resource(image.id, used) for used in data.resources),
        external=msgspec.Raw((data.external or "null").encode()),
        can_remix=prompt,
        remix_of_id=image.remix_of_id,
    )
    absent = {"meta": shown, "external": data.external, "remixOfId": image.remix_of_id, "displayKeys": None}
    return reply(encode(body), tuple(f"{key}?" for key, value in absent.items() if value is None))


def _decoded_meta(text: str | None) -> dict[str, Any]:
    value = msgspec.json.decode(text) if text else {}
    return dict(value) if isinstance(value, dict) else {}


def _text_of(value: object) -> str | None:
    return value if isinstance(value, str) else None


def clean_meta(meta: dict[str, Any]) -> dict[str, Any]:
    """Metadata as the original shows it: no nulls or empty lists, `Clip skip` folded in, numbers as numbers."""
    kept = {key: value for key, value in meta.items() if value is not None and value != []}
    for old, new in _LEGACY_META.items():
        if old in kept:
            kept.setdefault(new, kept.pop(old))
            kept.pop(old, None)
    for key in _NUMBERS:
        if key in kept:
            kept[key] = _number_of(kept[key])
    return kept


def _number_of(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    return int(value) if value.strip().lstrip("+-").isdecimal() and len(value) < 300 else number


def _resource(image_id: int, used: GenerationResource) -> TrpcResource:
    weighted = used.strength is not None and used.model_type in _STRENGTH_TYPES
    return TrpcResource(
        image_id=image_id,
        model_version_id=used.version_id,
        strength=(used.strength or 0) / 100 if weighted else None,
        model_id=used.model_id,
        model_name=used.model_name,
        model_type=used.model_type,
        version_id=used.version_id,
        version_name=used.version_name,
        base_model=used.base_model,
    )

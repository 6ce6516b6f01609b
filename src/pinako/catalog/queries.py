"""What a list can be asked: filter words, sorts, periods. A door fills one of these records; the feed answers it.

A field that is None or empty does not filter. Names are ours; `wire/params.py` and `wire/trpc.py` map each door's spelling
to them. A new filter is one field here and one line in the feed's table of the entity.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec.structs import replace

from pinako.catalog.searching import Choice, Span


class ImageSort(StrEnum):
    """Orders of images, in the wire's own words."""

    MOST_REACTIONS = "Most Reactions"
    MOST_COMMENTS = "Most Comments"
    MOST_COLLECTED = "Most Collected"
    NEWEST = "Newest"
    OLDEST = "Oldest"
    RANDOM = "Random"


class PostSort(StrEnum):
    """Orders of posts."""

    MOST_REACTIONS = "Most Reactions"
    MOST_COMMENTS = "Most Comments"
    MOST_COLLECTED = "Most Collected"
    NEWEST = "Newest"


class ModelSort(StrEnum):
    """Orders of models."""

    HIGHEST_RATED = "Highest Rated"
    MOST_DOWNLOADED = "Most Downloaded"
    MOST_LIKED = "Most Liked"
    MOST_DISCUSSED = "Most Discussed"
    MOST_COLLECTED = "Most Collected"
    MOST_IMAGES = "Most Images"
    NEWEST = "Newest"
    OLDEST = "Oldest"


class TagSort(StrEnum):
    """Orders of tags."""

    MOST_MODELS = "Most Models"
    MOST_IMAGES = "Most Images"
    MOST_POSTS = "Most Posts"
    MOST_ARTICLES = "Most Articles"
    MOST_HIDDEN = "Most Hidden"


class CollectionSort(StrEnum):
    """Orders of collections."""

    MOST_FOLLOWERS = "Most Followers"
    NEWEST = "Newest"


class Period(StrEnum):
    """A window that ends now; it filters by posting time and never by counts (domain.md e)."""

    DAY = "Day"
    WEEK = "Week"
    MONTH = "Month"
    YEAR = "Year"
    ALL_TIME = "AllTime"


PERIOD_DAYS = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 30, Period.YEAR: 365}


class Paging(msgspec.Struct, frozen=True, kw_only=True):
    """Where in a list: `cursor` wins over `page` (1-based). `limit` is the number of rows wanted, already defaulted."""

    limit: int = 100
    cursor: str | None = None
    page: int | None = None
    skip: int = 0
    """Rows to pass over before the first page; a cursor knows where it is without."""


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """Images made with any of these models, or that name any of these files (which need not be here); `out`: with none."""

    model_ids: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    out: bool = False


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """What the query language asks for beyond the other filters, its names looked up. Every group must be met.

    `cfg` is in hundredths, `date` in milliseconds; an empty group is met by nothing.
    """

    without_words: tuple[str, ...] = ()
    used: tuple[Used, ...] = ()
    tags: tuple[tuple[int, ...], ...] = ()
    users: tuple[tuple[int, ...], ...] = ()
    bases: tuple[Choice, ...] = ()
    types: tuple[Choice, ...] = ()
    samplers: tuple[Choice, ...] = ()
    recipe: int | None = None
    """The code of everything but the seed: images made by asking for the same."""
    seed: Span | None = None
    steps: Span | None = None
    cfg: Span | None = None
    width: Span | None = None
    height: Span | None = None
    date: Span | None = None


class ImageQuery(Paging, frozen=True, kw_only=True):
    """A list of images, videos and audio.

    `level` is the asked mask (None: not asked). `sort` None means Most Reactions on REST and Newest on tRPC; the door fills
    it, except with `collection_id`, where None keeps the collection's own order, and with `post_ids`, where it keeps the
    order in the post.
    """

    sort: ImageSort | None = None
    period: Period = Period.ALL_TIME
    period_filters: bool = True
    level: int | None = None
    types: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()
    user_id: int | None = None
    username: str | None = None
    post_ids: tuple[int, ...] = ()
    model_id: int | None = None
    version_id: int | None = None
    collection_id: int | None = None
    collection_tag_id: int | None = None
    all_tags: tuple[int, ...] = ()
    any_tags: tuple[int, ...] = ()
    excluded_tags: tuple[int, ...] = ()
    excluded_users: tuple[int, ...] = ()
    excluded_images: tuple[int, ...] = ()
    prioritized_users: tuple[int, ...] = ()
    base_models: tuple[str, ...] = ()
    text: str | None = None
    reactions: tuple[str, ...] = ()
    """Reaction words: images to which the caller gave any of them. Ignored for anonymous callers."""
    followed: bool = False
    hidden: bool = False
    """Only images that the caller hid; anonymous callers get Unauthorized."""
    has_meta: bool = False
    on_site: bool = False
    processes: tuple[str, ...] = ()
    """Ways of generating: txt2img, img2img, …"""
    remix_of: int | None = None
    remixes: bool | None = None
    """Only remixes of other images, or none of them."""
    credited: bool = False
    """With `model_id` or `version_id`: only images of posts that show it, not those where it was recognised."""
    minor_only: bool = False
    """Only flagged ones: one's own, and everybody's for moderators."""
    poi_only: bool = False
    sought: Sought | None = None
    hide_minor: bool = False
    hide_poi: bool = False
    drafts: bool = False
    """Also the caller's own images that are not published yet (`pending` on the wire)."""
    unpublished: bool = False
    """Only what has no publishing time; like the next two for its owner and for moderators."""
    scheduled: bool = False
    in_review: bool = False


class PostQuery(Paging, frozen=True, kw_only=True):
    """A list of posts."""

    sort: PostSort | None = None
    period: Period = Period.ALL_TIME
    period_filters: bool = True
    level: int | None = None
    ids: tuple[int, ...] = ()
    user_id: int | None = None
    username: str | None = None
    version_id: int | None = None
    model_id: int | None = None
    collection_id: int | None = None
    any_tags: tuple[int, ...] = ()
    excluded_tags: tuple[int, ...] = ()
    excluded_users: tuple[int, ...] = ()
    text: str | None = None
    """A prefix of the title, case-insensitive."""
    followed: bool = False
    hide_minor: bool = False
    hide_poi: bool = False
    drafts: bool = False
    """Also the caller's own posts that are not published yet (`pending` on the wire)."""
    unpublished: bool = False
    """Only the caller's own that have no publishing time."""
    scheduled: bool = False
    """Only the caller's own whose publishing time is to come."""


class ModelQuery(Paging, frozen=True, kw_only=True):
    """A list of models. `version_ids`, `base_models` also narrow the versions inside each item."""

    sort: ModelSort | None = None
    period: Period = Period.ALL_TIME
    period_filters: bool = True
    level: int | None = None
    ids: tuple[int, ...] = ()
    version_ids: tuple[int, ...] = ()
    text: str | None = None
    tag: str | None = None
    """A tag's exact name, case-insensitive. Unknown: nothing (rest.md 20, row 34)."""
    user_id: int | None = None
    username: str | None = None
    types: tuple[str, ...] = ()
    base_models: tuple[str, ...] = ()
    checkpoint_type: str | None = None
    collection_id: int | None = None
    collection_tag_id: int | None = None
    excluded_tags: tuple[int, ...] = ()
    excluded_users: tuple[int, ...] = ()
    excluded_models: tuple[int, ...] = ()
    favorites: bool = False
    hidden: bool = False
    followed: bool = False
    supports_generation: bool | None = None
    from_platform: bool | None = None
    early_access: bool | None = None
    archived: bool = False
    """Also models in mode Archived, which lists leave out otherwise."""
    availability: str | None = None
    public_versions: bool = False
    """Only versions whose availability is Public, and models that have one: what `plain_models` makes of a query."""
    allow_no_credit: bool | None = None
    allow_derivatives: bool | None = None
    allow_different_license: bool | None = None
    allow_commercial_use: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    """Moderators only; others always see Published."""
    file_formats: tuple[str, ...] = ()
    primary_file_only: bool = False
    minor_only: bool = False
    """Only flagged ones: one's own, and everybody's for moderators."""
    poi_only: bool = False
    hide_minor: bool = False
    hide_poi: bool = False


def plain_models(query: ModelQuery) -> ModelQuery:
    """The query as lists of both wires ask it: whoever names neither models, words nor people is shown versions that are
    Public alone (rest.md 11). Early access, a collection's models and a moderator's drafts are named too."""
    named = (query.ids, query.text, query.username, query.user_id, query.followed, query.favorites)
    views = (query.early_access, query.collection_id, query.status)
    return replace(query, public_versions=not any(named + views))


class CreatorQuery(Paging, frozen=True, kw_only=True):
    """A list of users who own models. `text` is part of the name. `limit` 0 means all rows."""

    text: str | None = None
    level: int | None = None
    every_owner: bool = False
    """Also those of whose models the caller may see none (rest.md 20.13)."""


class TagQuery(Paging, frozen=True, kw_only=True):
    """A list of tags. `text` is a prefix on REST. `limit` 0 means all rows."""

    sort: TagSort = TagSort.MOST_MODELS
    text: str | None = None
    level: int | None = None
    entity: str = "Model"
    """Which things the tag must be on: Model, Image or Post."""
    categories: bool | None = None


class UserQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Users by id, or the few best matches of a name."""

    ids: tuple[int, ...] = ()
    text: str | None = None
    limit: int = 5


class CollectionQuery(Paging, frozen=True, kw_only=True):
    """A list of public collections."""

    sort: CollectionSort = CollectionSort.NEWEST
    text: str | None = None
    level: int | None = None
    user_id: int | None = None
    ids: tuple[int, ...] = ()
    types: tuple[str, ...] = ()


class ContentsQuery(Paging, frozen=True, kw_only=True):
    """Everything in a collection. Items that are not ACCEPTED are told to who manages it and who put them in."""

    collection_id: int
    statuses: tuple[str, ...] = ("ACCEPTED",)


class OwnCollectionsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The collections that a caller owns or may use.

    With `permissions` also those where the caller is a contributor with any of them; without `contributing_only` also every
    collection that anybody may add to (ADD) or read (VIEW). Untyped collections pass any `type`.
    """

    contributing_only: bool = True
    permissions: tuple[str, ...] = ()
    type: str | None = None

"""What can be asked of each REST endpoint, for the OpenAPI document: every parameter with its type and a sentence.

The readers in `wire/params*.py` take more spellings than a schema can say; a test compares the names with theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pinako.catalog import enums
from pinako.catalog.queries import CollectionSort, ImageSort, ModelSort, Period, TagSort

Schema = dict[str, Any]
Parameter = dict[str, Any]

MOST_ID = 2**31 - 1
ID: Schema = {"type": "integer", "minimum": 1, "maximum": MOST_ID}
NUMBER: Schema = {"type": "integer", "minimum": 0, "maximum": MOST_ID}
TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
ROWS: Schema = {"type": "integer", "minimum": 0, "maximum": 200}
IDS: Schema = {"type": "array", "items": ID}
WORDS: Schema = {"type": "array", "items": TEXT}


def word(words: Sequence[str], default: str | None = None) -> Schema:
    """One word of a list."""
    return {"type": "string", "enum": [*words]} | ({} if default is None else {"default": default})


def words(allowed: Sequence[str]) -> Schema:
    """Several words of a list."""
    return {"type": "array", "items": word(allowed), "minItems": 1}


def asked(name: str, schema: Schema, description: str) -> Parameter:
    """A query parameter. Lists may be repeated keys or commas."""
    listed = {"style": "form", "explode": False} if schema.get("type") == "array" else {}
    return {"name": name, "in": "query", "description": description, "schema": schema, **listed}


def in_path(name: str, schema: Schema, description: str) -> Parameter:
    """A segment of the path."""
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


CURSOR = asked(
    "cursor", TEXT, "`metadata.nextCursor` of the page before; it belongs to its sort, and wins over `page`."
)
LEVEL = asked(
    "browsingLevel",
    NUMBER,
    "Levels to show, added up: 1 PG, 2 PG-13, 4 R, 8 X, 16 XXX; cut to what the caller may see.",
)
PERIOD = asked("period", word([*Period], "AllTime"), "Posted within the last day, week, month or year.")
USERNAME = asked("username", TEXT, "Only this user's; case makes no difference. Unknown: 404.")

CREATORS = (
    asked("limit", ROWS | {"default": 20}, "Rows a page; 0 is everybody."),
    asked("page", NUMBER | {"default": 1}, "Number of the page."),
    asked("query", TEXT, "A part of the user name."),
)

TAGS = (
    asked("limit", ROWS | {"default": 20}, "Rows a page; 0 is every tag."),
    asked("page", NUMBER | {"default": 1}, "Number of the page."),
    asked("query", TEXT, "The beginning of the name; the shortest names come first."),
    asked("sort", word([*TagSort], "Most Models"), "Order."),
    asked("categories", FLAG, "Only categories, or none of them."),
)

USERS = (
    asked("ids", IDS, "These users."),
    asked("query", TEXT, "A part of the name, best matches first."),
    asked("limit", ROWS, "Checked and without effect."),
    asked("page", NUMBER, "Checked and without effect."),
    asked("include", words(("status", "avatar")), "Checked and without effect."),
)

COLLECTIONS = (
    asked("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 100}, "Rows a page."),
    asked("cursor", ID, "`metadata.nextCursor` of the page before; only with the newest first."),
    asked("query", TEXT | {"maxLength": 100}, "A part of the name."),
    asked("sort", word([*CollectionSort], "Newest"), "Order."),
    asked("nsfw", FLAG, "Every level that the caller may see, instead of PG."),
)

IMAGES = (
    asked("limit", ROWS | {"default": 100}, "Rows a page; 0 is the default."),
    asked("page", NUMBER, "Number of the page; page × limit is at most 1000. Beyond: the cursor."),
    CURSOR,
    asked("sort", word([*ImageSort], "Most Reactions"), "Order."),
    PERIOD,
    LEVEL,
    asked("nsfw", {"anyOf": [FLAG, word(enums.LEGACY_LEVELS)]}, "The older word for a level; true is R and above."),
    asked("postId", ID, "Images of this post, in its order where no sort is asked."),
    asked("modelId", ID, "Images made with any version of this model."),
    asked("modelVersionId", ID, "Images made with this version; wins over `modelId`."),
    asked("imageId", ID, "This image."),
    asked("userId", ID, "Images of this user; wins over `username`."),
    USERNAME,
    asked("tags", IDS, "Images that carry all of these tags."),
    asked("type", word(enums.MEDIA_TYPES), "Kind of medium."),
    asked(
        "baseModels", WORDS, "Images made with any of these base models; a name nobody knows is refused with the list."
    ),
    asked("withMeta", FLAG, "Fill `meta` with how the image was made."),
    asked("flatMeta", FLAG, "false: `meta` in its older, nested form."),
    asked("withTags", FLAG, "Add `tags`."),
    asked("requiringMeta", FLAG, "Only images that are held back for want of metadata: none."),
    asked(
        "q",
        TEXT,
        "Ours: the search box's language, such as `harbour -night lora:ink steps>30`; `/search/help` explains it.",
    ),
)

_MODEL_FLAGS = (
    ("favorites", "Only the caller's bookmarks; naming it needs a login."),
    ("hidden", "Only what the caller hid; naming it needs a login."),
    ("followed", "Only of creators that the caller follows."),
    ("archived", "Archived models too."),
    ("supportsGeneration", "Only models that can generate on site."),
    ("fromPlatform", "Only models trained on site."),
    ("earlyAccess", "Only models with an open gate."),
    ("primaryFileOnly", "`files` holds the primary file alone."),
    ("allowNoCredit", "By licence: use without credit."),
    ("allowDerivatives", "By licence: merges."),
    ("allowDifferentLicense", "By licence: other terms for merges."),
    ("disablePoi", "Without models of real persons."),
    ("disableMinor", "Without models that depict minors."),
    ("needsReview", "Read and without effect."),
    ("newCreators", "Only of creators on the newcomers' board: none, for there is none here."),
    ("pending", "Read and without effect."),
    ("isFeatured", "Only featured models: none."),
    ("poiOnly", "Only models of real persons: one's own, and everybody's for moderators."),
    ("minorOnly", "Only models that depict minors: one's own, and everybody's for moderators."),
)

MODELS = (
    asked("limit", ROWS | {"default": 100}, "Rows a page; 0 is the default."),
    asked("page", ID, "Number of the page; page × limit is at most 1000. Beyond: the cursor. Not with `query`."),
    CURSOR,
    asked("query", TEXT, "Words of the name, best matches first."),
    asked("ids", IDS, "These models."),
    asked("modelVersionIds", IDS, "Models with these versions, and only those versions of them."),
    asked("tag", TEXT, "Models that carry this tag; unknown: none."),
    asked("tagname", TEXT, "The same; wins over `tag`."),
    USERNAME,
    asked("user", TEXT, "The same, letter for letter."),
    asked("types", words(enums.MODEL_TYPES), "Kinds of model."),
    asked("baseModels", WORDS, "Models with versions for these base models, and only those versions of them."),
    asked("checkpointType", word((*enums.CHECKPOINT_TYPES, "Standard")), "Checkpoints that were trained, or merged."),
    asked("sort", word([*ModelSort], "Highest Rated"), "Order."),
    PERIOD,
    asked("periodMode", word(("published", "stats"), "published"), "`stats` switches the period's filter off."),
    LEVEL,
    asked("nsfw", FLAG, "Every level that the caller may see, instead of PG."),
    asked("rating", {"type": "number"}, "Read and without effect."),
    asked("availability", word(enums.AVAILABILITIES), "Exactly this availability."),
    asked("allowCommercialUse", words(enums.COMMERCIAL_USES), "By licence: any of these uses."),
    asked("status", words(enums.MODEL_STATUSES), "Moderators only."),
    asked("fileFormats", words(enums.FILE_FORMATS), "Models with a file of any of these formats."),
    asked("collectionId", ID, "Models of this collection."),
    asked("collectionTagId", ID, "With `collectionId`: models under this tag of the collection."),
    *(asked(name, IDS, f"Without these {what}.") for name, what in (
        ("excludedModelIds", "models"), ("excludedUserIds", "users"), ("excludedTagIds", "tags"),
        ("excludedImageIds", "images"),
    )),
    *(asked(name, FLAG, text) for name, text in _MODEL_FLAGS),
)  # fmt: skip

MINI = (
    asked("modelFileId", ID, "The file to describe; else the primary one."),
    asked("epoch", NUMBER, "Read and without effect."),
)

DOWNLOAD = (
    asked("fileId", NUMBER, "Exactly this file of the version."),
    asked("type", word((*enums.FILE_TYPES, *enums.LEGACY_FILE_TYPES)), "Kind of file."),
    asked("format", word(enums.FILE_FORMATS), "Format wished for."),
    asked("size", word(enums.FILE_SIZES), "Full or pruned."),
    asked("fp", TEXT | {"maxLength": 64}, "Precision wished for."),
    asked("quantType", TEXT | {"maxLength": 64}, "Quantisation wished for."),
)

VERSION_ID = in_path("id", ID, "Id of the version.")

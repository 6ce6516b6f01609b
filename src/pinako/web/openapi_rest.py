"""What each REST endpoint is for and answers, by its path in the route table, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

import msgspec

from pinako.services import history
from pinako.web import openapi_parameters as asked
from pinako.web.openapi_parameters import Parameter
from pinako.wire import whole
from pinako.wire.rest_lists import EnumsBody, MeBody
from pinako.wire.rest_versions import HashPair


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint: what it is called here, a sentence, its parameters, answer and refusals.

    `names` are those of its path's variable segments. `bad` is the body of a bad parameter, `failed` that of other refusals.
    """

    name: str
    group: str
    text: str
    gives: Any
    names: tuple[Parameter, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    bad: Any = whole.PlainError
    failed: Any = whole.PlainError
    hashes: int = 0
    """How many hashes its body may hold; 0: it has none."""
    statuses: tuple[int, ...] = ()
    """Refusals beyond the usual ones."""


HASH = asked.in_path(
    "hash", asked.TEXT | {"minLength": 1}, "A file's hash: SHA256, AutoV1, AutoV2, AutoV3, CRC32 or BLAKE3."
)
MODEL_ID = asked.in_path("id", asked.ID, "Id of the model.")
COLLECTION_ID = asked.in_path("id", asked.ID, "Id of the collection.")

ENTITY = asked.in_path("entity", asked.word([*history.TABLES]), "Kind of the thing.")
THING_ID = asked.in_path("id", asked.ID, "Id of the thing.")

LEADS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "listModels": (
        ("model", "id", "/items/0/id"),
        ("version", "id", "/items/0/modelVersions/0/id"),
        ("miniVersion", "id", "/items/0/modelVersions/0/id"),
        ("download", "id", "/items/0/modelVersions/0/id"),
        ("versionByHash", "hash", "/items/0/modelVersions/0/files/0/hashes/SHA256"),
        ("model.getById", "input", "/items/0/id"),
        ("modelVersion.getById", "input", "/items/0/modelVersions/0/id"),
        ("user.getById", "input", "/items/0/userId"),
    ),
    "listImages": (
        ("image.get", "input", "/items/0/id"),
        ("image.getGenerationData", "input", "/items/0/id"),
        ("post.get", "input", "/items/0/postId"),
    ),
    "listCollections": (("collection", "id", "/items/0/id"), ("collection.getById", "input", "/items/0/id")),
}
"""Where an answer leads: to which operation, in which parameter, and where in the answer its value stands."""

VERSIONS = "/api/v1/model-versions"
"""The canonical spelling of three."""

ENDPOINTS: dict[str, Told] = {
    "/api/health": Told(name="health", group="Server", text="200 once the library answers.", gives=whole.Health),
    "/api/v1/creators": Told(
        name="listCreators", group="People", text="Users who own models, by name.", gives=whole.Creators,
        parameters=asked.CREATORS, bad=tuple[whole.Issue, ...], failed=whole.MessageError,
    ),
    "/api/v1/users": Told(
        name="listUsers", group="People", text="Users by id, or by a part of the name.", gives=whole.Users,
        parameters=asked.USERS, bad=whole.IssueList, failed=whole.CodedError,
    ),
    "/api/v1/me": Told(
        name="me", group="People", text="The caller's own account. Needs a key or login.", gives=MeBody, statuses=(401,)
    ),
    "/api/v1/tags": Told(
        name="listTags", group="Models", text="Tags that models carry, the most used first.", gives=whole.Tags,
        parameters=asked.TAGS, bad=tuple[whole.Issue, ...], failed=whole.MessageError,
    ),
    "/api/v1/models": Told(
        name="listModels", group="Models", text="Models with their versions, files and previews.", gives=whole.Models,
        parameters=asked.MODELS, bad=whole.WrappedIssues | whole.MessageError | whole.PlainError,
        failed=whole.MessageError | whole.PlainError, statuses=(401, 404),
    ),
    "/api/v1/models/{}": Told(
        name="model", group="Models", text="One model.", gives=whole.ModelItem, names=(MODEL_ID,), statuses=(404,)
    ),
    f"{VERSIONS}/{{}}": Told(
        name="version", group="Models", text="One version of a model.", gives=whole.Version, names=(asked.VERSION_ID,),
        statuses=(404,),
    ),
    f"{VERSIONS}/mini/{{}}": Told(
        name="miniVersion", group="Models", text="What a generator needs to fetch one file of a version.",
        gives=whole.MiniVersion, names=(asked.VERSION_ID,), parameters=asked.MINI, statuses=(404,),
    ),
    f"{VERSIONS}/by-hash/{{}}": Told(
        name="versionByHash", group="Models", text="The version that has a file of this hash, of any kind and case.",
        gives=whole.Version, names=(HASH,), statuses=(404,),
    ),
    f"{VERSIONS}/by-hash": Told(
        name="versionsByHash", group="Models", text="The versions of up to 100 SHA-256; what is not here is absent.",
        gives=tuple[whole.Version, ...], hashes=100,
    ),
    f"{VERSIONS}/by-hash/ids": Told(
        name="idsByHash", group="Models", text="Version and model of up to 10,000 SHA-256.",
        gives=tuple[HashPair, ...], hashes=10_000,
    ),
    "/api/v1/images": Told(
        name="listImages", group="Images", text="Images, videos and audio.", gives=whole.Images,
        parameters=asked.IMAGES, bad=whole.WrappedIssues | whole.CodedError, failed=whole.CodedError, statuses=(401, 404),
    ),
    "/api/v1/collections": Told(
        name="listCollections", group="Collections", text="Public collections, the newest first.",
        gives=whole.Collections, parameters=asked.COLLECTIONS, bad=whole.WrappedIssues | whole.PlainError,
        failed=whole.MessageError,
    ),
    "/api/v1/collections/{}": Told(
        name="collection", group="Collections", text="One public or unlisted collection.", gives=whole.CollectionItem,
        names=(COLLECTION_ID,), statuses=(404,),
    ),
    "/api/v1/pinako/history/{}/{}": Told(
        name="history", group="Server", text="Every revision of a mirrored thing's record, as received.",
        gives=whole.PastBody, names=(ENTITY, THING_ID), statuses=(404,),
    ),
    "/api/v1/enums": Told(
        name="enums", group="Models", text="The words of every list that callers choose from.", gives=EnumsBody
    ),
}  # fmt: skip

"""Reads any page address that a user would paste into what it shows (issue 4, section 3; issue 5 for our own pages)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from pinako.client.calls.flow import SISTER_HOSTS
from pinako.client.digits import number_of
from pinako.client.exchange import origin_of
from pinako.client.sending import is_loopback
from pinako.errors import BadRequest
from pinako.wire.delivery import is_key

CIVITAI = "https://civitai.com"


class Kind(StrEnum):
    """What a page shows."""

    IMAGE = "image"
    POST = "post"
    USER = "user"
    COLLECTION = "collection"
    MODEL = "model"
    VERSION = "version"
    TAG = "tag"
    SEARCH = "search"
    MEDIA = "media"
    MY_COLLECTIONS = "my collections"
    MY_REACTIONS = "my reactions"
    MY_BOOKMARKS = "my bookmarks"


class Entity(StrEnum):
    """Which of a user's, tag's or search's things are meant."""

    ALL = "all"
    IMAGES = "images"
    VIDEOS = "videos"
    POSTS = "posts"
    MODELS = "models"
    COLLECTIONS = "collections"
    USERS = "users"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What an address means. `origin` is where to ask: scheme, host and port.

    `id` is of the image, post, collection, model or version; `model_id` the model of a version where the address has it.
    `name` is a user's, a tag's, or the words of a search. `key` is a media key, beside which `id` is the number that the file
    is called by. `filters` are the page's other parameters, as written: `sort`, `period`, `baseModels`, `types`, `tags`, …
    """

    kind: Kind
    origin: str
    entity: Entity = Entity.ALL
    id: int | None = None
    model_id: int | None = None
    name: str | None = None
    key: str | None = None
    filters: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)

    @property
    def sister(self) -> bool:
        """Whether this is Civitai or one of its sister hosts: one account and one set of ids behind all of them."""
        return (urlsplit(self.origin).hostname or "").removeprefix("www.") in SISTER_HOSTS


def home_of(host: str) -> str:
    """The host at which a login for this one counts: Civitai for its sister hosts, which are asked there; else itself."""
    name = (urlsplit(host if "//" in host else f"//{host}").hostname or "").removeprefix("www.")
    return SISTER_HOSTS[0] if name in SISTER_HOSTS[1:] else host


_SECTIONS = {
    "images": Entity.IMAGES,
    "videos": Entity.VIDEOS,
    "posts": Entity.POSTS,
    "models": Entity.MODELS,
    "collections": Entity.COLLECTIONS,
    "users": Entity.USERS,
}
_OWN = {
    "collections": Kind.MY_COLLECTIONS,
    "reactions": Kind.MY_REACTIONS,
    "bookmarks": Kind.MY_BOOKMARKS,
}
WRAPPING = " \t\r\n<>\"'"
"""What mails, Markdown and shells leave around an address."""
_AIR = re.compile(r"(?:urn:)?(?:air:)?[\w.-]+:[\w.-]+:civitai:(\d+)(?:@(\d+))?(?:\+\d+)?", re.IGNORECASE)
_NOT_FILTERS = frozenset({"token", "modelVersionId", "query", "cursor", "page", "limit", "section", "tag"})


def read_address(text: str, *, default_origin: str = CIVITAI) -> Target:
    """The target of a page address.

    Without a scheme it is https, and http for this machine itself; a bare path, an AIR (`urn:air:…:civitai:4411@9001`) and
    the words `my collections`, `my reactions`, `my bookmarks` are of `default_origin`. REST addresses (`/api/v1/…`,
    `/api/download/models/…`) and media addresses work too. Raises BadRequest for what shows nothing to mirror.
    """
    pasted = text.strip(WRAPPING)
    words = pasted.lower().split()
    if len(words) == 2 and words[0] == "my" and words[1] in _OWN:
        return Target(kind=_OWN[words[1]], origin=default_origin)
    try:
        found = _AIR.fullmatch(pasted)
        target = _air(found, default_origin) if found else _read_web(_with_scheme(pasted, default_origin))
    except ValueError as error:  # a broken port or IPv6 address
        raise _unknown(text) from error
    if target is None:
        raise _unknown(text)
    return target


def _read_web(url: str) -> Target | None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    pairs = parse_qsl(parts.query, keep_blank_values=False)
    segments = [unquote(segment) for segment in parts.path.split("/") if segment]
    return _read(_site_of(origin_of(url)), segments, pairs)


def _with_scheme(text: str, default_origin: str) -> str:
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text):
        return text
    if text.startswith("/") and not text.startswith("//"):
        return default_origin + text
    bare = text.removeprefix("//")
    return f"http://{bare}" if is_loopback(f"http://{bare}") else f"https://{bare}"


def _site_of(origin: str) -> str:
    """`www.` is the same site; media and API hosts of production belong to civitai.com."""
    host = urlsplit(origin).hostname or ""
    if host in {"image.civitai.com", "imagecache.civitai.com", "api.civitai.com"}:
        return CIVITAI
    return origin.replace("://www.", "://", 1)


def _read(origin: str, path: Sequence[str], pairs: Sequence[tuple[str, str]]) -> Target | None:
    if media := next((segment for segment in path if is_key(segment)), None):
        # Previews of models are called by their image's number; what others are called by may be a number, too.
        return Target(kind=Kind.MEDIA, origin=origin, key=media.lower(), id=_number(path[-1].partition(".")[0]))
    if path[:1] == ["api"]:
        return _read_api(origin, path[1:], pairs)
    given = _Given(origin, path, pairs)
    readers = (_read_thing, _read_user, _read_own, _read_list)
    return next((target for reader in readers if (target := reader(given)) is not None), None)


class _Given:
    """An address taken apart."""

    def __init__(self, origin: str, path: Sequence[str], pairs: Sequence[tuple[str, str]]) -> None:
        self.origin = origin
        self.path = tuple(path)
        self.first = path[0].lower() if path else ""
        self.pairs = dict(pairs)
        grouped: dict[str, tuple[str, ...]] = {}
        for name, value in pairs:
            grouped[name] = (*grouped.get(name, ()), value)
        self.filters = {name: values for name, values in grouped.items() if name not in _NOT_FILTERS}

    def number(self, index: int) -> int | None:
        """A path segment as an id."""
        return _number(self.path[index]) if len(self.path) > index else None


def _read_thing(given: _Given) -> Target | None:
    """One thing by its id: `/images/5`, `/models/4411/its-name?modelVersionId=9001`."""
    number = given.number(1)
    if number is None:
        return None
    version = _number(given.pairs.get("modelVersionId", ""))
    if given.first == "models" and version is not None:
        return Target(kind=Kind.VERSION, origin=given.origin, id=version, model_id=number)
    kinds = {
        "images": Kind.IMAGE,
        "videos": Kind.IMAGE,
        "posts": Kind.POST,
        "models": Kind.MODEL,
        "model-versions": Kind.VERSION,
        "collections": Kind.COLLECTION,
    }
    kind = kinds.get(given.first)
    return Target(kind=kind, origin=given.origin, id=number, filters=given.filters) if kind else None


def _read_user(given: _Given) -> Target | None:
    """`/user/NAME[/SECTION]`; `section=reactions` is what the account's owner reacted to."""
    if given.first != "user" or len(given.path) < 2:
        return None
    if given.pairs.get("section") == "reactions":
        return Target(kind=Kind.MY_REACTIONS, origin=given.origin, name=given.path[1], filters=given.filters)
    word = given.path[2].lower() if len(given.path) > 2 else "overview"
    entity = Entity.ALL if word == "overview" else _SECTIONS.get(word)
    if entity is None:
        return None  # followers, reviews, articles: nothing of these can be kept
    return Target(kind=Kind.USER, origin=given.origin, name=given.path[1], entity=entity, filters=given.filters)


def _read_own(given: _Given) -> Target | None:
    """Pages that show something else to everybody: my collections, what I reacted to, what I bookmarked."""
    kind = None
    if given.first == "my" and len(given.path) > 1:
        kind = _OWN.get(given.path[1].lower())
    elif given.first == "collections" and len(given.path) == 1 and "query" not in given.pairs:
        kind = Kind.MY_COLLECTIONS
    elif given.pairs.get("favorites", "").lower() in {"true", "1"}:
        kind = Kind.MY_BOOKMARKS
    elif "reactions" in given.pairs and given.first in {"images", "videos"}:
        kind = Kind.MY_REACTIONS
    return Target(kind=kind, origin=given.origin, filters=given.filters) if kind else None


def _read_list(given: _Given) -> Target | None:
    """Tags, searches, and the plain lists with whatever filters they carry."""
    entity = _SECTIONS.get(given.first, Entity.ALL)
    if given.first == "tag" and len(given.path) > 1:
        wanted = _SECTIONS.get(given.path[2].lower(), Entity.ALL) if len(given.path) > 2 else Entity.ALL
        return Target(kind=Kind.TAG, origin=given.origin, name=given.path[1], entity=wanted, filters=given.filters)
    searched = given.first == "search"
    if searched:
        entity = _SECTIONS.get(given.path[1].lower(), Entity.ALL) if len(given.path) > 1 else Entity.MODELS
    if entity is Entity.ALL or len(given.path) > 1 + searched:
        return None
    if not searched and (scoped := _read_scope(given, entity)) is not None:
        return scoped
    if tag := given.pairs.get("tag"):
        return Target(kind=Kind.TAG, origin=given.origin, name=tag, entity=entity, filters=given.filters)
    name = given.pairs.get("query")
    return Target(kind=Kind.SEARCH, origin=given.origin, name=name, entity=entity, filters=given.filters)


_SCOPES = (
    ("imageId", Kind.IMAGE),
    ("postId", Kind.POST),
    ("modelVersionId", Kind.VERSION),
    ("modelId", Kind.MODEL),
    ("collectionId", Kind.COLLECTION),
)
"""Filters of a list that name the one thing whose images it shows, the narrowest first."""


def _read_scope(given: _Given, entity: Entity) -> Target | None:
    """`/images?postId=…`, `/models?username=…`: a list of one thing, or of one user, is that."""
    for name, kind in _SCOPES:
        if (number := _number(given.pairs.get(name, ""))) is not None:
            model = _number(given.pairs.get("modelId", "")) if kind is Kind.VERSION else None
            return Target(kind=kind, origin=given.origin, id=number, model_id=model)
    username = given.pairs.get("username")
    if not username:
        return None
    rest = {name: values for name, values in given.filters.items() if name != "username"}
    return Target(kind=Kind.USER, origin=given.origin, name=username, entity=entity, filters=rest)


def _read_api(origin: str, path: Sequence[str], pairs: Sequence[tuple[str, str]]) -> Target | None:
    """`/api/v1/images?username=…` means what it lists; a download address means its version."""
    if path[:2] == ["download", "models"] and len(path) > 2:
        number = _number(path[2])
        return Target(kind=Kind.VERSION, origin=origin, id=number) if number is not None else None
    if path[:1] != ["v1"]:
        return None
    given = _Given(origin, path[1:], pairs)
    return _read_thing(given) or _read_own(given) or _read_list(given)


def _air(found: re.Match[str], origin: str) -> Target | None:
    model, version = _number(found[1]), _number(found[2] or "")
    if version is None:
        return Target(kind=Kind.MODEL, origin=origin, id=model) if model is not None else None
    return Target(kind=Kind.VERSION, origin=origin, id=version, model_id=model)


def _number(text: str) -> int | None:
    number = number_of(text) or 0
    return number if 0 < number < 2**31 else None


def _unknown(text: str) -> BadRequest:
    return BadRequest(
        f"{text.strip()[:200]!r} is no page that can be read. Known are images, posts, users, collections, models, versions, "
        "tags, searches, and 'my collections', 'my reactions', 'my bookmarks'."
    )

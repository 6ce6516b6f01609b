"""Every setting once: its name, type, default and a sentence. Read from a TOML file and the environment, then frozen.

Order, the later wins: the defaults here, `pinako.toml` in the library's folder (or the file of `--config`), the environment
(`PINAKO_` and the name in capitals), the command line. A name or value that cannot be read is a SettingsError that says so.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
from msgspec import Meta

from pinako.errors import SettingsError

PREFIX = "PINAKO_"
FILE_NAME = "pinako.toml"
MIB = 1024**2
GIB = 1024**3

Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Level = Annotated[int, Meta(ge=0, le=31)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an instance is told. Sizes in bytes, times in the unit that the name ends in."""

    # where things lie
    library: Annotated[str, Meta(description="Folder of the library; empty: the user's data folder of the system.")] = (
        ""
    )
    database_url: Annotated[
        str,
        Meta(description="`sqlite:///absolute/path` or `postgresql://…`; empty: `library.db` in the library's folder."),
    ] = ""
    media_url: Annotated[
        str, Meta(description="Where originals lie, a `file:///` address; empty: `media` in the library's folder.")
    ] = ""

    # serving
    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 picks a free one.")] = 8765
    workers: Annotated[Positive, Meta(description="Server processes.")] = 1
    allow_remote: Annotated[
        bool,
        Meta(description="Permits a `host` that other machines can reach; without it only loopback is listened on."),
    ] = False
    public_url: Annotated[
        str,
        Meta(
            description="Origin for absolute links, such as `https://pics.example.org`; empty: the host that was asked."
        ),
    ] = ""
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="Addresses or networks of proxies whose `X-Forwarded-*` headers are believed; nobody else's are."
        ),
    ] = ()
    cors_origins: Annotated[
        tuple[str, ...],
        Meta(description="Origins whose pages may read the API; `*` is all of them (never with cookies)."),
    ] = ("*",)
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Least weight of what is logged.")
    ] = "info"

    # access
    public_level: Annotated[
        Level, Meta(description="Levels that anonymous callers may see, added up: 1 PG, 2 PG-13, 4 R, 8 X, 16 XXX.")
    ] = 1
    account_level: Annotated[
        Level, Meta(description="Levels that signed-in callers may see at most; an account can be set lower.")
    ] = 31
    session_days: Annotated[Positive, Meta(description="Days until a login ends.")] = 30
    login_attempts_per_minute: Annotated[
        Count, Meta(description="Logins that one address or name may get wrong in a minute; 0 is no limit.")
    ] = 10
    rate_limit_per_minute: Annotated[
        Count, Meta(description="API requests that one caller may make in a minute, then 429; 0 is no limit.")
    ] = 0

    # lists
    image_sort: Annotated[
        Literal["Newest", "Oldest", "Most Reactions", "Most Comments", "Most Collected", "Random"],
        Meta(description="Order of tRPC image lists that ask for none (the original's is Most Reactions)."),
    ] = "Newest"
    images_nsfw_default: Annotated[
        Literal["pg", "account"],
        Meta(description="REST image lists that name no level: only `pg`, or all that the caller's `account` may see."),
    ] = "pg"
    unknown_tag_returns_all: Annotated[
        bool,
        Meta(description="A list by a tag that nobody uses: everything, as the original answers, instead of nothing."),
    ] = False
    document_cache_entries: Annotated[
        Count, Meta(description="Ready-made answers kept in each process's memory, about 2 KB each.")
    ] = 60_000

    # downloads and media
    download_redirect: Annotated[
        bool, Meta(description="Downloads answer 307 to a signed address, as the original; false: the bytes at once.")
    ] = True
    download_link_seconds: Annotated[
        Positive, Meta(description="Seconds that a signed download address is good for.")
    ] = 86_400
    download_needs_login: Annotated[bool, Meta(description="Every download needs a key or a login.")] = False
    media_account: Annotated[
        str,
        Meta(
            min_length=1,
            pattern=r"^[A-Za-z0-9_-]+$",
            description="First segment of media addresses; the original's is always accepted too.",
        ),
    ] = "xG1nkqKTMzGDvpLrqFT7WA"
    derivative_cache_bytes: Annotated[
        Count, Meta(description="Disk space for resized pictures and stills; the least recently used go first.")
    ] = 10 * GIB
    derive_workers: Annotated[Positive, Meta(description="Processes that decode and resize.")] = 2
    derive_timeout_seconds: Annotated[
        Positive, Meta(description="Seconds after which the work on one medium is ended.")
    ] = 30
    pixel_limit: Annotated[
        Positive, Meta(description="Pixels of the largest picture that is decoded; larger ones are refused as hostile.")
    ] = 200_000_000

    # what comes in
    body_limit_bytes: Annotated[Positive, Meta(description="Largest body of a REST call.")] = 1 * MIB
    trpc_body_limit_bytes: Annotated[Positive, Meta(description="Largest body of a tRPC call.")] = 17 * MIB
    image_upload_limit_bytes: Annotated[Positive, Meta(description="Largest picture that is uploaded.")] = 50 * MIB
    video_upload_limit_bytes: Annotated[Positive, Meta(description="Largest video or sound that is uploaded.")] = (
        750 * MIB
    )
    upload_link_seconds: Annotated[Positive, Meta(description="Seconds that an upload address is good for.")] = 3_600

    # mirroring
    mirror_requests_per_second: Annotated[
        float, Meta(ge=0, description="API requests a second to a host that is mirrored; 0 is no limit.")
    ] = 2.0
    mirror_transfers_at_once: Annotated[
        Positive, Meta(description="Files that are fetched at once from a host that is mirrored.")
    ] = 4
    mirror_requests_per_day: Annotated[
        Count, Meta(description="Requests a day (UTC) to a host that is mirrored; 0 is no limit.")
    ] = 20_000
    mirror_loopback_paced: Annotated[
        bool, Meta(description="The three limits hold for hosts on this machine too; without it those are not paced.")
    ] = False
    mirror_retry_days: Annotated[
        Positive, Meta(description="Days after which something that is gone or closed upstream is asked for again.")
    ] = 30

    # keeping up
    follow_milliseconds: Annotated[
        Positive, Meta(description="Pause between looks at what other processes have written.")
    ] = 40
    snapshot_seconds: Annotated[
        Positive, Meta(description="Pause between savings of the index, from which the next start is quick.")
    ] = 300
    changes_kept: Annotated[
        Positive, Meta(description="Notes of the change log that are kept for processes and snapshots to catch up by.")
    ] = 1_000_000

    @property
    def folder(self) -> Path:
        """The library's folder."""
        return Path(self.library).expanduser().absolute() if self.library else default_library()

    @property
    def derivatives(self) -> Path:
        """Where renderings are kept; nothing there cannot be made again."""
        return self.folder / "derivatives"

    @property
    def database_address(self) -> str:
        """The database's URL, with the default filled in."""
        return self.database_url or f"sqlite://{quote(str(self.folder / 'library.db'))}"

    @property
    def media_address(self) -> str:
        """The media store's URL, with the default filled in."""
        return self.media_url or (self.folder / "media").as_uri()


def default_library() -> Path:
    """The folder that is used when nobody names one."""
    from platformdirs import user_data_path  # the client's installation lacks it and needs no library

    return user_data_path("pinako", appauthor=False)


def load_settings(
    environment: Mapping[str, str], *, config: Path | None = None, given: Mapping[str, object] | None = None
) -> Settings:
    """The settings of one program: `environment` is os.environ, `given` what the command line says (None: not said).

    SettingsError for a name that is not known, a value of the wrong kind, or a file that cannot be read.
    """
    said = {name: value for name, value in (given or {}).items() if value is not None}
    surroundings = from_environment(environment)
    near = convert({**surroundings, **said}, "the command line and the environment")
    file = config if config is not None else near.folder / FILE_NAME
    filed = from_file(file) if config is not None or file.is_file() else {}
    if config is None and "library" in filed:
        raise SettingsError(
            f"{file}: 'library' cannot be set from inside the library; use --library or {PREFIX}LIBRARY"
        )
    convert(filed, str(file))  # so that the message names the file
    return convert({**filed, **surroundings, **said}, "the settings")


def from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    """The settings that the environment names. Lists are separated by commas; an empty value is as if it were not there."""
    found: dict[str, object] = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or text == "":
            continue
        name = variable.removeprefix(PREFIX).lower()
        check_name(name, f"environment variable {variable}")
        found[name] = [part.strip() for part in text.split(",")] if name in LISTS else text
    return found


def from_file(path: Path) -> dict[str, object]:
    """The settings of a TOML file."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})") from error
    for name in found:
        check_name(name, str(path))
    return found


def check_name(name: str, place: str) -> None:
    """Refuse a name that no setting has."""
    if name not in Settings.__struct_fields__:
        raise SettingsError(
            f"{place}: no setting is called '{name}'; there are {', '.join(Settings.__struct_fields__)}"
        )


def convert(values: Mapping[str, object], place: str) -> Settings:
    """The values as a record; text is read as the kind that the setting has."""
    for name in values:
        check_name(name, place)
    try:
        return msgspec.convert(dict(values), Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{place}: {error}") from error


def describe_settings() -> str:
    """The table of settings as Markdown, for the documentation."""
    lines = ["| setting | kind | default | what it does |", "|---|---|---|---|"]
    for field in msgspec.structs.fields(Settings):
        note = sentence(field)
        lines.append(f"| `{field.name}` | {kind(field)} | {default(field)} | {note} |")
    return "\n".join(lines) + "\n"


def notes_on(field: msgspec.structs.FieldInfo) -> list[Any]:
    """The notes on a field's type, innermost first."""
    return [note for note in getattr(field.type, "__metadata__", ()) if isinstance(note, Meta)]


def sentence(field: msgspec.structs.FieldInfo) -> str:
    """What a setting does."""
    return next((note.description for note in notes_on(field) if note.description), "")


def kind(field: msgspec.structs.FieldInfo) -> str:
    """The kind of a setting's value, in words."""
    inner = getattr(field.type, "__origin__", field.type)
    words = {str: "text", int: "number", float: "number", bool: "true or false", tuple: "list"}
    if choices := getattr(inner, "__args__", ()):
        return "list" if field.name in LISTS else ", ".join(f"`{choice}`" for choice in choices)
    return words[inner]


def default(field: msgspec.structs.FieldInfo) -> str:
    """A setting's default as it is written in TOML."""
    match field.default:
        case "" | ():
            return "none"
        case bool() as flag:
            return f"`{str(flag).lower()}`"
        case tuple() as parts:
            return f"`{list(parts)}`".replace("'", '"')
        case str() as text:
            return f'`"{text}"`'
        case number:
            return f"`{number}`"


LISTS = frozenset(field.name for field in msgspec.structs.fields(Settings) if isinstance(field.default, tuple))

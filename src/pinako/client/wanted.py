"""What a download is asked for and what comes of it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pinako.client.calls.flow import extension_for, original_url
from pinako.client.filenames import safe_name
from pinako.client.records.images import Image, ImageDetails
from pinako.client.records.models import ModelFile, ModelVersion
from pinako.errors import BadRequest, PinakoError


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One file to fetch.

    `to` is the file's path, or an existing folder: then the host names it. `size` in bytes and `sha256` in hex are checked
    where given. `hashed` asks for the SHA-256 in any case. `text` says that the file may really be HTML or JSON.
    `overwrite` fetches what is already there again. `sidecar` is written beside the file as `NAME.json`.
    """

    url: str
    to: Path
    size: int | None = None
    sha256: str | None = None
    hashed: bool = False
    text: bool = False
    overwrite: bool = False
    sidecar: bytes | None = None


class Download(msgspec.Struct, frozen=True, kw_only=True):
    """One file that is now there. `fetched` False: it was already; `resumed_at` is the byte at which the last try began."""

    path: Path
    size: int
    sha256: str | None = None
    content_type: str = ""
    etag: str = ""
    fetched: bool = True
    resumed_at: int = 0


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one of many: either the download or the error that kept it from us."""

    wanted: Wanted
    download: Download | None = None
    error: PinakoError | None = None


def wanted_image(
    image: Image | ImageDetails, to: Path, *, media_base: str, sidecar: bytes | None = None, hashed: bool = False
) -> Wanted:
    """The original of an image. Into a folder it goes as `ID.EXT`, the extension by its MIME type."""
    basic = image.basic if isinstance(image, ImageDetails) else image
    url = original_url(basic, media_base)
    if not url:
        raise BadRequest(f"Image {basic.id} has no address.")
    path = to / f"{basic.id}{extension_for(basic.mime_type, basic.type)}" if to.is_dir() else to
    return Wanted(url=url, to=path, sidecar=sidecar, hashed=hashed)


def wanted_file(version: ModelVersion, to: Path, *, origin: str, file: ModelFile | None = None) -> Wanted:
    """A file of a version, the primary one unless said otherwise; checked against its SHA-256 where the host gives it.

    Into a folder it goes under the name that the record gives.
    """
    chosen = file or version.primary_file
    url = (chosen.download_url if chosen else None) or version.download_url
    if not url:
        url = f"{origin}/api/download/models/{version.id}"
        url += f"?fileId={chosen.id}" if chosen and chosen.id and chosen is not version.primary_file else ""
    name = safe_name((chosen.override_name or chosen.name) if chosen else "")
    path = to / name if name and to.is_dir() else to
    return Wanted(url=url, to=path, sha256=chosen.sha256 if chosen else None)

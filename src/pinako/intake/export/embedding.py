"""What an exported copy says of its making: A1111 text, or an XMP packet that photo programs read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

import msgspec

from pinako import metadata
from pinako.catalog.generation import Generation
from pinako.metadata import embed
from pinako.services.exporting import Leaving

CARRIERS = frozenset({"image/png", "image/jpeg", "image/webp", "image/avif"})
"""Kinds of files into which both forms can be written without touching a pixel."""
BESIDE = {"a1111": "txt", "xmp": "xmp"}
"""The ending of the file beside a picture that cannot carry it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def text_of(one: Leaving, how: str) -> str | None:
    """What a copy of this image should carry; None where nothing is known, or the file says it already."""
    said = generation_of(one)
    if how == "a1111":
        if said is None or (one.image.generator == "a1111" and not one.site_meta):
            return None
        return metadata.write_a1111(said)
    return _packet(one, said)


def generation_of(one: Leaving) -> Generation | None:
    """The normalised record: the file's own, or read out of what the site said."""
    meta = msgspec.json.decode(one.meta) if one.meta else None
    if not isinstance(meta, dict) or not meta:
        return None
    if one.generation is not None and not one.site_meta:
        return msgspec.structs.replace(msgspec.json.decode(one.generation, type=Generation), meta=meta)
    return metadata.from_meta(meta, generator=one.image.generator or "civitai")


def carried(data: bytes, text: str, how: str) -> bytes:
    """The same picture with the text in it. UnreadableFile, TooLarge, Conflict: it cannot carry it."""
    return embed.carry_a1111(data, text) if how == "a1111" else embed.carry_xmp(data, text)


def _packet(one: Leaving, said: Generation | None) -> str:
    """An XMP packet: prompt as description, tags as subject, author, times, and the whole A1111 text as user comment."""
    made = (_EPOCH + timedelta(milliseconds=one.image.created_at)).isoformat(timespec="seconds")
    tool = said.tool.name if said is not None and said.tool is not None else one.image.generator
    lines = [
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>',
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">',
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/">',
        f"<xmp:CreateDate>{made}</xmp:CreateDate>",
    ]
    if tool:
        lines.append(f"<xmp:CreatorTool>{_plain(tool)}</xmp:CreatorTool>")
    if one.user.username:
        lines.append(f"<dc:creator><rdf:Seq><rdf:li>{_plain(one.user.username)}</rdf:li></rdf:Seq></dc:creator>")
    if one.tags:
        listed = "".join(f"<rdf:li>{_plain(tag)}</rdf:li>" for tag in one.tags)
        lines.append(f"<dc:subject><rdf:Bag>{listed}</rdf:Bag></dc:subject>")
    if said is not None:
        if said.prompt:
            lines.append(f"<dc:description>{_spoken(said.prompt)}</dc:description>")
        lines.append(f"<exif:UserComment>{_spoken(metadata.write_a1111(said))}</exif:UserComment>")
    lines += ["</rdf:Description></rdf:RDF></x:xmpmeta>", '<?xpacket end="w"?>']
    return "\n".join(lines)


def _spoken(text: str) -> str:
    return f'<rdf:Alt><rdf:li xml:lang="x-default">{_plain(text)}</rdf:li></rdf:Alt>'


def _plain(text: str) -> str:
    """Text that XML can hold: control characters other than tab and line ends have no place in it."""
    kept = "".join(
        c for c in text if c in "\t\n" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")
    )
    return escape(kept)

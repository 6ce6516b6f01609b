"""XMP packets to named texts. Matched as text and never parsed as XML: entities and nesting of a hostile packet cost nothing."""

from __future__ import annotations

import html
import re

from pinako.metadata.containers.source import Notes

_NAMES = (
    "exif:UserComment", "dc:description", "dc:title", "dc:creator", "xmp:CreatorTool", "parameters", "sd-metadata",
    "sd:metadata", "photoshop:Instructions", "tiff:ImageDescription", "tiff:Make", "tiff:Model", "tiff:Artist",
    "prompt", "workflow",
)  # fmt: skip
_TAG = re.compile(r"<[^<>]{0,500}>")
_MAX_PACKET = 1 << 20


def read_xmp(packet: str, notes: Notes) -> None:
    """Add the texts of the properties that generators use: `xmp:UserComment` and so on, without the schema's prefix."""
    packet = packet[:_MAX_PACKET]
    for name in _NAMES:
        text = _element(packet, name) or _attribute(packet, name)
        if text:
            notes.add(f"xmp:{name.rpartition(':')[2]}", text)


def _element(packet: str, name: str) -> str:
    start = re.search(rf"<(?:\w{{1,20}}:)?{re.escape(name.rpartition(':')[2])}(?:\s[^<>]{{0,500}})?(?<!/)>", packet)
    if start is None:
        return ""
    prefix = start[0][1:].split(">")[0].split()[0]
    end = packet.find(f"</{prefix}", start.end())
    if end < 0:
        return ""
    return html.unescape(_TAG.sub("", packet[start.end() : end])).strip()


def _attribute(packet: str, name: str) -> str:
    found = re.search(rf"[\s:]{re.escape(name.rpartition(':')[2])}\s?=\s?(\"[^\"]*\"|'[^']*')", packet)
    return html.unescape(found[1][1:-1]).strip() if found else ""

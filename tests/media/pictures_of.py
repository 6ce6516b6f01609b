"""Small real pictures for the media tests, made with Pillow, and hostile ones, made by hand."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageDraw


def scene(width: int = 240, height: int = 160, mode: str = "RGB") -> Image.Image:
    """A picture with a clear top left: gradient sky, a sun there, dark ground."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    pen = ImageDraw.Draw(image)
    pen.ellipse((width * 0.05, height * 0.05, width * 0.25, height * 0.35), fill=(250, 190, 40))
    pen.rectangle((0, height * 0.8, width, height), fill=(20, 40, 30))
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize((width, height)))
        return image
    return image.convert(mode)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    """The file bytes of a picture."""
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def animation(format: str, frames: int = 3, width: int = 120, height: int = 80) -> bytes:
    """A red, green, blue animation."""
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]
    images = [Image.new("RGB", (width, height), colours[i % 3]) for i in range(frames)]
    return encoded(images[0], format, save_all=True, append_images=images[1:], duration=100, loop=0)


def png_declaring(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG whose header names a size that its data does not have."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", data or zlib.compress(bytes(1000)))
        + _chunk(b"IEND", b"")
    )


def webp_declaring(width: int, height: int) -> bytes:
    """A WebP whose extended header names a size."""
    body = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + (width - 1).to_bytes(3, "little")
    body += (height - 1).to_bytes(3, "little") + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

"""The name under which a model file is shown and downloaded (rest.md 8.6), made safe for disks and headers."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

from pinako.catalog.enums import FILE_TYPES

_SLUG_LETTERS = 20
_MAX_NAME = 200
_KEPT_TYPES = ("LORA", "LoCon")
_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def slug(text: str) -> str:
    """A name as the site squeezes it into file names: `v2.0 fp16` gives `v20Fp16`; all-CJK text gives nothing."""
    underscored = re.sub(r"[^A-Za-z0-9]", "_", text.replace("'", ""))
    return _camel(_cut(underscored, _SLUG_LETTERS + underscored.count("_")))


def _cut(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    head = text[:length]
    if text[length] == "_":
        return head
    whole_words = head.rfind("_")
    return head[:whole_words] if whole_words >= 0 else head


def _camel(underscored: str) -> str:
    words = re.split(r"_+", underscored)
    return words[0].lower() + "".join(_camel_word(word) for word in words[1:])


def _camel_word(word: str) -> str:
    # The contract's two examples, `waiIllustriousSDXL` and `harborLightsXl`: acronyms of three and more stay as written.
    return word if len(word) > 2 and word.upper() == word else word[:1].upper() + word[1:].lower()


def file_name(
    *,
    stored_name: str,
    file_type: str,
    model_name: str,
    model_type: str,
    version_name: str,
    override_name: str | None = None,
    first_trained_word: str | None = None,
    as_of_2022: bool = False,
) -> str:
    """The `name` of a file on the wire: percent-decoded, one path part, never empty. May hold any script.

    `as_of_2022` gives the name that the first API gave: LoRAs renamed like all else, embeddings always `.pt`.
    """
    if override_name:
        return safe_name(override_name)
    if as_of_2022:
        model_type = "" if model_type in _KEPT_TYPES else model_type
        stored_name = f"{stored_name}.pt" if model_type == "TextualInversion" and first_trained_word else stored_name
    built = _built_name(stored_name, file_type, slug(model_name), model_type, version_name, first_trained_word)
    return safe_name(built if built is not None else stored_name)


def _built_name(
    stored: str, file_type: str, model: str, model_type: str, version_name: str, trained_word: str | None
) -> str | None:
    if not model or model_type in _KEPT_TYPES or file_type not in FILE_TYPES:
        return None
    version = slug(re.sub(re.escape(model), "", version_name, flags=re.IGNORECASE))
    extension = stored.rsplit(".", 1)[-1]
    if file_type == "Training Data":
        return f"{model}_{version}_trainingData.zip"
    if model_type == "TextualInversion":
        suffix = "-neg" if file_type == "Negative" else ""
        return f"{trained_word}{suffix}.{extension}" if trained_word else None
    if file_type == "VAE":
        return None
    version, suffix = _suffix(stored.lower(), file_type, version)
    return f"{model}_{version}{suffix}.{extension}"


def _suffix(stored: str, file_type: str, version: str) -> tuple[str, str]:
    if "-inpainting" in stored:
        return re.sub(r"_?inpainting", "", version, count=1, flags=re.IGNORECASE), "-inpainting"
    if ".instruct-pix2pix" in stored:
        return re.sub(r"_?instruct|-?pix2pix", "", version, flags=re.IGNORECASE), ".instruct-pix2pix"
    return version, "_txt" if file_type == "Text Encoder" else ""


def safe_name(name: str) -> str:
    """One path part of any text: decoded once, no separators, no control characters, no leading dots, bounded length.

    Decoding comes first, because `%2e%2e%2f` must not become a way out of a folder.
    """
    decoded = unquote(name, errors="replace") if "%" in name else name
    if "\ufffd" in decoded and "\ufffd" not in name:
        decoded = name  # not percent-escaped UTF-8 after all
    last_part = re.split(r"[/\\]", decoded.replace("\0", ""))[-1]
    visible = "".join(character for character in last_part if unicodedata.category(character)[0] != "C")
    cleaned = re.sub(r'[<>:"|?*]', "_", visible).strip(" .")
    if not cleaned or _RESERVED.match(cleaned):
        cleaned = f"file_{cleaned}" if cleaned else "file"
    return _shortened(cleaned)


def ascii_name(name: str) -> str:
    """A name for `Content-Disposition: filename="…"`: ASCII only, because clients split the header at `filename=`."""
    folded = unicodedata.normalize("NFKD", safe_name(name))
    spelled = "".join(character for character in folded if not unicodedata.combining(character))
    stem, dot, extension = "".join(c if c.isascii() else "_" for c in spelled).rpartition(".")
    stem = re.sub(r"_{2,}", "_", stem) if not name.isascii() else stem
    return safe_name(f"{stem}{dot}{extension}".replace(";", "_").replace("%", "_"))


def _shortened(name: str) -> str:
    if len(name) <= _MAX_NAME:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 16:
        return name[:_MAX_NAME]
    return stem[: _MAX_NAME - len(extension) - 1] + dot + extension

"""Which names of a folder belong to a model file beside them: its notes and its previews."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from pinako.intake.walk import Folder
from pinako.metadata.modelfiles import MODEL_EXTENSIONS
from pinako.metadata.modelfiles.sidecars import sidecar_names

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".mp4", ".webm")


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """`models`: for each model file, by its name, the names beside it that are its own. `owners`: the other way round."""

    models: dict[Path, tuple[str, ...]] = {}
    owners: dict[Path, Path] = {}

    def is_preview(self, path: Path) -> bool:
        """Whether a claimed file is a picture or film to show, rather than text to read."""
        return path in self.owners and path.name.lower().endswith(PICTURE_ENDINGS)


def claim(folder: Folder, more: Iterable[Path] = ()) -> Claims:
    """The model files of a folder by their names (and `more`, known by content), with what belongs to each.

    A name that two models would claim goes to the first of them, so that nothing comes in twice.
    """
    models = [source.path for source in folder.files if source.path.suffix.lower() in MODEL_EXTENSIONS]
    models += [path for path in more if path not in models]
    if not models:
        return Claims()
    names = _Names(folder.names)
    owned: dict[Path, tuple[str, ...]] = {}
    owners: dict[Path, Path] = {}
    for model in models:
        mine = tuple(
            name for name in sidecar_names(model.name, names.beginning(model.stem)) if folder.path / name not in owners
        )
        owned[model] = mine
        owners.update((folder.path / name, model) for name in mine)
    return Claims(models=owned, owners={path: model for path, model in owners.items() if path not in owned})


class _Names:
    """A folder's names in folded order: asking each model about all of them would take minutes in a large folder."""

    def __init__(self, names: Sequence[str]) -> None:
        self._pairs = sorted((name.casefold(), name) for name in names)
        self._folded = [folded for folded, _ in self._pairs]

    def beginning(self, stem: str) -> list[str]:
        """The names that begin with a stem, case apart."""
        start = stem.casefold()
        found = []
        for at in range(bisect_left(self._folded, start), len(self._pairs)):
            if not self._folded[at].startswith(start):
                break
            found.append(self._pairs[at][1])
        return found

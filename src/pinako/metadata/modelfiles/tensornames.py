"""The names of a header's tensors, arranged for quick questions."""

from __future__ import annotations

from bisect import bisect_left

from pinako.metadata.modelfiles.records import Tensor


class TensorNames:
    """Sorted names with their tensors. Prefix questions are binary searches, so thousands of names cost nothing."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self._tensors = tensors
        self.all = sorted(tensors)
        self._joined: str | None = None

    def has(self, name: str) -> bool:
        """Whether this exact tensor is there."""
        return name in self._tensors

    def starts(self, *prefixes: str) -> bool:
        """Whether some tensor's name begins with one of the prefixes."""
        for prefix in prefixes:
            at = bisect_left(self.all, prefix)
            if at < len(self.all) and self.all[at].startswith(prefix):
                return True
        return False

    def any_contains(self, *parts: str) -> bool:
        """Whether some tensor's name contains one of the parts."""
        return any(part in self._text() for part in parts)

    def any_starts_under(self, *prefixes: str) -> bool:
        """`starts`, also below a first word of any kind (`text_encoder.`, `clip_l.`)."""
        return self.starts(*prefixes) or self.any_contains(*(f".{prefix}" for prefix in prefixes))

    def _text(self) -> str:
        if self._joined is None:
            self._joined = "\n".join(self.all)
        return self._joined

    def under(self, prefix: str) -> TensorNames:
        """The names below a prefix, with the prefix cut off."""
        at = bisect_left(self.all, prefix)
        found: dict[str, Tensor] = {}
        while at < len(self.all) and self.all[at].startswith(prefix):
            found[self.all[at][len(prefix) :]] = self._tensors[self.all[at]]
            at += 1
        return TensorNames(found)

    def dimension(self, name: str, axis: int) -> int | None:
        """One dimension of one tensor; None when the tensor or its shape is not known."""
        tensor = self._tensors.get(name)
        return tensor.shape[axis] if tensor is not None and axis < len(tensor.shape) else None

    def first_dimension(self, axis: int, *endings: str, prefix: str = "") -> int | None:
        """One dimension of the first tensor (by name) that begins and ends so."""
        for name in self.all:
            if name.endswith(endings) and name.startswith(prefix):
                found = self.dimension(name, axis)
                if found is not None:
                    return found
        return None

    def first_shape(self, *endings: str) -> tuple[int, ...]:
        """The shape of the first tensor whose name ends so; empty when there is none."""
        return next((self._tensors[name].shape for name in self.all if name.endswith(endings)), ())

    def shapes(self) -> list[tuple[int, ...]]:
        """All shapes, in the order of the names."""
        return [self._tensors[name].shape for name in self.all]

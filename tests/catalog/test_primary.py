"""The choice of the primary file and of the file that a download gets."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from pinako.catalog.primary import FilePreferences, FileWishes, chosen_file, primary_file, score


@dataclass(frozen=True)
class _File:
    id: int
    type: str = "Model"
    format: str | None = "SafeTensor"
    size: str | None = None
    fp: str | None = None
    quant_type: str | None = None


def test_the_documented_weights() -> None:
    assert score(_File(1, size="pruned", fp="fp16")) == 2111
    assert score(_File(1, size="full", fp="fp32")) == 2089
    assert score(_File(1, type="VAE")) == 1100
    assert score(_File(1, format="GGUF", quant_type="Q8_0")) == 1899.5
    assert score(_File(1), missing_is_mismatch=True) == 2088.5


def test_safetensors_pruned_fp16_comes_first() -> None:
    files = [
        _File(1, format="PickleTensor", size="pruned", fp="fp16"),
        _File(2, size="full", fp="fp16"),
        _File(3, size="pruned", fp="fp16"),
        _File(4, type="VAE", size="pruned", fp="fp16"),
    ]
    best = primary_file(files)
    assert best is not None
    assert best.id == 3


def test_preferences_turn_the_choice() -> None:
    best = primary_file([_File(1, fp="fp16"), _File(2, fp="bf16")], FilePreferences(fp="bf16"))
    assert best is not None
    assert best.id == 2


def test_no_files_no_primary() -> None:
    assert primary_file([]) is None


def test_a_download_takes_what_it_asked_for_or_nothing() -> None:
    files = [_File(1, fp="fp16"), _File(2, format="GGUF", quant_type="Q8_0"), _File(3, type="VAE", format=None)]
    gguf = chosen_file(files, FileWishes(format="GGUF"))
    assert gguf is not None
    assert gguf.id == 2
    silent = _File(5, size="pruned")
    assert chosen_file([*files, silent], FileWishes(fp="fp32")) == silent  # lacking the value passes, as on the site
    assert chosen_file(files[:1], FileWishes(fp="fp32")) is None
    assert chosen_file(files, FileWishes(type="VAE", format="SafeTensor")) == files[2]
    assert chosen_file(files, FileWishes(type="Config")) is None


_files = st.builds(
    _File,
    id=st.integers(),
    type=st.sampled_from(["Model", "VAE", "Pruned Model", "Other"]),
    format=st.sampled_from([None, "SafeTensor", "GGUF"]),
    size=st.sampled_from([None, "full", "pruned"]),
    fp=st.sampled_from([None, "fp16", "fp32"]),
    quant_type=st.sampled_from([None, "Q4_K_M", "Q8_0"]),
)


@given(st.lists(_files, min_size=1))
def test_the_primary_is_the_first_of_the_best(files: list[_File]) -> None:
    best = primary_file(files)
    top = max(score(file) for file in files)
    assert best is next(file for file in files if score(file) == top)

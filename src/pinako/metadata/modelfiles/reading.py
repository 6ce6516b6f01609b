"""One model file, read once: container, header, what it is, what it says about itself, and all its hashes."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import FileIO
from pathlib import Path, PurePath

import msgspec

from pinako.errors import UnreadableFile
from pinako.metadata.modelfiles import archives, gguf, kinds, pickles, safetensors
from pinako.metadata.modelfiles.embedded import embedded_facts
from pinako.metadata.modelfiles.hashing import hash_open_file, open_regular
from pinako.metadata.modelfiles.naming import hints_of_name
from pinako.metadata.modelfiles.recognise import recognise
from pinako.metadata.modelfiles.records import EmbeddedFacts, Header, ModelFileReading, PickleScan, Recognition

Progress = Callable[[int], None]


class _Contents(msgspec.Struct, kw_only=True):
    """What the container's own reader found."""

    header: Header = Header(tensors={})
    fp: str | None = None
    quant_type: str | None = None
    format: str | None = None
    model_type: str | None = None
    pickle: PickleScan | None = None
    problems: list[str] = []


def read_model_file(
    path: str | os.PathLike[str], *, progress: Progress | None = None, threads: int = 2, name: str | None = None
) -> ModelFileReading:
    """Everything about a model file. `progress` gets bytes hashed so far; `name` is its own name where the path has
    another (an upload's temporary file).

    UnreadableFile when it is no model file, is empty, cannot be read, or changes meanwhile. A damaged header is listed
    in `problems`, and the file still has its hashes.
    """
    with open_regular(path) as file:
        shown = name or Path(path).name
        extension = PurePath(shown).suffix.lower()
        size_bytes = os.fstat(file.fileno()).st_size
        kind = kinds.kind_of(file.read(64), extension, size_bytes) if size_bytes else None
        if kind is None:
            raise UnreadableFile(f"{shown} is empty" if not size_bytes else f"{shown} is not a model file")
        contents = _contents(file, kind, size_bytes, shown)
        hashes = hash_open_file(file, progress=progress, threads=threads).hexes()
    return _reading(shown, kind, size_bytes, contents, hashes)


def read_header_only(path: str | os.PathLike[str], *, name: str | None = None) -> ModelFileReading:
    """`read_model_file` without the hashes (an empty map): milliseconds for a file of any size."""
    with open_regular(path) as file:
        shown = name or Path(path).name
        size_bytes = os.fstat(file.fileno()).st_size
        kind = kinds.kind_of(file.read(64), PurePath(shown).suffix.lower(), size_bytes) if size_bytes else None
        if kind is None:
            raise UnreadableFile(f"{shown} is not a model file")
        return _reading(shown, kind, size_bytes, _contents(file, kind, size_bytes, shown), {})


def _contents(file: FileIO, kind: str, size_bytes: int, name: str) -> _Contents:
    reader = _READERS.get(kind)
    if reader is None:
        return _Contents(problems=[_other_problem(file, name)] if kind == kinds.OTHER else [])
    try:
        return reader(file, size_bytes)
    except UnreadableFile as problem:
        return _Contents(problems=[problem.message])


def _other_problem(file: FileIO, name: str) -> str:
    file.seek(0)
    instead = kinds.what_it_is_instead(file.read(64))
    return f"{name} is {instead}" if instead else f"{name} is not what its name says"


def _safetensors_contents(file: FileIO, size_bytes: int) -> _Contents:
    header = safetensors.read_header(file, size_bytes)
    return _Contents(header=header, fp=safetensors.fp_word(header.tensors), problems=list(header.problems))


def _gguf_contents(file: FileIO, size_bytes: int) -> _Contents:
    header = gguf.read_header(file, size_bytes)
    return _Contents(
        header=header, fp=gguf.fp_word(header), quant_type=gguf.quant_type(header), problems=list(header.problems)
    )


def _pickle_contents(file: FileIO, size_bytes: int) -> _Contents:
    file.seek(0)
    return _scanned(pickles.scan_pickle(file.read(min(size_bytes, pickles.MAX_PICKLE_BYTES))))


def _zip_contents(file: FileIO, _size_bytes: int) -> _Contents:
    with archives.open_archive(file) as archive:
        names = archives.member_names(archive)
        scanned = _scanned(archives.scan_archive(archive))
    torch = archives.is_torch(names)
    word = "PickleTensor" if torch else "Diffusers" if any(n.endswith("model_index.json") for n in names) else None
    scanned.format = word or ("PickleTensor" if scanned.pickle and scanned.pickle.imports else "Other")
    return scanned


def _scanned(scan: PickleScan) -> _Contents:
    problems = ["the pickle could not be scanned to its end"] if scan.result == "Error" else []
    header = Header(tensors=scan.tensors)
    fp = safetensors.fp_word(scan.tensors) if scan.tensors else None
    return _Contents(header=header, fp=fp, model_type=_pickled_type(scan), pickle=scan, problems=problems)


def _pickled_type(scan: PickleScan) -> str | None:
    # Embeddings of the A1111 family keep their vectors under keys that no tensor name shows.
    if "string_to_param" in scan.strings and "string_to_token" in scan.strings:
        return "TextualInversion"
    if any(name.startswith("ultralytics.") for name in scan.imports):
        return "Detection"
    return None


_READERS: dict[str, Callable[[FileIO, int], _Contents]] = {
    kinds.SAFETENSORS: _safetensors_contents,
    kinds.GGUF: _gguf_contents,
    kinds.PICKLE: _pickle_contents,
    kinds.ZIP: _zip_contents,
}


def _reading(name: str, kind: str, size_bytes: int, contents: _Contents, hashes: dict[str, str]) -> ModelFileReading:
    seen = recognise(contents.header.tensors)
    facts = embedded_facts(contents.header.metadata)
    model_type = _model_type(contents, seen, facts)
    base_model = _base_model(seen, facts, name)
    scan = contents.pickle
    return ModelFileReading(
        size_bytes=size_bytes,
        kind=kind,
        format=contents.format or kinds.format_word(kind, PurePath(name).suffix.lower()),
        fp=contents.fp,
        size=seen.size if seen.size is not None else _size_by_name(name, model_type),
        quant_type=contents.quant_type,
        file_type=seen.file_type,
        model_type=model_type,
        base_model=base_model,
        base_model_type=seen.base_model_type,
        hashes=hashes,
        extra_hashes=facts.extra_hashes,
        header=contents.header.metadata,
        facts=facts,
        tensor_count=len(contents.header.tensors),
        # A container that cannot hold a pickle is clean by nature; one that could and was not read is not.
        pickle_scan_result=scan.result if scan is not None else _unscanned_result(kind),
        pickle_scan_message=scan.message if scan is not None else None,
        complete=not any(problem.startswith("cut short") for problem in contents.problems),
        problems=tuple(contents.problems),
    )


def _unscanned_result(kind: str) -> str:
    return "Success" if kind in (kinds.SAFETENSORS, kinds.GGUF, kinds.ONNX, kinds.CORE_ML) else "Error"


def _model_type(contents: _Contents, seen: Recognition, facts: EmbeddedFacts) -> str | None:
    # Tensors do not lie; metadata only tells LoRA kinds apart that look the same, and speaks where tensors are silent.
    if seen.model_type == "LORA" and facts.model_type in ("LoCon", "DoRA"):
        return facts.model_type
    return seen.model_type or contents.model_type or facts.model_type


_KIN = {
    "SDXL 1.0": {"Pony", "Illustrious", "NoobAI", "SDXL Lightning", "SDXL Hyper", "SDXL Turbo", "SDXL 0.9", "SDXL 1.0 LCM"},
    "SD 1.5": {"SD 1.4", "SD 1.5 LCM", "SD 1.5 Hyper"},
    "SD 2.1": {"SD 2.0", "SD 2.0 768", "SD 2.1 768"},
    "Flux.1 D": {"Flux.1 Krea", "Flux.1 Kontext"},
    "Flux.2 D": {"Flux.2 Klein 9B", "Flux.2 Klein 9B-base", "Flux.2 Klein 4B", "Flux.2 Klein 4B-base"},
    "Flux.2 Klein 9B": {"Flux.2 Klein 9B-base"},
    "Flux.2 Klein 4B": {"Flux.2 Klein 4B-base"},
    "SD 3": {"SD 3.5", "SD 3.5 Medium", "SD 3.5 Large", "SD 3.5 Large Turbo"},
    "SD 3.5 Large": {"SD 3.5 Large Turbo"},
    "Qwen": {"Qwen 2"},
    "ZImageTurbo": {"ZImageBase"},
    "LTXV2": {"LTXV 2.3"},
    "SVD": {"SVD XT"},
    "AuraFlow": {"Pony V7"},
    "Wan Video 14B t2v": {"Wan Video 2.2 T2V-A14B", "Wan Video 2.2 I2V-A14B", "Wan Video 2.5 T2V", "Wan Video 2.5 I2V"},
    "Wan Video 14B i2v 480p": {"Wan Video 14B i2v 720p"},
}  # fmt: skip
"""Base models that share their tensors' names and shapes with another: only there a word or a file name decides."""


def _base_model(seen: Recognition, facts: EmbeddedFacts, name: str) -> str | None:
    said = facts.base_model
    by_name = hints_of_name(name).base_model
    if seen.base_model is None:
        return said or by_name
    kin = _KIN.get(seen.base_model, set())
    for word in (said, by_name):
        if word is not None and word in kin:
            return word
    return seen.base_model


def _size_by_name(name: str, model_type: str | None) -> str | None:
    if model_type != "Checkpoint":
        return None
    hints = hints_of_name(name)
    return hints.size

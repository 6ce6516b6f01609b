"""Model files: their hashes, headers and what these say about them, read once and never executed.

`read_model_file` is the whole reading, `read_header_only` the quick one, `probe` the question whether it is worth it.
"""

from pinako.metadata.modelfiles.hashing import ModelHashes, crc32_spellings, hash_file, lookup_spellings
from pinako.metadata.modelfiles.kinds import MODEL_EXTENSIONS, probe
from pinako.metadata.modelfiles.reading import read_header_only, read_model_file
from pinako.metadata.modelfiles.records import EmbeddedFacts, ModelFileReading, Preview

__all__ = [
    "MODEL_EXTENSIONS",
    "EmbeddedFacts",
    "ModelFileReading",
    "ModelHashes",
    "Preview",
    "crc32_spellings",
    "hash_file",
    "lookup_spellings",
    "probe",
    "read_header_only",
    "read_model_file",
]

"""The A1111 family: every edge of domain.md (g), and text that is written reads back as the record it was made of."""

from __future__ import annotations

from pinako.metadata import recognise

PLAIN = (
    "a lighthouse in fog, <lora:ink wash:0.8>\nsecond line\n"
    "Negative prompt: blurry, text\n"
    "Steps: 25, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 5.5, Seed: 3623174757, Size: 1024x768, "
    'Model hash: 45a21ea00a, Model: harbour_v1, Lora hashes: "ink wash: 1a2b3c4d5e6f", Version: v1.10.1'
)


def test_plain_text_gives_every_field() -> None:
    found = recognise({"parameters": PLAIN})
    assert found is not None
    assert (found.prompt, found.negative_prompt) == ("a lighthouse in fog, \nsecond line", "blurry, text")
    assert (found.steps, found.cfg_scale, found.seed) == (25, 5.5, 3623174757)
    assert (found.sampler, found.scheduler) == ("DPM++ 2M", "Karras")
    assert (found.width, found.height) == (1024, 768)
    assert found.model is not None
    assert (found.model.name, found.model.hash) == ("harbour_v1", "45a21ea00a")
    lora = next(one for one in found.resources if one.kind == "lora")
    assert (lora.name, lora.hash, lora.weight) == ("ink wash", "1a2b3c4d5e6f", 0.8)
    assert found.meta["hashes"] == {"lora:ink wash": "1a2b3c4d5e6f", "model": "45a21ea00a"}

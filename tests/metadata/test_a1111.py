"""The A1111 family: every edge of domain.md (g), and text that is written reads back as the record it was made of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinako.catalog.generation import Generation, Resource, UsedModel, UsedTool
from pinako.metadata import recognise, write_a1111
from pinako.metadata.values import stem_of

PLAIN = (
    "a lighthouse in fog, <lora:ink wash:0.8>\nsecond line\n"
    "Negative prompt: blurry, text\n"
    "Steps: 25, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 5.5, Seed: 3623174757, Size: 1024x768, "
    'Model hash: 45a21ea00a, Model: harbour_v1, Lora hashes: "ink wash: 1a2b3c4d5e6f", Version: v1.10.1'
)


def read(text: str, **others: str) -> Generation:
    found = recognise({"parameters": text, **others})
    assert found is not None
    return found


def resource(found: Generation, kind: str) -> Resource:
    return next(one for one in found.resources if one.kind == kind)


def test_plain_text_gives_every_field() -> None:
    found = read(PLAIN)
    assert (found.prompt, found.negative_prompt) == ("a lighthouse in fog, \nsecond line", "blurry, text")
    assert (found.steps, found.cfg_scale, found.seed) == (25, 5.5, 3623174757)
    assert (found.sampler, found.scheduler) == ("DPM++ 2M", "Karras")
    assert (found.width, found.height) == (1024, 768)
    assert found.model == UsedModel(name="harbour_v1", hash="45a21ea00a")
    assert found.tool == UsedTool(name="AUTOMATIC1111", version="v1.10.1")
    lora = resource(found, "lora")
    assert (lora.name, lora.hash, lora.weight) == ("ink wash", "1a2b3c4d5e6f", 0.8)


def test_the_meta_has_the_sites_keys_and_the_text_as_written() -> None:
    meta = read(PLAIN).meta
    assert meta["prompt"] == "a lighthouse in fog, <lora:ink wash:0.8>\nsecond line"
    assert meta["hashes"] == {"lora:ink wash": "1a2b3c4d5e6f", "model": "45a21ea00a"}
    assert meta["resources"] == [
        {"type": "model", "name": "harbour_v1", "hash": "45a21ea00a"},
        {"type": "lora", "name": "ink wash", "weight": 0.8, "hash": "1a2b3c4d5e6f"},
    ]
    assert (meta["steps"], meta["cfgScale"], meta["seed"], meta["Size"]) == (25, 5.5, 3623174757, "1024x768")
    assert meta["Schedule type"] == "Karras"


@pytest.mark.parametrize("prompt", ["{{masterpiece}}, a boat", "{red|blue} boat", '{"quoted", a boat', "{", "{}"])
def test_a_prompt_may_begin_with_a_brace(prompt: str) -> None:
    settings = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512"
    found = read(f"{prompt}\nNegative prompt: fog\n{settings}")
    assert (found.prompt, found.negative_prompt, found.steps, found.seed) == (prompt, "fog", 20, 1)


@pytest.mark.parametrize("line", [r"\n", "\n"])
def test_an_object_that_quotes_such_a_text_is_left_to_its_own_reader(line: str) -> None:
    assert recognise({"parameters": '{"note": "a boat' + line + 'Steps: 20, Seed: 1, Size: 512x512"}'}) is None


def test_one_picture_never_changes_what_another_says() -> None:
    first = read(PLAIN)
    first.meta["hashes"].clear()
    first.meta["resources"][0]["name"] = "changed"
    assert read(PLAIN).meta["hashes"]
    assert read(PLAIN).meta["resources"][0]["name"] == "harbour_v1"


@pytest.mark.parametrize(
    ("text", "prompt", "negative"),
    [
        ("a\n\nb\nSteps: 1, Seed: 2, CFG scale: 3", "a\n\nb", None),
        ("a\nNegative prompt: x\nNegative prompt: y\nSteps: 1, Seed: 2, CFG scale: 3", "a", "x y"),
        ("Negative prompt: x\nSteps: 1, Seed: 2", None, "x"),
        ("Parameters: a cat\nSteps: 1, Seed: 2", "a cat", None),
        ("a cat. Negative prompt: bad, worse. Steps: 1, Seed: 2, Sampler: Euler", "a cat", "bad, worse"),
        ("a cat, Steps: 1, Seed: 2, Sampler: Euler", "a cat", None),
        ("a\r\nNegative prompt: x\r\nSteps: 1, Seed: 2,\r\n", "a", "x"),
        (
            "a\nSteps: 5, Seed: 6, in the prompt\nNegative prompt: x\nSteps: 1, Seed: 2",
            "a\nSteps: 5, Seed: 6, in the prompt",
            "x",
        ),
        ("a\nNegative prompt: x\nSteps: 1, Seed: 2\nTemplate: {a|b}, c\nNegative Template: y, z", "a", "x"),
        ("a\nTemplate: {b|c},\nd\nNegative prompt: x\nSteps: 1, Seed: 2", "a", "x"),
        ("Steps: 1, Seed: 2, Sampler: Euler", None, None),
        ("a,,  \nSteps: 1, Seed: 2", "a", None),
        ("<lora:x:1>, a, <lora:y:1>, b\nSteps: 1, Seed: 2", "a, b", None),
    ],
)
def test_prompts_are_told_from_settings(text: str, prompt: str | None, negative: str | None) -> None:
    found = read(text)
    assert (found.prompt, found.negative_prompt) == (prompt, negative)
    assert (found.steps, found.seed) == (1, 2)


@pytest.mark.parametrize(
    ("pairs", "key", "value"),
    [
        ('Wildcard: "a, b: \\"c\\" and d", Seed: 2', "Wildcard", 'a, b: "c" and d'),
        ('ControlNet 0: "Module: canny, Model: edge [abcdef12], Weight: 0.5", Seed: 2', "ControlNet 0",
         {"Module": "canny", "Model": "edge [abcdef12]", "Weight": "0.5"}),
        ("Lora (foo.safetensors) weight: 0.5, Seed: 2", "Lora (foo.safetensors) weight", "0.5"),
        ("Created Date: 2026-02-25T2209:08.8Z, Seed: 2", "Created Date", "2026-02-25T22:09:08.8Z"),
        ("Created Date: 2026-02-25T22:09:08.8Z, Seed: 2", "Created Date", "2026-02-25T22:09:08.8Z"),
        ('Odd: "never closed, Seed: 2', "Odd", '"never closed'),
        ("Kept: 1, Seed: 2, Hashed prompt: abc, Lost: 3", "Lost", None),
        ("Seed: 2, Resources: {\"a\": 1}, Lost: 3", "Lost", None),
        ("Clip skip: 2, Seed: 2", "clipSkip", 2),
        ("Sampler: undefined, Seed: 2", "sampler", "undefined"),
    ],
)  # fmt: skip
def test_settings_keep_what_they_say(pairs: str, key: str, value: Any) -> None:
    found = read(f"a\nSteps: 1, {pairs}")
    assert found.meta.get(key) == value
    assert found.seed == 2


@pytest.mark.parametrize(
    ("written", "sampler", "scheduler"),
    [
        ("Sampler: DPM++ 2M Karras", "DPM++ 2M", "Karras"),
        ("Sampler: DPM++ 2M, Schedule type: Karras", "DPM++ 2M", "Karras"),
        ("Sampler: euler_ancestral_karras", "Euler a", "Karras"),
        ("Sampler: Euler Ancestral Karras", "Euler a", "Karras"),
        ("Sampler: dpmpp_2m_sde_gpu_sgm_uniform", "DPM++ 2M SDE", "SGM Uniform"),
        ("Sampler: Euler a, Sampler sigma: karras", "Euler a", "Karras"),
        ("Sampler: A New One", "A New One", None),
        ("Sampler: undefined", None, None),
    ],
)
def test_samplers_have_one_vocabulary(written: str, sampler: str | None, scheduler: str | None) -> None:
    found = read(f"a\nSteps: 1, {written}, Seed: 3")
    assert (found.sampler, found.scheduler) == (sampler, scheduler)


def test_one_bad_value_loses_nothing_else() -> None:
    found = read(
        "a\nSteps: many, Sampler: Euler, CFG scale: NaN, Seed: 7, Size: large\nSteps: 3, Seed: 7, CFG scale: nan"
    )
    assert (found.steps, found.cfg_scale, found.seed) == (3, None, 7)
    assert found.meta["cfgScale"] == "nan"


def test_network_tags_of_every_spelling_are_resources() -> None:
    text = "a <lora:My Style v2:-0.5> <lyco:b:0.3:0.4> <hypernet:h:0.7> <lora:folder/c.safetensors> <lora:d:1:lbw=OUTD>"
    found = read(f"{text} <lora:e:te=0.6:unet=0.9>\nSteps: 1, Seed: 2")
    assert [(one.kind, one.name, one.weight) for one in found.resources] == [
        ("lora", "My Style v2", -0.5),
        ("lora", "b", 0.3),
        ("hypernetwork", "h", 0.7),
        ("lora", "c", 1.0),
        ("lora", "d", 1.0),
        ("lora", "e", 0.6),
    ]
    assert found.prompt == "a"


def test_hash_blocks_and_lists_are_read() -> None:
    found = read(
        'a <lora:x:1>\nSteps: 1, Hashes: {"model": "1111111111", "lora:x": "2222222222", "embed:neg": "3333333333"}, '
        'TI hashes: "neg: 4444444444, good: 555555555555", VAE hash: abcdef12, VAE: v.pt, Seed: 2'
    )
    assert found.meta["hashes"] == {
        "model": "1111111111", "lora:x": "2222222222", "embed:neg": "3333333333", "embed:good": "555555555555",
        "vae": "abcdef12",
    }  # fmt: skip
    assert resource(found, "lora").hash == "2222222222"
    assert {one.name for one in found.resources if one.kind == "embedding"} == {"neg", "good"}
    assert (resource(found, "vae").name, resource(found, "vae").hash) == ("v", "abcdef12")


def test_old_extensions_name_their_files() -> None:
    found = read(
        "a\nSteps: 1, Seed: 2, Model hash: aabbccdd, Hypernet: hyper, Hypernet strength: 0.4, AddNet Enabled: True, "
        "AddNet Module 1: LoRA, AddNet Model 1: style(1a2b3c4d5e6f), AddNet Weight A 1: 0.6, AddNet Model 2: None, "
        "Refiner: refine [7440042bbd], ControlNet-0 Model: depth [cafe1234]"
    )
    assert found.model == UsedModel(hash="aabbccdd")
    assert (resource(found, "hypernetwork").name, resource(found, "hypernetwork").weight) == ("hyper", 0.4)
    lora = resource(found, "lora")
    assert (lora.name, lora.hash, lora.weight) == ("style", "1a2b3c4d5e6f", 0.6)
    assert found.meta["hashes"]["refiner"] == "7440042bbd"


def test_the_sites_blocks_are_read_and_names_are_not_sent_on() -> None:
    found = read(
        "a\nSteps: 1, Sampler: Euler, Seed: 2, "
        'Civitai resources: [{"type":"checkpoint","modelVersionId":11,"modelName":"Harbour","modelVersionName":"v1"},'
        '{"weight":0.7,"air":"urn:air:sdxl:lora:civitai:5@22"}], '
        'Civitai metadata: {"workflow":"txt2img","remixOfId":9,"width":640,"height":480}'
    )
    assert found.generator == "civitai"
    assert found.meta["civitaiResources"] == [
        {"type": "checkpoint", "modelVersionId": 11},
        {"type": "lora", "weight": 0.7, "modelVersionId": 22},
    ]
    assert found.meta["extra"]["remixOfId"] == 9
    assert (found.width, found.height) == (640, 480)
    assert found.model == UsedModel(name="Harbour", model_version_id=11)
    assert [(one.kind, one.model_version_id, one.weight) for one in found.resources] == [
        ("checkpoint", 11, None),
        ("lora", 22, 0.7),
    ]


@pytest.mark.parametrize(
    ("extra", "fields", "tool"),
    [
        (
            "Version: f2.0.1v1.10.1-previous-669-gdfdcbab6",
            {},
            UsedTool(name="Forge", version="f2.0.1v1.10.1-previous-669-gdfdcbab6"),
        ),
        ("Version: f1.7.0-v1.10.1RC", {}, UsedTool(name="reForge", version="f1.7.0-v1.10.1RC")),
        ("Version: f1.0.0v2-v1.10.1RC", {}, UsedTool(name="reForge", version="f1.0.0v2-v1.10.1RC")),
        ("App: SD.Next, Version: 56a8aea", {}, UsedTool(name="SD.Next", version="56a8aea")),
        ("Version: ComfyUI", {}, UsedTool(name="ComfyUI")),
        ("Model: m", {"smproj": "{}"}, UsedTool(name="Stability Matrix")),
        ("Model: m", {}, None),
    ],
)
def test_the_tool_is_told_from_its_traces(extra: str, fields: dict[str, str], tool: UsedTool | None) -> None:
    assert read(f"a\nSteps: 1, {extra}, Seed: 2", **fields).tool == tool


@pytest.mark.parametrize("text", ["", "a cat", "Steps to the sea", '{"prompt": "Steps: 1, Seed: 2"}', "Steps: none"])
def test_other_texts_are_not_taken(text: str) -> None:
    assert recognise({"parameters": text}) is None


# write -> read

_words = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="<>"), max_size=60)
_line = _words.map(str.strip).filter(lambda text: not text.startswith(("Negative prompt:", "Steps:", "Parameters:")))


def _prompt() -> st.SearchStrategy[str | None]:
    lines = st.lists(_line, min_size=1, max_size=4).map("\n".join)
    return st.one_of(st.none(), lines.map(lambda text: text.strip().rstrip(", \t\n") or None)).filter(
        lambda text: text is None or ("Template:" not in text and text == text.strip() and "Parameters:" not in text)
    )


_name = (
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
    .map(str.strip)
    .filter(lambda text: bool(text) and "/" not in text and "\\" not in text and not text.startswith(("urn:", "civitai:")))
    .filter(lambda text: stem_of(text) == text)
    .filter(lambda text: text not in ("None", "Automatic"))
)  # fmt: skip
_hash = st.text("0123456789abcdef", min_size=10, max_size=12)
_weight = st.floats(-4, 4).map(lambda value: round(value, 3) + 0.0)
_number = st.floats(0, 1000).map(lambda value: round(value, 4))


@st.composite
def _resources(draw: st.DrawFn) -> tuple[Resource, ...]:
    made: dict[Any, Resource] = {}
    for kind in draw(
        st.lists(st.sampled_from(("lora", "embedding", "hypernetwork", "vae", "upscaler", "controlnet")), max_size=5)
    ):
        name = draw(_name)
        one = Resource(kind=kind, name=name, hash=draw(st.none() | _hash), weight=draw(st.none() | _weight))
        made.setdefault((kind, name.lower()), one)
    for version in draw(st.lists(st.integers(1, 2**31 - 1), max_size=3, unique=True)):
        kind = draw(st.sampled_from(("lora", "embedding", "checkpoint")))
        made[version] = Resource(
            kind=kind, name=draw(st.none() | _name), weight=draw(st.none() | _weight), model_version_id=version
        )
    return tuple(made.values())


@st.composite
def generations(draw: st.DrawFn) -> Generation:
    resources = draw(_resources())
    site_model = next((one for one in resources if one.kind == "checkpoint"), None)
    local = draw(st.none() | st.builds(UsedModel, name=_name, hash=st.none() | _hash))
    if local is not None:
        model: UsedModel | None = local
        if site_model is not None:
            resources = tuple(one for one in resources if one.kind != "checkpoint")
        resources = (Resource(kind="checkpoint", name=local.name, hash=local.hash), *resources)
    else:
        model = UsedModel(name=site_model.name, model_version_id=site_model.model_version_id) if site_model else None
    sides = draw(st.none() | st.tuples(st.integers(1, 99999), st.integers(1, 99999)))
    return Generation(
        generator="a1111",
        prompt=draw(_prompt()),
        negative_prompt=draw(_prompt()),
        steps=draw(st.integers(1, 500)),
        cfg_scale=draw(st.none() | _number),
        seed=draw(st.none() | st.integers(-1, 2**64 - 1)),
        clip_skip=draw(st.none() | st.integers(1, 12)),
        denoise=draw(st.none() | _number),
        width=sides[0] if sides else None,
        height=sides[1] if sides else None,
        sampler=draw(st.none() | st.sampled_from(("Euler a", "DPM++ 2M SDE", "UniPC", "A New One"))),
        scheduler=draw(st.none() | st.sampled_from(("Karras", "SGM Uniform", "Exponential", "Of Tomorrow"))),
        model=model,
        resources=resources,
    )


def _said(found: Generation) -> dict[str, Any]:
    told = {name: getattr(found, name) for name in found.__struct_fields__}
    for name in ("meta", "native_sampler", "generator", "tool", "process", "resources"):
        del told[name]
    # The generator's own words and the order of the list are not part of what a picture was made with.
    told["resources"] = {(one.kind, one.name, one.hash, one.weight, one.model_version_id) for one in found.resources}
    return told


@settings(max_examples=120, deadline=None)
@given(generations())
def test_what_is_written_reads_back(generation: Generation) -> None:
    text = write_a1111(generation)
    assert _said(read(text)) == _said(generation)


@settings(max_examples=40, deadline=None)
@given(generations())
def test_what_was_read_is_written_the_same_again(generation: Generation) -> None:
    once = write_a1111(read(write_a1111(generation)))
    assert write_a1111(read(once)) == once


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=400), st.sampled_from(("", "\nSteps: 1, ", "Steps: 2,")))
def test_any_text_is_read_or_left(text: str, middle: str) -> None:
    recognise({"parameters": text + middle + text})


_HEADS = st.sampled_from((
    "Steps: 3, Sampler: Euler a, CFG scale: 7.50, Seed: 12, Size: 512x768",
    "Steps: 0, Sampler: DDIM, CFG scale: 7, Seed: 1, Size: 64x64",
    "Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 007, Size: 64x96",
    "Steps: 28, Sampler: undefined, CFG scale: 4.0, Seed: 9999999999999999999, Size: 99999x1", "Steps: 3",
    "Steps: 3, Seed: 5",
    "Steps: 3, Sampler: Euler a, CFG scale: 7, Seed: -1, Size: 512x768",
    "Steps: 3, Sampler: a:b, CFG scale: 7, Seed: 1, Size: 2x3",
))  # fmt: skip
_PAIRS = st.sampled_from((
    "Sampler: LMS", "Seed: 7", "steps: 9", "seed: 3", "cfgScale: 2", "width: 5", "prompt: b", "Size: 64x96", "Clip skip: 2",
    'Note: "x, Seed: 9, y"', 'Note: "open', 'Lora hashes: "ink: 1a2b3c4d5e6f"',
    "Resources: none", "Model: tide", "Version: v1.10.1",
    'Hashes: {"model": "45a21ea00a"}', 'Civitai resources: [{"type": "lora", "modelVersionId": 5}]', "Model hash: 45a21ea00a",
    "Denoising strength: 0.5", 'Civitai metadata: {"width": 7, "resources": [{"modelVersionId": 6, "strength": 0.5}]}',
    "ENSD: 1\n2",
))  # fmt: skip
_PROMPTS = st.sampled_from((
    "a cat", "<lora:ink:0.5>", "<lora:ink:1>,, sea", "<hypernet:sea>", "", " ", "\nNegative prompt: dog <lora:x:1>", "\n",
    "\u00a0,",
))  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(_HEADS, st.lists(_PAIRS, max_size=6), st.lists(_PROMPTS, max_size=5))
def test_a_run_of_pictures_made_alike_reads_as_each_alone(head: str, pairs: list[str], prompt: list[str]) -> None:
    text = f"{', '.join(prompt)}\n{', '.join((head, *pairs))}"
    alone = recognise({"parameters": text, "another text": "beside it, so that nothing remembered is used"})
    assert recognise({"parameters": text}) == alone
    assert recognise({"parameters": text}) == alone
    assert list(read(text).meta) == list(alone.meta if alone else {})

"""The words of the demo library: harmless names, prompts and tags, and the texts that generators would write."""

from __future__ import annotations

import json
from random import Random

USERS = (
    "inkharbor", "paper_fox", "tidepool", "mossgarden", "lanternfish", "kitebird", "slowriver", "brass_owl",
    "cloudmill", "fernlight", "saltmarsh", "copperwren", "quietpine", "northpier", "amberglass", "stonebridge",
    "velvetfern", "dawnrunner", "marblecat", "windrose", "bluekiln", "oakletter", "rainatlas", "softgravel",
)  # fmt: skip

MODEL_NAMES = (
    "Harbor Lights", "Soft Watercolour", "Quiet Horizon", "Glass Atlas", "Paper Lantern", "Moss & Stone", "Tidal Ink",
    "Copper Dusk", "Northern Studio", "Velvet Dunes", "Orbit Sketch", "Winter Contour", "Marble Garden", "Kite Season",
    "Amber Process", "Slow River", "Pine Letterpress", "Aurora Field", "Salt Print", "Clay Horizon", "Lantern Festival",
    "Blue Kiln", "Fern Study", "Skyline Notes",
)  # fmt: skip

MOODS = ("calm", "misty", "golden", "winter", "early", "distant", "wide", "quiet", "vivid", "soft", "layered", "lucid")
TIMES = ("at dawn", "at dusk", "under starlight", "after the rain", "in late autumn", "at noon", "before the storm")
STYLES = (
    "ink wash", "screen print", "oil on canvas", "risograph", "woodcut", "gouache", "vector poster", "matte painting",
    "watercolour", "linocut",
)  # fmt: skip
DETAILS = (
    "long shadows", "fine grain", "limited palette", "strong composition", "soft light", "high detail", "wide shot",
    "depth", "gentle gradients", "clean shapes",
)  # fmt: skip
NEGATIVES = ("blurry, low quality", "jpeg artifacts, text, watermark", "oversaturated, noisy", "worst quality, cropped")
SAMPLERS = (
    ("Euler a", "", "euler_ancestral", "normal"),
    ("DPM++ 2M", "Karras", "dpmpp_2m", "karras"),
    ("DPM++ SDE", "Karras", "dpmpp_sde", "karras"),
    ("UniPC", "", "uni_pc", "simple"),
    ("DDIM", "", "ddim", "ddim_uniform"),
)
CATEGORIES = ("landscape", "abstract", "architecture", "nature")
TAGS = (
    "mountain", "sea", "night", "sunrise", "sunset", "forest", "city", "geometric", "stars", "fog", "water", "minimalism",
    "texture", "pattern", "desert", "snow", "flower", "planet", "lighthouse", "stained glass", "print", "poster",
)  # fmt: skip
TITLES = (
    "Studies",
    "Morning walk",
    "Sketchbook",
    "Night series",
    "Field notes",
    "Variations",
    "Harbour",
    "Colour trial",
)
COLLECTIONS = (
    "Quiet harbours",
    "Night shelf",
    "Print ideas",
    "Reference wall",
    "Long walks",
    "Shapes",
    "To try",
    "Best of",
)


def prompt_of(chance: Random, scene: str) -> str:
    """A prompt for a scene of the painter."""
    parts = [
        f"a {chance.choice(MOODS)} {scene} {chance.choice(TIMES)}",
        chance.choice(STYLES),
        *chance.sample(DETAILS, chance.randrange(1, 4)),
    ]
    return ", ".join(parts)


HIRES = {"Hires upscale": 2, "Hires steps": 12, "Hires upscaler": "Latent"}
"""What A1111 writes of a picture that was painted at half its size first."""


def a1111_text(settings: dict[str, object], prompt: str, negative: str) -> str:
    """A1111's text of one picture: prompt, negative prompt, then the settings as they are given."""
    line = ", ".join(f"{name}: {value}" for name, value in settings.items())
    return f"{prompt}\nNegative prompt: {negative}\n{line}"


def comfy_graph(
    *, checkpoint: str, lora: str | None, weight: float, prompt: str, negative: str, seed: int, steps: int, cfg: float,
    sampler: str, scheduler: str, width: int, height: int,
) -> str:  # fmt: skip
    """The API graph that ComfyUI writes into a PNG's `prompt` chunk."""
    source = "2" if lora else "1"
    graph: dict[str, dict[str, object]] = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": checkpoint}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": prompt, "clip": [source, 1]}},
        "4": {"class_type": "CLIPTextEncode", "inputs": {"text": negative, "clip": [source, 1]}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": width, "height": height, "batch_size": 1}},
        "6": {
            "class_type": "KSampler",
            "inputs": {
                "seed": seed, "steps": steps, "cfg": cfg, "sampler_name": sampler, "scheduler": scheduler, "denoise": 1.0,
                "model": [source, 0], "positive": ["3", 0], "negative": ["4", 0], "latent_image": ["5", 0],
            },
        },
        "7": {"class_type": "VAEDecode", "inputs": {"samples": ["6", 0], "vae": ["1", 2]}},
        "8": {"class_type": "SaveImage", "inputs": {"filename_prefix": "demo", "images": ["7", 0]}},
    }  # fmt: skip
    if lora:
        graph["2"] = {
            "class_type": "LoraLoader",
            "inputs": {
                "lora_name": lora, "strength_model": weight, "strength_clip": weight, "model": ["1", 0], "clip": ["1", 1],
            },
        }  # fmt: skip
    return json.dumps(graph)

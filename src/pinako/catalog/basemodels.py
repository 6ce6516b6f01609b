"""The base models: their names, their AIR ecosystems, their media, and how other programs' words for them are read."""

from __future__ import annotations

import re

BASE_MODELS = (
    "Anima", "AuraFlow", "Chroma", "CogVideoX", "Ernie", "Flux.1 S", "Flux.1 D", "Flux.1 Krea", "Flux.1 Kontext",
    "Flux.2 D", "Flux.2 Klein 9B", "Flux.2 Klein 9B-base", "Flux.2 Klein 4B", "Flux.2 Klein 4B-base", "Flux 3 Video",
    "Grok", "HappyHorse", "HiDream", "HiDream-O1", "Hunyuan 1", "Hunyuan Video", "Ideogram 4.0", "Boogu",
    "Illustrious", "Imagen4", "Kolors", "Krea 2", "LTXV", "LTXV2", "LTXV 2.3", "Lens", "Lumina", "MageFlow", "MAI",
    "Mochi", "Nano Banana", "NoobAI", "ODOR", "OpenAI", "Upscaler", "Other", "PixArt a", "PixArt E", "Playground v2",
    "Pony", "Pony V7", "Qwen", "Qwen 2", "Qwen 3", "Stable Cascade", "SD 1.4", "SD 1.5", "SD 1.5 LCM", "SD 1.5 Hyper",
    "SD 2.0", "SD 2.0 768", "SD 2.1", "SD 2.1 768", "SD 2.1 Unclip", "SD 3", "SD 3.5", "SD 3.5 Large",
    "SD 3.5 Large Turbo", "SD 3.5 Medium", "SDXL 0.9", "SDXL 1.0", "SDXL 1.0 LCM", "SDXL Lightning", "SDXL Hyper",
    "SDXL Turbo", "SDXL Distilled", "Reve", "Seedream", "SVD", "SVD XT", "Sora 2", "Veo 3", "Wan Video",
    "Wan Video 1.3B t2v", "Wan Video 14B t2v", "Wan Video 14B i2v 480p", "Wan Video 14B i2v 720p",
    "Wan Video 2.2 TI2V-5B", "Wan Video 2.2 I2V-A14B", "Wan Video 2.2 T2V-A14B", "Wan Video 2.5 T2V",
    "Wan Video 2.5 I2V", "Wan Image 2.7", "Wan Video 2.7", "ZImageTurbo", "ZImageBase", "Vidu Q1", "MiniMax H3",
    "Kling", "Seedance", "ACE Audio", "PolyGen", "Tripo", "Hunyuan3D",
)  # fmt: skip
"""In the order of `/api/v1/enums`. Open: an unknown name in data is kept and served as it is."""

_RETIRED = frozenset({
    "Imagen4", "Nano Banana", "ODOR", "OpenAI", "Playground v2", "Stable Cascade", "SD 2.0 768", "SD 2.1 768",
    "SD 2.1 Unclip", "SD 3", "SD 3.5", "SD 3.5 Large", "SD 3.5 Large Turbo", "SD 3.5 Medium", "SDXL 0.9",
    "SDXL 1.0 LCM", "SDXL Turbo", "SDXL Distilled", "Seedream", "SVD", "SVD XT", "Sora 2", "Veo 3", "Wan Video",
    "Vidu Q1", "Kling", "Seedance", "PolyGen", "Tripo", "Hunyuan3D",
})  # fmt: skip
ACTIVE_BASE_MODELS = tuple(name for name in BASE_MODELS if name not in _RETIRED)
"""The 69 that pickers offer; the others stay valid on data."""

VIDEO_BASE_MODELS = frozenset({
    "CogVideoX", "Flux 3 Video", "HappyHorse", "Hunyuan Video", "LTXV", "LTXV2", "LTXV 2.3", "Mochi", "SVD", "SVD XT",
    "Sora 2", "Veo 3", "Wan Video", "Wan Video 1.3B t2v", "Wan Video 14B t2v", "Wan Video 14B i2v 480p",
    "Wan Video 14B i2v 720p", "Wan Video 2.2 TI2V-5B", "Wan Video 2.2 I2V-A14B", "Wan Video 2.2 T2V-A14B",
    "Wan Video 2.5 T2V", "Wan Video 2.5 I2V", "Wan Video 2.7", "Vidu Q1", "MiniMax H3", "Kling", "Seedance",
})  # fmt: skip
AUDIO_BASE_MODELS = frozenset({"ACE Audio"})

_ECOSYSTEMS = {
    **dict.fromkeys(("SD 1.4", "SD 1.5", "SD 1.5 LCM", "SD 1.5 Hyper"), "sd1"),
    **dict.fromkeys(("SD 2.0", "SD 2.0 768", "SD 2.1", "SD 2.1 768", "SD 2.1 Unclip"), "sd2"),
    **dict.fromkeys(("SD 3", "SD 3.5", "SD 3.5 Large", "SD 3.5 Large Turbo"), "sd3"),
    "SD 3.5 Medium": "sd3_5m",
    **dict.fromkeys(("SDXL 0.9", "SDXL 1.0", "SDXL 1.0 LCM", "SDXL Lightning", "SDXL Hyper", "SDXL Turbo"), "sdxl"),
    **dict.fromkeys(("Pony", "Illustrious", "NoobAI"), "sdxl"),
    "SDXL Distilled": "sdxldistilled",
    **dict.fromkeys(("Flux.1 S", "Flux.1 D"), "flux1"),
    "Flux.1 Krea": "fluxkrea",
    "Flux.1 Kontext": "flux1kontext",
    **dict.fromkeys((name for name in BASE_MODELS if name.startswith("Flux.2 ")), "flux2"),
    "Flux 3 Video": "flux3video",
    **dict.fromkeys(("AuraFlow", "Pony V7"), "auraflow"),
    "Hunyuan 1": "hydit1",
    "Hunyuan Video": "hyv1",
    "Ideogram 4.0": "ideogram",
    "PixArt a": "pixarta",
    "PixArt E": "pixarte",
    "Stable Cascade": "scascade",
    **dict.fromkeys(("SVD", "SVD XT"), "svd"),
    "Wan Video": "wanvideo",
    "Wan Video 1.3B t2v": "wanvideo1_3b_t2v",
    "Wan Video 14B t2v": "wanvideo14b_t2v",
    "Wan Video 14B i2v 480p": "wanvideo14b_i2v_480p",
    "Wan Video 14B i2v 720p": "wanvideo14b_i2v_720p",
    "Wan Video 2.2 TI2V-5B": "wanvideo-22-ti2v-5b",
    "Wan Video 2.2 I2V-A14B": "wanvideo-22-i2v-a14b",
    "Wan Video 2.2 T2V-A14B": "wanvideo-22-t2v-a14b",
    "Wan Video 2.5 T2V": "wanvideo-25-t2v",
    "Wan Video 2.5 I2V": "wanvideo-25-i2v",
    "Wan Image 2.7": "wanimage27",
    "Wan Video 2.7": "wanvideo27",
    "LTXV 2.3": "ltxv23",
    "Vidu Q1": "vidu",
    "ACE Audio": "ace",
    **dict.fromkeys(("Upscaler", "Other"), "other"),
}


def ecosystem(base_model: str) -> str:
    """The AIR word for a base model's root family, as the site's code emits it (rest.md 8.7: `sd1`, never `sd15`)."""
    known = _ECOSYSTEMS.get(base_model)
    if known is not None:
        return known
    lowered = base_model.lower()
    return re.sub(r"[ .]", "", lowered) if base_model in BASE_MODELS else lowered


def media_type(base_model: str) -> str:
    """What a base model makes: `image`, `video` or `audio`."""
    if base_model in VIDEO_BASE_MODELS:
        return "video"
    return "audio" if base_model in AUDIO_BASE_MODELS else "image"


# The words that trainers, merges and other libraries use, as patterns over a hint in lower case whose separators and
# humps were turned to single spaces. First match wins, so the narrower names stand before the wider.
_HINTS: tuple[tuple[str, str], ...] = (
    (r"\bnoob ?ai|\bnoob\b", "NoobAI"),
    (r"illustrious|\bilxl\b|\bil xl\b", "Illustrious"),
    (r"pony ?(diffusion )?v ?7", "Pony V7"),
    (r"\bpony ?(diffusion|xl|v6)|\bpony\b(?! ?tail)|\bpdxl\b", "Pony"),
    (r"\banima\b", "Anima"),
    (r"z ?image ?turbo", "ZImageTurbo"),
    (r"z ?image", "ZImageBase"),
    (r"qwen ?(image )?2\b", "Qwen 2"),
    (r"qwen ?3\b", "Qwen 3"),
    (r"qwen", "Qwen"),
    (r"\bhi ?dream ?o1", "HiDream-O1"),
    (r"\bhi ?dream", "HiDream"),
    (r"\bflux ?3", "Flux 3 Video"),
    (r"\bflux ?2 klein 9b base", "Flux.2 Klein 9B-base"),
    (r"\bflux ?2 klein 9b", "Flux.2 Klein 9B"),
    (r"\bflux ?2 klein 4b base", "Flux.2 Klein 4B-base"),
    (r"\bflux ?2 klein", "Flux.2 Klein 4B"),
    (r"\bflux ?2", "Flux.2 D"),
    (r"kontext", "Flux.1 Kontext"),
    (r"\bflux.*krea", "Flux.1 Krea"),
    (r"\bschnell|\bflux ?1? s\b", "Flux.1 S"),
    (r"\bchroma( ?1| hd| base| radiance| unlocked| v\d+)?\b", "Chroma"),
    (r"\bflux", "Flux.1 D"),
    (r"aura ?flow", "AuraFlow"),
    (r"sd ?3 ?5 large turbo|stable diffusion v?3 ?5 large turbo", "SD 3.5 Large Turbo"),
    (r"sd ?3 ?5 large|stable diffusion v?3 ?5 large", "SD 3.5 Large"),
    (r"sd ?3 ?5 medium|stable diffusion v?3 ?5 medium", "SD 3.5 Medium"),
    (r"sd ?3 5|sd35|stable diffusion v?3 ?5", "SD 3.5"),
    (r"\bsd ?3\b|stable diffusion v?3", "SD 3"),
    (r"(sdxl|\bxl\b).*lightning|lightning.*(sdxl|\bxl\b)", "SDXL Lightning"),
    (r"(sdxl|\bxl\b).*hyper|hyper.*sdxl", "SDXL Hyper"),
    (r"(sdxl|\bxl\b).*turbo|turbo.*sdxl", "SDXL Turbo"),
    (r"sdxl.*lcm|lcm.*sdxl", "SDXL 1.0 LCM"),
    (r"sdxl.*(0 9|09)\b|stable diffusion xl.*v?0 9", "SDXL 0.9"),
    (r"sdxl|stable diffusion xl|\bsd xl\b|xl base|xl refiner|\bxl\b", "SDXL 1.0"),
    (r"sd ?v?1 ?5.*lcm|lcm.*sd ?v?1 ?5", "SD 1.5 LCM"),
    (r"sd ?v?1 ?5.*hyper|hyper.*sd ?v?1 ?5", "SD 1.5 Hyper"),
    (r"sd ?v?1 ?4|stable diffusion v?1 4", "SD 1.4"),
    (r"sd ?v?2 ?1.*unclip|unclip", "SD 2.1 Unclip"),
    (r"sd ?v?2 ?1.*768|stable diffusion v?2 1.*768|768 ?v? ?ema", "SD 2.1 768"),
    (r"sd ?v?2 ?1|stable diffusion v?2 1", "SD 2.1"),
    (r"\bsd ?v?2 ?0.*768|stable diffusion v?2 0.*768", "SD 2.0 768"),
    (r"stable diffusion v?2.*768", "SD 2.1 768"),
    (r"\bsd ?v?2 ?0\b|stable diffusion v?2 0\b", "SD 2.0"),
    (r"\bsd ?v?2|stable diffusion v?2", "SD 2.1"),
    (r"\bsd ?v?1|stable diffusion v?1|^v1 5 (pruned|ema|inpainting)", "SD 1.5"),
    (r"stable cascade", "Stable Cascade"),
    (r"svd.*xt|stable video diffusion.*xt", "SVD XT"),
    (r"\bsvd\b|stable video diffusion", "SVD"),
    (r"\bwan.*2 ?7.*image|\bwan image", "Wan Image 2.7"),
    (r"\bwan.*2 ?7", "Wan Video 2.7"),
    (r"\bwan.*2 ?5.*i2v", "Wan Video 2.5 I2V"),
    (r"\bwan.*2 ?5", "Wan Video 2.5 T2V"),
    (r"\bwan.*2 ?2.*(ti2v|5b)", "Wan Video 2.2 TI2V-5B"),
    (r"\bwan.*2 ?2.*i2v", "Wan Video 2.2 I2V-A14B"),
    (r"\bwan.*2 ?2", "Wan Video 2.2 T2V-A14B"),
    (r"\bwan.*1 ?3b", "Wan Video 1.3B t2v"),
    (r"\bwan.*i2v.*720", "Wan Video 14B i2v 720p"),
    (r"\bwan.*i2v", "Wan Video 14B i2v 480p"),
    (r"\bwan.*14b", "Wan Video 14B t2v"),
    (r"\bwan ?(video|2|2 1)?\b", "Wan Video"),
    (r"hunyuan ?3d", "Hunyuan3D"),
    (r"hunyuan ?video|\bhyvid", "Hunyuan Video"),
    (r"hunyuan|hydit", "Hunyuan 1"),
    (r"ltx ?v? ?2 3", "LTXV 2.3"),
    (r"ltx ?v? ?(video )?2", "LTXV2"),
    (r"\bltx", "LTXV"),
    (r"cog ?video", "CogVideoX"),
    (r"\bmochi ?(1|preview|video)\b|\bgenmo\b", "Mochi"),
    (r"\blumina ?(2|next|image)?\b", "Lumina"),
    (r"kolors", "Kolors"),
    (r"\bpix ?art ?(sigma|e\b|σ)", "PixArt E"),
    (r"\bpix ?art", "PixArt a"),
    (r"\bplayground ?v ?2", "Playground v2"),
    (r"ace ?step|ace audio", "ACE Audio"),
)
_COMPILED_HINTS = tuple((re.compile(pattern), name) for pattern, name in _HINTS)
_BY_FOLDED = {re.sub(r"[^a-z0-9]+", "", name.lower()): name for name in BASE_MODELS}


def recognise_base_model(hint: str) -> str | None:
    """The base model that a free text names: a trainer's word, a repository name, a sidecar's spelling. None if none.

    A name of the list in any case or punctuation is itself; anything else goes through the patterns in order.
    """
    text = hint[:400]
    exact = _BY_FOLDED.get(re.sub(r"[^a-z0-9]+", "", text.lower()))
    if exact is not None:
        return exact
    humped = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    spaced = re.sub(r"[^a-z0-9σ]+", " ", humped.lower()).strip()
    for pattern, name in _COMPILED_HINTS:
        if pattern.search(spaced):
            return name
    return None

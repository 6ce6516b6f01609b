"""One vocabulary for samplers and schedulers: A1111's display words, from every tool's own spelling (domain.md g, 15)."""

from __future__ import annotations

import re
from functools import lru_cache

_NATIVE = {
    "euler": "Euler", "euler_ancestral": "Euler a", "euler_a": "Euler a", "heun": "Heun", "heunpp2": "Heun++",
    "lms": "LMS", "dpm_2": "DPM2", "dpm_2_ancestral": "DPM2 a", "dpm2": "DPM2", "dpm2_a": "DPM2 a", "dpm_2_a": "DPM2 a",
    "dpm_fast": "DPM fast", "dpm_adaptive": "DPM adaptive",
    "dpmpp_2s_ancestral": "DPM++ 2S a", "dpmpp_2s_a": "DPM++ 2S a", "dpmpp_2s": "DPM++ 2S",
    "dpmpp_sde": "DPM++ SDE", "dpmpp_sde_gpu": "DPM++ SDE", "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE", "dpmpp_2m_sde_gpu": "DPM++ 2M SDE", "dpmpp_2m_sde_heun": "DPM++ 2M SDE Heun",
    "dpmpp_3m_sde": "DPM++ 3M SDE", "dpmpp_3m_sde_gpu": "DPM++ 3M SDE", "dpmpp_3m": "DPM++ 3M",
    "ddim": "DDIM", "ddpm": "DDPM", "plms": "PLMS", "pndm": "PLMS", "lcm": "LCM", "tcd": "TCD", "deis": "DEIS",
    "uni_pc": "UniPC", "uni_pc_bh2": "UniPC", "unipc": "UniPC", "unipc_snr": "UniPC", "restart": "Restart",
    "ipndm": "iPNDM", "ipndm_v": "iPNDM_v", "er_sde": "ER SDE", "res_multistep": "Res Multistep",
    "gradient_estimation": "Gradient Estimation", "kdpm_2": "DPM2", "kdpm_2_a": "DPM2 a",
    "euler ancestral": "Euler a", "euler a": "Euler a", "dpm++ 2m sde gpu": "DPM++ 2M SDE",
}  # fmt: skip
_SCHEDULERS = {
    "karras": "Karras", "exponential": "Exponential", "polyexponential": "Polyexponential",
    "sgm_uniform": "SGM Uniform", "sgm uniform": "SGM Uniform", "ddim_uniform": "DDIM", "simple": "Simple",
    "normal": "Normal", "uniform": "Uniform", "beta": "Beta", "kl_optimal": "KL Optimal",
    "linear_quadratic": "Linear Quadratic", "automatic": "Automatic", "align_your_steps": "Align Your Steps",
    "align your steps": "Align Your Steps", "native": "Normal", "default": "Automatic", "turbo": "Turbo",
}  # fmt: skip
_CACHED = 200
_TAIL = re.compile(
    r"[ _](karras|exponential|polyexponential|sgm[ _]uniform|ddim_uniform|simple|normal|beta|kl_optimal|trailing|k)$",
    re.IGNORECASE,
)


def split_sampler(name: str | None, scheduler: str | None = None) -> tuple[str | None, str | None]:
    """(sampler, scheduler) as display words. A scheduler inside the sampler's name is taken out of it; unknown words
    pass through, and `undefined` (a writer's slip) is nothing."""
    if len(name or "") + len(scheduler or "") > _CACHED:
        return name, scheduler
    return _split(name or "", scheduler or "")


@lru_cache(maxsize=512)
def _split(written: str, scheduler: str) -> tuple[str | None, str | None]:
    name = written.strip() or None
    if name in ("undefined", "None", "null"):
        name = None
    shown = show_scheduler(scheduler)
    if name is None:
        return None, shown
    if (known := _NATIVE.get(name.lower())) is not None:
        return known, shown
    bare = name.removeprefix("k_") if name.startswith("k_") else name
    tail = _TAIL.search(bare)
    if tail and tail.start() > 0 and not (tail[1] == "k" and "_" not in bare):
        word = "karras" if tail[1].lower() == "k" else tail[1]
        bare, shown = bare[: tail.start()], shown or show_scheduler(word)
    return _NATIVE.get(bare.lower(), bare), shown


def show_scheduler(word: str | None) -> str | None:
    """A scheduler's display word; unknown ones pass through."""
    word = (word or "").strip()
    if not word or word in ("undefined", "None", "null"):
        return None
    return _SCHEDULERS.get(word.lower(), word)


def site_sampler(name: str | None, scheduler: str | None) -> str | None:
    """The one word that the site keeps for a ComfyUI sampler: karras and exponential become part of the name."""
    sampler, shown = split_sampler(name, scheduler)
    if sampler is None:
        return None
    return f"{sampler} {shown}" if shown in ("Karras", "Exponential") else sampler

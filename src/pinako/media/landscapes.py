"""Scenes of the demo painter that have a horizon: mountains, sea, dunes, woods, towns, northern lights."""

from __future__ import annotations

import math

import numpy as np

from pinako.media.canvas import Canvas, Field, Real, part_of, soft, wave


def mountains(canvas: Canvas) -> None:
    """Ridge behind ridge into the haze, with a low sun."""
    chance = canvas.chance
    horizon = canvas.bottom * chance.between(0.45, 0.6)
    _sky(canvas, horizon, 0.5, 0.85)
    _sun(canvas, horizon * chance.between(0.45, 0.85))
    count = chance.whole(4, 6)
    for layer in range(count):
        depth = layer / (count - 1)
        rise = canvas.bottom * (0.26 - 0.1 * depth)
        top = horizon + (canvas.bottom - horizon) * depth * 0.8 - rise * 0.35
        outline = top + rise * (0.5 - canvas.outline(3 + 2 * depth, 6, 0.48)) * 1.6
        mist = np.clip((canvas.y - outline[None, :]) * (1.6 - depth), 0, 0.5) * 0.35
        canvas.below(outline, 0.52 - 0.48 * depth + mist)


def lighthouse(canvas: Canvas) -> None:
    """A tower on a cape, its beam over a quiet sea."""
    chance = canvas.chance
    horizon = canvas.bottom * chance.between(0.64, 0.75)
    _sky(canvas, horizon, 0.3, 0.72)
    side = chance.sign()
    centre = canvas.right * (0.5 + side * chance.between(0.15, 0.28))
    sun = canvas.right * (0.5 - side * chance.between(0.1, 0.3))
    canvas.glow(sun, horizon, 0.16, 0.45)
    canvas.disc(sun, horizon - 0.05, chance.between(0.05, 0.09), 0.98)
    _sea(canvas, horizon, sun)
    width, height = 0.035, canvas.bottom * chance.between(0.26, 0.34)
    foot = horizon + 0.02
    lamp = foot - height
    _beam(canvas, centre, lamp, -side)
    slope = np.exp(-(((canvas.x[0] - centre) / chance.between(0.25, 0.4)) ** 2))
    rock = foot + 0.16 - slope * 0.2 - canvas.outline(9, 5, 0.6) * 0.09
    taper = width * (0.62 + 0.38 * np.clip((canvas.y - lamp) / height, 0, 1))
    body = soft(taper - np.abs(canvas.x - centre), canvas.pixel) * soft(canvas.y - lamp, canvas.pixel)
    body *= soft(foot + 0.06 - canvas.y, canvas.pixel)
    bands = 0.1 + 0.16 * (np.floor((canvas.y - lamp) / height * 6) % 2)
    canvas.lay(body, bands + 0.06 * (centre - canvas.x) / width)
    canvas.strip(centre - width * 0.85, lamp - 0.008, centre + width * 0.85, lamp + 0.008, 0.05)
    canvas.strip(centre - width * 0.45, lamp - 0.05, centre + width * 0.45, lamp - 0.008, 1.0)
    canvas.disc(centre, lamp - 0.052, width * 0.5, 0.06)
    canvas.strip(centre - width * 0.45, lamp - 0.045, centre + width * 0.45, lamp - 0.012, 1.0)
    canvas.below(rock, 0.04 + 0.1 * np.clip((rock[None, :] + 0.08 - canvas.y) * 6, 0, 1))


def dunes(canvas: Canvas) -> None:
    """Sand hills, one slope of each in the light, fine ripples in front."""
    chance = canvas.chance
    horizon = canvas.bottom * chance.between(0.3, 0.45)
    _sky(canvas, horizon, 0.62, 0.93)
    _sun(canvas, horizon * chance.between(0.3, 0.7))
    count, side = chance.whole(4, 5), chance.sign()
    for layer in range(count):
        depth = layer / (count - 1)
        line = canvas.outline(1.5 + 1.2 * (1 - depth), 2, 0.3)
        top = horizon + (canvas.bottom - horizon) * depth * 0.72 + 0.03
        outline = top + (0.5 - line) * (0.22 + 0.3 * depth)
        lit = np.tanh(np.gradient(outline) / canvas.pixel * side * 4)[None, :]
        down = np.clip((canvas.y - outline[None, :]) * 2.2, 0, 1)
        light = 0.62 - 0.34 * depth + 0.15 * lit * (1 - down) - 0.12 * down
        if layer == count - 1:
            bend = canvas.noise(3, 3, 2)
            light = light + 0.035 * wave(canvas.y * 26 + canvas.x * 5 * side + bend * 5)
        canvas.below(outline, light)


def forest(canvas: Canvas) -> None:
    """Rows of firs in the mist under a pale moon."""
    chance = canvas.chance
    canvas.fill(0.55 + 0.4 * canvas.y / canvas.bottom + 0.06 * canvas.noise(2, 6, 3))
    moon = canvas.right * chance.between(0.2, 0.8), canvas.bottom * chance.between(0.12, 0.3)
    canvas.glow(*moon, 0.16, 0.28)
    canvas.disc(*moon, chance.between(0.06, 0.12), 0.99)
    rows = chance.whole(4, 5)
    for row in range(rows):
        depth = row / (rows - 1)
        ground = canvas.bottom * (0.5 + 0.42 * depth) + 0.1 * canvas.outline(3, 3)
        outline = ground - _firs(canvas, 0.14 + 0.26 * depth, 11 - 6 * depth)
        haze = np.clip((canvas.y - outline[None, :]) * (1.9 - depth), 0, 1) * (0.34 - 0.2 * depth)
        canvas.below(outline, 0.6 - 0.56 * depth + haze)


def skyline(canvas: Canvas) -> None:
    """A town at dusk: towers, lit windows, their light in the river."""
    chance = canvas.chance
    shore = canvas.bottom * chance.between(0.76, 0.86)
    _sky(canvas, shore, 0.34, 0.8)
    _sun(canvas, shore * chance.between(0.35, 0.75))
    for layer in range(3):
        outline = _roofs(canvas, shore, 0.6 - 0.13 * layer)
        light: float | Field = 0.42 - 0.17 * layer
        if layer:
            light = light + _windows(canvas, layer)
        canvas.below(outline, light, sharp=True)
    above = round(shore / canvas.pixel)
    depth = canvas.height - above
    mirrored = canvas.light[max(0, above - depth) : above][::-1]
    water = canvas.light[above : above + len(mirrored)]
    water[:] = mirrored[: len(water)] * 0.62 + 0.06
    ripple = canvas.noise(3, canvas.bottom * 60, 2)[above : above + len(water)]
    water += (ripple - 0.5) * 0.25


def aurora(canvas: Canvas) -> None:
    """Curtains of northern light over a dark shore."""
    chance = canvas.chance
    canvas.fill(0.05 + 0.12 * canvas.y / canvas.bottom)
    for _ in range(chance.whole(3, 4)):
        foot = canvas.bottom * (chance.between(0.4, 0.62) + (canvas.outline(2.5, 3) - 0.5) * 0.4)
        up = (foot[None, :] - canvas.y) * (1 / chance.between(0.16, 0.3))
        veil = np.exp(-np.clip(up, 0, 30)) * soft(up, 0.12)
        folds = 0.25 + 0.75 * canvas.outline(26, 3, 0.7)[None, :] ** 1.5
        canvas.light += veil * folds * chance.between(0.5, 0.8)
    stars(canvas, 90, 0.55)
    ridge = canvas.bottom * (0.86 - 0.12 * canvas.outline(4, 6))
    canvas.below(ridge, 0.02 + 0.05 * canvas.noise(4, 4, 2))


def stars(canvas: Canvas, count: int, share: float) -> None:
    """Small stars on the dark parts of the upper `share` of the canvas."""
    places = canvas.chance.grid(3, count)
    rows = (places[0] * canvas.height * share).astype(np.int64)
    columns = (places[1] * canvas.width).astype(np.int64)
    dark = canvas.light[rows, columns] < 0.45
    glow = 0.45 + 0.55 * places[2] ** 2
    canvas.light[rows[dark], columns[dark]] = glow[dark]


def _sky(canvas: Canvas, horizon: float, top: float, low: float) -> None:
    """Brighter towards the horizon, with drifting cloud."""
    share = np.clip(canvas.y / horizon, 0, 1)
    clouds = canvas.noise(canvas.right * 1.5, canvas.bottom * 5, 4)
    canvas.fill(top + (low - top) * share**1.4 + (clouds - 0.5) * 0.22 * (1.15 - share))


def _sun(canvas: Canvas, height: float) -> None:
    chance = canvas.chance
    x = canvas.right * chance.between(0.2, 0.8)
    canvas.glow(x, height, 0.14, 0.22)
    canvas.disc(x, height, chance.between(0.07, 0.13), 0.99)


def _sea(canvas: Canvas, horizon: float, sun: float) -> None:
    """Waves that grow towards the viewer and carry the sun's path."""
    near = np.clip((canvas.y - horizon) / (canvas.bottom - horizon), 0.001, 1)
    chop = canvas.noise(5, canvas.bottom * 30, 3, 0.7)
    path = np.exp(-(((canvas.x - sun) / (0.06 + 0.22 * near)) ** 2))
    glitter = soft(chop - 0.5 + path * 0.05, 0.12) * path
    water = 0.5 - 0.3 * near + (chop - 0.5) * 0.3 + glitter * (0.55 - 0.2 * near)
    canvas.lay(soft(canvas.y - horizon, canvas.pixel) + np.zeros_like(canvas.light), water)


def _beam(canvas: Canvas, x: float, y: float, side: float) -> None:
    along = (canvas.x - x) * side
    off = np.abs(canvas.y - (y - 0.03) + along * 0.12)
    inside = soft(0.02 + along * 0.14 - off, 0.04) * (along > 0)
    canvas.light += inside * np.exp(-np.clip(along, 0, None) * 1.6) * 0.33


def _firs(canvas: Canvas, height: float, density: float) -> Field:
    """How high a row of firs stands over each column."""
    chance = canvas.chance
    top = np.zeros(canvas.width, Real)
    x = canvas.x[0]
    count = max(3, round(canvas.right * density * 2.2))
    for tree in range(count):
        centre = canvas.right * (tree + chance.between(0.1, 0.9)) / count
        tall = height * chance.between(0.55, 1.0)
        share = np.abs(x - centre) / (tall * 0.24)
        branches = 0.07 * tall * np.abs((share * 5.5) % 1 - 0.5)
        np.maximum(top, np.where(share < 1, tall * (1 - share) + branches, 0), out=top)
    return top


def _roofs(canvas: Canvas, shore: float, highest: float) -> Field:
    chance = canvas.chance
    outline = np.full(canvas.width, shore, Real)
    x = 0
    while x < canvas.width:
        width = round(chance.between(0.05, 0.13) / canvas.pixel)
        tall = canvas.bottom * highest * chance.between(0.25, 0.8)
        outline[x : x + width] = shore - tall
        if chance.between(0, 1) < 0.3:
            spire = x + width // 2
            outline[spire : spire + 1] = shore - tall - 0.08
            inset = width // 4
            outline[x + inset : x + width - inset] = np.minimum(
                outline[x + inset : x + width - inset], shore - tall - 0.03
            )
        x += width + (round(0.01 / canvas.pixel) if chance.between(0, 1) < 0.5 else 0)
    return outline


def _windows(canvas: Canvas, layer: int) -> Field:
    """Lit windows in a lattice; which are lit is drawn."""
    step = 0.026 + 0.006 * layer
    across, down = canvas.x / step, canvas.y / (step * 1.25)
    rows, columns = math.ceil(canvas.bottom / step) + 1, math.ceil(canvas.right / step) + 1
    lit = canvas.chance.grid(rows, columns)
    lit = np.where(lit > 0.62, 0.25 + 0.5 * lit, 0.0)
    glass = (np.abs(part_of(across) - 0.5) < 0.26) * (np.abs(part_of(down) - 0.5) < 0.3)
    shown: Field = lit[down.astype(np.int64), across.astype(np.int64)] * glass
    return shown

"""Scenes of the demo painter without a horizon: currents, glass, orbits, flowers, maps, planets, tiles."""

from __future__ import annotations

import math

import numpy as np

from pinako.media.canvas import Canvas, Field, along, part_of, soft, turns, wave
from pinako.media.landscapes import stars


def currents(canvas: Canvas) -> None:
    """Silk: bands that follow a warped flow."""
    chance = canvas.chance
    bend = canvas.noise(2, 2, 3)
    flow = canvas.noise(1.5, 1.5, 2) * 2 + bend * chance.between(1.5, 2.5)
    angle = chance.between(0, math.pi)
    flow += (canvas.x * math.cos(angle) + canvas.y * math.sin(angle)) * 0.6
    bands = wave(flow * chance.between(2.0, 4.0))
    fine = wave(flow * chance.between(12, 18))
    canvas.fill(0.08 + 0.68 * bands + 0.1 * fine * bands + 0.14 * bend)


def glass(canvas: Canvas) -> None:
    """A stained window: drawn cells in leaded panes, lit from a corner."""
    chance = canvas.chance
    count = chance.whole(16, 26)
    first = np.full_like(canvas.light, 9.0)
    second = first.copy()
    tone = np.zeros_like(canvas.light)
    for centre in chance.grid(count, 3):
        away = (canvas.x - centre[0] * canvas.right) ** 2 + (canvas.y - centre[1] * canvas.bottom) ** 2
        np.minimum(second, np.maximum(first, away), out=second)
        np.putmask(tone, away < first, 0.22 + 0.68 * centre[2])
        np.minimum(first, away, out=first)
    edge = np.sqrt(second) - np.sqrt(first)
    shine = 0.14 * (1 - (canvas.x / canvas.right + canvas.y / canvas.bottom) * 0.5) - np.sqrt(first) * 0.25
    canvas.fill(tone + shine + (canvas.noise(5, 5, 3) - 0.5) * 0.16)
    canvas.lay(soft(0.017 - edge, canvas.pixel * 1.5), 0.03)


def orbits(canvas: Canvas) -> None:
    """Rings around a star, a planet on each."""
    chance = canvas.chance
    canvas.fill(0.05 + 0.16 * canvas.noise(2, 2, 4) ** 2)
    stars(canvas, 130, 1.0)
    x, y = canvas.right * chance.between(0.3, 0.7), canvas.bottom * chance.between(0.35, 0.65)
    tilt = chance.between(0.35, 1.0)
    away = np.sqrt((canvas.x - x) ** 2 + ((canvas.y - y) / tilt) ** 2)
    canvas.glow(x, y, 0.1, 0.5)
    radius = 0.14
    for _ in range(chance.whole(4, 6)):
        radius += chance.between(0.07, 0.13)
        canvas.light += 0.3 / (1 + ((away - radius) * (1 / canvas.pixel)) ** 4)
        turn = chance.between(0, math.tau)
        planet = x + radius * math.cos(turn), y + radius * math.sin(turn) * tilt
        canvas.ball(*planet, chance.between(0.018, 0.05), (x, y), chance.between(0.45, 0.8))
    canvas.disc(x, y, chance.between(0.05, 0.08), 1.0)


def ripples(canvas: Canvas) -> None:
    """Rain on a pond: circles that meet."""
    chance = canvas.chance
    total = np.zeros_like(canvas.light)
    for _ in range(chance.whole(3, 5)):
        away = canvas.distance(canvas.right * chance.between(-0.1, 1.1), canvas.bottom * chance.between(-0.1, 1.1))
        total += (wave(away * chance.between(7, 12)) - 0.5) / (1 + 3 * away)
    shade = canvas.noise(2, 2, 3)
    slope = np.gradient(total, axis=0) / canvas.pixel
    canvas.fill(0.42 + total * 0.42 + slope * 0.012 + (shade - 0.5) * 0.4)


def bloom(canvas: Canvas) -> None:
    """One large flower, petal over petal."""
    chance = canvas.chance
    x, y = canvas.right * chance.between(0.42, 0.58), canvas.bottom * chance.between(0.4, 0.6)
    canvas.fill(0.1 + 0.2 * canvas.noise(3, 3, 3))
    away = canvas.distance(x, y)
    turn = np.arctan2(canvas.y - y, canvas.x - x) * (1 / math.tau)
    petals, size = chance.whole(5, 9), chance.between(0.5, 0.62)
    petal = np.abs(np.cos(turns(1024) * math.pi)) ** 0.6
    vein = 0.05 * wave(turn * petals * 9 + away)
    for ring in range(4):
        wide = along(petal, turn * petals + ring * 0.5)
        reach = size * (1 - ring * 0.23) * (0.45 + 0.55 * wide)
        depth = away / reach
        light = 0.08 + 0.14 * ring + depth * (0.34 * depth - vein) + 0.22 * wide
        canvas.lay(soft(reach - away, canvas.pixel), light)
    seeds = wave(away * 42) * wave(turn * 21 + away * 9)
    canvas.lay(soft(0.075 - away, canvas.pixel), 0.55 + 0.45 * seeds)


def contours(canvas: Canvas) -> None:
    """A map of islands: heights in steps, a thin line at each, the sea around."""
    chance = canvas.chance
    height = canvas.noise(2.2 * canvas.right, 2.2 * canvas.bottom, 5, 0.42)
    height = (height - 0.5) * 2.4 + 0.5
    steps = chance.whole(9, 13)
    level = height * steps
    line = np.abs(level - np.rint(level)) / (_steepness(level) + 0.02)
    sea = soft(chance.between(0.38, 0.48) - height, 0.01)
    land = 0.36 + 0.62 * np.floor(level + 0.5) / steps * 0.9
    land -= 0.16 * np.clip(1.1 - line, 0, 1)
    light = np.gradient(height, axis=1) / canvas.pixel
    canvas.fill(land + np.clip(light * 0.05, -0.08, 0.08))
    canvas.lay(sea, 0.13 + 0.22 * height + 0.03 * wave(level))


def planet(canvas: Canvas) -> None:
    """A banded giant with a ring, and its moons."""
    chance = canvas.chance
    canvas.fill(0.03 + 0.2 * canvas.noise(2, 2, 4) ** 2)
    stars(canvas, 150, 1.0)
    x, y = canvas.right * chance.between(0.35, 0.65), canvas.bottom * chance.between(0.38, 0.62)
    radius, tilt = chance.between(0.2, 0.28), chance.between(-0.5, 0.5)
    along = (canvas.x - x) * math.cos(tilt) + (canvas.y - y) * math.sin(tilt)
    across = (canvas.y - y) * math.cos(tilt) - (canvas.x - x) * math.sin(tilt)
    away = canvas.distance(x, y)
    storm = canvas.noise(3, 3, 3)
    bands = wave(across / radius * chance.between(1.6, 2.6) + storm * 0.8)
    lit = np.clip(0.95 - ((canvas.x - x) + (canvas.y - y)) / radius * 0.42 - (away / radius) ** 4 * 0.3, 0, 1)
    canvas.lay(soft(radius - away, canvas.pixel), 0.06 + (0.5 + 0.42 * bands) * lit)
    flat = np.sqrt(along**2 + (across * chance.between(3.2, 4.5)) ** 2) * (1 / radius)
    ring = soft(0.42 - np.abs(flat - 1.75), 0.04) * (0.45 + 0.4 * wave(flat * 7))
    hidden = (away < radius) & (across < 0)
    canvas.lay(np.where(hidden, 0, ring), 0.82 - 0.25 * (flat - 1.4))
    for _ in range(chance.whole(1, 3)):
        moon = canvas.right * chance.between(0.08, 0.92), canvas.bottom * chance.between(0.08, 0.92)
        canvas.ball(*moon, chance.between(0.015, 0.035), (0.0, 0.0), 0.75)


def tiles(canvas: Canvas) -> None:
    """Quarter circles in a lattice, turned by chance, that join to endless ribbons."""
    chance = canvas.chance
    step = 1 / chance.whole(4, 7)
    across, down = canvas.x / step, canvas.y / step
    turned = chance.grid(math.ceil(canvas.bottom / step) + 1, math.ceil(canvas.right / step) + 1) < 0.5
    flip = turned[down.astype(np.int64), across.astype(np.int64)]
    u, v = part_of(across), part_of(down)
    u = np.where(flip, 1 - u, u)
    away = np.sqrt(np.minimum(u * u + v * v, (1 - u) ** 2 + (1 - v) ** 2))
    ribbon = np.abs(away - 0.5)
    ground = 0.14 + 0.3 * canvas.noise(2, 2, 3) + 0.03 * wave((canvas.x + canvas.y) * 40)
    tone = 0.3 + 0.65 * canvas.noise(2, 2, 2)
    canvas.fill(ground)
    canvas.lay(soft(0.25 - ribbon, canvas.pixel / step), 0.06)
    canvas.lay(soft(0.21 - ribbon, canvas.pixel / step), tone + 0.18 * (0.5 - ribbon / 0.21))
    canvas.lay(soft(0.035 - ribbon, canvas.pixel / step), 0.95)


def marble(canvas: Canvas) -> None:
    """Stone, cut and polished: veins through warped layers."""
    chance = canvas.chance
    warp = canvas.noise(2, 2, 5, 0.55)
    body = canvas.noise(3, 3, 5, 0.55)
    angle = chance.between(0, math.pi)
    phase = (canvas.x * math.cos(angle) + canvas.y * math.sin(angle)) * 1.2 + warp * 4.5
    veins = 1 - 2 * np.abs(wave(phase * chance.between(0.32, 0.5)) - 0.5)
    gold = 1 / (1 + ((body - 0.5) * 80) ** 4)
    canvas.fill(0.2 + 0.45 * body + 0.3 * (warp - 0.3) - 0.25 * veins**3)
    canvas.lay(gold * soft(warp - 0.45, 0.1), 0.98)


def _steepness(field: Field) -> Field:
    """How much a field changes from pixel to pixel."""
    down, across = np.gradient(field)
    steepness: Field = np.sqrt(down * down + across * across)
    return steepness

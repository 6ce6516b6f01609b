"""Small charts as SVG, drawn on the server: shapes and presentation attributes only, no styles."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT = 460, 170
_LEFT, _BOTTOM, _TOP = 44, 24, 10
ROW = 28
_NAME, _NUMBER = 122, 104


def curve(points: Sequence[tuple[float, float]], labels: tuple[str, str], label: str) -> Markup:
    """An area under a line. `points` rise in x; `labels` are the first and last x in words; y begins at 0."""
    if not points:
        return Markup("")
    if len(points) == 1:
        points = [(points[0][0] - 1, 0.0), points[0]]
    low, high = points[0][0], points[-1][0]
    most = max(y for _, y in points) or 1
    placed = [
        (
            _LEFT + (x - low) / ((high - low) or 1) * (WIDTH - _LEFT),
            HEIGHT - _BOTTOM - y / most * (HEIGHT - _BOTTOM - _TOP),
        )
        for x, y in points
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    floor = HEIGHT - _BOTTOM
    area = f"{placed[0][0]:.1f},{floor} {line} {placed[-1][0]:.1f},{floor}"
    rules = "".join(
        f'<line class="rule" x1="{_LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(most * share)}</text>'
        for share in (0, 0.5, 1)
        for y in (floor - share * (floor - _TOP),)
    )
    drawing = (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">{rules}'
        f'<polygon class="area" points="{area}"/><polyline class="curve" points="{line}"/>'
        f'<text x="{_LEFT}" y="{HEIGHT - 6}">{escape(labels[0])}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT - 6}" text-anchor="end">{escape(labels[1])}</text></svg>'
    )
    return Markup(drawing)  # noqa: S704 - every text in it is escaped, the rest are numbers


def bars(rows: Sequence[tuple[str, float, str]], label: str) -> Markup:
    """Horizontal bars: name, amount, the amount in words."""
    if not rows:
        return Markup("")
    most = max(amount for _, amount, _ in rows) or 1
    full = WIDTH - _NAME - _NUMBER
    drawn = "".join(
        f'<text x="{_NAME - 8}" y="{at * ROW + 18}" text-anchor="end">{escape(_cut(name))}</text>'
        f'<rect class="track" x="{_NAME}" y="{at * ROW + 7}" width="{full}" height="14" rx="7"/>'
        f'<rect class="bar" x="{_NAME}" y="{at * ROW + 7}" width="{max(amount / most * full, 3):.1f}" height="14" rx="7"/>'
        f'<text x="{WIDTH}" y="{at * ROW + 18}" text-anchor="end">{escape(said)}</text>'
        for at, (name, amount, said) in enumerate(rows)
    )
    drawing = f'<svg class="chart" viewBox="0 0 {WIDTH} {len(rows) * ROW}" role="img" aria-label="{escape(label)}">{drawn}</svg>'
    return Markup(drawing)  # noqa: S704 - every text in it is escaped, the rest are numbers


def _cut(name: str) -> str:
    return name if len(name) <= 18 else name[:17] + "…"


def _short(value: float) -> str:
    if value >= 1_000_000:
        return f"{value / 1_000_000:.3g}M"
    return f"{value / 1000:.3g}k" if value >= 1000 else f"{value:.3g}"

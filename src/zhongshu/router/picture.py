"""The Pareto curve of a proof as a picture: SVG, written by hand, without a font or a script of its own."""

from __future__ import annotations

from xml.sax.saxutils import escape

from zhongshu.router.proof import Proof

_WIDTH, _HEIGHT = 640, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 40, 60
_COLOURS = {
    "done": "#c0392b",
    "always general": "#2471a3",
    "always reasoning": "#1e8449",
    "random at the same cost": "#7f8c8d",
    "oracle": "#b7950b",
}


def svg(proof: Proof, title: str = "Quality against cost") -> str:
    """The picture: cost of a turn (or share of reasoning calls) across, share right upwards."""
    along = [way.cost for way in proof.ways] + [point.cost for point in proof.curve]
    upwards = [way.quality for way in proof.ways] + [point.quality for point in proof.curve]
    x0, x1 = _range(along)
    y0, y1 = _range(upwards)

    def at(cost: float, quality: float) -> tuple[float, float]:
        x = _LEFT + (cost - x0) / (x1 - x0) * (_WIDTH - _LEFT - _RIGHT)
        return round(x, 1), round(_HEIGHT - _BOTTOM - (quality - y0) / (y1 - y0) * (_HEIGHT - _TOP - _BOTTOM), 1)

    parts = [*_frame(proof, title, (x0, x1), (y0, y1))]
    if proof.curve:
        points = " ".join(f"{x},{y}" for x, y in (at(point.cost, point.quality) for point in proof.curve))
        parts.append(f'<polyline points="{points}" fill="none" stroke="#34495e" stroke-width="2"/>')
    ends = [at(way.cost, way.quality) for way in proof.ways[1:3]]
    (ax, ay), (bx, by) = ends
    parts.append(f'<line x1="{ax}" y1="{ay}" x2="{bx}" y2="{by}" stroke="#7f8c8d" stroke-dasharray="4 4"/>')
    for number, way in enumerate(proof.ways):
        x, y = at(way.cost, way.quality)
        colour = _COLOURS[way.name]
        parts.append(f'<circle cx="{x}" cy="{y}" r="5" fill="{colour}"><title>{escape(way.name)}</title></circle>')
        row = _HEIGHT - _BOTTOM - 12 - 16 * (len(proof.ways) - 1 - number)
        text = f"{way.name}: {way.quality:.3f}"
        parts.append(
            f'<text x="{_WIDTH - _RIGHT - 8}" y="{row}" text-anchor="end" fill="{colour}">{escape(text)}</text>'
        )
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="12">\n{body}\n</svg>\n'
    )


def _frame(proof: Proof, title: str, xs: tuple[float, float], ys: tuple[float, float]) -> list[str]:
    right, bottom, middle = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM, (_LEFT + _WIDTH - _RIGHT) / 2
    across = "cost of a turn" if proof.priced else "share of turns to the reasoning model"
    return [
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{middle}" y="24" text-anchor="middle" font-size="14">{escape(title)}</text>',
        f'<path d="M{_LEFT} {_TOP} V{bottom} H{right}" fill="none" stroke="black"/>',
        *[
            f'<text x="{x}" y="{bottom + 18}" text-anchor="{anchor}">{value:.4g}</text>'
            for x, value, anchor in ((_LEFT, xs[0], "start"), (right, xs[1], "end"))
        ],
        *[
            f'<text x="{_LEFT - 6}" y="{y}" text-anchor="end">{value:.3f}</text>'
            for y, value in ((bottom, ys[0]), (_TOP + 8, ys[1]))
        ],
        f'<text x="{middle}" y="{bottom + 40}" text-anchor="middle">{across} ({proof.cases} cases)</text>',
        f'<text x="18" y="{(_TOP + bottom) / 2}" text-anchor="middle" '
        f'transform="rotate(-90 18 {(_TOP + bottom) / 2})">share right</text>',
    ]


def _range(values: list[float]) -> tuple[float, float]:
    """From the least to the most, with a little room."""
    low, high = min(values), max(values)
    room = (high - low) * 0.05 or 0.05
    return low - room, high + room

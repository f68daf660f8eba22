"""The Pareto curve of a proof as a picture: SVG, written by hand, without a font or a script of its own."""

from __future__ import annotations

from xml.sax.saxutils import escape

from zhongshu.router.proving.proof import Proof, Way

_WIDTH, _HEIGHT = 860, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 240, 40, 60
_COLOURS = {
    "done": "#c0392b",
    "always general": "#2471a3",
    "always reasoning": "#1e8449",
    "random at the same cost": "#7f8c8d",
    "oracle": "#b7950b",
}
NAMES_ZH = {
    "done": "实际",
    "always general": "始终通用",
    "always reasoning": "始终推理",
    "random at the same cost": "同等费用的随机混合",
    "oracle": "理想选择",
}
"""What the ways of a proof are called in Chinese."""


def svg(proof: Proof, title: str = "", *, currency: str = "", chinese: bool = False) -> str:
    """The picture: cost of a turn (or share of reasoning calls) across, quality upwards; what is what beside it."""
    along = [way.cost for way in proof.ways] + [point.cost for point in proof.curve]
    upwards = [way.quality for way in proof.ways] + [point.quality for point in proof.curve]
    x0, x1 = _range(along)
    y0, y1 = _range(upwards)

    def at(cost: float, quality: float) -> tuple[float, float]:
        x = _LEFT + (cost - x0) / (x1 - x0) * (_WIDTH - _LEFT - _RIGHT)
        return round(x, 1), round(_HEIGHT - _BOTTOM - (quality - y0) / (y1 - y0) * (_HEIGHT - _TOP - _BOTTOM), 1)

    title = title or ("质量与费用" if chinese else "Quality against cost")
    parts = [*_frame(title, (x0, x1), (y0, y1), _across(proof, currency, chinese), "质量" if chinese else "quality")]
    if proof.curve:
        points = " ".join(f"{x},{y}" for x, y in (at(point.cost, point.quality) for point in proof.curve))
        parts.append(f'<polyline points="{points}" fill="none" stroke="#34495e" stroke-width="2"/>')
    ends = [at(way.cost, way.quality) for way in proof.ways[1:3]]
    (ax, ay), (bx, by) = ends
    parts.append(f'<line x1="{ax}" y1="{ay}" x2="{bx}" y2="{by}" stroke="#7f8c8d" stroke-dasharray="4 4"/>')
    for number, way in enumerate(proof.ways):
        parts += _way(way, at(way.cost, way.quality), number, chinese)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="12">\n{body}\n</svg>\n'
    )


def _way(way: Way, place: tuple[float, float], number: int, chinese: bool) -> list[str]:
    """A way's dot, and its line in the list beside the plot."""
    (x, y), colour, row = place, _COLOURS[way.name], _TOP + 20 + 22 * number
    name = escape(NAMES_ZH[way.name] if chinese else way.name)
    beside = _WIDTH - _RIGHT + 24
    return [
        f'<circle cx="{x}" cy="{y}" r="5" fill="{colour}"><title>{name}</title></circle>',
        f'<rect x="{beside}" y="{row - 9}" width="9" height="9" fill="{colour}"/>',
        f'<text x="{beside + 16}" y="{row}">{name}: {way.quality:.3f}</text>',
    ]


def _across(proof: Proof, currency: str, chinese: bool) -> str:
    money = f", {currency}" if currency and proof.priced else ""
    if chinese:
        what = "每次请求的费用" if proof.priced else "交给推理模型的比例"
        return f"{what}{money.replace(', ', '，')}（{proof.cases} 个请求）"
    what = "cost of a turn" if proof.priced else "share of turns to the reasoning model"
    return f"{what}{money} ({proof.cases} cases)"


def _frame(title: str, xs: tuple[float, float], ys: tuple[float, float], across: str, upwards: str) -> list[str]:
    right, bottom, middle = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM, (_LEFT + _WIDTH - _RIGHT) / 2
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
        f'<text x="{middle}" y="{bottom + 40}" text-anchor="middle">{escape(across)}</text>',
        f'<text x="18" y="{(_TOP + bottom) / 2}" text-anchor="middle" '
        f'transform="rotate(-90 18 {(_TOP + bottom) / 2})">{upwards}</text>',
    ]


def _range(values: list[float]) -> tuple[float, float]:
    """From the least to the most, with a little room; never below 0, as neither cost nor quality is."""
    low, high = min(values), max(values)
    room = (high - low) * 0.05 or high * 0.05 or 0.05
    return max(0.0, low - room), high + room

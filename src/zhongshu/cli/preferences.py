"""A key's dial and ceilings as options of the command line, as a cell of a table and as JSON."""

from __future__ import annotations

from typing import Any

import msgspec
import typer

from zhongshu.cli.output import fail
from zhongshu.cli.words import t
from zhongshu.core.dials import FIELDS, NO_PREFERENCE, RANGES, Preference, fits

NONE = "none"
QualityOption = typer.Option(
    None,
    "--quality",
    metavar="0..1|none",
    help=t("The dial of its turns to auto: 0 cheapest, 1 best.", "其 auto 请求的档位：0 最省，1 最好。"),
)
MaxCostOption = typer.Option(
    None,
    "--max-cost",
    metavar="0.05|none",
    help=t("What one turn to auto may be expected to cost.", "每次 auto 请求的预计费用上限。"),
)
MaxSecondsOption = typer.Option(
    None,
    "--max-seconds",
    metavar="20|none",
    help=t("How long one turn to auto may be expected to take.", "每次 auto 请求的预计用时上限（秒）。"),
)


def preferred(before: Preference, quality: str | None, max_cost: str | None, max_seconds: str | None) -> Preference:
    """`before` with the options that were given; "none" takes one away. Leaves with what is wrong with one."""
    given = dict(zip(FIELDS, (quality, max_cost, max_seconds), strict=True))
    changes = {field: _number(field, text) for field, text in given.items() if text is not None}
    return msgspec.structs.replace(before, **changes)


def plain(prefers: Preference) -> dict[str, Any]:
    """As JSON shows it."""
    return {field: getattr(prefers, field) for field in FIELDS}


def cell(prefers: Preference) -> str:
    """As a table shows it."""
    if prefers == NO_PREFERENCE:
        return t("as the settings say", "按设置")
    return ", ".join(f"{field} {getattr(prefers, field):g}" for field in FIELDS if getattr(prefers, field) is not None)


def _number(field: str, text: str) -> float | None:
    if text == NONE:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not fits(field, value):
        option, (en, zh) = "--" + field.replace("_", "-"), RANGES[field]
        fail(f"{option} {text}: {en}, or none.", f"{option} {text}：{zh}，或填 none。", code=2)
    return value

"""`zhongshu releases canary`: a release takes over in steps, as long as it is not worse than is allowed."""

from __future__ import annotations

from pathlib import Path

import typer

from zhongshu.cli.managing import ConfigOption
from zhongshu.cli.output import JsonOption, fail
from zhongshu.cli.releases_reach import BY, RELEASE, ModelArgument, StickyOption, change, margin, span_s, stickiness
from zhongshu.cli.words import t

StepsOption = typer.Option("5,20,50", "--steps", help=t("Its shares in percent, step by step.", "各步的份额，百分比。"))
HoldOption = typer.Option("10m", "--hold", help=t("How long a step lasts at least.", "每步至少持续多久。"))
MinTurnsOption = typer.Option(
    200, "--min-turns", help=t("Turns that each side must have had in a step.", "每步中双方至少各有多少次请求。")
)
ConfidenceOption = typer.Option(
    0.95, "--confidence", help=t("Over all looks and steps together.", "所有查看与步骤合计的置信度。")
)
ErrorsOption = typer.Option(
    "2%", "--errors", help=t("More errors allowed, of all turns; none: do not look.", "允许多出的错误率；none 不检查。")
)
SlowerOption = typer.Option(
    "25%", "--slower", help=t("Slower allowed, p95, relative.", "允许变慢的幅度（p95，相对值）。")
)
DearerOption = typer.Option(
    "none", "--dearer", help=t("Dearer allowed, for a turn, relative.", "允许变贵的幅度（单次，相对值）。")
)
ScoreOption = typer.Option("none", "--score", help=t("Lower score allowed, of 0 to 1.", "允许降低的评分（0 到 1）。"))


def canary(
    model: str = ModelArgument,
    release: str = typer.Argument(help=RELEASE),
    steps: str = StepsOption,
    hold: str = HoldOption,
    min_turns: int = MinTurnsOption,
    confidence: float = ConfidenceOption,
    errors: str = ErrorsOption,
    slower: str = SlowerOption,
    dearer: str = DearerOption,
    score: str = ScoreOption,
    sticky: str | None = StickyOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.catalog.plans import Checks

    percents = _percents(steps)
    checks = Checks(
        error_rate=margin("--errors", errors),
        latency=margin("--slower", slower),
        cost=margin("--dearer", dearer),
        score=margin("--score", score),
    )
    step_s, stick = span_s("--hold", hold), stickiness(sticky)
    change(
        config,
        as_json,
        lambda plans: plans.canary(
            model, BY, release, steps=percents, checks=checks, min_turns=min_turns, step_s=step_s,
            confidence=confidence, sticky=stick,
        ),
    )  # fmt: skip


def _percents(steps: str) -> tuple[float, ...]:
    try:
        return tuple(float(step) for step in steps.split(","))
    except ValueError:
        fail(
            f"--steps {steps}: give percentages that rise, such as 5,20,50.",
            f"--steps {steps}：请填写递增的百分比，例如 5,20,50。",
            code=2,
        )

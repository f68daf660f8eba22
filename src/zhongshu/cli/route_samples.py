"""`zhongshu route samples` and `judge`: turns that both kinds of model answered, and how right each was."""

from __future__ import annotations

from pathlib import Path

import msgspec
import typer

from zhongshu.cli.ledger_views import SinceOption, TenantOption, UntilOption
from zhongshu.cli.managing import ConfigOption, examples
from zhongshu.cli.output import JsonOption, out, print_done, print_json
from zhongshu.cli.words import t

app = typer.Typer()


@app.command(
    help=t(
        "List the turns of auto and of assistants that were answered in the other way too (`router.samples`), newest first.",
        "列出也以另一方式作答的请求（auto 与助手，`router.samples`），最新的在前。",
    ),
    epilog=examples("zhongshu route samples --since 7d", "zhongshu route samples --open --json"),
)
def samples(
    since: str | None = SinceOption,
    until: str | None = UntilOption,
    tenant: str | None = TenantOption,
    only_open: bool = typer.Option(False, "--open", help=t("Only those nobody has judged.", "只列出尚未评判的。")),
    limit: int = typer.Option(50, "--limit", min=1, max=10_000, help=t("How many at most.", "最多几条。")),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.cli.releases_reach import desk
    from zhongshu.cli.route_reach import period

    wanted = period(since, until, tenant)
    with desk(config) as (_, releases):
        found = releases.samples.find(
            wanted.since_ns or 0, wanted.until_ns, wanted.tenant, limit, "open" if only_open else None
        )
    if as_json:
        return print_json([msgspec.structs.asdict(one) for one in found])
    for one in found:
        said = one.state if one.general is None else f"{_score(one.general)} / {_score(one.reasoning)}  {one.by}"
        said += f"  ({_score(one.done)})" if one.done is not None else ""
        line = f"{one.trace}  {one.asked}  {one.release}  {one.other}  {one.task}  {said}"
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    if not found:
        out.print(
            t("There are none: see `router.samples.share`.", "没有抽样：见 `router.samples.share`。"), markup=False
        )


@app.command(
    help=t(
        "Say how right both answers of a sample are, 0 to 1, in place of what was said before. "
        "`zhongshu releases compare TRACE` shows both.",
        "给出抽样中两个回答的对错（0 到 1），替代先前的评判。`zhongshu releases compare TRACE` 可查看两者。",
    ),
    epilog=examples("zhongshu route judge 018f... --general 1 --reasoning 1"),
)
def judge(
    trace: str = typer.Argument(help=t("The turn's trace id.", "请求的追踪号。")),
    general: float = typer.Option(..., "--general", help=t("The general model's answer.", "通用模型的回答。")),
    reasoning: float = typer.Option(..., "--reasoning", help=t("The reasoning model's answer.", "推理模型的回答。")),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.cli.releases_reach import desk

    with desk(config) as (_, releases):
        made = releases.samples.judge(trace, general, reasoning, "command line")
    print_done(msgspec.structs.asdict(made), t(f"Noted for {made.trace}.", f"已记录：{made.trace}。"), as_json)


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:g}"

"""`zhongshu releases`: how a model's turns are split over its releases, and which release is the better one."""

from __future__ import annotations

from pathlib import Path

import typer

from zhongshu.cli.ledger_views import SinceOption, UntilOption, moment_ns
from zhongshu.cli.managing import ConfigOption, examples
from zhongshu.cli.output import JsonOption, fail, out, print_json, print_table
from zhongshu.cli.releases_canary import canary
from zhongshu.cli.releases_reach import (
    BY,
    RELEASE,
    ModelArgument,
    StickyOption,
    cell,
    change,
    change_plain,
    desk,
    rules_of,
    shares_of,
    stickiness,
)
from zhongshu.cli.words import chinese, t
from zhongshu.core.times import DAY_NS

app = typer.Typer(
    no_args_is_help=True,
    help=t(
        "Releases of a model: shares, canaries, A/B, shadows, going back.",
        "模型的版本：流量分配、灰度发布、A/B、影子流量、回退。",
    ),
)
ReleasesArgument = typer.Argument(metavar="VERSION...", help=RELEASE)
SharesArgument = typer.Argument(None, metavar="VERSION=SHARE...", help=t("Weights of any sum.", "权重，总和不限。"))
RuleOption = typer.Option(
    [], "--rule", metavar="VERSION:WHEN", help=t("In order; replaces all rules.", "按顺序；取代现有全部规则。")
)
SvgOption = typer.Option(None, "--svg", help=t("Draw the figures into this file.", "将结果绘制到此文件。"))


@app.command(
    "list",
    help=t("List models with their releases and shares.", "列出各模型的版本与份额。"),
    epilog=examples("zhongshu releases list", "zhongshu releases list --json | jq '.[].model'"),
)
def list_releases(config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    with desk(config) as (_, plans):
        made = plans.plans()
        rows = [(model, versions, plans.plan(model)) for model, versions in plans.models().items()]
    if as_json:
        print_json(
            [
                {
                    "model": model,
                    "releases": [version for version, _ in versions],
                    "percents": plan.percents(),
                    "planned": model in made,
                    "canary": plan.canary and plan.canary.release,
                    "shadow": plan.shadow and plan.shadow.release,
                }
                for model, versions, plan in rows
            ]
        )
        return
    columns = t("model|releases|shares|canary|shadow", "模型|版本|份额|灰度|影子").split("|")
    print_table(
        columns,
        [
            (
                model,
                ", ".join(version for version, _ in versions),
                cell(plan.percents()),
                plan.canary and plan.canary.release,
                plan.shadow and f"{plan.shadow.release} {plan.shadow.percent:g}%",
            )
            for model, versions, plan in rows
        ],
    )


@app.command(
    help=t("Show a model's plan, and how its canary stands.", "显示模型的流量计划及灰度进展。"),
    epilog=examples("zhongshu releases show helpdesk", "zhongshu releases show helpdesk --json | jq .percents"),
)
def show(model: str = ModelArgument, config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    import msgspec

    from zhongshu.ledger.index import open_index
    from zhongshu.pipeline.outcomes import standing

    with desk(config) as (found, plans):
        plan = plans.plan(model)
        versions = [version for version, _ in plans.models()[model]]
        canary = plan.canary
        judged = None
        if canary:
            scores = plans.scores(model, canary.step_ns).values()
            judged = standing(open_index(found.ledger, found.home), model, canary, scores)
    if as_json:
        percents = plan.percents()
        standing_now = judged and {"action": judged.action, "en": judged.en, "zh": judged.zh}
        plain = {"model": model, "releases": versions, "percents": percents, "plan": msgspec.to_builtins(plan)}
        print_json({**plain, "standing": standing_now})
        return
    rows = [(t("releases", "版本"), ", ".join(versions)), (t("shares", "份额"), cell(plan.percents()))]
    for number, rule in enumerate(plan.rules, 1):
        header = f"{rule.header}={rule.value}" if rule.value else rule.header
        when = [*rule.tenants, *rule.keys, *rule.users, *([header] if header else [])]
        rows.append((t(f"rule {number}", f"规则 {number}"), f"{', '.join(when)} -> {rule.release}"))
    rows.append((t("sticks to", "固定依据"), plan.sticky))
    if plan.shadow:
        rows.append((t("shadow", "影子"), f"{plan.shadow.release} {plan.shadow.percent:g}%"))
    if canary and judged:
        steps = ", ".join(f"[{step:g}%]" if n == canary.step else f"{step:g}%" for n, step in enumerate(canary.steps))
        rows.append((t("canary", "灰度"), f"{canary.release}: {steps}"))
        rows.append((t("stands", "进展"), judged.zh if chinese() else judged.en))
    for name, value in rows:
        out.print(f"{name:12} {value}", markup=False, highlight=False, soft_wrap=True)


@app.command(
    help=t("Split turns by shares and rules.", "按份额与规则分配流量。"),
    epilog=examples(
        "zhongshu releases split helpdesk 1=90 2=10",
        "zhongshu releases split helpdesk --rule 2:tenant=acme --rule 2:header=x-beta=on",
        "zhongshu releases split helpdesk --no-rules",
    ),
)
def split(
    model: str = ModelArgument,
    shares: list[str] = SharesArgument,
    rule: list[str] = RuleOption,
    no_rules: bool = typer.Option(False, "--no-rules", help=t("Drop all rules.", "删除全部规则。")),
    sticky: str | None = StickyOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    if not (shares or rule or no_rules or sticky):
        fail(
            "Say what to change: shares such as 1=90 2=10, --rule, --no-rules or --sticky.",
            "请说明要改什么：份额（如 1=90 2=10）、--rule、--no-rules 或 --sticky。",
            code=2,
        )
    rules = rules_of(rule) if rule or no_rules else None
    wanted = shares_of(shares) if shares else None
    stick = stickiness(sticky)
    change(config, as_json, lambda plans: plans.split(model, BY, shares=wanted, rules=rules, sticky=stick))


@app.command(
    help=t("Compare two or more releases by equal shares.", "以相等份额比较两个或更多版本。"),
    epilog=examples("zhongshu releases ab helpdesk 1 2", "zhongshu releases report helpdesk --since 2d"),
)
def ab(
    model: str = ModelArgument,
    releases: list[str] = ReleasesArgument,
    sticky: str | None = StickyOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    if len(set(releases)) < 2:
        fail("Name at least two releases to compare.", "请至少指定两个要比较的版本。", code=2)
    stick = stickiness(sticky)
    change(config, as_json, lambda plans: plans.split(model, BY, shares=dict.fromkeys(releases, 1.0), sticky=stick))


app.command(
    help=t(
        "Let a release take over in steps, judged as it goes; worse than allowed, it goes back by itself.",
        "让一个版本逐步接管流量并持续评判；超出允许的变差幅度时自动回退。",
    ),
    epilog=examples(
        "zhongshu releases canary helpdesk 2",
        "zhongshu releases canary helpdesk 2 --steps 1,10,50 --hold 30m --errors 1% --slower 20% --dearer 10%",
    ),
)(canary)


@app.command(
    help=t("Give a release all turns now.", "立即将全部流量交给一个版本。"),
    epilog=examples("zhongshu releases promote helpdesk", "zhongshu releases promote helpdesk 2"),
)
def promote(
    model: str = ModelArgument,
    release: str | None = typer.Argument(None, help=t("Default: the canary.", "默认：正在灰度的版本。")),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    change(config, as_json, lambda plans: plans.promote(model, BY, release))


@app.command(
    help=t("Go back to the plan before the last change.", "回退到上次变更之前的流量计划。"),
    epilog=examples("zhongshu releases rollback helpdesk", "zhongshu releases rollback helpdesk --to 7"),
)
def rollback(
    model: str = ModelArgument,
    to: int | None = typer.Option(
        None, "--to", metavar="NUMBER", help=t("To what this change had made.", "回到该号变更之后的计划。")
    ),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    change(config, as_json, lambda plans: plans.rollback(model, BY, to))


@app.command(
    help=t("Have a release answer turns unseen; off ends it.", "让一个版本在后台回答同样的请求；off 结束。"),
    epilog=examples("zhongshu releases shadow helpdesk 2 --percent 10", "zhongshu releases shadow helpdesk off"),
)
def shadow(
    model: str = ModelArgument,
    release: str = typer.Argument(metavar="VERSION|off", help=RELEASE),
    percent: float = typer.Option(100.0, "--percent", help=t("Of all turns.", "占全部请求的百分比。")),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    chosen = None if release == "off" else release
    change(config, as_json, lambda plans: plans.shadow(model, BY, chosen, percent))


@app.command(
    help=t("Who changed what, when: newest first.", "谁在何时改了什么，最新在前。"),
    epilog=examples("zhongshu releases history helpdesk", "zhongshu releases history helpdesk --json | jq '.[0]'"),
)
def history(
    model: str = ModelArgument,
    limit: int = typer.Option(
        50, "--limit", "-n", min=1, max=1_000_000_000, help=t("How many at most.", "最多显示多少条。")
    ),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.cli.ledger_views import local

    with desk(config) as (_, plans):
        found = plans.history(model, limit)
    if as_json:
        print_json([change_plain(made) for made in found])
        return
    columns = t("number|time|by|what|from|to|why", "编号|时间|操作者|动作|从|到|原因").split("|")
    print_table(
        columns,
        [
            (
                made.number,
                local(made.at_ns),
                made.by,
                made.what,
                cell(made.before.percents()),
                cell(made.after.percents()),
                made.why_zh if chinese() else made.why,
            )
            for made in found
        ],
    )


@app.command(
    help=t("Compare a model's releases: which differences are real.", "比较各版本：哪些差别是真实的。"),
    epilog=examples("zhongshu releases report helpdesk --since 2d", "zhongshu releases report helpdesk --svg ab.svg"),
)
def report(
    model: str = ModelArgument,
    since: str | None = SinceOption,
    until: str | None = UntilOption,
    svg: Path | None = SvgOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    import time

    from zhongshu.cli.releases_views import picture, plain_report, show_report
    from zhongshu.ledger.index import open_index
    from zhongshu.pipeline.outcomes import report_of

    until_ns = moment_ns("--until", until) or time.time_ns()
    since_ns = moment_ns("--since", since) or until_ns - 7 * DAY_NS
    with desk(config) as (found, plans):
        plan, versions = plans.plan(model), [version for version, _ in plans.models()[model]]
        scores = plans.scores(model, since_ns, until_ns)
        index = open_index(found.ledger, found.home)
        made = report_of(index, model, plan, versions, since_ns, until_ns, scores)
    if svg:
        svg.write_text(picture(made), encoding="utf-8")
    if as_json:
        print_json(plain_report(made))
    else:
        show_report(made)


@app.command(
    help=t("Show a turn's answer beside its shadows'.", "并排显示一次请求与其影子版本的回答。"),
    epilog=examples("zhongshu releases compare 0af7651916cd43dd8448eb211c80319c"),
)
def compare(
    trace: str = typer.Argument(help=t("The turn's trace id.", "请求的追踪号。")),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.cli.releases_views import plain_side, show_sides
    from zhongshu.ledger.index import open_index
    from zhongshu.pipeline.outcomes import shadows_of

    with desk(config) as (found, _):
        sides = shadows_of(open_index(found.ledger, found.home), trace, True)
    if as_json:
        print_json([plain_side(side) for side in sides])
    else:
        show_sides(sides)

"""`zhongshu route explain`, `tune` and `report`: why a turn went where it went, the dial for a target, and the proof."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import msgspec
import typer

from zhongshu.cli.ledger_views import SinceOption, TenantOption, UntilOption, money
from zhongshu.cli.managing import ConfigOption, examples, settings
from zhongshu.cli.output import JsonOption, err, fail, out, print_json, print_table
from zhongshu.cli.words import chinese, t

if TYPE_CHECKING:
    from zhongshu.catalog.samples import Sample
    from zhongshu.ledger.index import Shown
    from zhongshu.router.difficulty.judge import Judge
    from zhongshu.router.report import Report
    from zhongshu.router.tuning import Span, Tuned

app = typer.Typer()
ModelOption = typer.Option(
    None,
    "--model-file",
    help=t(
        "A model made by `route train`; default: the one that `auto` uses.",
        "由 `route train` 训练的模型；默认与 `auto` 所用相同。",
    ),
)
LabelsOption = typer.Option(
    None,
    "--labels",
    help=t(
        "Lines with `trace` or `prompt`, `weak_correct`, `strong_correct` (0 to 1), and optionally `weak_cost`, "
        "`strong_cost`.",
        "每行含 `trace` 或 `prompt`，以及 `weak_correct`、`strong_correct`（0 到 1），可选 `weak_cost`、`strong_cost`。",
    ),
)
SvgOption = typer.Option(None, "--svg", help=t("Write the Pareto curve here.", "将帕累托曲线写入此文件。"))


@app.command(
    help=t(
        "Why a recorded turn went where it went, and what would have changed it.",
        "某次请求为何交给该模型，以及怎样会改变结果。",
    ),
    epilog=examples("zhongshu route explain 018f...", "zhongshu route explain 018f... --json"),
)
def explain(
    trace: str = typer.Argument(help=t("The trace id, from the answer or a list.", "追踪号，见回答或列表。")),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.cli.route_reach import routings
    from zhongshu.router.explaining import explained

    with routings(config) as looking:
        found = looking.explain(trace)
        currency = looking.currency
    shown, record = found.shown, found.shown.record
    sample = None if found.sample is None else _sample(found.sample)
    if record.asked != "auto" or record.rule in ("named", "") or record.shadow_of:
        return _say_recorded(shown, as_json)
    if found.decided is None and found.refused is None:
        _refuse_without_text(shown)
    if found.decided is None:
        fail(
            f"It went to {record.release}: {record.reason} By the settings of now `auto` has no model for it.",
            f"当时交给 {record.release}：{record.reason} 按现在的设置，`auto` 没有可用的模型。",
        )
    plain = {**explained(record, found.decided, currency, found.without), "sample": sample}
    if as_json:
        print_json(plain)
    else:
        _show_explained(plain)


@app.command(
    help=t(
        "Find the dial that keeps a share of the reasoning model's accuracy with the fewest of its calls: by the judged "
        "samples of your own turns, or by files whose lines have `prompt`, `weak_correct`, `strong_correct`.",
        "求出能保持推理模型准确率一定比例、且调用它最少的档位：依据自己请求的已评判抽样，或文件（每行含 `prompt`、"
        "`weak_correct`、`strong_correct`）。",
    ),
    epilog=examples(
        "zhongshu route tune --quality 0.95 --since 30d",
        "zhongshu route tune labelled.jsonl",
        "zhongshu route tune --quality 0.98 labelled.jsonl --json",
    ),
)
def tune(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help=t("Files of labelled lines; none: the judged samples.", "带标签的文件；省略则用已评判的抽样。")
        ),
    ] = None,
    quality: float = typer.Option(
        0.95, "--quality", min=0.0, max=1.0, help=t("The share of its accuracy to keep.", "要保持的准确率比例。")
    ),
    since: str | None = SinceOption,
    until: str | None = UntilOption,
    tenant: str | None = TenantOption,
    model_file: Path | None = ModelOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.cli.route_reach import period, routings

    try:
        if files:
            found = _tuned_on(files, quality, model_file, config)
        else:
            with routings(config) as looking:
                found = looking.tune(period(since, until, tenant), quality)
    except ValueError as error:
        if not files:
            fail(
                "There is no judged sample in this period: set `router.samples.share`, or give a file of labels.",
                "该时段没有已评判的抽样：请设置 `router.samples.share`，或提供带标签的文件。",
                code=2,
            )
        fail(f"{error}.", "没有推理模型答对的行，无法求档位。")
    if as_json:
        return print_json({**msgspec.structs.asdict(found), "setting": f"[router]\ndial = {found.dial:g}\n"})
    _show_tuned(found)


@app.command(
    help=t(
        "What routing was worth: counts, cost and quality of what was done, beside always one model, a random mix at "
        "the same cost and an oracle.",
        "路由值不值：实际的次数、费用与质量，对比始终用一个模型、同等费用的随机混合与理想选择。",
    ),
    epilog=examples(
        "zhongshu route report --since 7d",
        "zhongshu route report --labels judged.jsonl --svg pareto.svg",
        "zhongshu route report --labels judged.jsonl --json",
    ),
)
def report(
    since: str | None = SinceOption,
    until: str | None = UntilOption,
    tenant: str | None = TenantOption,
    labels: Path | None = LabelsOption,
    svg: Path | None = SvgOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.cli.route_reach import labels_of, period, routings

    given = labels_of(labels) if labels else []
    ledger_needed = not given or any(label.trace for label in given)
    with routings(config, ledger_needed=ledger_needed) as looking:
        found = looking.report(period(since, until, tenant), given)
    if svg is not None:
        if found.proof is None:
            fail(
                "There is nothing to draw without judged samples or --labels.",
                "没有已评判的抽样或 --labels，无法绘图。",
                code=2,
            )
        from zhongshu.router.picture import svg as drawn

        try:
            svg.write_text(drawn(found.proof), encoding="utf-8")
        except OSError as error:
            fail(f"--svg {svg}: {error.strerror}.", f"--svg {svg}：无法写入（{error.strerror}）。", code=2)
    if as_json:
        plain = msgspec.to_builtins(found)
        plain["unknown"] = [said.zh if chinese() else said.en for said in found.unknown]
        plain["claim"]["said"] = found.claim.said.zh if chinese() else found.claim.said.en
        return print_json(plain)
    _show_report(found)


def _refuse_without_text(shown: Shown) -> NoReturn:
    record, state = shown.record, shown.text_state
    fail(
        f"It went to {record.release}: {record.reason} More cannot be said: its text is {state}. "
        "`ledger.text` says what is kept.",
        f"当时交给 {record.release}：{record.reason} 无法进一步解释：文本未保留或无法读取（{state}）。保留什么见 `ledger.text`。",
    )


def _say_recorded(shown: Shown, as_json: bool) -> None:
    record = shown.record
    if as_json:
        return print_json(
            {
                "trace": record.trace,
                "release": record.release,
                "rule": record.rule,
                "reason": record.reason,
                "shadow_of": record.shadow_of,
            }
        )
    if record.shadow_of:
        return out.print(
            t(
                f"It stands unseen beside the turn {record.shadow_of}, of which this can be asked.",
                f"它是请求 {record.shadow_of} 的暗中对照；请查询该请求。",
            ),
            markup=False,
            soft_wrap=True,
        )
    out.print(
        t(
            f"{record.release or record.asked}: {record.reason or 'it was refused before it was routed.'} "
            "Nothing was weighed: only `auto` is decided.",
            f"{record.release or record.asked}：{record.reason or '在路由之前即被拒绝。'} 未作权衡：只有 `auto` 需要决策。",
        ),
        markup=False,
    )


def _tuned_on(files: list[Path], quality: float, model_file: Path | None, config: Path | None) -> Tuned:
    from zhongshu.router.difficulty.training import BadLine, read_lines
    from zhongshu.router.estimate import hardness_of
    from zhongshu.router.tuning import tune as tuned_on

    try:
        rows = [row for path in files for row in read_lines(path)]
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}.", f"{error.filename}：无法读取（{error.strerror}）。", code=2)
    except BadLine as bad:
        fail(f"{bad.place}: {bad.why}", f"{bad.place}：无法使用：{bad.why}", code=2)
    judge = _judge(model_file, config)
    with err.status(t(f"Judging {len(rows)} questions…", f"正在评估 {len(rows)} 个问题……")):
        gains = [hardness_of(row.prompt, judge).gain for row in rows]
        weak, strong = [float(row.weak_correct) for row in rows], [float(row.strong_correct) for row in rows]
        return tuned_on(gains, weak, strong, quality)


def _judge(model_file: Path | None, config: Path | None) -> Judge:
    """The file's, or the one that `auto` asks by these settings."""
    from zhongshu.cli.route_reach import weighing
    from zhongshu.router.judges import judge_for

    if model_file is None:
        return weighing(settings(config)).decider.judge
    try:
        return judge_for((), model_file)
    except OSError as error:
        fail(f"{model_file}: {error.strerror}.", f"{model_file}：无法读取（{error.strerror}）。", code=2)
    except ValueError as error:
        fail(f"--model-file: {error}", f"--model-file：不是难度模型：{error}", code=2)


def _show_explained(plain: dict[str, Any]) -> None:
    reason = plain["now"]["reason_zh"] if chinese() and plain["same_now"] else plain["reason"]
    out.print(f"{plain['release']}  {reason}", markup=False, highlight=False)
    dial = f"{plain['dial']:g} ({plain['dial_by']})"
    rows = [
        (t("kind of task", "任务类型"), f"{plain['task']} ({plain['judged_by']})"),
        (t("chance that a general model is wrong", "通用模型答错的可能"), plain["general_wrong"]),
        (t("gain expected of deep thought", "深度思考的预期收益"), plain["gain"]),
        (t("least gain at this dial", "此档位要求的收益"), f"{plain['least_gain']} (dial {dial})"),
        (t("distance", "差距"), plain["distance"]),
        *[
            (t(name, zh), f"{plain[field]:g} ({plain[field + '_by']})")
            for field, name, zh in (
                ("max_cost", "ceiling of the cost", "费用上限"),
                ("max_seconds", "ceiling of the seconds", "用时上限（秒）"),
            )
            if plain[field] is not None
        ],
        *[(row["zh"] if chinese() else row["en"], f"{row['adds']:+}") for row in plain["weightiest"]],
        *[(row["release"], _candidate(row)) for row in plain["candidates"]],
    ]
    print_table([t("What was weighed", "依据"), ""], rows)
    out.print(t("What would have changed it:", "怎样会改变结果："))
    for change in plain["changes"]:
        out.print(f"- {change['zh'] if chinese() else change['en']}", markup=False)
    sample = plain["sample"]
    if sample is not None:
        out.print(
            t("The other kind of model answered too: ", "另一类模型也作了回答：") + f"{sample['other']}, {sample['state']}"
            + (f", {sample['general']:g} / {sample['reasoning']:g} ({sample['by']})" if sample["state"] == "judged" else ""),
            markup=False,
        )  # fmt: skip
    if not plain["same_now"]:
        out.print(
            t(
                f"By the settings of now it would go to {plain['now']['release']}.",
                f"按现在的设置，它会交给 {plain['now']['release']}。",
            ),
            markup=False,
        )


def _candidate(row: dict[str, Any]) -> str:
    took = "" if row["expected_seconds"] is None else f", {row['expected_seconds']:.3g} s"
    return f"{row['expected_quality']:.2f}, {row['expected_cost_nano'] / 1e9:.6f}{took}"


def _show_tuned(found: Tuned) -> None:
    rows = [
        (t("questions", "问题数"), found.rows),
        (t("accuracy: general / routed / reasoning", "准确率：通用 / 路由 / 推理"),
         f"{found.general_accuracy:.3f} / {found.accuracy:.3f} / {found.reasoning_accuracy:.3f}"),
        (t("accuracy kept", "保持的比例"), _spanned(found.kept)),
        (t("calls of the reasoning model", "推理模型调用占比"), _spanned(found.strong_calls)),
        (t("resamples that keep it", "重抽样中达标的比例"), f"{found.often:.0%}"),
    ]  # fmt: skip
    if found.held_out_kept is not None and found.held_out_calls is not None:
        rows.append(
            (
                t("on rows left out: kept / calls", "留出样本：保持 / 调用"),
                f"{found.held_out_kept:.1%} / {found.held_out_calls:.1%}",
            )
        )
    print_table([t("At this dial", "在此档位"), ""], rows)
    if not found.reached:
        out.print(
            t(
                f"No dial keeps {found.quality:.0%}; this is the best there is.",
                f"没有档位能保持 {found.quality:.0%}；以下为最佳。",
            )
        )
    out.print(f"\n[router]\ndial = {found.dial:g}", markup=False, highlight=False)


def _show_report(found: Report) -> None:
    if found.turns or found.proof is None:
        sides = (
            (t("general", "通用"), found.general),
            (t("reasoning", "推理"), found.reasoning),
            (t("all", "合计"), found.all),
        )
        print_table(
            t("answered by|turns|cost|scored|quality", "回答者|次数|费用|已评分|质量").split("|"),
            [
                (
                    name,
                    side.turns,
                    money(side.cost_nano, found.currency),
                    side.scored,
                    side.quality and _spanned(side.quality),
                )
                for name, side in sides
            ],
        )
    if found.always_general_nano is not None and found.always_reasoning_nano is not None and found.turns:
        out.print(
            t("By prices alone, not measured: always general ", "仅按价格估计，并非实测：始终通用 ")
            + (money(found.always_general_nano, found.currency) or "0")
            + t(", always reasoning ", "，始终推理 ")
            + (money(found.always_reasoning_nano, found.currency) or "0")
            + (
                t(f"; {found.saved:.1%} less was paid.", f"；实付少 {found.saved:.1%}。")
                if found.saved is not None
                else ""
            )
        )
    if found.proof is not None:
        proof = found.proof
        cost = t("cost", "费用") if proof.priced else t("reasoning calls", "推理调用")
        print_table(
            [t(f"{proof.cases} labelled cases", f"{proof.cases} 个带标签的请求"), t("quality", "质量"), cost],
            [(way.name, f"{way.quality:.3f}", f"{way.cost:.6g}") for way in proof.ways],
        )
        out.print(
            t("better than the random mix by ", "优于随机混合 ") + _spanned(proof.over_random, "+.3f") + "; "
            + t("accuracy kept ", "保持准确率 ") + _spanned(proof.kept)
        )  # fmt: skip
    taken = found.samples
    if taken.taken:
        out.print(
            t(
                f"{taken.taken} samples: {taken.judged} judged, {taken.open} not, {taken.failed} failed; they cost ",
                f"{taken.taken} 个抽样：{taken.judged} 个已评判，{taken.open} 个未评判，{taken.failed} 个失败；费用 ",
            )
            + (money(taken.extra_nano, found.currency) or "0")
        )
    for said in (found.claim.said, *found.unknown):
        out.print(said.zh if chinese() else said.en)


def _spanned(span: Span, form: str = ".1%") -> str:
    return f"{span.value:{form}} ({span.low:{form}} … {span.high:{form}})"


def _sample(sample: Sample) -> dict[str, Any]:
    return msgspec.structs.asdict(sample)

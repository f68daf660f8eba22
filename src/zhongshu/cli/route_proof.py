"""`zhongshu route explain`, `tune` and `report`: why a turn went where it went, the dial for a target, and the proof."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import msgspec
import typer

from zhongshu.cli.ledger_views import SinceOption, TenantOption, UntilOption
from zhongshu.cli.managing import ConfigOption, examples, settings
from zhongshu.cli.output import JsonOption, err, fail, out, print_json
from zhongshu.cli.route_views import show_explained, show_report, show_tuned, show_tuned_assistant
from zhongshu.cli.words import chinese, t

if TYPE_CHECKING:
    from zhongshu.catalog.samples import Sample
    from zhongshu.core.problems import Said
    from zhongshu.ledger.index import Shown
    from zhongshu.pipeline.routings import OfAssistant
    from zhongshu.router.difficulty.judge import Judge
    from zhongshu.router.proving.report import Report
    from zhongshu.router.proving.tuning import Tuned

app = typer.Typer()
_READING = t("Reading the turns of the period…", "正在读取该时段的请求……")
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
TunedAssistantOption = typer.Option(
    None,
    "--assistant",
    help=t("Find this assistant's setting in place of auto's dial.", "求该助手的设置，而非 auto 的档位。"),
)
ConfidenceOption = typer.Option(
    None,
    "--confidence",
    min=0.5,
    max=0.9999,
    help=t(
        "Find the dial of which you can be so sure, say 0.95, that it keeps the share on other turns too; default: the best "
        "guess, which misses about every other time.",
        "求有此把握（如 0.95）在其他请求上也能保持该比例的档位；默认给出最佳估计，约半数情况下会略低于目标。",
    ),
)
SureOption = typer.Option(
    None,
    "--confidence",
    min=0.5,
    max=0.9999,
    help=t("How sure to be of it, with --quality; default: 0.95.", "与 --quality 同用：要有多大把握；默认 0.95。"),
)
KeptOption = typer.Option(
    None,
    "--quality",
    min=0.0,
    max=1.0,
    help=t(
        "Say whether this share of the reasoning model's accuracy was kept.", "判断是否保持了推理模型准确率的这一比例。"
    ),
)
AssistantOption = typer.Option(
    None, "--assistant", help=t("Report on this assistant in place of auto.", "报告该助手，而非 auto。")
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
    from zhongshu.pipeline.strategies.retelling import in_chinese
    from zhongshu.router.explaining import explained

    with routings(config) as looking:
        found = looking.explain(trace)
        currency = looking.currency
    shown, record = found.shown, found.shown.record
    sample = None if found.sample is None else _sample(found.sample)
    if record.asked != "auto" or record.rule in ("named", "") or record.shadow_of:
        return _say_recorded(shown, as_json, found.assistant, sample)
    if found.decided is None and found.refused is None:
        _refuse_without_text(shown)
    if found.decided is None:
        fail(
            f"It went to {record.release}: {record.reason} By the settings of now `auto` has no model for it.",
            f"当时交给 {record.release}：{in_chinese(record.reason)} 按现在的设置，`auto` 没有可用的模型。",
        )
    plain = {**explained(record, found.decided, currency, found.without, found.cheaper), "sample": sample}
    if as_json:
        print_json(plain)
    else:
        show_explained(plain)


@app.command(
    help=t(
        "Find the dial that keeps a share of the reasoning model's accuracy with the fewest of its calls: by the judged "
        "samples of your own turns, or by files whose lines have `prompt`, `weak_correct`, `strong_correct`.",
        "求出能保持推理模型准确率一定比例、且调用它最少的档位：依据自己请求的已评判抽样，或文件（每行含 `prompt`、"
        "`weak_correct`、`strong_correct`）。",
    ),
    epilog=examples(
        "zhongshu route tune --quality 0.95 --since 30d",
        "zhongshu route tune --quality 0.95 --confidence 0.95 --since 30d",
        "zhongshu route tune --assistant helpdesk --since 30d",
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
    confidence: float | None = ConfidenceOption,
    since: str | None = SinceOption,
    until: str | None = UntilOption,
    tenant: str | None = TenantOption,
    assistant: str | None = TunedAssistantOption,
    model_file: Path | None = ModelOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.cli.route_reach import period, routings

    if files and assistant:
        fail(
            "Give files or --assistant, not both: an assistant is tuned by the judged samples of its own turns.",
            "文件与 --assistant 只能选一个：助手依据自己请求的已评判抽样求取。",
            code=2,
        )
    try:
        if assistant:
            with routings(config) as looking, err.status(_READING):
                tuned = looking.tune_assistant(period(since, until, tenant, assistant), quality, confidence)
            return show_tuned_assistant(tuned, as_json)
        if files:
            found = _tuned_on(files, quality, confidence, model_file, config)
        else:
            with routings(config) as looking, err.status(_READING):
                found = looking.tune(period(since, until, tenant), quality, confidence)
    except ValueError as error:
        if not files:
            fail(
                "There is no judged sample in this period on which the reasoning model was right: set "
                "`router.samples.share`, or give a file of labels.",
                "该时段没有推理模型答对的已评判抽样：请设置 `router.samples.share`，或提供带标签的文件。",
                code=2,
            )
        fail(f"{error}.", "没有推理模型答对的行，无法求档位。")
    if as_json:
        return print_json({**msgspec.structs.asdict(found), "setting": f"[router]\ndial = {found.dial:g}\n"})
    show_tuned(found)


@app.command(
    help=t(
        "What routing was worth: counts, cost and quality of what was done, beside always one model, a random mix at "
        "the same cost and an oracle.",
        "路由值不值：实际的次数、费用与质量，对比始终用一个模型、同等费用的随机混合与理想选择。",
    ),
    epilog=examples(
        "zhongshu route report --since 7d",
        "zhongshu route report --since 7d --quality 0.95",
        "zhongshu route report --assistant helpdesk",
        "zhongshu route report --labels judged.jsonl --svg pareto.svg",
        "zhongshu route report --labels judged.jsonl --json",
    ),
)
def report(
    since: str | None = SinceOption,
    until: str | None = UntilOption,
    tenant: str | None = TenantOption,
    assistant: str | None = AssistantOption,
    labels: Path | None = LabelsOption,
    quality: float | None = KeptOption,
    confidence: float | None = SureOption,
    svg: Path | None = SvgOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.cli.route_reach import labels_of, period, routings
    from zhongshu.router.proving.promise import CONFIDENCE, Wanted

    if quality is None and confidence is not None:
        fail(
            "--confidence: say with --quality of what you want to be sure.",
            "--confidence：请用 --quality 说明要确信什么。",
            code=2,
        )
    wanted = None if quality is None else Wanted(quality, CONFIDENCE if confidence is None else confidence)
    given = labels_of(labels) if labels else []
    if labels and not given:
        fail(
            f"--labels {labels}: there is no row in it; each has `trace` or `prompt`, `weak_correct`, `strong_correct`.",
            f"--labels {labels}：文件中没有任何行；每行须有 `trace` 或 `prompt`，以及 `weak_correct`、`strong_correct`。",
            code=2,
        )
    ledger_needed = not given or any(label.trace for label in given)
    with routings(config, ledger_needed=ledger_needed) as looking, err.status(_READING):
        found = looking.report(period(since, until, tenant, assistant), given, wanted)
    if svg is not None:
        _draw(found, svg)
    if as_json:
        return print_json(_plain(found))
    show_report(found)


def _draw(found: Report, file: Path) -> None:
    """The curve, into a file; leaves where there is none."""
    from zhongshu.cli.bad_lines import refuse_file
    from zhongshu.router.proving.picture import svg

    if found.proof is None:
        fail(
            "There is nothing to draw without judged samples or --labels.",
            "没有已评判的抽样或 --labels，无法绘图。",
            code=2,
        )
    try:
        file.write_text(svg(found.proof, currency=found.currency, chinese=chinese()), encoding="utf-8")
    except OSError as error:
        refuse_file("--svg ", file, error)


def _plain(found: Report) -> dict[str, Any]:
    """A report for --json, its sentences in the reader's language."""
    plain = msgspec.to_builtins(found)
    plain["unknown"] = [_told(said) for said in found.unknown]
    plain["claim"]["said"] = _told(found.claim.said)
    if found.proof is not None and found.proof.promise is not None:
        plain["proof"]["promise"]["said"] = _told(found.proof.promise.said)
    return plain


def _told(said: Said) -> str:
    return said.zh if chinese() else said.en


def _refuse_without_text(shown: Shown) -> NoReturn:
    from zhongshu.pipeline.strategies.retelling import in_chinese

    record, state = shown.record, shown.text_state
    fail(
        f"It went to {record.release}: {record.reason} More cannot be said: its text is {state}. "
        "`ledger.text` says what is kept.",
        f"当时交给 {record.release}：{in_chinese(record.reason)} 无法进一步解释：文本未保留或无法读取（{state}）。保留什么见 `ledger.text`。",
    )


def _say_assistant(shown: Shown, found: OfAssistant) -> None:
    from zhongshu.pipeline.strategies.retelling import in_chinese

    record, chance = shown.record, f"{math.floor(found.chance * 10_000) / 10_000:g}"
    reason = t(record.reason, in_chinese(record.reason))
    out.print(f"{record.release}: {reason}", markup=False, soft_wrap=True)
    if found.flips_at_threshold is not None:
        said = t(
            f"By the settings of now: chance of a wrong general answer {chance}; the reasoning model answers at a "
            f"threshold of {chance} or less (it is {found.threshold:g}).",
            f"按现在的设置：通用模型答错的概率 {chance}；阈值不高于 {chance} 时由推理模型回答（现为 {found.threshold:g}）。",
        )
    else:
        said = t(
            f"By the settings of now the question's chance of a wrong general answer is {chance}.",
            f"按现在的设置，通用模型答错该问题的概率为 {chance}。",
        )
    out.print(said, markup=False, soft_wrap=True)
    if found.flips_at_dial is None:
        said = t(
            "No dial has the reasoning model asked: deep thought adds nothing.",
            "任何档位都不会使用推理模型：深度思考没有收益。",
        )
    else:
        dial = f"{found.flips_at_dial:.4g}"
        said = t(
            f"A dial of the request, the key or the assistant has the reasoning model take part from {dial} up.",
            f"若请求、密钥或助手设置档位，则从 {dial} 起使用推理模型。",
        )
    out.print(said, markup=False, soft_wrap=True)


def _say_recorded(
    shown: Shown, as_json: bool, assistant: OfAssistant | None = None, sample: dict[str, Any] | None = None
) -> None:
    from zhongshu.pipeline.strategies.retelling import in_chinese

    record = shown.record
    if assistant is not None and not as_json:
        return _say_assistant(shown, assistant)
    if as_json:
        return print_json(
            {
                "trace": record.trace,
                "release": record.release,
                "rule": record.rule,
                "reason": record.reason,
                "reason_zh": in_chinese(record.reason),
                "shadow_of": record.shadow_of,
                "assistant": None if assistant is None else msgspec.structs.asdict(assistant),
                "sample": sample,
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
            "Nothing was weighed: only `auto` and assistants of two models are decided.",
            f"{record.release or record.asked}：{in_chinese(record.reason) or '在路由之前即被拒绝。'} 未作权衡：只有 `auto` 与含两个模型的助手需要决策。",
        ),
        markup=False,
    )


def _tuned_on(
    files: list[Path], quality: float, confidence: float | None, model_file: Path | None, config: Path | None
) -> Tuned:
    from zhongshu.cli.bad_lines import refuse_file, refuse_line
    from zhongshu.router.difficulty.training import BadLine, read_lines
    from zhongshu.router.estimate import hardness_of
    from zhongshu.router.proving.tuning import tune as tuned_on

    try:
        rows = [row for path in files for row in read_lines(path)]
    except OSError as error:
        refuse_file("", error.filename, error)
    except BadLine as bad:
        refuse_line(bad)
    judge = _judge(model_file, config)
    with err.status(t(f"Judging {len(rows)} questions…", f"正在评估 {len(rows)} 个问题……")):
        gains = [hardness_of(row.prompt, judge).gain for row in rows]
        weak, strong = [float(row.weak_correct) for row in rows], [float(row.strong_correct) for row in rows]
        return tuned_on(gains, weak, strong, quality, confidence)


def _judge(model_file: Path | None, config: Path | None) -> Judge:
    """The file's, or the one that `auto` asks by these settings."""
    from zhongshu.cli.bad_lines import refuse_file, refuse_model
    from zhongshu.cli.route_reach import weighing
    from zhongshu.router.judges import judge_for

    if model_file is None:
        return weighing(settings(config)).decider.judge
    try:
        return judge_for((), model_file)
    except OSError as error:
        refuse_file("--model-file ", model_file, error)
    except ValueError as error:
        refuse_model(error)


def _sample(sample: Sample) -> dict[str, Any]:
    return msgspec.structs.asdict(sample)

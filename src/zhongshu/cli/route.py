"""`zhongshu route`: how hard questions are, whether drafts can stand, and the model that says so."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from zhongshu.cli import route_proof, route_samples
from zhongshu.cli.managing import examples
from zhongshu.cli.output import JsonOption, err, fail, print_json, print_table
from zhongshu.cli.route_lines import extend
from zhongshu.cli.words import t

app = typer.Typer(
    no_args_is_help=True,
    help=t(
        "Routing between general and reasoning models: explain, report, tune; score, check, train.",
        "通用模型与推理模型之间的路由：解释、报告、调档；评分、检查、训练。",
    ),
    epilog=t(
        """
Examples:

- `zhongshu route explain 018f...`
- `zhongshu route report --since 7d`
- `zhongshu route tune --quality 0.95 labelled.jsonl`
- `zhongshu route score questions.jsonl > scored.jsonl`
- `zhongshu route check drafts.jsonl`
- `zhongshu route train labelled.jsonl --out mine.json`
""",
        """
示例：

- `zhongshu route explain 018f...`
- `zhongshu route report --since 7d`
- `zhongshu route tune --quality 0.95 labelled.jsonl`
- `zhongshu route score questions.jsonl > scored.jsonl`
- `zhongshu route check drafts.jsonl`
- `zhongshu route train labelled.jsonl --out mine.json`
""",
    ),
)

app.add_typer(route_proof.app)
app.add_typer(route_samples.app)

FILE = t("JSON lines; - for standard input.", "JSON Lines 文件；- 表示标准输入。")
MODEL = t("A model made by `route train`; default: the shipped one.", "由 `route train` 训练的模型；默认使用内置模型。")
ODDS = t(
    "Count how the two did on each kind of task; not where the rows are no picture of what is asked here.",
    "统计两个模型在每类任务上的表现；若样本不能代表此处的实际问题，则不统计。",
)
ModelOption = Annotated[Path | None, typer.Option("--model-file", help=MODEL)]
FileArgument = Annotated[str, typer.Argument(help=FILE)]


@app.command(
    "score",
    help=t(
        "Print the same lines with `score`: higher, the strong model is needed more. Each line needs `prompt`.",
        "原样输出各行并加上 `score`：越高越需要强模型。每行须有 `prompt`。",
    ),
    epilog=examples(
        "zhongshu route score questions.jsonl > scored.jsonl", "head -5 questions.jsonl | zhongshu route score -"
    ),
)
def score(file: FileArgument, model_file: ModelOption = None) -> None:
    judge = _judge(model_file)

    def scored(line: dict[str, Any]) -> dict[str, Any]:
        found = judge.question(line["prompt"])
        return {"score": round(found.score, 6), "weak_wrong": round(found.chance, 4), "head": found.head}

    extend(file, ("prompt",), scored)


@app.command(
    "check",
    help=t(
        "Print the same lines with the cascade's `score` of a draft and its `cost`. "
        "Each line needs `prompt` and `weak_response`.",
        "原样输出各行，并加上级联对草稿的 `score` 与 `cost`。每行须有 `prompt` 和 `weak_response`。",
    ),
    epilog=examples("zhongshu route check drafts.jsonl | jq .weak_wrong"),
)
def check(file: FileArgument, model_file: ModelOption = None) -> None:
    judge = _judge(model_file)

    def checked(line: dict[str, Any]) -> dict[str, Any]:
        began = time.perf_counter()
        found = judge.draft(line["prompt"], line["weak_response"])
        took_ms = (time.perf_counter() - began) * 1000
        cost = {"tokens": 0, "model_calls": 0, "ms": round(took_ms, 3)}  # features only: no model is asked
        return {"score": round(found.score, 6), "weak_wrong": round(found.chance, 4), "cost": cost}

    extend(file, ("prompt", "weak_response"), checked)


@app.command(
    "train",
    help=t(
        "Train a difficulty model from labelled outcomes: lines with `prompt`, `weak_correct`, `strong_correct` and, "
        "for drafts, `weak_response`.",
        "用带标签的结果训练难度模型：每行含 `prompt`、`weak_correct`、`strong_correct`，检查草稿还需 `weak_response`。",
    ),
    epilog=examples(
        "zhongshu route train labelled.jsonl --out mine.json",
        "zhongshu route train labelled.jsonl --out mine.json --general deepseek-chat --reasoning deepseek-reasoner",
    ),
)
def train(
    files: Annotated[list[Path], typer.Argument(help=t("Files of labelled lines.", "带标签的文件。"))],
    out: Annotated[Path, typer.Option("--out", "-o", help=t("Where to write the model.", "模型写入位置。"))],
    version: str = typer.Option("custom", "--version-name", help=t("What to call it.", "版本名称。")),
    general: str = typer.Option("", "--general", help=t("The weak model's name here.", "较弱模型在此的名称。")),
    reasoning: str = typer.Option("", "--reasoning", help=t("The strong model's name here.", "较强模型在此的名称。")),
    odds: bool = typer.Option(True, "--odds/--no-odds", help=ODDS),
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.cli.bad_lines import refuse_line
    from zhongshu.router.difficulty.linear import dump, load
    from zhongshu.router.difficulty.training import FEWEST, BadLine, NothingToLearn, read_lines
    from zhongshu.router.difficulty.training import train as fit_all
    from zhongshu.router.odds import counted

    if bool(general) is not bool(reasoning):
        fail(
            "Name both models of the pair, --general and --reasoning, or neither.",
            "请同时指定 --general 与 --reasoning 两个模型，或都不指定。",
            code=2,
        )

    try:
        rows = [row for path in files for row in read_lines(path)]
        with err.status(t(f"Training on {len(rows)} questions…", f"正在用 {len(rows)} 个问题训练……")):
            model = fit_all(rows, version, base=load())
            pair = (general, reasoning) if general and reasoning else ()
            model = msgspec.structs.replace(model, tasks=counted(rows) if odds else {}, pair=pair)
    except BadLine as bad:
        refuse_line(bad)
    except NothingToLearn:
        fail(
            "There is nothing to learn from these rows: the weak model is always right or always wrong, or both models "
            "are right equally often. Give questions of both sorts.",
            "这些样本无从学习：较弱模型全对或全错，或两个模型答对的次数相同。请同时提供两类问题。",
        )
    except ValueError:
        fail(
            f"Give at least {FEWEST} labelled questions of one kind, with options or without.",
            f"请提供至少 {FEWEST} 个同一类型（有选项或无选项）的带标签问题。",
        )
    out.write_bytes(dump(model))
    if as_json:
        bins = {head: [one._asdict() for one in found] for head, found in model.reliability.items()}
        facts = {"file": str(out), "trained_on": model.trained_on, "measured": model.measured, "reliability": bins}
        return print_json(facts)
    print_table(
        [t("Measured on rows left out", "留出样本上的测量"), ""],
        [[name, value] for name, value in model.measured.items()],
    )
    for head, bins in model.reliability.items():
        title = t(f"{head}: said to be wrong", f"{head}：预测答错的概率")
        print_table(
            [title, t("was wrong", "实际答错"), t("questions", "问题数")],
            [[f"{one.said:.3f}", f"{one.happened:.3f}", one.rows] for one in bins],
        )
    err.print(t(f"Written to {out}.", f"已写入 {out}。"), highlight=False, markup=False)


def _judge(model_file: Path | None) -> Any:
    from zhongshu.router.difficulty.judge import Judge
    from zhongshu.router.difficulty.linear import load

    try:
        return Judge(load(model_file))
    except ValueError as error:
        from zhongshu.cli.bad_lines import refuse_model

        refuse_model(error)

"""`zhongshu batches`: files of requests, answered in the background by the running server."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

from zhongshu.cli.files import ToOption, moment, save
from zhongshu.cli.managing import examples
from zhongshu.cli.output import JsonOption, err, fail, out, print_json, print_table
from zhongshu.cli.reaching import Server, UrlOption, server
from zhongshu.cli.words import t

app = typer.Typer(
    no_args_is_help=True, help=t("Batches: requests answered in the background.", "批处理：在后台应答的请求。")
)
InputArgument = typer.Argument(
    help=t("One JSON request a line (OpenAI's batch format).", "每行一个 JSON 请求（OpenAI 批处理格式）。")
)
BatchArgument = typer.Argument(help=t("The batch's id.", "批次编号。"))
ENDED = ("completed", "failed", "expired", "cancelled")
_LOOK_S = 0.5
_MOST_MISTAKES = 10


@app.command(
    help=t("Upload a file of requests and have it answered.", "上传请求文件并开始处理。"),
    epilog=examples(
        "zhongshu batches create requests.jsonl",
        "zhongshu batches create texts.jsonl --endpoint /v1/embeddings --no-wait",
        "zhongshu batches create requests.jsonl --to answers.jsonl",
    ),
)
def create(
    path: Path = InputArgument,
    endpoint: str = typer.Option(
        "/v1/chat/completions", "--endpoint", "-e", help=t("What each line asks.", "每行请求的接口。")
    ),
    window: str = typer.Option(
        "24h", "--window", help=t("Given up after: 1h, 24h or 7d.", "超过此时间则放弃：1h、24h 或 7d。")
    ),
    wait: bool = typer.Option(
        True, "--wait/--no-wait", help=t("Show its progress until it ends.", "显示进度直到结束。")
    ),
    to: Path | None = ToOption,
    url: str | None = UrlOption,
    as_json: bool = JsonOption,
) -> None:
    with server(url) as there:
        file = there.upload(path, "batch")
        batch = there.post("/batches", {"input_file_id": file["id"], "endpoint": endpoint, "completion_window": window})
        if wait or to is not None:
            batch = _until_over(there, batch)
        if to is not None and batch["output_file_id"]:
            save(there.download(batch["output_file_id"]), to)
    _say(batch, as_json)
    if batch["status"] == "failed":
        raise typer.Exit(1)


@app.command(
    "list", help=t("List the batches, newest first.", "列出批次，最新在前。"), epilog=examples("zhongshu batches list")
)
def list_batches(
    limit: int = typer.Option(20, "--limit", "-n", min=1, max=100, help=t("At most so many.", "至多数量。")),
    url: str | None = UrlOption,
    as_json: bool = JsonOption,
) -> None:
    with server(url) as there:
        rows = there.get(f"/batches?limit={limit}")["data"]
    if as_json:
        return print_json(rows)
    print_table(_COLUMNS, [_row(row) for row in rows])


@app.command(
    help=t("Show one batch, and what is wrong with its input.", "查看批次，以及输入中的错误。"),
    epilog=examples("zhongshu batches show batch_0123456789abcdef01234567", "zhongshu batches show --wait batch_..."),
)
def show(
    batch: str = BatchArgument,
    wait: bool = typer.Option(False, "--wait", help=t("Show its progress until it ends.", "显示进度直到结束。")),
    url: str | None = UrlOption,
    as_json: bool = JsonOption,
) -> None:
    with server(url) as there:
        found = there.get(f"/batches/{batch}")
        if wait:
            found = _until_over(there, found)
    _say(found, as_json)


@app.command(
    help=t("Stop a batch; what is answered stays.", "取消批次；已得到的回答保留。"),
    epilog=examples("zhongshu batches cancel batch_0123456789abcdef01234567"),
)
def cancel(batch: str = BatchArgument, url: str | None = UrlOption, as_json: bool = JsonOption) -> None:
    with server(url) as there:
        found = there.post(f"/batches/{batch}/cancel")
    _say(found, as_json)


@app.command(
    help=t("Print a batch's answers, or save them.", "输出批次的回答，或保存到本地。"),
    epilog=examples(
        "zhongshu batches output batch_0123456789abcdef01234567 --to answers.jsonl",
        "zhongshu batches output --errors batch_0123456789abcdef01234567",
    ),
)
def output(
    batch: str = BatchArgument,
    errors: bool = typer.Option(False, "--errors", help=t("The requests that failed instead.", "改为输出失败的请求。")),
    to: Path | None = ToOption,
    url: str | None = UrlOption,
) -> None:
    with server(url) as there:
        found = there.get(f"/batches/{batch}")
        file = found["error_file_id" if errors else "output_file_id"]
        if file is None:
            status = found["status"]
            fail(
                f"Batch {batch} has no such file; it is {status}.",
                f"批次 {batch} 没有该文件；状态为 {status}。",
            )
        save(there.download(file), to)


def _until_over(there: Server, batch: dict[str, Any]) -> dict[str, Any]:
    """Show a bar until the batch ends. Ctrl-C leaves it running."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=err) as bars:
            bar = bars.add_task(batch["id"], total=None)
            while batch["status"] not in ENDED:
                time.sleep(_LOOK_S)
                batch = there.get(f"/batches/{batch['id']}")
                counts = batch["request_counts"]
                done = counts["completed"] + counts["failed"]
                bars.update(bar, total=counts["total"] or None, completed=done)
    except KeyboardInterrupt:
        err.print(
            t(
                "It goes on without you; see `zhongshu batches show`.",
                "处理仍在继续；可用 `zhongshu batches show` 查看。",
            )
        )
    return batch


_COLUMNS = (
    Column(t("batch", "批次"), min_width=30, no_wrap=True),
    t("status", "状态"),
    t("done", "完成"),
    t("failed", "失败"),
    t("total", "总数"),
    t("endpoint", "接口"),
    t("created", "创建时间"),
)


def _say(batch: dict[str, Any], as_json: bool) -> None:
    if as_json:
        return print_json(batch)
    print_table(_COLUMNS, [_row(batch)])
    mistakes: list[dict[str, str]] = batch["errors"]["data"] if batch["errors"] else []
    for mistake in mistakes[:_MOST_MISTAKES]:
        out.print(t(mistake["message"], mistake["message_zh"]), style="red", markup=False, highlight=False)


def _row(batch: dict[str, Any]) -> tuple[object, ...]:
    counts = batch["request_counts"]
    return (
        batch["id"],
        batch["status"],
        counts["completed"],
        counts["failed"],
        counts["total"],
        batch["endpoint"],
        moment(batch["created_at"]),
    )

"""`zhongshu files`: what is kept on the running server, for batches and for turns that name it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.table import Column

from zhongshu.cli.managing import examples
from zhongshu.cli.output import JsonOption, out, print_json, print_table
from zhongshu.cli.reaching import UrlOption, server
from zhongshu.cli.words import t

app = typer.Typer(no_args_is_help=True, help=t("Files kept on the server.", "保存在服务上的文件。"))
PathArgument = typer.Argument(help=t("The file.", "文件路径。"))
ToOption = typer.Option(None, "--to", "-o", help=t("Save it here.", "保存到此处。"))
FileArgument = typer.Argument(help=t("The file's id.", "文件编号。"))
_COLUMNS = (
    Column(t("file", "文件"), min_width=29, no_wrap=True),
    t("name", "名称"),
    t("bytes", "字节"),
    t("purpose", "用途"),
    t("created", "创建时间"),
)


@app.command(
    help=t("Keep a file on the server.", "上传文件。"),
    epilog=examples("zhongshu files upload report.pdf", "zhongshu files upload requests.jsonl --purpose batch"),
)
def upload(
    path: Path = PathArgument,
    purpose: str = typer.Option(
        "user_data", "--purpose", "-p", help=t("user_data, batch, assistants, fine-tune, vision or evals.", "用途。")
    ),
    url: str | None = UrlOption,
    as_json: bool = JsonOption,
) -> None:
    with server(url) as there:
        made = there.upload(path, purpose)
    if as_json:
        return print_json(made)
    out.print(made["id"], markup=False, highlight=False)


@app.command("list", help=t("List the files.", "列出文件。"), epilog=examples("zhongshu files list --purpose batch"))
def list_files(
    purpose: str | None = typer.Option(None, "--purpose", "-p", help=t("Of this purpose only.", "仅此用途。")),
    limit: int = typer.Option(100, "--limit", "-n", min=1, max=10_000, help=t("At most so many.", "至多数量。")),
    url: str | None = UrlOption,
    as_json: bool = JsonOption,
) -> None:
    with server(url) as there:
        rows = there.get(f"/files?limit={limit}" + (f"&purpose={purpose}" if purpose else ""))["data"]
    if as_json:
        return print_json(rows)
    print_table(_COLUMNS, [_row(row) for row in rows])


@app.command(
    help=t("Show one file.", "查看文件。"), epilog=examples("zhongshu files show file-0123456789abcdef01234567")
)
def show(file: str = FileArgument, url: str | None = UrlOption, as_json: bool = JsonOption) -> None:
    with server(url) as there:
        found = there.get(f"/files/{file}")
    if as_json:
        return print_json(found)
    print_table(_COLUMNS, [_row(found)])


@app.command(
    help=t("Print a file's content, or save it.", "输出文件内容，或保存到本地。"),
    epilog=examples("zhongshu files content file-0123456789abcdef01234567 --to result.jsonl"),
)
def content(
    file: str = FileArgument,
    to: Path | None = ToOption,
    url: str | None = UrlOption,
) -> None:
    with server(url) as there:
        save(there.download(file), to)


@app.command(
    help=t("Delete a file.", "删除文件。"), epilog=examples("zhongshu files delete file-0123456789abcdef01234567")
)
def delete(file: str = FileArgument, url: str | None = UrlOption, as_json: bool = JsonOption) -> None:
    with server(url) as there:
        gone = there.delete(f"/files/{file}")
    if as_json:
        return print_json(gone)
    out.print(t(f"Deleted {file}.", f"已删除 {file}。"), markup=False, highlight=False)


def save(pieces: Any, to: Path | None) -> None:
    """Write the pieces of a file to `to`, or to standard output."""
    if to is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    with to.open("wb") as file:
        for piece in pieces:
            file.write(piece)


def moment(seconds: int | None) -> str:
    """A time, UTC."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _row(file: dict[str, Any]) -> tuple[object, ...]:
    return file["id"], file["filename"], file["bytes"], file["purpose"], moment(file["created_at"])

"""`zhongshu ask`: one question to the running server, the answer as it comes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from zhongshu.cli.door import Trouble, door_to
from zhongshu.cli.output import JsonOption, err, print_json
from zhongshu.cli.words import t

app = typer.Typer()

EPILOG = t(
    """
Examples:

- `zhongshu ask "What is the capital of Shaanxi?"`
- `zhongshu ask --depth high "Prove that 17 is prime."`
- `git diff | zhongshu ask "Summarise this change."`
- `zhongshu ask --file report.md --model qwen2.5-coder-0.5b "Three key points?"`
- `zhongshu ask --json "Hello" | jq -r .zhongshu.trace`
""",
    """
示例：

- `zhongshu ask "陕西的省会是哪里？"`
- `zhongshu ask --depth high "证明 17 是质数。"`
- `git diff | zhongshu ask "总结这次改动。"`
- `zhongshu ask --file report.md --model qwen2.5-coder-0.5b "三个要点？"`
- `zhongshu ask --json "你好" | jq -r .zhongshu.trace`
""",
)
QUESTION = t("The question; text piped in is added to it.", "问题；管道输入的文本会附在其后。")
ATTACH = t("Attach a text file or a picture; may be repeated.", "附上文本文件或图片；可重复。")
MODEL = t("A model, a pinned release, or auto (the router decides).", "模型名、固定版本，或 auto（由路由决定）。")
DEPTH = t(
    "How deep to think: auto, off, minimal, low, medium, high, or a budget in tokens.",
    "思考深度：auto、off、minimal、low、medium、high，或词元预算（整数）。",
)
URL = t("The server's address; default: the local one, or ZHONGSHU_URL.", "服务地址；默认为本机服务或 ZHONGSHU_URL。")
DEPTHS = ("auto", "off", "minimal", "low", "medium", "high")


def depth_of(given: str) -> str | int | None:
    """A depth as it was typed; None when it is none."""
    if given in DEPTHS:
        return given
    return int(given) if given.isascii() and given.isdigit() and 0 < int(given) <= 1_000_000 else None


def depth_asked(given: str | None) -> str | int | None:
    """The depth of an option; None where it was left out. Raises typer.BadParameter."""
    if given is not None and depth_of(given) is None:
        raise typer.BadParameter(", ".join((*DEPTHS, "1 - 1000000")), param_hint="--depth")
    return depth_of(given or "")


@app.command(
    "ask", help=t("Ask one question and print the answer as it comes.", "提一个问题，边生成边显示回答。"), epilog=EPILOG
)
def ask(
    question: Annotated[list[str] | None, typer.Argument(help=QUESTION)] = None,
    model: str = typer.Option("auto", "--model", "-m", help=MODEL),
    depth: str | None = typer.Option(None, "--depth", "-d", "--effort", "-e", help=DEPTH),
    system: str | None = typer.Option(
        None, "--system", "-s", help=t("Instructions given before the question.", "问题之前的系统指令。")
    ),
    file: Annotated[list[Path] | None, typer.Option("--file", "-f", help=ATTACH)] = None,
    no_stream: bool = typer.Option(
        False, "--no-stream", help=t("Wait for the whole answer.", "等待完整回答后再显示。")
    ),
    url: str | None = typer.Option(None, "--url", help=URL),
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.cli import replies, showing, talking

    asked = depth_asked(depth)
    try:
        messages = _messages(" ".join(question or ()), system, tuple(file or ()))
        door = door_to(url)
        streaming = not no_stream and not as_json
        body = talking.request(messages, model, asked, stream=streaming)
        if streaming:
            showing.stream(talking.pieces(door, body))
        elif as_json:
            print_json(talking.whole(door, body))
        else:
            showing.reply(replies.reply(talking.whole(door, body)))
    except Trouble as trouble:
        err.print(str(trouble), style="red", markup=False, highlight=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        err.print()
        raise typer.Exit(130) from None


def _messages(question: str, system: str | None, files: tuple[Path, ...]) -> list[dict[str, Any]]:
    from zhongshu.cli.talking import user_message

    piped = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()
    text = "\n\n".join(part for part in (question, piped.strip()) if part)
    if not text and not files:
        raise typer.BadParameter(
            t('give a question: zhongshu ask "..."', '请给出问题：zhongshu ask "……"'), param_hint="QUESTION"
        )
    first = [{"role": "system", "content": system}] if system else []
    return [*first, user_message(text, files)]

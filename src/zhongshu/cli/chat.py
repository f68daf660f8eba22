"""`zhongshu chat`: a conversation with the running server in a terminal."""

from __future__ import annotations

import importlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import typer

from zhongshu.cli.ask import DEPTH, DEPTHS, MODEL, URL, depth_asked, depth_of
from zhongshu.cli.door import Trouble, door_to
from zhongshu.cli.output import JsonOption, err, print_json
from zhongshu.cli.words import t

app = typer.Typer()

EPILOG = t(
    """
Examples:

- `zhongshu chat`
- `zhongshu chat --model qwen2.5-coder-1.5b --depth medium`
- `printf '%s\\n' "Hello" "And in French?" | zhongshu chat --json`

Inside: `/model NAME`, `/depth LEVEL`, `/clear`, `/save FILE`, `/help`, `/exit`. Ctrl-C stops the answer, Ctrl-D leaves.
""",
    """
示例：

- `zhongshu chat`
- `zhongshu chat --model qwen2.5-coder-1.5b --depth medium`
- `printf '%s\\n' "你好" "用法语怎么说？" | zhongshu chat --json`

对话中可用：`/model 名称`、`/depth 深度`、`/clear`、`/save 文件`、`/help`、`/exit`。Ctrl-C 停止回答，Ctrl-D 退出。
""",
)


@app.command("chat", help=t("Talk in the terminal, with history.", "在终端里多轮对话。"), epilog=EPILOG)
def chat(
    model: str = typer.Option("auto", "--model", "-m", help=MODEL),
    depth: str | None = typer.Option(None, "--depth", "-d", "--effort", "-e", help=DEPTH),
    system: str | None = typer.Option(
        None, "--system", "-s", help=t("Instructions given before the conversation.", "对话之前的系统指令。")
    ),
    url: str | None = typer.Option(None, "--url", help=URL),
    as_json: bool = JsonOption,
) -> None:
    asked = depth_asked(depth)
    try:
        door = door_to(url)
    except Trouble as trouble:
        err.print(str(trouble), style="red", markup=False, highlight=False)
        raise typer.Exit(1) from None
    Conversation(door, model=model, depth=asked, system=system, as_json=as_json).run()


class Conversation:
    """The messages so far, and how the next one is asked."""

    def __init__(self, door: Any, *, model: str, depth: str | int | None, system: str | None, as_json: bool) -> None:
        self._door = door
        self._first: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
        self.messages = list(self._first)
        self.model = model
        self.depth = depth
        self._json = as_json
        self._aigc: dict[str, str] = {}

    def run(self) -> None:
        """Read lines until the end of the input or /exit."""
        with suppress(ImportError):
            importlib.import_module("readline")  # gives input() its line editing
        while True:
            try:
                line = input("" if self._json else "› ").strip()
            except EOFError:
                err.print()  # the shell's prompt begins on a line of its own
                return
            except KeyboardInterrupt:
                err.print(t("\nType /exit or press Ctrl-D to leave.", "\n输入 /exit 或按 Ctrl-D 退出。"), style="dim")
                continue
            if line in ("/exit", "/quit"):
                return
            if line.startswith("/"):
                self._command(*line.partition(" ")[::2])
            elif line:
                self._ask(line)

    def _ask(self, line: str) -> None:
        from zhongshu.cli import replies, showing, talking

        messages = [*self.messages, {"role": "user", "content": line}]
        body = talking.request(messages, self.model, self.depth, stream=not self._json)
        try:
            if self._json:
                reply = talking.whole(self._door, body)
                print_json(reply)
                shown = replies.reply(reply)
            else:
                shown = showing.stream(talking.pieces(self._door, body))
        except Trouble as trouble:
            err.print(str(trouble), style="red", markup=False, highlight=False)
            return
        except KeyboardInterrupt:
            err.print(t("\nStopped; this question is forgotten.", "\n已停止；这个问题不会记入对话。"), style="dim")
            return
        self.messages = [*messages, {"role": "assistant", "content": shown.text}]
        if shown.extra and shown.extra.label and shown.extra.label.AIGC:
            self._aigc = shown.extra.label.AIGC

    def _command(self, name: str, value: str) -> None:
        value = value.strip()
        match name:
            case "/model":
                self.model = value or self.model
                self._say(f"model = {self.model}")
            case "/depth" | "/effort" if depth_of(value or "auto") is not None:
                self.depth = depth_of(value or "auto")
                self._say(f"depth = {self.depth}")
            case "/depth" | "/effort":
                self._say("/depth " + " | ".join((*DEPTHS, "1 - 1000000")))
            case "/clear":
                self.messages = list(self._first)
                self._say(t("A new conversation.", "已开始新的对话。"))
            case "/save" if value:
                self._save(Path(value).expanduser())
            case _:
                self._say(
                    t(
                        "/model NAME   /depth LEVEL   /clear   /save FILE   /exit",
                        "/model 名称   /depth 深度   /clear   /save 文件   /exit",
                    )
                )

    def _save(self, file: Path) -> None:
        # Both labels of GB 45438-2025: words that people read, and front matter that programs do, one to a file.
        marked = f"---\nAIGC: {msgspec.json.encode(self._aigc).decode()}\n---\n\n" if self._aigc else ""
        note = t("Answers in this file were generated by AI.", "本文件中的回答由人工智能生成。")
        turns = "\n\n".join(f"## {m['role']}\n\n{m['content']}" for m in self.messages)
        try:
            file.write_text(f"{marked}> {note}\n\n{turns}\n", encoding="utf-8")
        except OSError as error:
            self._say(t(f"{file} cannot be written: {error.strerror}", f"无法写入 {file}：{error.strerror}"))
            return
        self._say(t(f"Saved in {file}.", f"已保存到 {file}。"))

    def _say(self, text: str) -> None:
        err.print(text, style="dim", markup=False, highlight=False)

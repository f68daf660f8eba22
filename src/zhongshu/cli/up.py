"""`zhongshu up`: fetch what is missing, start everything, and say how to use it."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from zhongshu.cli.output import JsonOption, err, fail, fail_with, out, print_json
from zhongshu.cli.words import chinese, reason, t

if TYPE_CHECKING:
    from zhongshu.app.settings import Settings
    from zhongshu.app.supervisor import Ready

app = typer.Typer()

CONFIG = t("The settings file.", "设置文件。")
EPILOG = t(
    """
Examples:

- `zhongshu up`
- `zhongshu up --profile tiny --port 8080`
- `zhongshu up --config /etc/zhongshu.toml --host 0.0.0.0 --workers 4`
- `ZHONGSHU_FIRST_KEY=choose-a-long-secret zhongshu up --json`

Ctrl-C or SIGTERM stops it once the running answers are complete; SIGHUP reads the settings again.
""",
    """
示例：

- `zhongshu up`
- `zhongshu up --profile tiny --port 8080`
- `zhongshu up --config /etc/zhongshu.toml --host 0.0.0.0 --workers 4`
- `ZHONGSHU_FIRST_KEY=自选的长密钥 zhongshu up --json`

按 Ctrl-C 或发送 SIGTERM，会在进行中的回答完成后停止；SIGHUP 重新读取设置。
""",
)


@app.command("up", help=t("Start the platform on this machine.", "在本机启动平台。"), epilog=EPILOG)
def up(
    host: str | None = typer.Option(None, "--host", help=t("Address to listen on.", "监听地址。")),
    port: int | None = typer.Option(
        None, "--port", "-p", help=t("Port; 0 lets the system choose.", "端口；0 由系统选择。")
    ),
    workers: int | None = typer.Option(None, "--workers", help=t("API processes.", "API 进程数。")),
    profile: str | None = typer.Option(
        None, "--profile", help=t("Local models: default, tiny or none.", "本地模型：default、tiny 或 none。")
    ),
    config: Annotated[Path | None, typer.Option("--config", "-c", help=CONFIG)] = None,
    no_pull: bool = typer.Option(False, "--no-pull", help=t("Do not fetch missing models.", "不获取缺少的模型。")),
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.app.complaints import SettingsError
    from zhongshu.app.loading import load

    options = {"server.host": host, "server.port": port, "server.workers": workers, "profile": profile}
    try:
        settings = load(config, options=options)
    except SettingsError as error:
        err.print(error.text(chinese=chinese()), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None
    _refuse_bad_first_key()
    _refuse_taken_address(settings)
    _fetch_missing(settings, no_pull=no_pull)
    raise typer.Exit(_run(settings, lambda: load(config, options=options), as_json=as_json))


def _fetch_missing(settings: Settings, *, no_pull: bool) -> None:
    from zhongshu.cli import fetching
    from zhongshu.core.problems import Fault

    absent = fetching.missing(settings)
    if not absent:
        return
    names = ", ".join(row.name for row in absent)
    if no_pull:
        err.print(t(f"Not here, not fetched: {names}", f"本机没有且未获取：{names}"), style="yellow", highlight=False)
        return
    megabytes = sum(row.bytes for row in absent) // 1_000_000
    err.print(
        t(f"Fetching {names} ({megabytes} MB, once)", f"正在获取 {names}（{megabytes} MB，仅此一次）"), highlight=False
    )
    try:
        fetching.fetch(absent, settings.model_sources)
    except Fault as fault:
        fail_with(fault.problem)
    except KeyboardInterrupt:
        fail(
            "Stopped. What was fetched is kept; run it again to go on.",
            "已停止。已获取的部分会保留；再次运行可继续。",
            code=130,
        )


def _run(settings: Settings, reload: Callable[[], Settings], *, as_json: bool) -> int:
    import sqlite3

    from sqlalchemy.exc import DBAPIError

    from zhongshu.app import supervisor
    from zhongshu.app.children import NeverReady
    from zhongshu.app.logs import set_up_logs
    from zhongshu.storage.counters import CounterError
    from zhongshu.storage.database import SchemaError
    from zhongshu.storage.secrets import SecretError

    set_up_logs(settings.server)
    try:
        return supervisor.run(
            settings, announce=lambda ready: _announce(ready, settings, as_json=as_json), reload=reload
        )
    except supervisor.AlreadyRunning:
        fail(
            f"A server of {settings.home} is already running; stop it first, or set another ZHONGSHU_HOME.",
            f"{settings.home} 的服务已在运行；请先停止，或另设 ZHONGSHU_HOME。",
        )
    except supervisor.AddressTaken as taken:
        _fail_taken(taken.host, taken.port, taken.why)
    except NeverReady as child:
        _fail_never_ready(settings, str(child))
    except (DBAPIError, sqlite3.Error, CounterError, SchemaError, SecretError) as error:
        _fail_unusable(settings, error)
    except (FileExistsError, NotADirectoryError, PermissionError, FileNotFoundError) as error:
        fail(
            f"The state directory {settings.home} cannot be used ({error.strerror}). Set ZHONGSHU_HOME to a directory "
            "of yours.",
            f"无法使用状态目录 {settings.home}（{reason(error)}）。请将 ZHONGSHU_HOME 设为您可写的目录。",
        )


def _fail_never_ready(settings: Settings, child: str) -> NoReturn:
    from zhongshu.app import standing

    told = standing.read(settings.home)
    for complaint in told.complaints if told else ():
        err.print(complaint.sentence(chinese=chinese()), style="red", markup=False, highlight=False, soft_wrap=True)
    _say_what_fails(settings)
    fail(
        f"It was not started: {child} did not come up. What stands above says why; `zhongshu doctor` looks at the rest.",
        f"未能启动：{child} 没有就绪。原因见上文；`zhongshu doctor` 可检查其余各项。",
    )


def _fail_unusable(settings: Settings, error: Exception) -> NoReturn:
    why = str(getattr(error, "orig", error))
    if _say_what_fails(settings):
        fail("It was not started. What stands above says why.", "未能启动。原因见上文。")
    fail(
        f"{settings.home} cannot be used: {why}. `zhongshu doctor` looks at the rest.",
        f"无法使用 {settings.home}：{why}。`zhongshu doctor` 可检查其余各项。",
    )


def _say_what_fails(settings: Settings) -> bool:
    """Name what is wrong with this machine or the state directory, as `zhongshu doctor` does; whether anything is."""
    from zhongshu.app.checkup.machine import check_machine
    from zhongshu.app.checkup.state import check_state
    from zhongshu.cli.doctor import show

    wrong = [found for check in (check_machine, check_state) for found in check(settings) if found.state == "fail"]
    show(wrong, err)
    return bool(wrong)


def _refuse_bad_first_key() -> None:
    from zhongshu.access.keys import usable
    from zhongshu.app.preparing import FIRST_KEY

    chosen = os.environ.get(FIRST_KEY)
    if chosen and not usable(chosen):
        fail(
            f"{FIRST_KEY}: use 16 to 256 printable ASCII characters without spaces, such as the output of "
            "`openssl rand -hex 24`.",
            f"{FIRST_KEY}：请用 16 至 256 个可打印的 ASCII 字符，不含空格，例如 `openssl rand -hex 24` 的输出。",
            code=2,
        )


def _refuse_taken_address(settings: Settings) -> None:
    """Better now than after minutes of fetching; the supervisor has the last word."""
    from zhongshu.app import running
    from zhongshu.app.serving import listening_socket

    server = settings.server
    if running.find(settings.home):
        return  # the supervisor has a better sentence for that
    try:
        listening_socket(server.host, server.port, server.backlog).close()
    except OSError as error:
        if isinstance(error, socket.gaierror):
            _fail_unknown_host(server.host)
        _fail_taken(server.host, server.port, reason(error))


def _fail_unknown_host(host: str) -> NoReturn:
    fail(
        f"{host} is no address of this machine. Use 127.0.0.1 for this machine only, 0.0.0.0 for every network.",
        f"{host} 不是本机地址。仅供本机使用请写 127.0.0.1，供所有网络使用请写 0.0.0.0。",
    )


def _fail_taken(host: str, port: int, why: str) -> NoReturn:
    fail(
        f"{host}:{port} cannot be listened on ({why}). Choose another port: zhongshu up --port {port + 1 if port else 0}",
        f"无法监听 {host}:{port}（{why}）。请换一个端口：zhongshu up --port {port + 1 if port else 0}",
    )


def _announce(ready: Ready, settings: Settings, *, as_json: bool) -> None:
    from zhongshu.app import paths

    key_file = paths.cli_key_file(settings.home)
    if as_json:
        print_json(ready)
        sys.stdout.flush()
        return
    _say(t(f"Zhongshu is ready at {ready.url}", f"中枢已就绪：{ready.url}"), "bold green")
    models = ("auto", *(_with_releases(name, releases) for name, releases in ready.releases.items()))
    _say(t(f"Models: {', '.join(models)}", f"模型：{'、'.join(models)}"))
    if ready.first_key:
        _say("\n" + t("Your first key; it is shown only this once:", "您的首个密钥，仅显示这一次："))
        _say(f"  {ready.first_key}", "bold")
    _say("\n" + t("Try it:", "试一试："))
    # The one model of this profile knows no Chinese, and does not find an end in it.
    hello = t("Hello! Who are you?", "你好！你是谁？" if settings.profile != "tiny" else "Hello! Who are you?")
    _say(f"  {curl_line(ready.url, ready.first_key, key_file, hello)}\n")
    _say(f"  {python_line(ready.url, ready.first_key, key_file, hello)}\n")
    _say(f'  {_own_name()} ask "{hello}"')


def _with_releases(name: str, releases: tuple[str, ...]) -> str:
    """A model's name, with those of its releases where it has several."""
    if len(releases) < 2:
        return name
    return t(f"{name} ({', '.join(releases)})", f"{name}（{'、'.join(releases)}）")


def _own_name() -> str:
    """How to call this program from here: by name when the shell would find this one, else by its path."""
    mine = Path(sys.argv[0]).absolute()
    found = shutil.which("zhongshu")
    if found and Path(found).resolve() == mine.resolve():
        return "zhongshu"
    return str(mine.relative_to(Path.cwd())) if mine.is_relative_to(Path.cwd()) else str(mine)


def curl_line(url: str, key: str | None, key_file: Path, question: str) -> str:
    """A question by curl that works when pasted; the key is taken from its file when it cannot be shown again."""
    shown = key or f"$(cat {key_file})"
    body = f'{{"model":"auto","messages":[{{"role":"user","content":"{question}"}}]}}'
    return (
        f'curl {url}/v1/chat/completions -H "Authorization: Bearer {shown}" '
        f"-H 'Content-Type: application/json' -d '{body}'"
    )


def python_line(url: str, key: str | None, key_file: Path, question: str) -> str:
    """The same by Python's standard library alone."""
    shown = f'"{key}"' if key else f'open("{key_file}").read().strip()'
    return (
        "python3 -c 'import json, urllib.request as r; print(json.load(r.urlopen(r.Request("
        f'"{url}/v1/chat/completions", json.dumps({{"model": "auto", "messages": [{{"role": "user", '
        f'"content": "{question}"}}]}}).encode(), {{"Authorization": "Bearer " + {shown}, '
        '"Content-Type": "application/json"})))["choices"][0]["message"]["content"])\''
    )


def _say(text: str, style: str = "") -> None:
    out.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

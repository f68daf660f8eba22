"""`zhongshu config`: show, check and reload the settings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from zhongshu.cli.output import JsonOption, err, fail, out, print_done, print_json, print_table
from zhongshu.cli.words import chinese, t

if TYPE_CHECKING:
    from zhongshu.app.complaints import SettingsError
    from zhongshu.app.running import Running

FILE = t("The file; default: the one in use.", "文件；默认为当前使用的文件。")
ConfigOption = typer.Option(None, "--config", "-c", help=t("The settings file.", "设置文件。"))

app = typer.Typer(
    no_args_is_help=True,
    help=t("Show, check and reload the settings.", "显示、检查和重新加载设置。"),
)


def _examples(*lines: str) -> str:
    title = t("Example:", "示例：") if len(lines) == 1 else t("Examples:", "示例：")
    return title + "\n\n" + "\n".join(f"- `{line}`" for line in lines)


@app.command(
    help=t("Print the effective settings as TOML.", "以 TOML 显示生效的设置。"),
    epilog=_examples("zhongshu config show", "zhongshu config show --json | jq .server.port"),
)
def show(config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    from zhongshu.app.effective import as_toml, plain
    from zhongshu.app.loading import load

    try:
        settings = load(config)
    except ValueError as error:
        _refuse(error)
    if as_json:
        print_json(plain(settings))
    else:
        sys.stdout.write(as_toml(settings))


@app.command(
    help=t("Check a settings file and name every mistake.", "检查设置文件并指出所有错误。"),
    epilog=_examples("zhongshu config check", "zhongshu config check /etc/zhongshu.toml --json"),
)
def check(
    file: Annotated[Path | None, typer.Argument(help=FILE)] = None,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.app.complaints import SettingsError
    from zhongshu.app.loading import find, load

    file = file or config
    used = find(file)
    try:
        digest = load(file).digest
    except SettingsError as error:
        if not as_json:
            _refuse(error)
        print_json({"ok": False, "file": used and str(used), "complaints": error.complaints})
        raise typer.Exit(2) from None
    if as_json:
        print_json({"ok": True, "file": used and str(used), "digest": digest, "complaints": []})
        return
    name = used or t("built-in defaults (no file)", "内置默认值（无文件）")
    out.print(
        t(f"{name}: good (digest {digest})", f"{name}：正确（摘要 {digest}）"),
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


@app.command(
    help=t("Print an annotated settings file with every default.", "输出带注释的设置文件，含全部默认值。"),
    epilog=_examples("zhongshu config example > zhongshu.toml"),
)
def example(as_json: bool = JsonOption) -> None:
    from zhongshu.app.example import example_text

    if as_json:
        print_json({"toml": example_text()})
    else:
        sys.stdout.write(example_text())


@app.command(
    help=t("Print which settings file is used, and the directories.", "显示所用的设置文件和各目录。"),
    epilog=_examples("zhongshu config path", "zhongshu config path --json"),
)
def path(config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    from zhongshu.app.loading import find, load

    used = find(config)
    try:
        settings = load(config)
    except ValueError as error:
        _refuse(error)
    places: dict[str, Any] = {
        "settings": str(used) if used else None,
        "home": str(settings.home),
        "models": str(settings.model_sources.folder()),
    }
    if as_json:
        print_json(places)
    else:
        none = t("none: built-in defaults", "无：使用内置默认值")
        print_table((t("what", "项目"), t("where", "位置")), [(name, place or none) for name, place in places.items()])


@app.command(
    help=t(
        "Make the running server read its settings again; no turn is dropped. All its workers take them, or none does: "
        "then it says which field is in the way, and leaves with 2.",
        "让运行中的服务重新读取设置，不中断任何请求。所有工作进程要么全部采用，要么都不采用；后者会指出是哪个字段，并以 2 退出。",
    ),
    epilog=_examples("zhongshu config reload", "zhongshu config reload --json"),
)
def reload(
    config: Path | None = ConfigOption,
    wait_s: float = typer.Option(
        30.0, "--wait", min=0.0, max=3600.0, help=t("Seconds to wait for the workers.", "等待工作进程的秒数。")
    ),
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.app.loading import load
    from zhongshu.cli import reloading

    try:
        settings = load(config)
    except ValueError as error:
        _refuse(error)
    server = _server(settings.home)
    now, over = reloading.told_to_reload(server, settings.home, wait_s)
    if now is None:
        return print_done(
            {"pid": server.pid, "digest": settings.digest},
            t(
                f"Told process {server.pid} to reload. It is of an older version: its log says what came of it.",
                f"已通知进程 {server.pid} 重新加载。该服务版本较旧，结果见其日志。",
            ),
            as_json,
        )
    if as_json:
        print_json({"pid": server.pid, "taken": over and not now.refused, **reloading.plain(now)})
    if not over:
        fail(
            f"After {wait_s:g} s not all workers have answered. `zhongshu config workers` shows them.",
            f"{wait_s:g} 秒内并非所有工作进程都已答复。可用 `zhongshu config workers` 查看。",
        )
    if now.refused:
        reloading.show_refused(now.refused)
        fail(
            f"Nothing was changed: generation {now.generation} goes on.",
            f"未作任何更改：继续使用第 {now.generation} 代设置。",
            code=2,
        )
    if not as_json:
        in_force = f"Generation {now.generation} is in force (digest {now.digest})."
        out.print(t(in_force, f"第 {now.generation} 代设置已生效（摘要 {now.digest}）。"), highlight=False)
        reloading.show_waits(now)
    if now.apart:
        reloading.show_workers(now)
        raise typer.Exit(1)


@app.command(
    help=t(
        "Show which settings each worker of the running server runs, and why one does not run those in force.",
        "显示运行中的服务各工作进程所用的设置，以及未采用生效设置的原因。",
    ),
    epilog=_examples("zhongshu config workers", "zhongshu config workers --json"),
)
def workers(config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    from zhongshu.app import standing
    from zhongshu.app.loading import load
    from zhongshu.cli import reloading

    try:
        settings = load(config)
    except ValueError as error:
        _refuse(error)
    server = _server(settings.home)
    now = standing.read(settings.home)
    if now is None:
        fail(
            "The running server is of an older version and does not say. Start it again.",
            "运行中的服务版本较旧，未提供该信息。请重新启动。",
        )
    if as_json:
        return print_json({"pid": server.pid, **reloading.plain(now)})
    reloading.show_workers(now)
    reloading.show_waits(now)
    if now.refused:
        said = t("The newest settings were refused, nothing was changed:", "最近一次设置被拒绝，未作任何更改：")
        err.print(said, style="red", highlight=False)
        reloading.show_refused(now.refused)


def _server(home: Path) -> Running:
    from zhongshu.app import running

    server = running.find(home)
    if server is None:
        fail(
            "No server is running here; start one with `zhongshu up`.",
            "本机没有运行中的服务；请用 `zhongshu up` 启动。",
        )
    return server


def _refuse(error: ValueError | SettingsError) -> NoReturn:
    from zhongshu.app.complaints import SettingsError

    text = error.text(chinese=chinese()) if isinstance(error, SettingsError) else str(error)
    err.print(text, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(2) from None

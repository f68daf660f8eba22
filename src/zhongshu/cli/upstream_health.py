"""`zhongshu upstreams health | open | close | auto`: how upstreams are, and forcing them on or off.

Works beside a running server and without one: switches lie in the state database, and what the workers see in files
they leave every second.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from zhongshu.cli.managing import ConfigOption, examples, settings, state_of
from zhongshu.cli.output import JsonOption, fail, out, print_json, print_table
from zhongshu.cli.words import t

if TYPE_CHECKING:
    from zhongshu.app.settings import Settings
    from zhongshu.core.health import Forced
    from zhongshu.upstreams.dispatch.reports import Report
    from zhongshu.upstreams.dispatch.switches import Switches

NameArgument = typer.Argument(metavar="NAME", help=t("The upstream's name.", "上游名称。"))
OptionalName = typer.Argument(None, metavar="[NAME]", help=t("One upstream; default: all.", "某个上游；默认全部。"))
ModelOption = typer.Option(
    "",
    "--model",
    "-m",
    help=t("Only this model there (its name at the upstream).", "仅该上游的此模型（上游处的名称）。"),
)


def add_to(app: typer.Typer) -> None:
    """Put the commands into the group `upstreams`."""
    app.command(
        help=t(
            "Show how each upstream is: its breaker, what is in flight and waiting, and how quickly it answers.",
            "显示各上游状态：熔断器、进行中与排队的请求、响应快慢。",
        ),
        epilog=examples("zhongshu upstreams health", "zhongshu upstreams health deepseek --json"),
    )(health)
    app.command(
        "open",
        help=t(
            "Send no more turns to an upstream, or to one model there, until it is set to auto: to drain it.",
            "停止向某个上游（或其中某个模型）发送请求，直到恢复为 auto：用于排空。",
        ),
        epilog=examples("zhongshu upstreams open deepseek", "zhongshu upstreams open vllm-2 --model qwen3-8b"),
    )(open_breaker)
    app.command(
        "close",
        help=t(
            "Send turns to an upstream, or to one model there, whatever happens, until it is set to auto.",
            "无论出现什么情况都向某个上游（或其中某个模型）发送请求，直到恢复为 auto。",
        ),
        epilog=examples("zhongshu upstreams close deepseek"),
    )(close_breaker)
    app.command(
        "auto",
        help=t(
            "Leave an upstream, or one model there, to what happens: undoes open and close.",
            "恢复自动判断：撤销 open 与 close。",
        ),
        epilog=examples("zhongshu upstreams auto deepseek"),
    )(auto_breaker)


def health(name: str | None = OptionalName, config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    found = settings(config)
    if name:
        _check(found, name, "")
    with _switches(found) as switches:
        rows = [row for row in _reports(found, switches) if name in (None, row.upstream)]
    if as_json:
        return print_json(rows)
    columns = t(
        "upstream|model|state|forced|in flight|waiting|answered|failed|retried|first|why",
        "上游|模型|状态|强制|进行中|排队|已应答|失败|重试|首内容|原因",
    ).split("|")
    print_table(columns, [_cells(row) for row in rows])
    if not any(row.workers for row in rows):
        out.print(
            t("No server is running; only what was set is shown.", "服务未运行，仅显示已设置的内容。"), style="dim"
        )
    return None


def open_breaker(
    name: str = NameArgument, model: str = ModelOption, config: Path | None = ConfigOption, as_json: bool = JsonOption
) -> None:
    _set(config, name, model, "open", as_json)


def close_breaker(
    name: str = NameArgument, model: str = ModelOption, config: Path | None = ConfigOption, as_json: bool = JsonOption
) -> None:
    _set(config, name, model, "closed", as_json)


def auto_breaker(
    name: str = NameArgument, model: str = ModelOption, config: Path | None = ConfigOption, as_json: bool = JsonOption
) -> None:
    _set(config, name, model, "auto", as_json)


def _set(config: Path | None, name: str, model: str, to: Forced, as_json: bool) -> None:
    found = settings(config)
    _check(found, name, model)
    with _switches(found) as switches:
        switches.set(name, model, to)
    if as_json:
        return print_json({"upstream": name, "model": model, "forced": to})
    what = f"{name} {model}".rstrip()
    words = {
        "open": t(f"{what}: no turn is sent there any more.", f"{what}：不再发送请求。"),
        "closed": t(f"{what}: turns are sent there whatever happens.", f"{what}：无论如何都发送请求。"),
        "auto": t(f"{what}: left to what happens.", f"{what}：恢复自动判断。"),
    }
    return out.print(words[to], markup=False, highlight=False)


def _check(found: Settings, name: str, model: str) -> None:
    there = _known(found)
    names = sorted({upstream for upstream, _ in there})
    if name not in names:
        here = ", ".join(names) or "-"
        fail(
            f"There is no upstream `{name}`. There are: {here}.",
            f"没有名为 `{name}` 的上游。现有：{here}。",
        )
    if model and (name, model) not in there:
        here = ", ".join(sorted(there_model for upstream, there_model in there if upstream == name and there_model))
        fail(
            f"Nothing is asked of `{model}` at {name}. Its models are: {here or '-'}.",
            f"{name} 没有用到模型 `{model}`。其模型有：{here or '-'}。",
        )


def _known(found: Settings) -> set[tuple[str, str]]:
    from zhongshu.app.build import offers
    from zhongshu.upstreams.dispatch.reports import known

    return known(offers(found)) | {(row.name, "") for row in found.upstreams} | {("embedded", "")}


@contextmanager
def _switches(found: Settings) -> Generator[Switches]:
    from zhongshu.core.clock import SystemClock
    from zhongshu.upstreams.dispatch.switches import Switches

    with state_of(found) as database:
        yield Switches(database, SystemClock())


def _reports(found: Settings, switches: Switches) -> list[Report]:
    from zhongshu.app.shared_metrics import read_all
    from zhongshu.upstreams.dispatch.reports import report

    views = {worker: told.upstreams for worker, told in read_all(found.home / "run").items()}
    return report(views, _known(found), switches.all())


def _cells(row: Report) -> list[str]:
    whys = sorted({_why(view.why, view.until_ns) for view in row.workers if view.why})
    return [
        row.upstream,
        row.model,
        row.state,
        "" if row.forced == "auto" else row.forced,
        str(row.in_flight),
        str(row.waiting),
        str(row.answered),
        str(row.failed),
        str(row.retried),
        f"{row.first_ms:.0f} ms" if row.first_ms else "",
        ", ".join(whys),
    ]


def _why(code: str, until_ns: int) -> str:
    if not until_ns:
        return code
    at = datetime.fromtimestamp(until_ns / 1e9).astimezone().strftime("%H:%M:%S")
    return t(f"{code} until {at}", f"{code}，至 {at}")

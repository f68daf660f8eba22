"""`zhongshu sessions`: what is remembered of turns (stored responses), and forgetting it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from zhongshu.cli.limits import moment
from zhongshu.cli.managing import ConfigOption, examples, settings
from zhongshu.cli.output import JsonOption, fail, fail_with, out, print_json, print_table
from zhongshu.cli.words import t
from zhongshu.core.problems import Fault, problem

if TYPE_CHECKING:
    from zhongshu.sessions.sessions import Sessions

T = TypeVar("T")

app = typer.Typer(
    no_args_is_help=True,
    help=t("Sessions: turns remembered for later ones.", "会话：为后续请求记住的内容。"),
)


@app.command(
    "list",
    help=t("How much is remembered of each tenant.", "各租户被记住的内容有多少。"),
    epilog=examples("zhongshu sessions list", "zhongshu sessions list --json | jq '.[].turns'"),
)
def list_sessions(config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    totals = _with_sessions(config, lambda sessions: sessions.totals())
    if as_json:
        return print_json(totals)
    columns = (
        t("tenant", "租户"),
        t("turns", "请求"),
        t("unfinished", "未完成"),
        t("oldest", "最早"),
        t("newest", "最新"),
    )
    rows = [(x.tenant, x.turns, x.unfinished, moment(x.oldest_ns), moment(x.newest_ns)) for x in totals]
    print_table((*columns, t("bytes", "字节")), [(*row, x.text_bytes) for row, x in zip(rows, totals, strict=True)])


@app.command(
    help=t("Forget what is remembered of a tenant, or one turn.", "忘记某租户的全部内容，或其中一次请求。"),
    epilog=examples("zhongshu sessions forget acme --yes", "zhongshu sessions forget acme --turn resp_0199..."),
)
def forget(
    tenant: str = typer.Argument(help=t("The tenant's id.", "租户编号。")),
    turn: str | None = typer.Option(None, "--turn", help=t("Only this one.", "仅忘记这一次。")),
    yes: bool = typer.Option(False, "--yes", "-y", help=t("Do not ask.", "不再询问。")),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    if turn is None and not yes:
        typer.confirm(t(f"Forget everything of {tenant}?", f"忘记租户 {tenant} 的全部内容？"), abort=True)
    gone = _with_sessions(config, lambda sessions: _forget(sessions, tenant, turn))
    if turn is not None and not gone:
        fail_with(problem("response_not_found", id=turn))
    if as_json:
        return print_json({"tenant": tenant, "forgotten": gone})
    out.print(t(f"{gone} turns of {tenant} are forgotten.", f"已忘记 {tenant} 的 {gone} 次请求。"))


async def _forget(sessions: Sessions, tenant: str, turn: str | None) -> int:
    if turn is None:
        return await sessions.delete_tenant(tenant)
    return int(await sessions.delete(tenant, turn))


def _with_sessions(config: Path | None, work: Callable[[Sessions], Awaitable[T]]) -> T:
    """Do something with this installation's sessions, whether or not its server runs."""
    from zhongshu.core.clock import SystemClock
    from zhongshu.sessions.sessions import open_sessions

    used = settings(config)

    async def opened() -> T:
        sessions = open_sessions(used.sessions, used.home, SystemClock())
        try:
            return await work(sessions)
        finally:
            await sessions.aclose()

    try:
        return asyncio.run(opened())
    except Fault as error:
        fail_with(error.problem)
    except (ValueError, OSError) as error:  # a secret or schema that cannot be used says itself what to do
        fail(str(error), str(error))

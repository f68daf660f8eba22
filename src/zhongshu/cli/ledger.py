"""`zhongshu ledger`: look back at turns, prove that nothing was changed, take records out, erase texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
import typer

from zhongshu.cli.ledger_reach import (
    erased_keys,
    follow_turns,
    home_of,
    label_words,
    ledger,
    target,
    wanted_groups,
    wanted_turns,
)
from zhongshu.cli.ledger_views import (
    MOST_ROWS,
    KeyOption,
    ModelOption,
    OutcomeOption,
    ReleaseOption,
    SinceOption,
    TenantOption,
    UntilOption,
    UserOption,
    moment_ns,
    progress,
    reading,
    show_events,
    show_report,
    show_rows,
    show_sums,
    show_turn,
)
from zhongshu.cli.managing import ConfigOption, examples, settings
from zhongshu.cli.output import JsonOption, fail, out, print_json
from zhongshu.cli.words import t
from zhongshu.storage.secrets import SecretError

if TYPE_CHECKING:
    from zhongshu.ledger.index import Index, Shown, Sums
    from zhongshu.ledger.rows import Filter

app = typer.Typer(
    no_args_is_help=True,
    help=t("The record of every turn: look back, verify, export.", "每次请求的记录：回看、校验、导出。"),
)
OutputOption = typer.Option(
    None, "--output", "-o", help=t("A file; default: standard output.", "输出文件，默认标准输出。")
)
AnchorOption = typer.Option(
    None, "--anchor", help=t("A copy of the checkpoints kept elsewhere.", "保存在别处的检查点副本。")
)
Form = Literal["jsonl", "csv"]
FormOption = typer.Option("jsonl", "--format", help=t("The form.", "格式。"))
TextOption = typer.Option(False, "--text", help=t("Decrypt prompt and answer.", "解密提示与回答。"))


@app.command(
    help=t("The newest turns.", "最近的请求。"),
    epilog=examples("zhongshu ledger tail", "zhongshu ledger tail -n 50 --tenant acme", "zhongshu ledger tail -f"),
)
def tail(
    lines: int = typer.Option(20, "--lines", "-n", min=1, max=MOST_ROWS, help=t("How many.", "条数。")),
    follow: bool = typer.Option(False, "--follow", "-f", help=t("Go on as turns come.", "持续显示新请求。")),
    tenant: str | None = TenantOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    with ledger(config) as (_, index):
        wanted = wanted_turns(tenant=tenant)
        with reading():
            rows = index.tail(lines, wanted)
        if follow:
            follow_turns(index, wanted, as_json)
        elif as_json:
            print_json([msgspec.structs.asdict(row) for row in rows])
        else:
            show_rows(rows)


@app.command(
    help=t("One turn, whole.", "一次请求的全部内容。"),
    epilog=examples("zhongshu ledger show 018f...", "zhongshu ledger show 018f... --text --json"),
)
def show(
    trace: str = typer.Argument(help=t("The trace id, from the answer or a list.", "追踪号，见回答或列表。")),
    text: bool = TextOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.ledger.export import as_dict

    with ledger(config) as (found, index):
        with reading():
            shown = index.show(trace, text=text)
        if shown is None:
            fail(
                f"There is no turn {trace}. `zhongshu ledger tail` lists the newest.",
                f"没有追踪号为 {trace} 的请求。用 `zhongshu ledger tail` 查看最近的请求。",
            )
        line = as_dict(shown, label_words(found))
        if as_json:
            print_json(line)
        else:
            show_turn(line, shown)


@app.command(
    help=t("Turns by filter, newest first.", "按条件查找请求，新的在前。"),
    epilog=examples(
        "zhongshu ledger find --tenant acme --outcome failed --since 2h",
        "zhongshu ledger find --model qwen --text invoice --limit 5 --json",
    ),
)
def find(
    tenant: str | None = TenantOption,
    key: str | None = KeyOption,
    user: str | None = UserOption,
    model: str | None = ModelOption,
    release: str | None = ReleaseOption,
    outcome: str | None = OutcomeOption,
    since: str | None = SinceOption,
    until: str | None = UntilOption,
    text: str | None = typer.Option(
        None,
        "--text",
        help=t("Words in prompt or answer; every candidate is decrypted.", "提示或回答中的文字，逐条解密查找。"),
    ),
    limit: int = typer.Option(50, "--limit", "-n", min=1, max=MOST_ROWS, help=t("How many at most.", "最多条数。")),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    with ledger(config) as (_, index):
        wanted = wanted_turns(tenant, key, user, model, release, outcome, since, until, text)
        with reading():
            total = index.count(wanted) if text else 0
        with progress(t("Reading texts", "读取文本"), total, shown=text is not None) as advance:
            rows = index.find(wanted, limit, advance)
        if as_json:
            print_json([msgspec.structs.asdict(row) for row in rows])
        else:
            show_rows(rows)


@app.command(
    help=t("Check that nothing was edited, removed, moved or rewritten.", "校验记录是否被修改、删除、移动或重写。"),
    epilog=examples(
        "zhongshu ledger verify",
        "zhongshu ledger verify --anchor /mnt/other/checkpoints.jsonl --public-key 3b6a...",
    ),
)
def verify(
    anchor: Path | None = AnchorOption,
    public_key: str | None = typer.Option(
        None, "--public-key", help=t("The key to trust, as you noted it down.", "您记录下来的可信公钥。")
    ),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.ledger.reader import journal_bytes
    from zhongshu.ledger.verify import verify as verify_home

    found = settings(config)
    home = home_of(found)
    if anchor and not anchor.is_file():
        fail(f"--anchor {anchor}: there is no such file.", f"--anchor {anchor}：文件不存在。", code=2)
    with progress(t("Verifying", "校验中"), journal_bytes(home)) as advance:
        report = verify_home(
            home,
            anchor=anchor,
            public=public_key,
            tolerance_s=found.ledger.clock_tolerance_s,
            progress=advance,
        )
    if as_json:
        print_json(report)
    else:
        show_report(report)
    if not report.ok:
        raise typer.Exit(1)


@app.command(
    help=t(
        "Write turns out. Text leaves only with its AI label.",
        "导出记录。导出的文本始终带有人工智能生成标识。",
    ),
    epilog=examples(
        "zhongshu ledger export --since 2026-11-01 > november.jsonl",
        "zhongshu ledger export --format csv --tenant acme --text --output acme.csv",
    ),
)
def export(
    form: Form = FormOption,
    output: Path | None = OutputOption,
    text: bool = TextOption,
    tenant: str | None = TenantOption,
    key: str | None = KeyOption,
    user: str | None = UserOption,
    model: str | None = ModelOption,
    release: str | None = ReleaseOption,
    outcome: str | None = OutcomeOption,
    since: str | None = SinceOption,
    until: str | None = UntilOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.ledger.export import export as write_out

    if as_json and output is None:
        fail(
            "--json needs --output: the records themselves go there.",
            "--json 须与 --output 同用：记录写入该文件。",
            code=2,
        )
    with ledger(config) as (found, index):
        wanted = wanted_turns(tenant, key, user, model, release, outcome, since, until)
        with reading():
            bar = progress(t("Exporting", "导出中"), index.count(wanted))
        with bar as advance, target(output) as write:
            unread: list[str] = []
            for piece in write_out(_each(index, wanted, text, advance, unread), form, label_words(found)):
                write(piece)
        if output and as_json:
            print_json({"file": str(output), "bytes": output.stat().st_size, "unread": unread})
    if unread:
        fail(
            f"{len(unread)} records cannot be read and are not among them, the first is {unread[0]}. "
            "`zhongshu ledger verify` says what happened to the journal.",
            f"有 {len(unread)} 条记录无法读取，未导出；第一条为 {unread[0]}。请用 `zhongshu ledger verify` 检查日志。",
        )


@app.command(
    help=t(
        "Totals by tenant, key, user, model, release, outcome, hour, day or month.",
        "按租户、密钥、用户、模型、版本、结局或时段汇总。",
    ),
    epilog=examples("zhongshu ledger stats --by model,day --since 7d", "zhongshu ledger stats --by tenant --json"),
)
def stats(
    by: str = typer.Option("model", "--by", metavar="A,B", help=t("What to group by.", "分组依据。")),
    tenant: str | None = TenantOption,
    model: str | None = ModelOption,
    since: str | None = SinceOption,
    until: str | None = UntilOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.ledger.queries import GROUPS

    groups = wanted_groups(by, GROUPS)
    with ledger(config) as (_, index):
        asked = wanted_turns(tenant=tenant, model=model, since=since, until=until)
        with reading():
            sums = index.stats(groups, asked)
        if as_json:
            print_json([{**dict(zip(groups, row.group, strict=True)), **_plain(row)} for row in sums])
        else:
            show_sums(groups, sums)


@app.command(
    help=t(
        "What was done to the ledger and the installation: erasures, texts shown, changes.",
        "对账本与系统所做的操作：删除、查看原文、变更。",
    ),
    epilog=examples("zhongshu ledger events", "zhongshu ledger events --name texts_erased --since 30d --json"),
)
def events(
    name: str | None = typer.Option(None, "--name", help=t("Only these.", "只看此类。")),
    since: str | None = SinceOption,
    until: str | None = UntilOption,
    limit: int = typer.Option(50, "--limit", "-n", min=1, max=MOST_ROWS, help=t("How many at most.", "最多条数。")),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.ledger.rows import EventFilter

    wanted = EventFilter(name=name, since_ns=moment_ns("--since", since), until_ns=moment_ns("--until", until))
    with ledger(config) as (_, index):
        with reading():
            found = index.events(wanted, limit)
        if as_json:
            print_json([{"stream": entry.stream, **msgspec.structs.asdict(entry.content)} for entry in found])
        else:
            show_events(found)


@app.command(
    help=t(
        "Erase a tenant's texts and files of a month for good, by shredding their key. The records stay.",
        "销毁密钥，从而永久删除某租户某月的文本与文件；记录本身保留。",
    ),
    epilog=examples(
        "zhongshu ledger erase --tenant acme --month 2026-01 --reason 'contract ended'",
        "zhongshu ledger erase --tenant acme --month 2026-11 --reason 'request 4711' --lawful-request",
    ),
)
def erase(
    tenant: str = typer.Option(..., "--tenant", "-t", help=t("Whose texts.", "租户。")),
    month: str = typer.Option(..., "--month", metavar="YYYY-MM", help=t("Which month, UTC.", "月份（UTC）。")),
    reason: str = typer.Option(..., "--reason", help=t("Why; it is recorded.", "原因，将被记录。")),
    lawful_request: bool = typer.Option(
        False,
        "--lawful-request",
        help=t("A person's lawful request: allowed inside the 183 days.", "个人依法提出：183 天内也可执行。"),
    ),
    yes: bool = typer.Option(False, "--yes", "-y", help=t("Do not ask.", "不再确认。")),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    found = settings(config)
    home_of(found)
    if not yes:
        _confirm_erasure(tenant, month, as_json)
    gone = erased_keys(found, tenant, month, reason, lawful_request=lawful_request)
    if as_json:
        print_json({"tenant": tenant, "month": month, "erased_keys": gone})
    elif gone:
        out.print(t("Erased. The records and the chain stay.", "已删除。记录与哈希链保留。"))
    else:
        fail(f"There are no texts of {tenant} in {month}.", f"{tenant} 在 {month} 没有文本。")


@app.command(
    help=t("Sign the state of the journal now, and print the public key.", "立即签名当前日志状态，并显示公钥。"),
    epilog=examples("zhongshu ledger checkpoint", "zhongshu ledger checkpoint --json | jq -r .public_key"),
)
def checkpoint(config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    from zhongshu.ledger.checkpoints import public_key
    from zhongshu.ledger.keeper import sign_now

    found = settings(config)
    home = home_of(found)
    with reading():
        number = sign_now(found.ledger, home)
    if number is None:
        fail(
            "The ledger keeper did not sign within 10 s. See its log; `zhongshu doctor` checks the journal.",
            "账本守护进程未在 10 秒内签名。请查看其日志；`zhongshu doctor` 可检查日志。",
        )
    key = public_key(home) or ""
    if as_json:
        print_json({"checkpoint": number, "public_key": key})
    else:
        out.print(
            t(
                f"Checkpoint {number} is signed. Keep this public key elsewhere:",
                f"检查点 {number} 已签名。请将此公钥另存别处：",
            )
        )
        out.print(key, highlight=False)


def _confirm_erasure(tenant: str, month: str, as_json: bool) -> None:
    if as_json:
        fail(
            "It cannot be undone: add --yes to erase without being asked.",
            "此操作无法撤销：如无需确认，请加 --yes。",
            code=2,
        )
    question = t(f"Erase the texts of {tenant} in {month} for good?", f"永久删除 {tenant} 在 {month} 的文本？")
    if not typer.confirm(question, err=True):
        raise typer.Exit(1)


def _each(
    index: Index, wanted: Filter, text: bool, advance: Callable[[int], None], unread: list[str]
) -> Iterator[Shown]:
    """Every turn that can be read; the trace ids of the others go into `unread`."""
    for row in index.each(wanted):
        advance(1)
        try:
            shown = index.whole(row, text=text)
        except SecretError:  # no text at all can be opened
            raise
        except (LookupError, ValueError):
            unread.append(row.trace)
        else:
            yield shown


def _plain(sums: Sums) -> dict[str, object]:
    return {name: value for name, value in msgspec.structs.asdict(sums).items() if name != "group"}

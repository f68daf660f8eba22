"""How `zhongshu ledger` reaches the ledger: settings, index, filters, and where its output goes."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import msgspec

from zhongshu.cli.ledger_views import moment_ns, show_line
from zhongshu.cli.managing import settings
from zhongshu.cli.output import err, fail, fail_with
from zhongshu.core.problems import Fault
from zhongshu.core.records import Outcome
from zhongshu.storage.secrets import SecretError

if TYPE_CHECKING:
    from zhongshu.app.settings import Settings
    from zhongshu.ledger.export import LabelWords
    from zhongshu.ledger.index import Index
    from zhongshu.ledger.rows import Filter


def wanted_turns(
    tenant: str | None = None,
    key: str | None = None,
    user: str | None = None,
    model: str | None = None,
    release: str | None = None,
    outcome: str | None = None,
    since: str | None = None,
    until: str | None = None,
    text: str | None = None,
) -> Filter:
    """The filter that the options of a command amount to."""
    from zhongshu.ledger.rows import Filter

    outcomes = get_args(Outcome)
    if outcome is not None and outcome not in outcomes:
        known = ", ".join(outcomes)
        fail(f"--outcome {outcome}: use one of {known}.", f"--outcome {outcome}：请用以下之一：{known}。", code=2)
    since_ns, until_ns = moment_ns("--since", since), moment_ns("--until", until)
    return Filter(
        tenant=tenant, key=key, user=user, model=model, release=release, outcome=outcome,
        since_ns=since_ns, until_ns=until_ns, text=text,
    )  # fmt: skip


def wanted_groups(by: str, known: Collection[str]) -> tuple[str, ...]:
    """What --by names, each one of `known`."""
    groups = tuple(name for name in by.split(",") if name)
    if unknown := [name for name in groups if name not in known]:
        fail(
            f"--by {unknown[0]}: use any of {', '.join(known)}.",
            f"--by {unknown[0]}：可用 {'、'.join(known)}。",
            code=2,
        )
    return groups


def home_of(found: Settings) -> Path:
    """The state directory; leaves when nothing was ever recorded there."""
    if not (found.home / "journal").is_dir():
        fail(
            f"There is no journal in {found.home} yet. Start with `zhongshu up`, or name the settings with --config.",
            f"{found.home} 中还没有日志。请先运行 `zhongshu up`，或用 --config 指定设置文件。",
        )
    return found.home


@contextmanager
def ledger(config: Path | None) -> Generator[tuple[Settings, Index]]:
    """The settings and the index; says what is wrong with the journal when something is."""
    from zhongshu.ledger.index import open_index

    found = settings(config)
    home = home_of(found)
    try:
        yield found, open_index(found.ledger, home)
    except LookupError as error:
        fail(
            f"{error}. `zhongshu ledger verify` says what happened to the journal.",
            f"{error}。请用 `zhongshu ledger verify` 检查日志。",
        )
    except sqlite3.Error as error:
        fail(
            f"{home / 'index.db'} cannot be read: {error}. `zhongshu doctor` says what to do.",
            f"无法读取 {home / 'index.db'}：{error}。修复方法见 `zhongshu doctor`。",
        )
    except UnicodeError:  # something that was typed: the border says so
        raise
    except SecretError as error:
        fail(str(error), f"文本密钥无法使用，请恢复 secrets/text.key 的原文件与权限：{error}")
    except ValueError as error:
        fail(str(error), "文本与其记录不符：日志被改动。请用 `zhongshu ledger verify` 检查。")


def label_words(found: Settings) -> LabelWords:
    """What exported text is labelled with."""
    from zhongshu.ledger.export import LabelWords

    return LabelWords(found.label.producer, found.label.words, found.label.words_zh)


def erased_keys(found: Settings, tenant: str, month: str, reason: str, *, lawful_request: bool) -> int:
    """Erase a tenant's texts of a month; how many keys were shredded. Leaves with what stands in the way."""
    from zhongshu.core.clock import SystemClock
    from zhongshu.ledger.erasure import Locked, erase
    from zhongshu.ledger.journal import SlotTaken

    erasing = erase(
        found.ledger, found.home, SystemClock(),
        tenant=tenant, month=month, reason=reason, lawful_request=lawful_request,
    )  # fmt: skip
    try:
        return asyncio.run(erasing)
    except SecretError as error:
        fail(str(error), f"文本密钥无法使用，请恢复 secrets/text.key 的原文件与权限：{error}")
    except Locked:
        fail(
            f"{month} is younger than 183 days, so its texts must be kept. With a person's lawful request: "
            "--lawful-request; the request is recorded.",
            f"{month} 未满 183 天，文本须保存。如系个人依法请求，请加 --lawful-request，该请求将被记录。",
        )
    except ValueError:
        fail(f"--month {month}: give a month such as 2026-01.", f"--month {month}：请填写月份，如 2026-01。", code=2)
    except SlotTaken:
        fail(
            "Another ledger command is writing. Try again when it is done.", "另一条 ledger 命令正在写入，请稍后重试。"
        )
    except Fault as error:
        fail_with(error.problem)


def follow_turns(index: Index, wanted: Filter, as_json: bool) -> None:
    """Show turns as they come, until interrupted."""
    from zhongshu.ledger.rows import keeps

    try:
        for row in index.follow():
            if row is None:
                time.sleep(0.2)
            elif keeps(wanted, row):
                if as_json:
                    sys.stdout.write(msgspec.json.encode(msgspec.structs.asdict(row)).decode() + "\n")
                    sys.stdout.flush()
                else:
                    show_line(row)
    except KeyboardInterrupt:
        err.print()


@contextmanager
def target(output: Path | None) -> Generator[Callable[[bytes], object]]:
    """Where exported bytes go."""
    if output is None:
        yield sys.stdout.buffer.write
        sys.stdout.flush()
        return
    with output.open("wb") as file:
        yield file.write

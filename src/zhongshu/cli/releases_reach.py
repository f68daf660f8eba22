"""How `zhongshu releases` reaches the plans, how it is told shares and rules, and how a change is written down."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from zhongshu.cli.managing import settings, state_of
from zhongshu.cli.output import err, fail, fail_with, out, print_json
from zhongshu.cli.words import t
from zhongshu.core.problems import Fault

if TYPE_CHECKING:
    from zhongshu.app.settings import Settings
    from zhongshu.catalog.changing import ReleaseDesk
    from zhongshu.catalog.plans import Change, Rule, Sticky

BY = "cli"
RELEASE = t("The release's version.", "版本号。")
ModelArgument = typer.Argument(help=t("The model's name.", "模型名称。"))
StickyOption = typer.Option(
    None,
    "--sticky",
    metavar="user|key|turn",
    help=t("What keeps its release.", "按什么固定版本：用户、密钥，或每次请求另选。"),
)
_SPAN = re.compile(r"(\d{1,6})([smhd])")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_RULE_PARTS = ("tenant", "key", "user", "header")


@contextmanager
def desk(config: Path | None) -> Generator[tuple[Settings, ReleaseDesk]]:
    """The settings and the plans of this installation, whether or not its server runs."""
    from zhongshu.catalog.catalog import offer_of
    from zhongshu.catalog.changing import ReleaseDesk
    from zhongshu.core.clock import SystemClock

    found = settings(config)
    offers = tuple(map(offer_of, found.models))
    with state_of(found) as database:
        try:
            yield found, ReleaseDesk(database, SystemClock(), lambda: offers)
        except Fault as error:
            fail_with(error.problem)


def change(config: Path | None, as_json: bool, wanted: Callable[[ReleaseDesk], Change]) -> None:
    """Make a change, write it into the journal too, and say what it came to."""
    from zhongshu.app.canaries import note_change
    from zhongshu.core.clock import SystemClock

    with desk(config) as (found, plans):
        made = wanted(plans)
    noted = asyncio.run(note_change(made, found.ledger, found.home, SystemClock(), slot=BY))
    if not noted:
        err.print(
            t(
                "The change stands, but the journal could not take a note of it; the history has it.",
                "变更已生效，但未能写入日志；变更历史中有记录。",
            ),
            style="yellow",
        )
    if as_json:
        print_json(change_plain(made))
        return
    shares = cell(made.after.percents())
    out.print(
        t(f"Change {made.number} of {made.model}: {shares}.", f"{made.model} 的第 {made.number} 号变更：{shares}。"),
        highlight=False,
        markup=False,
    )


def change_plain(made: Change) -> dict[str, Any]:
    """A change as JSON."""
    plain: dict[str, Any] = msgspec.to_builtins(made)
    return plain


def cell(percents: dict[str, float]) -> str:
    """Shares in a line."""
    return ", ".join(f"{version} {percent:g}%" for version, percent in _rounded(percents).items())


def _rounded(percents: dict[str, float]) -> dict[str, float]:
    return {version: round(percent, 2) for version, percent in percents.items()}


def shares_of(texts: Sequence[str]) -> dict[str, float]:
    """ "1=90" "2=10" as weights by version."""
    shares: dict[str, float] = {}
    for text in texts:
        version, equals, weight = text.rpartition("=")
        try:
            shares[version] = float(weight)
        except ValueError:
            equals = ""
        if not equals or not version:
            fail(
                f"{text}: give a version and its share, such as 1=90.",
                f"{text}：请填写版本及其份额，例如 1=90。",
                code=2,
            )
    return shares


def rules_of(texts: Sequence[str]) -> tuple[Rule, ...]:
    """ "2:tenant=acme,user=ann" as a rule; "2:header=x-beta=on" for a header's value."""
    from zhongshu.catalog.plans import Rule

    rules: list[Rule] = []
    for text in texts:
        version, colon, rest = text.partition(":")
        given: dict[str, list[str]] = {}
        for part in rest.split(","):
            name, equals, value = part.partition("=")
            if not equals or not value or name not in _RULE_PARTS:
                colon = ""
                break
            given.setdefault(name, []).append(value)
        if not colon or not version or len(given.get("header", ())) > 1:
            fail(
                f"--rule {text}: give VERSION:WHEN, where WHEN is tenant=, key=, user= or header=NAME[=VALUE], joined "
                "by commas, such as 2:tenant=acme,header=x-beta=on.",
                f"--rule {text}：请填写 版本:条件，条件为 tenant=、key=、user= 或 header=名称[=值]，用逗号连接，"
                "例如 2:tenant=acme,header=x-beta=on。",
                code=2,
            )
        header, _, value = "".join(given.get("header", ())).partition("=")
        rules.append(
            Rule(
                release=version,
                tenants=tuple(given.get("tenant", ())),
                keys=tuple(given.get("key", ())),
                users=tuple(given.get("user", ())),
                header=header,
                value=value,
            )
        )
    return tuple(rules)


def span_s(option: str, text: str) -> float:
    """ "10m" in seconds."""
    match = _SPAN.fullmatch(text)
    if not match:
        fail(
            f"{option} {text}: give a span such as 90s, 10m or 2h.",
            f"{option} {text}：请填写时长，例如 90s、10m、2h。",
            code=2,
        )
    return float(int(match[1]) * _UNIT_S[match[2]])


def margin(option: str, text: str) -> float | None:
    """ "2%" or "0.02"; None for "none"."""
    if text == "none":
        return None
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        fail(
            f"{option} {text}: give a number such as 0.02 or 2%, or none not to look.",
            f"{option} {text}：请填写数值，例如 0.02 或 2%；不检查请填 none。",
            code=2,
        )


def stickiness(text: str | None) -> Sticky | None:
    """ "user", "key" or "turn"; None where it is not said."""
    if text is None or text == "user" or text == "key" or text == "turn":
        return text
    fail(f"--sticky {text}: use user, key or turn.", f"--sticky {text}：请用 user、key 或 turn。", code=2)

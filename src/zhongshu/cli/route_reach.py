"""How `zhongshu route explain` and `report` reach what they look back at: the ledger, scores, labels, and the router as
the settings have it now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from zhongshu.cli.ledger_reach import ledger, wanted_turns
from zhongshu.cli.output import fail

if TYPE_CHECKING:
    from zhongshu.app.settings import Settings
    from zhongshu.core.models import ModelCard, Offer
    from zhongshu.core.turns import Turn
    from zhongshu.ledger.index import Index, Shown
    from zhongshu.ledger.rows import TurnRow
    from zhongshu.router.decision import Decider
    from zhongshu.router.proof import Case
    from zhongshu.router.report import Done, Label, Report

_TEXT_KINDS = ("chat", "completion")


def decider(found: Settings) -> tuple[Decider, tuple[Offer, ...]]:
    """The router as these settings have it, and the offers that `auto` stands for when it writes text."""
    from zhongshu.app.build import offers
    from zhongshu.app.pricing import exchange_between
    from zhongshu.catalog.catalog import ModelCatalog
    from zhongshu.router.decision import AUTO, Decider

    catalog = ModelCatalog(offers(found))
    able = tuple([offer for offer in catalog.find(AUTO) if "chat" in offer.card.abilities])
    return Decider(found.router, cards=catalog.cards(), exchange=exchange_between(found)), able


def shown_turn(index: Index, trace: str) -> Shown:
    """One turn with its texts; leaves when there is none."""
    shown = index.show(trace, text=True)
    if shown is None:
        fail(
            f"There is no turn {trace}. `zhongshu ledger tail` lists the newest.",
            f"没有追踪号为 {trace} 的请求。用 `zhongshu ledger tail` 查看最近的请求。",
        )
    return shown


def turn_of(shown: Shown) -> Turn | None:
    """The words of a recorded turn; None when they are not kept."""
    from zhongshu.router.reopened import reopened

    return reopened(shown.record, shown.texts.prompt) if shown.texts else None


def labels_of(file: Path) -> list[Label]:
    """The lines of a file of labels; leaves with the first that cannot be used."""
    from zhongshu.router.report import Label

    decode = msgspec.json.Decoder(Label).decode
    found: list[Label] = []
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        fail(f"--labels {file}: {error.strerror}.", f"--labels {file}：无法读取（{error.strerror}）。", code=2)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            label = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            fail(f"{file.name}, line {number}: {error}.", f"{file.name} 第 {number} 行：{error}。", code=2)
        if not (label.trace or label.prompt) or not all(
            0 <= x <= 1 for x in (label.weak_correct, label.strong_correct)
        ):
            fail(
                f"{file.name}, line {number}: give `trace` or `prompt`, and how right each is from 0 to 1.",
                f"{file.name} 第 {number} 行：须有 `trace` 或 `prompt`，且对错为 0 到 1。",
                code=2,
            )
        found.append(label)
    return found


def made_report(
    config: Path | None, labels: list[Label], since: str | None, until: str | None, tenant: str | None
) -> Report:
    """The report of a period. With labels of prompts alone, no ledger is needed."""
    from zhongshu.cli.managing import settings
    from zhongshu.router.report import report

    found = settings(config)
    of_turns = [label for label in labels if label.trace]
    prompts = _cases(found, [label for label in labels if not label.trace])
    done: list[Done] = []
    if of_turns or not prompts:
        done = _done(config, {label.trace for label in of_turns}, since, until, tenant)
    return report(done, of_turns, prompts, _cost_of(found), _home(found))


def _cases(found: Settings, labels: list[Label]) -> list[Case]:
    """What would be done now with prompts whose answers are known."""
    from zhongshu.router.difficulty.judge import Judge
    from zhongshu.router.difficulty.linear import load
    from zhongshu.router.estimate import hardness_of
    from zhongshu.router.proof import Case
    from zhongshu.router.settings import threshold_of

    least, judge, cases = threshold_of(found.router.dial), Judge(load()), list[Case]()
    for label in labels:
        gain = hardness_of(label.prompt, judge).gain
        went = gain > 0 and gain >= least
        right = float(label.weak_correct), float(label.strong_correct)
        cases.append(Case(went, *right, label.weak_cost, label.strong_cost, gain))
    return cases


def _done(
    config: Path | None, labelled: set[str], since: str | None, until: str | None, tenant: str | None
) -> list[Done]:
    from zhongshu.router.decision import AUTO
    from zhongshu.router.report import Done

    with ledger(config) as (found, index):
        wanted = wanted_turns(tenant=tenant, outcome="answered", since=since, until=until)
        wanted = msgspec.structs.replace(wanted, asked=AUTO, shadow=False, cache="")
        rows = [row for row in index.each(wanted) if row.kind in _TEXT_KINDS]
        tiers = {offer.release.model: offer.card for offer in decider(found)[1]}
        known = [row for row in rows if row.model in tiers]
        scores = _scores(config, {row.model for row in known}, wanted.since_ns or 0, wanted.until_ns)
        home = _to_home(found)
        gain_of = _gains(found, index)
        return [
            Done(
                row.trace,
                row.release_name,
                _reasons(tiers[row.model]),
                row.prompt_tokens,
                row.completion_tokens,
                home(row.cost_nano, row.currency, row.at_ns),
                scores.get(row.trace),
                gain_of(row) if row.trace in labelled else None,
            )
            for row in known
        ]


def _reasons(card: ModelCard) -> bool:
    return card.tier == "reasoning"


def _gains(found: Settings, index: Index) -> Callable[[TurnRow], float | None]:
    router, offers = decider(found)

    def gain_of(row: TurnRow) -> float | None:
        from zhongshu.core.problems import Refusal

        turn = turn_of(index.whole(row, text=True))
        decided = router.decide(turn, offers) if turn and offers else None
        return None if decided is None or isinstance(decided, Refusal) else decided.hardness.gain

    return gain_of


def _scores(config: Path | None, models: set[str], since_ns: int, until_ns: int | None) -> dict[str, float]:
    from zhongshu.cli.releases_reach import desk

    with desk(config) as (_, releases):
        return {
            trace: score.score
            for model in models
            for trace, score in releases.scores(model, since_ns, until_ns).items()
        }


def _to_home(found: Settings) -> Callable[[int, str, int], int]:
    from zhongshu.app.pricing import exchange_between

    between = exchange_between(found)
    return between.to_home if between else lambda nano, _currency, _at_ns: nano


def _home(found: Settings) -> str:
    from zhongshu.app.pricing import exchange_between

    between, (_, offers) = exchange_between(found), decider(found)
    return between.home if between else next((offer.card.price.currency for offer in offers), "CNY")


def _cost_of(found: Settings) -> Callable[[bool, int, int], int | None]:
    """By the first model of each kind, at today's prices."""
    import time

    from zhongshu.core.answers import Usage

    _, offers = decider(found)
    cards = {went: next((o.card for o in offers if _reasons(o.card) is went), None) for went in (False, True)}
    home, now_ns = _to_home(found), time.time_ns()

    def cost_of(went: bool, prompt: int, completion: int) -> int | None:
        card = cards[went]
        if card is None:
            return None
        nano = card.price.cost_nano(Usage(prompt=prompt, completion=completion), now_ns)
        return home(nano, card.price.currency, now_ns)

    return cost_of

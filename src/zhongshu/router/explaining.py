"""A decision told again: the figures it went by, and what would have changed it. Pure; holds no text of a user."""

from __future__ import annotations

from typing import Any

from zhongshu.core.money import NANO
from zhongshu.core.problems import Said
from zhongshu.core.records import Record
from zhongshu.router.decided import Candidate, Decision
from zhongshu.router.retelling import in_chinese
from zhongshu.router.saying import said_of
from zhongshu.router.task import NAMES_ZH


def explained(
    record: Record, decided: Decision, currency: str, without: str | None, cheaper: str | None = None
) -> dict[str, Any]:
    """What JSON shows of a turn of `auto`. decided: as the settings of now have it, by the turn's own dial. without: the
    release that answers while the chosen one rests; cheaper: the one that does with a ceiling just below what the
    reasoning model costs; None where there is none."""
    found, said = decided.hardness, said_of(decided, currency)
    weighed = decided.weighed
    return {
        "trace": record.trace,
        "release": record.release,
        "rule": record.rule,
        "effort": record.effort,
        "reason": record.reason,
        "reason_zh": in_chinese(record.reason),
        "task": found.task,
        "task_zh": NAMES_ZH[found.task],
        "judged_by": "model" if found.learnt else "marks",
        "follow_up": found.follow_up,
        "stays": decided.stays,
        "general_wrong": round(found.chance, 4),
        "gain": round(found.gain, 4),
        "least_gain": round(decided.least_gain, 4),
        "distance": round(found.gain - decided.least_gain, 4),
        "dial": decided.dial,
        "dial_by": weighed.quality_by,
        "max_cost": weighed.max_cost,
        "max_cost_by": weighed.max_cost_by,
        "max_seconds": weighed.max_seconds,
        "max_seconds_by": weighed.max_seconds_by,
        "flips_at_dial": decided.flips_at,
        "weightiest": [{"en": en, "zh": zh, "adds": round(adds, 4)} for en, zh, adds in found.weightiest[:5]],
        "candidates": [_candidate(one) for one in decided.candidates],
        "changes": [
            {"what": what, "en": told.en, "zh": told.zh} for what, told in _changes(decided, currency, without, cheaper)
        ],
        "now": {
            "release": decided.chosen.offer.release.name,
            "rule": decided.rule,
            "effort": decided.chosen.effort,
            "reason": said.en,
            "reason_zh": said.zh,
        },
        "same_now": decided.chosen.offer.release.model == record.release.partition("@")[0],
    }


def _candidate(one: Candidate) -> dict[str, Any]:
    return {
        "release": one.offer.release.name,
        "tier": one.offer.card.tier,
        "effort": one.effort,
        "expected_quality": round(one.quality, 4),
        "expected_cost_nano": one.cost_nano,
        "expected_seconds": one.seconds,
    }


def _changes(decided: Decision, currency: str, without: str | None, cheaper: str | None) -> list[tuple[str, Said]]:
    """What would have changed it, each by its name."""
    found: list[tuple[str, Said]] = []
    if decided.twin is not None:
        found.append(("dial", _by_dial_alone(decided)))
    elif len(decided.candidates) < 2:
        only = Said("There is but one kind of model for it: no dial changes that.", "只有一类模型可用，档位不起作用。")
        found.append(("models", only))
    elif decided.rule == "asked":
        found.append(("effort", _unasked(decided)))
    elif not decided.stopped:
        found += [("dial", _by_dial(decided)), ("difficulty", _by_difficulty(decided)), ("effort", _by_effort(decided))]
    if len(decided.candidates) == 2:
        found += _by_ceilings(decided, currency, cheaper)
    mine = decided.chosen.offer.release.name
    if without is None:
        found.append(
            ("health", Said(f"Nobody else could answer while {mine} rests.", f"{mine} 暂停使用时，没有其他模型可答。"))
        )
    else:
        found.append(
            ("health", Said(f"While {mine} rests, {without} answers.", f"{mine} 暂停使用时，由 {without} 回答。"))
        )
    return found


def _by_dial(decided: Decision) -> Said:
    flips = decided.flips_at
    if flips is None:
        return Said(
            "No dial would have changed it: deep thought promises nothing here.",
            "任何档位都不会改变：此处深度思考没有收益。",
        )
    if decided.hard:
        return Said(
            f"It turns round at dial {flips:.4g}: any below that.", f"档位低于 {flips:.4g} 时，改由通用模型回答。"
        )
    return Said(
        f"It turns round at dial {flips:.4g}: that or any above.", f"档位达到 {flips:.4g} 时，改由推理模型回答。"
    )


def _by_dial_alone(decided: Decision) -> Said:
    """Of one model that does both."""
    flips = decided.flips_at
    if flips is None:
        return Said(
            "No dial would have it think: thought promises nothing here.", "任何档位都不会思考：此处思考没有收益。"
        )
    return Said(f"It thinks from dial {flips:.4g} on.", f"从档位 {flips:.4g} 起进行思考。")


def _by_difficulty(decided: Decision) -> Said:
    needed, chance = decided.hardness.chance_for(decided.least_gain), decided.hardness.chance
    if needed > 1:
        return Said(
            "However hard a question of this kind is, this dial leaves it to the general model.",
            "无论此类问题多难，此档位都交给通用模型。",
        )
    if decided.hard:
        return Said(
            f"Were a general model wrong with a chance below {needed:.2f} (here {chance:.2f}), it would be enough.",
            f"若通用模型答错的可能低于 {needed:.2f}（此处为 {chance:.2f}），则由它回答。",
        )
    return Said(
        f"Were a general model wrong with a chance of {needed:.2f} or more (here {chance:.2f}), the reasoning model would "
        "be asked.",
        f"若通用模型答错的可能达到 {needed:.2f}（此处为 {chance:.2f}），则交给推理模型。",
    )


def _unasked(decided: Decision) -> Said:
    """What the figures alone would have said."""
    if decided.hard:
        return Said("Without a word on effort the reasoning model answers.", "若未指定思考强度，则由推理模型回答。")
    return Said("Without a word on effort the general model answers.", "若未指定思考强度，则由通用模型回答。")


def _by_effort(decided: Decision) -> Said:
    if decided.chosen.offer.card.tier == "reasoning":
        return Said('With effort "off" the general model answers.', "若思考强度为 off，则由通用模型回答。")
    return Said('With effort "low" or more the reasoning model answers.', "若思考强度为 low 或更高，则由推理模型回答。")


def _by_ceilings(decided: Decision, currency: str, cheaper: str | None) -> list[tuple[str, Said]]:
    """What a ceiling, or another price, would have done: only where the reasoning model is the matter."""
    deep = next(one for one in decided.candidates if one.offer.card.tier == "reasoning" or one is decided.candidates[1])
    found: list[tuple[str, Said]] = []
    if decided.ceiling_nano is None:
        none = Said(
            "No price would have: prices decide by a ceiling, and there is none.",
            "价格不起作用：价格只通过费用上限起作用，而此处没有上限。",
        )
        found.append(("price", none))
    if deep.cost_nano:
        found += _by_cost(decided, deep, currency, cheaper)
    return [*found, *_by_time(decided, deep)]


def _by_cost(decided: Decision, deep: Candidate, currency: str, cheaper: str | None) -> list[tuple[str, Said]]:
    """What a ceiling on the cost would have done, and the price at which the one there is would have."""
    dear, ceiling = deep.cost_nano, decided.ceiling_nano
    amount = f"{dear / NANO:.9f}".rstrip("0").rstrip(".") + f" {currency}"
    if decided.stopped == "cost" and ceiling is not None:
        other = Said(
            f"With a ceiling of {amount} or more the reasoning model answers.",
            f"若费用上限不低于 {amount}，则由推理模型回答。",
        )
        less = 1 - ceiling / dear
        price = Said(f"So it does at a price lower by {less:.0%}.", f"若其价格降低 {less:.0%}，也由它回答。")
        return [("ceiling", other), ("price", price)]
    if decided.chosen is not deep:
        return []
    other = (
        Said(f"With a ceiling below {amount} the turn is refused.", f"若费用上限低于 {amount}，请求将被拒绝。")
        if cheaper is None
        else Said(
            f"With a ceiling just below {amount} {cheaper} answers.",
            f"若费用上限略低于 {amount}，则由 {cheaper} 回答。",
        )
    )
    if ceiling is None:
        return [("ceiling", other)]
    more = ceiling / dear - 1
    price = Said(f"So it does at a price higher by more than {more:.0%}.", f"若其价格上涨超过 {more:.0%}，结果相同。")
    return [("ceiling", other), ("price", price)]


def _by_time(decided: Decision, deep: Candidate) -> list[tuple[str, Said]]:
    """What a ceiling on time would have done."""
    if deep.seconds is None:
        return []
    took = f"{deep.seconds:.3g}"
    if decided.stopped == "seconds":
        other = Said(
            f"With {took} seconds or more to answer the reasoning model answers.",
            f"若用时上限不低于 {took} 秒，则由推理模型回答。",
        )
        return [("time", other)]
    if decided.chosen is deep:
        other = Said(
            f"With less than {took} seconds to answer the general model answers.",
            f"若用时上限低于 {took} 秒，则由通用模型回答。",
        )
        return [("time", other)]
    return []

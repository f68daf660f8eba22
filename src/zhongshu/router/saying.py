"""The reason of a decision in words: one sentence in English and one in Chinese, with the figures. Never holds text of the
user's."""

from __future__ import annotations

import re

from zhongshu.core.money import money_about
from zhongshu.core.problems import Said
from zhongshu.router.decided import Decision
from zhongshu.router.task import NAMES_ZH


def said_of(decided: Decision, currency: str) -> Said:
    """The reason, in one sentence of each language. Never holds text of the user's."""
    return with_cost(*why_of(decided), decided.chosen.cost_nano, currency)


def with_cost(en: str, zh: str, nano: int, currency: str) -> Said:
    """A reason with its expected cost, in billionths, and its full stop."""
    if nano:
        amount = money_about(nano)
        en, zh = f"{en}; expected cost {amount} {currency}", f"{zh}；预计费用 {amount} {currency}"
    return Said(f"{en}.", f"{zh}。")


def why_of(decided: Decision) -> tuple[str, str]:
    """The reason without cost or full stop, in English and in Chinese."""
    found, general = decided.hardness, 1 - decided.hardness.chance
    zh_task = NAMES_ZH[found.task]
    if decided.stays and decided.rule in ("hard", "simple"):
        kind, kind_zh = ("reasoning", "推理") if decided.hard else ("general", "通用")
        return (
            f"A close decision: the turn stays with the {kind} model that had the question before; the chance of a right answer "
            f"would move from {general:.2f} to {found.reasoned:.2f}",
            f"差别不大：仍由回答上一问题的{kind_zh}模型回答；答对的可能预计从 {general:.2f} 变为 {found.reasoned:.2f}",
        )
    again, again_zh = (" (it goes on from an earlier question)", "（承接前面的问题）") if found.follow_up else ("", "")
    marks = "".join(f", {en}" for en, _, _ in found.weightiest[:2] if not found.learnt)
    marks_zh = "".join(f"、{zh}" for _, zh, _ in found.weightiest[:2] if not found.learnt)
    en = f"This is {ARTICLES.get(found.task, 'a ' + found.task)}{marks}{again}: deep thought is expected to move the chance of a right answer from {general:.2f} to {found.reasoned:.2f}"
    zh = f"这是{zh_task}{marks_zh}{again_zh}：深度思考预计使答对的可能从 {general:.2f} 变为 {found.reasoned:.2f}"
    asks = f"the {decided.least_gain:.2f} that dial {decided.dial:.2f} asks for"
    asks_zh = f"档位 {decided.dial:.2f} 所要求的 {decided.least_gain:.2f}"
    match decided.rule:
        case "asked":
            effort = decided.chosen.effort or "deep"
            return f"The caller asked for {effort} thought; {_lower(en)}", f"调用方要求 {effort} 级思考；{zh}"
        case "ceiling":
            if decided.stopped == "seconds":
                return f"{en}, but it would take longer than the ceiling", f"{zh}，但预计用时超过上限"
            return f"{en}, but it would cost more than the ceiling", f"{zh}，但预计费用超过上限"
        case "resting":
            kind, kind_zh = ("reasoning", "推理") if decided.hard else ("general", "通用")
            return f"{en}, but the {kind} model is resting now", f"{zh}，但{kind_zh}模型目前暂停使用"
        case "only":
            tier = decided.chosen.offer.card.tier
            return (
                f"Only a {tier} model can answer; {_lower(en)}",
                f"只有{'推理' if tier == 'reasoning' else '通用'}模型可用；{zh}",
            )
        case "hard" if decided.chosen.effort == "off" and decided.chosen.quality == found.unthought:
            best = f"{decided.chosen.quality:.2f}"
            return (
                f"{_lead(en)}: the reasoning model is expected to move the chance of a right answer from {general:.2f} to {best}, "
                f"at least {asks}, and thought to add less than that",
                f"{_lead(zh)}：推理模型预计使答对的可能从 {general:.2f} 变为 {best}，不低于{asks_zh}，而深度思考带来的提升更小",
            )
        case "hard":
            return f"{en}, at least {asks}", f"{zh}，不低于{asks_zh}"
        case _:
            return f"{en}, less than {asks}", f"{zh}，低于{asks_zh}"


ARTICLES = {
    "mathematics": "mathematics", "code": "code", "writing": "writing", "chat": "small talk", "lookup": "a plain question",
    "transform": "work on a given text", "planning": "planning", "diagnosis": "diagnosis", "choice": "a choice question",
}  # fmt: skip


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _lead(text: str) -> str:
    """What stands before the first colon."""
    return re.split("[:：]", text, maxsplit=1)[0]

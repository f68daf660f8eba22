"""A recorded reason in Chinese. The record holds one sentence, in English, with its figures; this words them anew, for whoever
reads Chinese, long after the turn. Pure; knows the sentences of saying.py, and leaves any other as it is.
"""

from __future__ import annotations

import re

from zhongshu.router.saying import ARTICLES
from zhongshu.router.task import NAMES_ZH

_KINDS = {"general": "通用", "reasoning": "推理"}
_TASKS = {ARTICLES.get(task, f"a {task}"): zh for task, zh in NAMES_ZH.items()}
_MARKS = {
    "step-by-step work": "要求分步",
    "several questions": "多个问题",
    "weighing or reasons": "要求分析或理由",
    "intricate code": "复杂代码",
}
_FIXED = {
    "The caller named this model.": "调用方指定了该模型。",
    "It is the first model that can do this.": "它是首个具备此能力的模型。",
    "The caller asked for this assistant.": "调用方指定了该助手。",
    "The other way to answer, unseen, for comparison.": "暗中以另一方式作答，以供对比。",
    "It says how right two answers are.": "评判两份回答。",
}
_FIGURE = r"(-?\d+\.\d\d)"
_ASKS = rf"the {_FIGURE} that dial {_FIGURE} asks for"
_READ = re.compile(r"Made into text first \((.*?)\)\. (.*)", re.S)
_COST = re.compile(r"(.*); expected cost (\S+ \S*)", re.S)
_CLOSE = re.compile(
    r"A close decision: the turn stays with the (general|reasoning) model that had the question before; the chance of a right "
    rf"answer would move from {_FIGURE} to {_FIGURE}"
)
_ASKED = re.compile(r"The caller asked for (\w+) thought; (this is .*)")
_ONLY = re.compile(r"Only a (general|reasoning) model can answer; (this is .*)")
_THIS = re.compile(r"[Tt]his is ([^,:(]+?)((?:, [^,:(]+)*)( \(it goes on from an earlier question\))?: (.*)")
_DEEP = re.compile(
    rf"deep thought is expected to move the chance of a right answer from {_FIGURE} to {_FIGURE}(?:, (.*))?"
)
_AT_ONCE = re.compile(
    rf"the reasoning model is expected to move the chance of a right answer from {_FIGURE} to {_FIGURE}, at least {_ASKS}, "
    "and thought to add less than that"
)
_ENOUGH = re.compile(rf"(at least|less than) {_ASKS}")
_RESTS = re.compile(r"but the (general|reasoning) model is resting now")
_CEILINGS = {
    "but it would take longer than the ceiling": "但预计用时超过上限",
    "but it would cost more than the ceiling": "但预计费用超过上限",
}


def in_chinese(reason: str) -> str:
    """The same reason in Chinese; as it is where it is none of the sentences known here."""
    if (read := _READ.fullmatch(reason)) is not None:
        return f"先转为文字（{read[1]}）。{in_chinese(read[2])}"
    if reason in _FIXED:
        return _FIXED[reason]
    sentence = reason.removesuffix(".")
    cost = _COST.fullmatch(sentence)
    told = _sentence(cost[1] if cost else sentence)
    if told is None:
        return reason
    return f"{told}；预计费用 {cost[2]}。" if cost else f"{told}。"


def _sentence(said: str) -> str | None:
    if (close := _CLOSE.fullmatch(said)) is not None:
        return f"差别不大：仍由回答上一问题的{_KINDS[close[1]]}模型回答；答对的可能预计从 {close[2]} 变为 {close[3]}"
    if (asked := _ASKED.fullmatch(said)) is not None:
        return _after(f"调用方要求 {asked[1]} 级思考；", asked[2])
    if (only := _ONLY.fullmatch(said)) is not None:
        return _after(f"只有{_KINDS[only[1]]}模型可用；", only[2])
    return _after("", said)


def _after(begun: str, said: str) -> str | None:
    """What kind of task it is, and what thought would add."""
    this = _THIS.fullmatch(said)
    task = None if this is None else _TASKS.get(this[1])
    weighed = None if this is None else _weighed(this[4])
    if this is None or task is None or weighed is None:
        return None
    marks = "".join(f"、{_mark(mark)}" for mark in this[2].split(", ")[1:])
    return f"{begun}这是{task}{marks}{'（承接前面的问题）' if this[3] else ''}：{weighed}"


def _mark(said: str) -> str:
    return _MARKS.get(said) or re.sub(r"(\d) conditions", r"\1 个条件", said)


def _weighed(said: str) -> str | None:
    if (at_once := _AT_ONCE.fullmatch(said)) is not None:
        general, best, least, dial = at_once.groups()
        asks = f"档位 {dial} 所要求的 {least}"
        return f"推理模型预计使答对的可能从 {general} 变为 {best}，不低于{asks}，而深度思考带来的提升更小"
    deep = _DEEP.fullmatch(said)
    if deep is None:
        return None
    moved = f"深度思考预计使答对的可能从 {deep[1]} 变为 {deep[2]}"
    if deep[3] is None:
        return moved
    ending = _ending(deep[3])
    return None if ending is None else f"{moved}，{ending}"


def _ending(said: str) -> str | None:
    if (enough := _ENOUGH.fullmatch(said)) is not None:
        return f"{'不低于' if enough[1] == 'at least' else '低于'}档位 {enough[3]} 所要求的 {enough[2]}"
    if (rests := _RESTS.fullmatch(said)) is not None:
        return f"但{_KINDS[rests[1]]}模型目前暂停使用"
    return _CEILINGS.get(said)

"""draft-check: the general model drafts, the reasoning model lists the draft's defects, and it is repaired, until
nothing is wrong with it or the rounds are used up.

The last round's repair is written by the reasoning model itself and is not checked again: the record says so.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from zhongshu.core.answers import Answer
from zhongshu.core.problems import Fault
from zhongshu.core.turns import Format
from zhongshu.pipeline.strategies import wording
from zhongshu.pipeline.strategies.steps import NO_FORMAT, Given, Plan, Stand, Step, Told, calls_tools, text_of

_SCHEMA = Raw(
    b'{"type":"object","properties":{"answer":{"type":"string"},"agrees":{"type":"boolean"},'
    b'"defects":{"type":"array","items":{"type":"string"},"maxItems":8}},'
    b'"required":["answer","agrees","defects"],"additionalProperties":false}'
)


class _Checked(msgspec.Struct):
    """The checker's own answer comes first, so that it counts as a defect where the draft comes to something else, even if
    the checker lists none. (The local 1.5B accepted three wrong drafts of three either way: it takes over what it reads.)"""

    defects: list[str]
    answer: str = ""
    agrees: bool = True


_checked = msgspec.json.Decoder(_Checked).decode


_OTHERWISE = "The draft is wrong / 草稿有误: {answer}"


def draft_check(given: Given) -> Plan:
    """A check that fails or cannot be read ends the rounds: the draft of the moment stands, unaccepted."""
    turn, rounds = given.turn, given.assistant.rounds
    draft = yield Step("general", "draft")
    if calls_tools(draft):
        yield Stand("general", draft)
        return Told("The general model called a tool; there was nothing to check.", "通用模型调用了工具，无需检查。")
    for done in range(rounds):
        try:
            said = yield Step(
                "reasoning", "check", wording.check(turn, text_of(draft)), inner=True, format=_form(given)
            )
        except Fault as fault:
            yield Stand("general", draft)
            return _unaccepted(done, f"the check failed ({fault.problem.code})", f"检查失败（{fault.problem.code}）")
        defects = _defects(said)
        if defects is None:
            yield Stand("general", draft)
            return _unaccepted(done, "the checker's reply could not be read", "检查结果无法解析")
        if not defects:
            yield Stand("general", draft)
            return _accepted(done)
        last = done + 1 == rounds
        messages = wording.repair(turn, text_of(draft), defects)
        try:
            draft = yield Step("reasoning" if last else "general", "repair", messages, shown=last)
        except Fault as fault:
            yield Stand("general", draft)
            return _unaccepted(done, f"the repair failed ({fault.problem.code})", f"修订失败（{fault.problem.code}）")
    return _unaccepted(rounds, "the rounds were used up", "检查轮次已用完")


def _form(given: Given) -> Format:
    """The strictest form that the checker's model takes."""
    able = given.able["reasoning"]
    if "schema" in able:
        return Format("schema", _SCHEMA, "defects")
    return Format("json") if "json" in able else NO_FORMAT


def _defects(said: Answer) -> list[str] | None:
    """What the checker found; None when its reply says nothing that can be read."""
    text = text_of(said)
    begin, end = text.find("{"), text.rfind("}")
    try:
        found = _checked(text[begin : end + 1])
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    defects = [defect.strip() for defect in found.defects if defect.strip()]
    if not defects and not found.agrees and found.answer.strip():
        return [_OTHERWISE.format(answer=found.answer.strip())]
    return defects


def _accepted(repairs: int) -> Told:
    if not repairs:
        return Told("The reasoning model accepted the general model's draft.", "推理模型认可了通用模型的草稿。")
    return Told(
        f"The reasoning model accepted the draft after {repairs} repair{'s' if repairs > 1 else ''}.",
        f"经 {repairs} 次修订后，推理模型认可了草稿。",
    )


def _unaccepted(repairs: int, why: str, why_zh: str) -> Told:
    return Told(
        f"The answer was not accepted by a check: {why} after {repairs} repair{'' if repairs == 1 else 's'}.",
        f"回答未经检查认可：{why_zh}（已修订 {repairs} 次）。",
    )

"""draft-check: the general model drafts, and the reasoning model finds out whether the draft can stand.

Where the question has a result, the reasoning model answers it by itself and never sees the draft: models, small ones
above all, take over what they read. First without thought, where that costs little and says something; if that comes to
the draft's result, two have found it alone and the draft stands. If not, it thinks, and what it comes to then stands.

A text, code or a plan has no result: there it lists the draft's defects, and the draft is repaired, until nothing is
wrong with it or the rounds are used up. The last round's repair is written by the reasoning model itself and is not
checked again: the record says so.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from zhongshu.core.answers import Answer
from zhongshu.core.problems import Fault
from zhongshu.core.turns import Format
from zhongshu.pipeline.strategies import wording
from zhongshu.pipeline.strategies.alike import has_result, needs_thought, same_result
from zhongshu.pipeline.strategies.steps import (
    NO_FORMAT,
    Given,
    Plan,
    Stand,
    Step,
    Told,
    calls_tools,
    is_empty,
    is_whole,
    text_of,
)
from zhongshu.router.conversation import whole_question

_DEFECTS = Raw(
    b'{"type":"object","properties":{"answer":{"type":"string"},"agrees":{"type":"boolean"},'
    b'"defects":{"type":"array","items":{"type":"string"},"maxItems":8}},'
    b'"required":["answer","agrees","defects"],"additionalProperties":false}'
)


class _Checked(msgspec.Struct):
    """The checker's own answer comes first, so that it counts as a defect where the draft comes to something else, even if
    the checker lists none."""

    defects: list[str]
    answer: str = ""
    agrees: bool = True


_checked = msgspec.json.Decoder(_Checked).decode


_OTHERWISE = "The draft is wrong / 草稿有误: {answer}"


def draft_check(given: Given) -> Plan:
    """A step that fails or cannot be read ends it: the draft of the moment stands, unaccepted."""
    draft = yield Step("general", "draft")
    if calls_tools(draft):
        yield Stand(draft)
        return _CALLED
    if not text_of(draft).strip() or has_result(whole_question(given.turn), text_of(draft), given.turn.format):
        return (yield from _by_result(given, draft))
    return (yield from _by_defects(given, draft))


# Where there is a result ---------------------------------------------------------------------------------------


def _by_result(given: Given, draft: Answer) -> Plan:
    """Two rounds at most: then thought has been given to the question. Of a draft that says nothing a failure is raised."""
    question = whole_question(given.turn)
    try:
        if given.may_skip and given.assistant.rounds > 1 and is_whole(draft) and not needs_thought(question):
            glance = yield Step("reasoning", "solve", unthought=True)
            if _same(question, draft, glance):
                yield Stand(draft)
                return _CAME_TO_IT
        solved = yield Step("reasoning", "solve")
    except Fault as fault:
        if not text_of(draft).strip():
            raise
        yield Stand(draft)
        code = fault.problem.code
        return _unchecked(f"the reasoning model failed ({code})", f"推理模型失败（{code}）")
    if not is_whole(solved) and text_of(draft).strip():
        yield Stand(draft)
        return _unchecked("the reasoning model came to no result", "推理模型没有得出结论")
    if _same(question, draft, solved):
        yield Stand(draft)
        return _CAME_TO_IT
    yield Stand(solved)
    return _ANSWERED_OTHERWISE


def _same(question: str, draft: Answer, found: Answer) -> bool:
    """Whether both come to the same. Nobody is asked where that does not show: a small model says "the same" of two
    different capitals, and takes as long for it as for a thought (the local 1.5B, 2026-11)."""
    if not (is_whole(draft) and is_whole(found)) or calls_tools(found):
        return False
    return same_result(question, text_of(draft), text_of(found))


_CALLED = Told("The general model called a tool; there was nothing to check.", "通用模型调用了工具，无需检查。")
_CAME_TO_IT = Told(
    "The reasoning model came to the same by itself: the general model's draft stands.",
    "推理模型独立得出相同结论，采用通用模型的草稿。",
)
_ANSWERED_OTHERWISE = Told(
    "The reasoning model, which did not see the draft, answered otherwise: its answer stands.",
    "推理模型在未看到草稿的情况下给出了不同的回答，采用推理模型的回答。",
)


def _unchecked(why: str, why_zh: str) -> Told:
    return Told(
        f"The general model's draft stands, not accepted by a check: {why}.",
        f"采用通用模型的草稿，未经检查认可：{why_zh}。",
    )


# Where there is none -------------------------------------------------------------------------------------------


def _by_defects(given: Given, draft: Answer) -> Plan:
    turn, rounds = given.turn, given.assistant.rounds
    for done in range(rounds):
        form = _form(given)
        try:
            said = yield Step("reasoning", "check", wording.check(turn, text_of(draft)), inner=True, format=form)
        except Fault as fault:
            yield Stand(draft)
            return _unaccepted(done, f"the check failed ({fault.problem.code})", f"检查失败（{fault.problem.code}）")
        defects = _defects(said)
        if defects is None:
            yield Stand(draft)
            return _unaccepted(done, "the checker's reply could not be read", "检查结果无法解析")
        if not defects:
            yield Stand(draft)
            return _accepted(done)
        last = done + 1 == rounds
        messages = wording.repair(turn, text_of(draft), defects)
        try:
            repaired = yield Step("reasoning" if last else "general", "repair", messages, shown=last)
        except Fault as fault:
            yield Stand(draft)
            return _unaccepted(done, f"the repair failed ({fault.problem.code})", f"修订失败（{fault.problem.code}）")
        if is_empty(repaired, turn):
            yield Stand(draft)
            return _unaccepted(done, "the repair said nothing", "修订没有给出内容")
        draft = repaired
        if calls_tools(draft) and not last:
            yield Stand(draft)
            return _CALLED
    return _unaccepted(rounds, "the rounds were used up", "检查轮次已用完")


def _form(given: Given) -> Format:
    """The strictest form that the checker's model takes."""
    able = given.able["reasoning"]
    if "schema" in able:
        return Format("schema", _DEFECTS, "defects")
    return Format("json") if "json" in able else NO_FORMAT


def _object(said: Answer) -> str:
    """The JSON object in its words."""
    text = text_of(said)
    return text[text.find("{") : text.rfind("}") + 1]


def _defects(said: Answer) -> list[str] | None:
    """What the checker found; None when its reply says nothing that can be read."""
    try:
        found = _checked(_object(said))
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

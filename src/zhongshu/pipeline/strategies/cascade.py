"""cascade: the general model answers unseen; where its answer is doubtful, the reasoning model answers instead.

Doubt is a trained score of the draft beside its question and, where the model gives log-probabilities, how sure it was
of its own words. The user sees only the answer that stands.
"""

from __future__ import annotations

import math

import msgspec

from zhongshu.core.answers import Answer
from zhongshu.core.problems import Fault
from zhongshu.pipeline.strategies.steps import Given, Plan, Stand, Step, Told, calls_tools, is_empty, text_of
from zhongshu.router.conversation import whole_question

_SURE = 0.5
"""Tokens less likely than this, by their geometric mean, make a draft doubtful."""


class _Token(msgspec.Struct):
    logprob: float


_token = msgspec.json.Decoder(_Token).decode


def cascade(given: Given) -> Plan:
    """A draft that fails, is doubtful or breaks off is answered by the reasoning model; if that fails too or says nothing,
    the draft stands and the record says so."""
    try:
        draft = yield Step("general", "draft", logprobs="logprobs" in given.able["general"])
    except Fault as fault:
        yield Step("reasoning", "escalate", shown=True)
        code = fault.problem.code
        return Told(
            f"The general model failed ({code}); the reasoning model answered.",
            f"通用模型失败（{code}），由推理模型回答。",
        )
    if calls_tools(draft):
        yield Stand(draft)
        return Told("The general model called a tool; there was nothing to check.", "通用模型调用了工具，无需检查。")
    doubt = _doubt(given, draft)
    if not doubt.en:
        yield Stand(draft)
        return Told("The general model's answer passed the check.", "通用模型的回答通过了检查。")
    try:
        answer = yield Step("reasoning", "escalate", shown=True)
    except Fault as fault:
        if not text_of(draft):
            raise
        code = fault.problem.code
        failed = Told(f"failed ({code})", f"失败（{code}）")
    else:
        if not is_empty(answer, given.turn) or not text_of(draft).strip():
            return Told(f"The reasoning model answered, as {doubt.en}.", f"{doubt.zh}，改由推理模型回答。")
        failed = Told("said nothing", "没有给出内容")
    yield Stand(draft)
    return Told(
        f"The general model's answer stands though {doubt.en}: the reasoning model {failed.en}.",
        f"{doubt.zh}，但推理模型{failed.zh}，仍采用通用模型的回答。",
    )


def _doubt(given: Given, draft: Answer) -> Told:
    """Why the draft cannot stand; empty when it can."""
    text, least = text_of(draft), given.assistant.threshold
    if not text.strip():
        return Told("the general model said nothing", "通用模型没有给出内容")
    sure = _sureness(draft)
    if sure is not None and sure < _SURE:
        return Told(
            f"the general model was unsure of its words ({sure:.2f})", f"通用模型对其措辞把握不足（{sure:.2f}）"
        )
    if given.judge is None:
        return Told("", "") if sure is not None else Told("nothing here can check a draft", "此处无法检查草稿")
    chance = given.judge.draft(whole_question(given.turn), text).chance
    if chance < least:
        return Told("", "")
    return Told(
        f"the draft looked doubtful (chance of being wrong {chance:.2f}, at least {least:.2f})",
        f"草稿可疑（出错概率 {chance:.2f}，不低于 {least:.2f}）",
    )


def _sureness(draft: Answer) -> float | None:
    """The geometric mean of its tokens' probabilities; None where they are not told."""
    found = draft.choices[0].logprobs
    if not found:
        return None
    try:
        return math.exp(sum(min(0.0, _token(raw).logprob) for raw in found) / len(found))
    except msgspec.DecodeError:
        return None

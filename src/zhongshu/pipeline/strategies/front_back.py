"""front-back: the general model turns the conversation into one precise task, the reasoning model solves it, and the
general model tells the user, in the user's language.

The solver sees the task alone: a short prompt, free of what does not matter. The first question of a conversation is a
task already: there is nothing before it that it could refer to, and rewriting can only lose some of it. A task that lacks
a number of the question, or of what was told earlier of what it asks, was written badly (small models drop some, or answer
instead): the solver sees the conversation then, reminded at its end of what was told. Where the solution is a result, a
phrasing that comes to something else has lost it, and the solution stands.
"""

from __future__ import annotations

import re
import unicodedata

from zhongshu.core.answers import Answer
from zhongshu.core.problems import Fault
from zhongshu.core.turns import Message, Turn
from zhongshu.pipeline.strategies import wording
from zhongshu.pipeline.strategies.alike import has_result, same_result
from zhongshu.pipeline.strategies.steps import Given, Plan, Stand, Step, Told, is_empty, is_whole, text_of
from zhongshu.router.conversation import whole_question

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def front_back(given: Given) -> Plan:
    """Two calls for a first question, three later. A turn that brings tools is answered by the general model, which alone
    may use them."""
    turn = given.turn
    if brings_tools(turn):
        yield Step("general", "phrase", shown=True)
        return Told(
            "The turn brings tools, so the general model answered it alone.", "请求带有工具，由通用模型单独回答。"
        )
    if is_first(turn):
        said, asked = _AS_ASKED, turn.messages
    else:
        task = text_of((yield Step("general", "rewrite", wording.rewrite(turn), inner=True))).strip()
        whole = bool(task) and _numbers(whole_question(turn)) <= _numbers(task)
        said, asked = (_WRITTEN, (Message("user", task),)) if whole else (_LACKING, wording.reminded(turn))
    solved = yield Step("reasoning", "solve", asked, inner=True)
    solution = text_of(solved).strip()
    if not solution:
        yield Step("general", "phrase", shown=True)
        return Told(
            "The reasoning model gave no solution, so the general model answered alone.",
            "推理模型没有给出解答，由通用模型单独回答。",
        )
    held = is_whole(solved) and _is_result(turn, solution)
    try:
        phrased = yield Step("general", "phrase", wording.phrase(turn, solution), shown=not held)
    except Fault as fault:
        yield Stand(solved)
        code = fault.problem.code
        return Told(
            f"The reasoning model's solution stands as it is: phrasing it failed ({code}).",
            f"转述失败（{code}），直接采用推理模型的解答。",
        )
    if is_empty(phrased, turn):
        yield Stand(solved)
        return _UNPHRASED
    if held and _loses(turn, solution, phrased):
        yield Stand(solved)
        return _LOST
    if held:
        yield Stand(phrased)
    return said


def brings_tools(turn: Turn) -> bool:
    """Whether the turn may call tools, or has."""
    return bool(turn.tools) or any(message.role == "tool" for message in turn.messages)


def is_first(turn: Turn) -> bool:
    """Whether one message of the user is all that was said; the system's prompts do not count."""
    return sum(message.role not in ("system", "developer") for message in turn.messages) == 1


_AS_ASKED = Told(
    "The reasoning model solved the question as it was asked, the general model phrased the answer.",
    "推理模型按原问题求解，通用模型转述回答。",
)
_WRITTEN = Told(
    "The general model wrote the task, the reasoning model solved it, the general model phrased the answer.",
    "通用模型整理任务，推理模型求解，通用模型转述回答。",
)
_LACKING = Told(
    "The general model's task lacked numbers of the question, so the reasoning model solved it by the conversation; the "
    "general model phrased the answer.",
    "通用模型整理的任务遗漏了问题中的数字，由推理模型依据对话求解，通用模型转述回答。",
)
_UNPHRASED = Told(
    "The reasoning model's solution stands as it is: the general model's phrasing said nothing.",
    "通用模型没有给出转述，直接采用推理模型的解答。",
)
_LOST = Told(
    "The reasoning model's solution stands as it is: the general model's phrasing did not come to the same.",
    "通用模型的转述与推理模型的结论不一致，直接采用推理模型的解答。",
)


def _is_result(turn: Turn, solution: str) -> bool:
    """Whether the phrasing can be held against the solution before it is shown. Where a form or stop words were asked for
    it cannot: they hold for the phrasing, and the solution knows nothing of them."""
    plain = turn.format.kind == "text" and not turn.sampling.stop
    return plain and has_result(whole_question(turn), solution, turn.format)


def _loses(turn: Turn, solution: str, phrased: Answer) -> bool:
    """Whether the phrasing comes to something else. One that was cut by the caller's limit does not count."""
    cut = bool(phrased.choices) and phrased.choices[0].stop == "length"
    return not cut and not same_result(whole_question(turn), solution, text_of(phrased))


def _numbers(text: str) -> frozenset[str]:
    """Every number in a text, in plain digits."""
    return frozenset(_NUMBER.findall(unicodedata.normalize("NFKC", text)))

"""The recorded reason of any turn in Chinese: what the strategies say happened, and of turns of `auto` what router.retelling
knows. The record holds English alone; a test reads every sentence in this folder and compares."""

from __future__ import annotations

import re

from zhongshu.router import retelling

# "{}" stands for a figure or a code, or for one of _PARTS.
_SENTENCES = {
    "The general model called a tool; there was nothing to check.": "通用模型调用了工具，无需检查。",
    "The general model's answer passed the check.": "通用模型的回答通过了检查。",
    "The general model failed ({}); the reasoning model answered.": "通用模型失败（{}），由推理模型回答。",
    "The reasoning model answered, as {}.": "{}，改由推理模型回答。",
    "The general model's answer stands though {}: the reasoning model {}.": "{}，但推理模型{}，仍采用通用模型的回答。",
    "The reasoning model was expected to cost more than the ceiling, so the general model answered alone.": (
        "推理模型预计费用超过上限，由通用模型单独回答。"
    ),
    "The reasoning model was expected to take longer than the ceiling, so the general model answered alone.": (
        "推理模型预计用时超过上限，由通用模型单独回答。"
    ),
    "Deep thought adds less here than dial {} asks for, so the general model answered alone.": (
        "深度思考的收益低于档位 {} 的要求，由通用模型单独回答。"
    ),
    "The assistant has one model, and it answered.": "该助手只有一个模型，由它回答。",
    "The reasoning model came to the same by itself: the general model's draft stands.": (
        "推理模型独立得出相同结论，采用通用模型的草稿。"
    ),
    "The reasoning model, which did not see the draft, answered otherwise: its answer stands.": (
        "推理模型在未看到草稿的情况下给出了不同的回答，采用推理模型的回答。"
    ),
    "The general model's draft stands, not accepted by a check: {}.": "采用通用模型的草稿，未经检查认可：{}。",
    "The reasoning model accepted the draft after {} repair.": "经 {} 次修订后，推理模型认可了草稿。",
    "The reasoning model accepted the draft after {} repairs.": "经 {} 次修订后，推理模型认可了草稿。",
    "The answer was not accepted by a check: {} after {} repair.": "回答未经检查认可：{}（已修订 {} 次）。",
    "The answer was not accepted by a check: {} after {} repairs.": "回答未经检查认可：{}（已修订 {} 次）。",
    "The reasoning model accepted the general model's draft.": "推理模型认可了通用模型的草稿。",
    "The reasoning model solved the question as it was asked, the general model phrased the answer.": (
        "推理模型按原问题求解，通用模型转述回答。"
    ),
    "The general model wrote the task, the reasoning model solved it, the general model phrased the answer.": (
        "通用模型整理任务，推理模型求解，通用模型转述回答。"
    ),
    "The general model's task lacked numbers of the question, so the reasoning model solved it by the conversation; the "
    "general model phrased the answer.": "通用模型整理的任务遗漏了问题中的数字，由推理模型依据对话求解，通用模型转述回答。",
    "The reasoning model's solution stands as it is: the general model's phrasing said nothing.": (
        "通用模型没有给出转述，直接采用推理模型的解答。"
    ),
    "The reasoning model's solution stands as it is: the general model's phrasing did not come to the same.": (
        "通用模型的转述与推理模型的结论不一致，直接采用推理模型的解答。"
    ),
    "The turn brings tools, so the general model answered it alone.": "请求带有工具，由通用模型单独回答。",
    "The reasoning model gave no solution, so the general model answered alone.": "推理模型没有给出解答，由通用模型单独回答。",
    "The reasoning model's solution stands as it is: phrasing it failed ({}).": "转述失败（{}），直接采用推理模型的解答。",
    "The question looks simple: chance of a wrong general answer {}, under {}.": (
        "问题较简单：通用模型答错的概率 {}，低于 {}。"
    ),
    "The question looks hard: chance of a wrong general answer {}, at least {}.": (
        "问题较难：通用模型答错的概率 {}，不低于 {}。"
    ),
    "The caller asked for no deep thought.": "调用方要求不做深度思考。",
    "The caller gave a budget for thought.": "调用方给出了思考预算。",
    "The caller asked for {} effort.": "调用方要求 {} 级思考。",
    "There is no trained score here.": "此处没有训练好的难度评分。",
    "It ended in the middle, at the stage {}.": "在 {} 阶段中断。",
}
_PARTS = {
    "said nothing": "没有给出内容",
    "failed ({})": "失败（{}）",
    "the general model said nothing": "通用模型没有给出内容",
    "the general model was unsure of its words ({})": "通用模型对其措辞把握不足（{}）",
    "nothing here can check a draft": "此处无法检查草稿",
    "the draft looked doubtful (chance of being wrong {}, at least {})": "草稿可疑（出错概率 {}，不低于 {}）",
    "the reasoning model failed ({})": "推理模型失败（{}）",
    "the reasoning model came to no result": "推理模型没有得出结论",
    "the check failed ({})": "检查失败（{}）",
    "the checker's reply could not be read": "检查结果无法解析",
    "the repair failed ({})": "修订失败（{}）",
    "the repair said nothing": "修订没有给出内容",
    "the rounds were used up": "检查轮次已用完",
}


def in_chinese(reason: str) -> str:
    """The same reason in Chinese; as it is where nobody here says such a sentence."""
    return _told(reason, _SENTENCES) or retelling.in_chinese(reason)


def _told(said: str, known: dict[str, str]) -> str | None:
    if said in known:
        return known[said]
    for sentence, chinese in known.items():
        if "{}" in sentence and said.startswith(sentence.partition("{}")[0]):
            found = re.fullmatch(re.escape(sentence).replace(r"\{\}", "(.+?)"), said)
            if found is not None:
                return chinese.format(*[_told(part, _PARTS) or part for part in found.groups()])
    return None

"""tiered: how hard the question is decides, before anybody is asked, which of the two models answers."""

from __future__ import annotations

from zhongshu.pipeline.strategies.steps import By, Given, Plan, Step, Told
from zhongshu.router.estimate import question_of


def tiered(given: Given) -> Plan:
    """The caller's own word on depth counts first; else the chance that the general model would be wrong."""
    by, told = _chosen(given)
    yield Step(by, "", shown=True)
    return told


def _chosen(given: Given) -> tuple[By, Told]:
    effort, least = given.turn.effort, given.assistant.threshold
    if effort in ("off", "minimal"):
        return "general", Told("The caller asked for no deep thought.", "调用方要求不做深度思考。")
    if given.turn.thinking_tokens is not None:
        return "reasoning", Told("The caller gave a budget for thought.", "调用方给出了思考预算。")
    if effort is not None:
        return "reasoning", Told(f"The caller asked for {effort} effort.", f"调用方要求 {effort} 级思考。")
    if given.judge is None:
        return "reasoning", Told("There is no trained score here.", "此处没有训练好的难度评分。")
    chance = given.judge.question(question_of(given.turn)[0]).chance
    about = f"{chance:.2f}", f"{least:.2f}"
    if chance >= least:
        return "reasoning", Told(
            f"The question looks hard: chance of a wrong general answer {about[0]}, at least {about[1]}.",
            f"问题较难：通用模型答错的概率 {about[0]}，不低于 {about[1]}。",
        )
    return "general", Told(
        f"The question looks simple: chance of a wrong general answer {about[0]}, under {about[1]}.",
        f"问题较简单：通用模型答错的概率 {about[0]}，低于 {about[1]}。",
    )

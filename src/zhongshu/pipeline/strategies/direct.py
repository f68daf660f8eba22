"""direct: one model answers. An assistant of this kind is a model with a prompt and a depth of thought."""

from __future__ import annotations

from zhongshu.pipeline.strategies.steps import By, Given, Plan, Step, Told


def direct(given: Given) -> Plan:
    """Ask the model that is named."""
    by: By = "general" if given.assistant.general else "reasoning"
    yield Step(by, "", shown=True)
    return Told("The assistant has one model, and it answered.", "该助手只有一个模型，由它回答。")

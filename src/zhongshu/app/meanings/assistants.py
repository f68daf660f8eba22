"""What the settings of `[[assistants]]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

ASSISTANTS = Group(
    "assistants",
    Meaning(
        "Assistants: models that answer together under one name, by a strategy (docs/strategies.md). A row for each.",
        "助手：多个模型按某种策略以同一名称作答（见 docs/strategies.md），每个一行。",
    ),
    {
        "name": Meaning(
            "What clients ask for, like a model; no model may have it.", "客户端像模型一样请求的名称；不能与模型重名。"
        ),
        "strategy": Meaning(
            "How its models work together: one model (direct), chosen by difficulty (tiered), escalated when doubtful "
            "(cascade), general - reasoning - general (front-back), or drafted, checked and repaired (draft-check).",
            "模型如何协作：单一模型（direct）、按难度选择（tiered）、存疑时升级（cascade）、通用-推理-通用（front-back），"
            "或起草、检查、修订（draft-check）。",
        ),
        "general": Meaning("The general model, by its name or as a pinned release.", "通用模型：模型名或固定版本。"),
        "reasoning": Meaning(
            "The reasoning model, by its name or as a pinned release.", "推理模型：模型名或固定版本。"
        ),
        "prompt": Meaning("Instructions before every conversation.", "置于每次对话之前的指令。"),
        "threshold": Meaning(
            "From this chance that the general model is wrong, 0 to 1, the reasoning model answers (tiered, cascade).",
            "通用模型出错的概率达到此值（0 到 1）时，由推理模型回答（tiered、cascade）。",
        ),
        "rounds": Meaning(
            "Checks of one answer, at most (draft-check). Of a question with a result two are enough: the reasoning model "
            "works it out, without seeing the draft, first without thought and then with it; 1: with thought at once.",
            "一个回答最多检查几轮（draft-check）。有确定结论的问题最多两轮：推理模型不看草稿独立作答，先不思考、再思考；填 1 则直接思考。",
        ),
        "effort": Meaning(
            "How deep the reasoning model thinks where the caller does not say.", "调用方未指定时推理模型的思考深度。"
        ),
        "quality": Meaning(
            "The dial for turns that, and whose key, do not say: 0 cheapest, 1 best; none: the strategy as it is.",
            "请求与密钥均未指定时的档位：0 最省，1 最好；不填则按策略本身执行。",
        ),
        "max_cost": Meaning(
            "What one turn may be expected to cost at most, in the currency of budgets; above it the general model answers "
            "alone.",
            "每次请求的预计费用上限，按预算币种计；超过时由通用模型单独回答。",
        ),
        "max_seconds": Meaning(
            "How long one turn may be expected to take; above it the general model answers alone.",
            "每次请求的预计用时上限（秒）；超过时由通用模型单独回答。",
        ),
        "show_thoughts": Meaning("Whether callers see the models' thoughts.", "调用方是否可见模型的思考过程。"),
    },
    examples={
        "name": "helpdesk",
        "strategy": "cascade",
        "general": "deepseek-chat",
        "reasoning": "qwen2.5-coder-1.5b",
        "effort": "medium",
        "quality": 0.5,
        "max_cost": 0.05,
        "max_seconds": 20.0,
    },
)

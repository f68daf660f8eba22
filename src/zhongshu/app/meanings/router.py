"""What the settings of `[router]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

ROUTER = Group(
    "router",
    Meaning(
        "How `auto` chooses between general and reasoning models (docs/routing.md).",
        "`auto` 如何在通用模型与推理模型之间选择（见 docs/routing.md）。",
    ),
    {
        "dial": Meaning(
            "0 is cheapest, 1 best: a turn goes to the reasoning model when that is expected to raise the chance of a right "
            "answer by (1 - dial) cubed or more. `zhongshu route tune` finds yours.",
            "0 最省，1 最好：当推理模型预计使答对的可能提高至少 (1 - dial) 的三次方时，才交给它。可用 `zhongshu route tune` 求得。",
        ),
        "max_cost": Meaning(
            "What one turn of `auto` may be expected to cost at most, in the currency of budgets; 0 for no ceiling.",
            "`auto` 每次请求的预计费用上限，按预算币种计；0 表示不限。",
        ),
        "max_seconds": Meaning(
            "How long one turn of `auto` may be expected to take, by the speed measured of each model; 0 for no ceiling.",
            "`auto` 每次请求的预计用时上限（秒），按各模型实测速度估计；0 表示不限。",
        ),
        "model_file": Meaning(
            "A difficulty model of your own, made by `zhongshu route train`; left out: the one shipped for your two models, "
            "or else for any.",
            "自行用 `zhongshu route train` 训练的难度模型；不填写则使用为所用两个模型内置的，否则为通用的内置模型。",
        ),
        "samples.share": Meaning(
            "The share of the turns of `auto` and of assistants that are answered in the other way too, unseen, for "
            "`zhongshu route report`.",
            "`auto` 与助手的请求中，同时以另一方式暗中作答以供 `zhongshu route report` 对比的比例。",
        ),
        "samples.judge": Meaning(
            "The model that says how right both answers are; empty: only agreement of checkable answers is judged.",
            "评判两份回答的模型；留空则只比较可核对的答案是否一致。",
        ),
        "samples.max_cost_per_day": Meaning(
            "What samples and their judging may cost in a day (UTC), in the currency of budgets; 0 for no ceiling. What one "
            "may come to is set aside before it begins; below that, none is taken. No tenant's or key's budget pays.",
            "抽样及评判每天（UTC）的费用上限，按预算币种计；0 表示不限。开始前先预留最高费用，不足则不抽样。不计入租户或密钥的预算。",
        ),
        "reading.documents": Meaning(
            "Whether text, Markdown, CSV, JSON and HTML documents are put before a model as text when it takes no documents.",
            "模型不支持文档时，是否将文本、Markdown、CSV、JSON、HTML 文档以文字形式交给模型。",
        ),
        "reading.sound": Meaning(
            'The model that writes speech down for models that take no sound; empty: the first that can; "none": nobody.',
            '为不支持音频的模型转写语音的模型；留空为首个能转写的模型；"none" 表示不转写。',
        ),
        "reading.pictures": Meaning(
            "The model that tells what a picture shows for models that take no pictures; empty: the first that can; "
            '"none": nobody.',
            '为不支持图片的模型描述图片内容的模型；留空为首个支持图片的模型；"none" 表示不描述。',
        ),
        "reading.max_characters": Meaning(
            "The most characters that one document or recording may come to.", "单个文档或录音转成文字后的字符数上限。"
        ),
    },
    examples={
        "model_file": "difficulty.json",
    },
)

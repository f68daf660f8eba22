"""What the settings of `[[prices]]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

PRICES = Group(
    "prices",
    Meaning(
        "Price tables, a row for each price: by model, day, time of day and length of the prompt.",
        "价格表，每个价格一行：按模型、日期、时段与提示长度。",
    ),
    {
        "model": Meaning("The model, or one of its releases (name@version).", "模型名称，或其某个版本（名称@版本）。"),
        "since": Meaning(
            "The day from which it holds, or a time with a zone; empty: always.",
            "自哪一天（或带时区的时刻）起有效；留空为一直有效。",
        ),
        "over": Meaning("For prompts of more than so many tokens; 0: for all.", "适用于超过此词元数的提示；0 为全部。"),
        "hours": Meaning("Only at this time of day; empty: at any.", "仅适用于一天中的此时段；留空为任何时段。"),
        "zone": Meaning("The zone of hours and since.", "hours 与 since 的时区。"),
        "currency": Meaning("CNY or USD.", "CNY 或 USD。"),
        "input": Meaning("Money for a million prompt tokens.", "每百万输入词元的价格。"),
        "output": Meaning("Money for a million answer tokens.", "每百万输出词元的价格。"),
        "cached_input": Meaning(
            "The same for prompt tokens that the provider had cached; none: as input.",
            "命中上游缓存的输入词元价格；不填同输入。",
        ),
        "thinking": Meaning("The same for thinking tokens; none: as output.", "思考词元价格；不填同输出。"),
        "cache_write": Meaning(
            "The same for prompt tokens written to the provider's cache; none: as input.",
            "写入上游缓存的输入词元价格；不填同输入。",
        ),
        "audio_input": Meaning(
            "The same for tokens of sound in the prompt; none: as input.", "输入音频词元价格；不填同输入。"
        ),
        "audio_output": Meaning(
            "The same for tokens of sound in the answer; none: as output.", "输出音频词元价格；不填同输出。"
        ),
        "image_input": Meaning(
            "The same for tokens of pictures in the prompt; none: as input.", "输入图像词元价格；不填同输入。"
        ),
        "image_output": Meaning(
            "The same for tokens of pictures in the answer; none: as output.", "输出图像词元价格；不填同输出。"
        ),
        "request": Meaning("Money for each request, whatever its size.", "每次请求的固定价格。"),
        "search_unit": Meaning(
            "Money for each search that a reranker bills.", "重排模型按搜索计费时，每次搜索的价格。"
        ),
        "source": Meaning("Where this price was read, for people.", "价格出处，供人查阅。"),
    },
    examples={
        "model": "deepseek-chat",
        "cached_input": 0.5,
        "thinking": 0.5,
        "cache_write": 0.5,
        "audio_input": 0.5,
        "audio_output": 0.5,
        "image_input": 0.5,
        "image_output": 0.5,
    },
)

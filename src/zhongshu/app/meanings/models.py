"""What the settings of `[[models]]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

MODELS = Group(
    "models",
    Meaning(
        "Models that clients may ask for, beside those of the profile. A row for each; "
        "a row with the name of one of the profile's replaces it.",
        "除所选配置自带的模型外，客户端可请求的模型，每个一行；与自带模型同名的行会取代它。",
    ),
    {
        "name": Meaning("What clients ask for.", "客户端请求时使用的名称。"),
        "upstream": Meaning('The name of an upstream row, or "embedded".', "上游行的名称，或 “embedded”（内置引擎）。"),
        "upstream_model": Meaning("Its name at the upstream; empty: the same.", "在上游处的名称；留空则相同。"),
        "version": Meaning("The release's version: clients may pin name@version.", "版本；客户端可用 名称@版本 固定。"),
        "share": Meaning(
            "Part of the model's turns that this release takes until a plan is made; none on all rows: the first takes all.",
            "在制定流量计划之前，此版本所占的流量份额；各行都不填时由第一个版本承担全部。",
        ),
        "sampling.max_tokens": Meaning(
            "This release's bound of an answer, tokens; it only lowers the caller's.",
            "此版本回答长度的上限，词元；只会调低调用方的值。",
        ),
        "sampling.temperature": Meaning(
            "Temperature of this release, in place of the caller's.", "此版本的 temperature，取代调用方的值。"
        ),
        "sampling.top_p": Meaning(
            "top_p of this release, in place of the caller's.", "此版本的 top_p，取代调用方的值。"
        ),
        "sampling.top_k": Meaning(
            "top_k of this release, in place of the caller's.", "此版本的 top_k，取代调用方的值。"
        ),
        "sampling.seed": Meaning(
            "Seed of this release, in place of the caller's.", "此版本的随机种子，取代调用方的值。"
        ),
        "sampling.presence_penalty": Meaning(
            "presence_penalty of this release, in place of the caller's.", "此版本的 presence_penalty，取代调用方的值。"
        ),
        "sampling.frequency_penalty": Meaning(
            "frequency_penalty of this release, in place of the caller's.",
            "此版本的 frequency_penalty，取代调用方的值。",
        ),
        "prompt": Meaning(
            "A prompt that this release puts before every conversation.", "此版本置于每次对话之前的提示。"
        ),
        "adapter": Meaning(
            "Fine-tuned weights (LoRA) that the upstream loads by this name: vLLM, SGLang and compatible servers.",
            "上游按此名称加载的微调权重（LoRA）：vLLM、SGLang 及兼容服务。",
        ),
        "weight": Meaning(
            "This replica's part of the turns, among rows of the same name and version with other upstreams.",
            "在名称与版本相同、上游不同的各行（副本）之间，此行所占的份额。",
        ),
        "max_concurrent": Meaning(
            "Turns in flight at once at this upstream for this model, on this machine; none: no limit.",
            "此模型在该上游、本机同时处理的请求数；不填为不限。",
        ),
        "fallbacks": Meaning(
            "Models that answer when this one cannot, in this order.", "此模型无法回答时，依次由这些模型代答。"
        ),
        "try_s": Meaning(
            "How long one try may take until its content begins, seconds; none: the upstream's own limits.",
            "单次尝试在内容开始之前最多等待多久，秒；不填则按上游自身的时限。",
        ),
        "hedge_s": Meaning(
            "After how long without content a second replica is asked too, seconds; 0: after what 95 of 100 turns take; "
            "none: never.",
            "内容迟迟不来时，多久之后同时询问第二个副本，秒；0 为按 95% 请求的用时；不填为不启用。",
        ),
        "tier": Meaning(
            'What `auto` uses it for: "general", "reasoning" or "none".',
            "auto 将它用作：“general”（通用）、“reasoning”（推理）或 “none”。",
        ),
        "family": Meaning("Kind of model.", "模型类别。"),
        "abilities": Meaning("What it can do; what is not listed it cannot.", "能力；未列出的视为不具备。"),
        "thinking": Meaning(
            "Whether it thinks before it answers: never, always, switch (on request), prompted.",
            "回答前是否思考：never、always、switch（可开关）、prompted（按提示）。",
        ),
        "context": Meaning("Prompt and answer together, tokens.", "上下文长度（提示加回答），词元。"),
        "parameters": Meaning("Number of parameters.", "参数量。"),
        "dimensions": Meaning("Length of its vectors, for an embedding model.", "向量维数（向量模型）。"),
        "rerank": Meaning(
            'How it ranks documents: "own" (its upstream does), "cosine" (an embedding model, by its vectors).',
            "如何重排文档：“own”（由上游完成）、“cosine”（向量模型按向量相似度）。",
        ),
        "price.input": Meaning("Money for a million prompt tokens.", "每百万输入词元的价格。"),
        "price.output": Meaning("Money for a million answer tokens.", "每百万输出词元的价格。"),
        "price.cached_input": Meaning(
            "The same for cached prompt tokens; none: as input.", "命中缓存的输入词元价格；不填同 input。"
        ),
        "price.thinking": Meaning("The same for thinking tokens; none: as output.", "思考词元价格；不填同 output。"),
        "price.cache_write": Meaning(
            "The same for prompt tokens written to the provider's cache; none: as input.",
            "写入上游缓存的输入词元价格；不填同输入。",
        ),
        "price.audio_input": Meaning(
            "The same for tokens of sound in the prompt; none: as input.", "输入音频词元价格；不填同输入。"
        ),
        "price.audio_output": Meaning(
            "The same for tokens of sound in the answer; none: as output.", "输出音频词元价格；不填同输出。"
        ),
        "price.image_input": Meaning(
            "The same for tokens of pictures in the prompt; none: as input.", "输入图像词元价格；不填同输入。"
        ),
        "price.image_output": Meaning(
            "The same for tokens of pictures in the answer; none: as output.", "输出图像词元价格；不填同输出。"
        ),
        "price.request": Meaning("Money for each request, whatever its size.", "每次请求的固定价格。"),
        "price.search_unit": Meaning(
            "Money for each search that a reranker bills.", "重排模型按搜索计费时，每次搜索的价格。"
        ),
        "price.currency": Meaning("CNY or USD.", "CNY 或 USD。"),
        "licence": Meaning("The model's licence.", "模型许可证。"),
        "filing": Meaning("Filing number of the model (备案号).", "模型备案号。"),
        "cache": Meaning(
            "Whether its answers are kept and given again: off, exact or semantic; none: as `cache.models`.",
            "其回答是否缓存：off、exact 或 semantic；不填则按 `cache.models`。",
        ),
        "cache_ttl_s": Meaning(
            "How long its answers hold, seconds; none: as `cache.ttl_s`.",
            "其回答的有效期，秒；不填则按 `cache.ttl_s`。",
        ),
        "cache_threshold": Meaning(
            "Its threshold for semantic; none: as `cache.threshold`.", "其语义阈值；不填则按 `cache.threshold`。"
        ),
        "note": Meaning("A remark shown on its card.", "显示在模型卡片上的备注。"),
    },
    examples={
        "max_concurrent": 32,
        "try_s": 30.0,
        "hedge_s": 2.0,
        "name": "deepseek-chat",
        "upstream": "deepseek",
        "context": 65536,
        "share": 90.0,
        "sampling.max_tokens": 2048,
        "sampling.temperature": 0.3,
        "sampling.top_p": 0.9,
        "sampling.top_k": 40,
        "sampling.seed": 7,
        "sampling.presence_penalty": 0.0,
        "sampling.frequency_penalty": 0.0,
        "parameters": 671_000_000_000,
        "dimensions": 1024,
        "price.cached_input": 0.5,
        "price.thinking": 8.0,
        "licence": "MIT",
        "filing": "",
        "cache": "exact",
        "cache_ttl_s": 600.0,
        "cache_threshold": 0.95,
        "note": "",
        "price.cache_write": 0.5,
        "price.audio_input": 0.5,
        "price.audio_output": 0.5,
        "price.image_input": 0.5,
        "price.image_output": 0.5,
    },
)

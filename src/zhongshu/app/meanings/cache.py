"""What the settings of `[cache]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

CACHE = Group(
    "cache",
    Meaning(
        "Answers given before, to be given again to the same tenant (docs/caches.md).",
        "回答缓存：同一租户再次提问时重用先前的回答（见 docs/caches.md）。",
    ),
    {
        "models": Meaning(
            "For models whose row does not say: off, exact (the same request) or semantic (one that means the same).",
            "模型行未注明时：off（关闭）、exact（完全相同的请求）或 semantic（含义相同的提问）。",
        ),
        "sampled": Meaning(
            "Whether answers drawn by chance (temperature not 0 without a seed, or n above 1) are given again: "
            "explicit (only for models whose own row has `cache`), always or never.",
            "随机采样的回答（temperature 不为 0 且无 seed，或 n 大于 1）能否重用："
            "explicit（仅当模型行写明 cache 时）、always 或 never。",
        ),
        "scope": Meaning(
            "Who shares answers: everybody of a tenant, or only turns of one `user`.",
            "谁共享回答：同一租户的所有人，或仅同一 `user` 的请求。",
        ),
        "ttl_s": Meaning("How long an answer holds, seconds.", "回答的有效期，秒。"),
        "max_bytes": Meaning("Size of the file of answers, bytes.", "回答文件的大小上限，字节。"),
        "max_entries": Meaning("Answers in that file.", "该文件中的回答条数上限。"),
        "tenant_share": Meaning(
            "The part of it that one tenant may take, above 0, at most 1.", "单个租户可占的比例，大于 0，至多 1。"
        ),
        "entry_bytes": Meaning("Larger answers are not kept, bytes.", "超过此大小的回答不缓存，字节。"),
        "request_bytes": Meaning("Larger requests are not looked for, bytes.", "超过此大小的请求不查缓存，字节。"),
        "memory_bytes": Meaning(
            "Answers that each worker keeps at hand, bytes.", "每个工作进程在内存中保留的回答，字节。"
        ),
        "embedder": Meaning("The local model that compares questions by meaning.", "用于按含义比较提问的本地模型。"),
        "threshold": Meaning(
            "Cosine from which on two questions may mean the same, above 0, at most 1.",
            "余弦相似度达到此值才可能视为含义相同，大于 0，至多 1。",
        ),
        "embed_wait_s": Meaning(
            "How long a turn waits for that model before it goes on without, seconds.",
            "请求等待该模型的时限，超时则不查语义缓存，秒。",
        ),
    },
)

"""What the settings of `[access]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

ACCESS = Group(
    "access",
    Meaning("Limits for keys and tenants that have none of their own.", "没有单独设置限额的密钥和租户所适用的限额。"),
    {
        "key_requests_per_minute": Meaning(
            "Requests a minute for a key; none: no limit.", "每个密钥每分钟请求数；不填为不限。"
        ),
        "key_tokens_per_minute": Meaning(
            "Tokens a minute for a key; none: no limit.", "每个密钥每分钟词元数；不填为不限。"
        ),
        "key_concurrency": Meaning("Turns in flight for a key; none: no limit.", "每个密钥的并发数；不填为不限。"),
        "tenant_requests_per_minute": Meaning(
            "Requests a minute for a tenant; none: no limit.", "每个租户每分钟请求数；不填为不限。"
        ),
        "tenant_tokens_per_minute": Meaning(
            "Tokens a minute for a tenant; none: no limit.", "每个租户每分钟词元数；不填为不限。"
        ),
        "tenant_concurrency": Meaning(
            "Turns in flight for a tenant; none: no limit.", "每个租户的并发数；不填为不限。"
        ),
        "poll_s": Meaning(
            "How soon a worker notices a revoked key or new limit, seconds (at most 1).",
            "工作进程多久察觉密钥吊销或限额变化，秒（至多 1）。",
        ),
        "settle_s": Meaning(
            "How often a worker accounts for what was spent, seconds (at most 1).",
            "工作进程多久结算一次用量，秒（至多 1）。",
        ),
        "cached_keys": Meaning("Keys that a worker remembers.", "每个工作进程缓存的密钥数。"),
        "thoughts_hidden_from": Meaning(
            'Tenants and ids of keys that are shown no thoughts, "*" for all. They are still counted, charged and recorded.',
            "不向其展示思考内容的租户或密钥编号，“*” 表示全部。思考仍会计数、计费并留存。",
        ),
    },
    examples={
        "key_requests_per_minute": 600,
        "key_tokens_per_minute": 200_000,
        "key_concurrency": 32,
        "tenant_requests_per_minute": 6000,
        "tenant_tokens_per_minute": 2_000_000,
        "tenant_concurrency": 256,
    },
)

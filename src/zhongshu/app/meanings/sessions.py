"""What the settings of `[sessions]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

SESSIONS = Group(
    "sessions",
    Meaning(
        "Which turns are remembered, so that a later one can go on (`previous_response_id`).",
        "记住哪些请求，以便之后的请求接续（`previous_response_id`）。",
    ),
    {
        "keep": Meaning(
            "Whether turns are remembered where a protocol asks for it (`store` of /v1/responses); sealed, by tenant.",
            "协议要求时（/v1/responses 的 `store`）是否记住请求；按租户加密保存。",
        ),
        "retention_days": Meaning(
            "How long they are remembered, days; 0.5 is half a day.", "保存多久，天；0.5 为半天。"
        ),
        "longest_chain": Meaning("How many earlier turns one may go back to.", "一次请求最多可回溯的此前请求数。"),
    },
)

"""What the settings of `[dispatch]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

DISPATCH = Group(
    "dispatch",
    Meaning(
        "How replicas are chosen, how often is asked again, and when a failing upstream is left alone.",
        "如何选择副本、重试多少次、何时暂停使用出错的上游。",
    ),
    {
        "balance": Meaning(
            "How a replica is chosen: conversation (stays where its prompt is cached), weighted, least-busy, fastest.",
            "如何选择副本：conversation（同一会话留在已缓存提示之处）、weighted（按权重）、least-busy（最空闲）、fastest（最快）。",
        ),
        "retries": Meaning(
            "Tries after the first, for each model of the fallback chain.", "对候补链上每个模型，首次之后的重试次数。"
        ),
        "retry_share": Meaning(
            "Retries are at most this share of the turns of an upstream, 0 to 1.",
            "重试次数最多占该上游请求数的比例，0 到 1。",
        ),
        "backoff_s": Meaning(
            "Bound of the first random pause before the same replica is asked again, seconds; doubled each time.",
            "再次请求同一副本前首次随机等待的上限，秒；此后逐次加倍。",
        ),
        "backoff_max_s": Meaning("The longest such bound, seconds.", "上述上限的最大值，秒。"),
        "retry_after_max_s": Meaning(
            "An upstream whose Retry-After is longer is not asked again by the same turn, nor waited for by others, seconds.",
            "上游的 Retry-After 超过此值时，同一请求不再重试它，其他请求也不等待它，秒。",
        ),
        "deadline_s": Meaning(
            "No try after the first outlasts this, waiting included, seconds.",
            "首次之后的任何尝试（含等待）不得超过此时间，秒。",
        ),
        "breaker": Meaning("Whether failing upstreams are left alone for a while.", "是否暂停使用连续出错的上游。"),
        "failures": Meaning("So many failures in a row open a breaker.", "连续失败达到此次数即熔断。"),
        "error_rate": Meaning(
            "Or this share of failures within the window, 0 to 1.", "或时间窗内失败比例达到此值，0 到 1。"
        ),
        "min_tries": Meaning(
            "Tries within the window before that share counts.", "时间窗内至少有此次数的请求才按比例判断。"
        ),
        "window_s": Meaning("That window, seconds.", "上述时间窗，秒。"),
        "cool_down_s": Meaning(
            "How long it is left alone, seconds; doubled while trials fail.", "熔断后的暂停时间，秒；试探失败则加倍。"
        ),
        "cool_down_max_s": Meaning(
            "The longest such time, and the longest Retry-After that is heeded, seconds.",
            "暂停时间的上限，也是所遵循的 Retry-After 的上限，秒。",
        ),
        "trials": Meaning(
            "Turns that may try it at once afterwards; so many successes close the breaker.",
            "此后可同时试探的请求数；成功达到同样次数即恢复。",
        ),
    },
)

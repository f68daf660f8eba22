"""What the settings of `[batches]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

BATCHES = Group(
    "batches",
    Meaning("Batches: requests answered in the background.", "批处理：在后台应答的请求。"),
    {
        "concurrency": Meaning(
            "Requests of batches that one worker has asked at once.", "单个工作进程同时处理的批处理请求数。"
        ),
        "yield_to": Meaning(
            "With so many live turns in flight, a worker begins no request of a batch.",
            "工作进程中实时请求达到此数时，暂不开始批处理请求。",
        ),
        "max_requests": Meaning("Most requests in one batch.", "单个批次的请求数上限。"),
        "max_line_bytes": Meaning("Longest line of an input file, bytes.", "输入文件单行的上限，字节。"),
        "attempts": Meaning("How often a request is tried whose upstream fails.", "上游失败时每个请求的尝试次数。"),
    },
)

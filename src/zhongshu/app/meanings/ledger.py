"""What the settings of `[ledger]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

LEDGER = Group(
    "ledger",
    Meaning("What is kept about each turn, and for how long.", "每次请求保留什么、保留多久。"),
    {
        "text": Meaning(
            'What becomes of prompts and answers: "encrypted" (AES-256-GCM), "digest" (a keyed hash) or "none".',
            "提示与回答如何保存：“encrypted”（AES-256-GCM 加密）、“digest”（带密钥摘要）或 “none”（不保存）。",
        ),
        "retention_days": Meaning("Days that records are kept; never under 183.", "记录保存天数；不得少于 183。"),
        "segment_bytes": Meaning(
            "A journal file is closed at this size, bytes.", "单个日志文件达到此大小即关闭，字节。"
        ),
        "min_free_bytes": Meaning(
            "With less free disk space than this, new turns are refused, bytes.",
            "磁盘剩余空间低于此值时拒绝新请求，字节。",
        ),
        "checkpoint_interval_s": Meaning(
            "How often the journal's state is signed, seconds.", "多久对日志状态签名一次，秒。"
        ),
        "anchors": Meaning(
            "Files, best on another machine, that get a copy of each checkpoint; whole paths.",
            "接收每个检查点副本的文件，最好在另一台机器上；须为完整路径。",
        ),
        "anchor_command": Meaning(
            "A program and its arguments that gets each checkpoint on standard input.",
            "通过标准输入接收每个检查点的程序及其参数。",
        ),
        "anchor_timeout_s": Meaning("How long that program may take, seconds.", "该程序的时限，秒。"),
        "index_poll_s": Meaning("How often new records are indexed, seconds.", "多久索引一次新记录，秒。"),
        "clock_tolerance_s": Meaning(
            "How far a clock may step back before verification objects, seconds.", "校验时允许时钟回退的幅度，秒。"
        ),
        "keeper_nice": Meaning(
            "Priority of the indexing process, 0 to 19 (19: lowest).", "索引进程的优先级，0 到 19（19 最低）。"
        ),
    },
)

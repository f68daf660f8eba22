"""What the settings mean that stand before the first group."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

TOP = Group(
    "",
    None,
    {
        "home": Meaning(
            "The state directory; default $ZHONGSHU_HOME, else ~/.local/share/zhongshu.",
            "状态目录；默认为 $ZHONGSHU_HOME，否则为 ~/.local/share/zhongshu。",
        ),
        "profile": Meaning(
            'The local models that come up: "default" (general, reasoning, embedding), "tiny" (one small model), "none".',
            "启动哪些本地模型：“default”（通用、推理、向量）、“tiny”（一个小模型）、“none”（无）。",
        ),
    },
    examples={
        "home": "/var/lib/zhongshu",
    },
)

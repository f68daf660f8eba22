"""What the settings of `[websocket]` mean."""

from __future__ import annotations

from zhongshu.app.meanings.meaning import Group, Meaning

WEBSOCKET = Group(
    "websocket",
    Meaning("Chat turns over a WebSocket.", "通过 WebSocket 进行的对话。"),
    {
        "max_turns": Meaning("Turns open at once on one connection.", "单个连接上同时进行的请求数。"),
        "resume_s": Meaning(
            "How long a turn goes on, and its pieces are kept, after its connection broke, seconds.",
            "连接断开后请求继续运行并保留内容的时间，秒。",
        ),
        "buffer_bytes": Meaning(
            "Pieces of one turn that are kept for a client that comes back, bytes.",
            "为重新连接的客户端保留的单个请求内容，字节。",
        ),
    },
)

"""What fails in this server itself."""

from __future__ import annotations

from zhongshu.core.problems.row import Row

SERVICE: dict[str, Row] = {
    "overloaded": Row(
        503, "server_error", "Too many turns are in flight. Try again shortly.", "当前请求过多，请稍后重试。"
    ),
    "draining": Row(
        503,
        "server_error",
        "This server is shutting down. Try again; another one will answer.",
        "服务正在关闭，请重试，其他实例会应答。",
    ),
    "journal_unavailable": Row(
        503,
        "server_error",
        "The answer could not be recorded ({why}), so it was not given. Free some disk space; see `zhongshu doctor`.",
        "无法记录本次回答（{why}），因此未予返回。请释放磁盘空间；参见 `zhongshu doctor`。",
    ),
    "internal_error": Row(
        500,
        "server_error",
        "Something broke on our side. The trace id finds it in the log.",
        "服务内部出错。可凭追踪号在日志中查到原因。",
    ),
}

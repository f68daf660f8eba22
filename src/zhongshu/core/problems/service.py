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
        "The answer could not be recorded ({why}), so it was not given. Free disk space if it is short; "
        "`zhongshu doctor` says what else to mend.",
        "无法记录本次回答（{why}），因此未予返回。如磁盘空间不足请释放；其他问题的修复方法见 `zhongshu doctor`。",
    ),
    "settings_refused": Row(
        409,
        "server_error",
        "The settings were read and not taken, so nothing changed ({why}). Mend what it names and reload again.",
        "已读取设置但未采用，未作任何更改（{why}）。请修正其中指出的问题后重新加载。",
    ),
    "internal_error": Row(
        500,
        "server_error",
        "Something broke on our side. The trace id finds it in the log.",
        "服务内部出错。可凭追踪号在日志中查到原因。",
    ),
}

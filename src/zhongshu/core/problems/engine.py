"""The embedded engine and the files of local models."""

from __future__ import annotations

from zhongshu.core.problems.row import INVALID, Row

ENGINE: dict[str, Row] = {
    "engine_unavailable": Row(
        503,
        "server_error",
        "The embedded engine cannot serve `{model}` now: {why}.",
        "内置引擎目前无法提供 `{model}`：{why}。",
    ),
    "engine_crashed": Row(
        503,
        "server_error",
        "The engine of `{model}` stopped in the middle of the answer. It is being restarted; send the request again.",
        "`{model}` 的引擎在回答中途停止，正在重启；请重新发送请求。",
    ),
    "local_model_unknown": Row(
        404,
        INVALID,
        "There is no local model `{model}`. See `zhongshu models list`.",
        "没有名为 `{model}` 的本地模型。请查看 `zhongshu models list`。",
    ),
    "model_not_installed": Row(
        503,
        "server_error",
        "The file of `{model}` is not here. Fetch it with `zhongshu models pull {model}`.",
        "`{model}` 的模型文件尚未就绪。请用 `zhongshu models pull {model}` 获取。",
    ),
    "model_fetch_failed": Row(
        502,
        "server_error",
        "`{model}` could not be fetched from any source ({why}). Check the network and the order of sources, run it "
        "again to go on where it stopped, or put the file at {place}.",
        "无法从任何来源获取 `{model}`（{why_zh}）。请检查网络与来源顺序后重试（会从中断处继续），或将文件放到 {place}。",
    ),
    "model_no_space": Row(
        507,
        "server_error",
        "`{model}` needs {needed_mb} MB of disk and {folder} has {free_mb} MB free. Free some space, or name another "
        "folder in ZHONGSHU_MODELS.",
        "`{model}` 需要 {needed_mb} MB 磁盘空间，而 {folder} 仅剩 {free_mb} MB。请释放空间，或用 ZHONGSHU_MODELS 指定其他目录。",
    ),
    "model_cache_unwritable": Row(
        500,
        "server_error",
        "The models folder {folder} cannot be used ({why}). Mend its permissions, or name another in ZHONGSHU_MODELS.",
        "模型目录 {folder} 不可用（{why}）。请修正其权限，或用 ZHONGSHU_MODELS 指定其他目录。",
    ),
    "model_file_unreadable": Row(
        400,
        INVALID,
        "{file} is not a GGUF file that can be read: {why}. Fetch it again.",
        "{file} 不是可读取的 GGUF 文件：{why}。请重新获取。",
    ),
}

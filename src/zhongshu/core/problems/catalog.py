"""What is asked for: models, releases and their traffic."""

from __future__ import annotations

from zhongshu.core.problems.row import INVALID, Row

CATALOG: dict[str, Row] = {
    "model_not_found": Row(
        404,
        INVALID,
        "There is no model `{model}` here. See GET /v1/models.",
        "没有名为 `{model}` 的模型。请查看 GET /v1/models。",
    ),
    "release_not_found": Row(
        404,
        INVALID,
        "There is no release `{release}`. Its model has {known}; add a [[models]] row of that version to the settings.",
        "没有版本 `{release}`。该模型现有版本：{known}；请在设置中添加该版本的 [[models]] 行。",
    ),
    "canary_running": Row(
        409,
        INVALID,
        "A canary of `{model}` is under way (release {release}). Let it end, or end it with "
        "`zhongshu releases promote` or `zhongshu releases rollback`.",
        "`{model}` 正在进行灰度发布（版本 {release}）。请等待其结束，或用 `zhongshu releases promote` 或 "
        "`zhongshu releases rollback` 结束。",
    ),
    "nothing_to_roll_back": Row(
        409,
        INVALID,
        "There is no such change of `{model}` to go back from. See `zhongshu releases history`.",
        "`{model}` 没有可回退的此项变更。请查看 `zhongshu releases history`。",
    ),
    "model_cannot": Row(400, INVALID, "`{model}` cannot do {what}. {remedy}", "`{model}` 不支持 {what}。{remedy}"),
}

"""What callers keep here, or come back for: files, batches, stored responses, turns that go on, records of the ledger."""

from __future__ import annotations

from zhongshu.core.problems.row import INVALID, Row

KEPT: dict[str, Row] = {
    "file_not_found": Row(
        404,
        INVALID,
        "There is no file `{file}`. It may have expired; see GET /v1/files.",
        "没有文件 `{file}`，可能已过期。请查看 GET /v1/files。",
    ),
    "file_damaged": Row(
        500,
        "server_error",
        "The content of file `{file}` cannot be opened: it was changed on the disk, or this installation's text key is "
        "another. Upload the file again; the operator puts back `files/`, `textkeys.db` and `secrets/text.key` of one "
        "time.",
        "文件 `{file}` 的内容无法打开：磁盘上的内容被改动，或本系统的文本密钥已更换。请重新上传；"
        "由运维恢复同一时刻的 `files/`、`textkeys.db` 和 `secrets/text.key`。",
    ),
    "file_too_large": Row(
        413,
        INVALID,
        "The file is larger than {limit} bytes. Send a smaller one, or raise `files.max_file_bytes`.",
        "文件超过 {limit} 字节。请发送更小的文件，或调高 `files.max_file_bytes`。",
    ),
    "file_quota_exceeded": Row(
        413,
        INVALID,
        "The files of this tenant may take {limit} bytes, and this one does not fit. Delete some, or raise "
        "`files.tenant_bytes`.",
        "此租户的文件总量上限为 {limit} 字节，已放不下此文件。请删除一些文件，或调高 `files.tenant_bytes`。",
    ),
    "batch_not_found": Row(
        404,
        INVALID,
        "There is no batch `{batch}`. See GET /v1/batches.",
        "没有批次 `{batch}`。请查看 GET /v1/batches。",
    ),
    "batch_over": Row(
        409,
        INVALID,
        "Batch `{batch}` is {state} and cannot be cancelled any more. See GET /v1/batches for those under way.",
        "批次 `{batch}` 的状态为 {state}，已无法取消。进行中的批次见 GET /v1/batches。",
    ),
    "batch_under_way": Row(
        409,
        INVALID,
        "Batch `{batch}` has not ended, so it has no results yet. Ask for the batch until it has.",
        "批次 `{batch}` 尚未结束，还没有结果。请查询该批次直到其结束。",
    ),
    "batch_expired": Row(
        408,
        INVALID,
        "The batch expired before this request was answered. Send what is left in another batch.",
        "批次在处理此请求前已过期。请将剩余请求放入新的批次。",
    ),
    "response_not_found": Row(
        404,
        INVALID,
        "There is no response `{id}`: it is past its retention, was deleted, or was not stored. Ask again with `store`: true.",
        "没有编号为 `{id}` 的响应：已过保存期限、已删除，或当时未保存。请将 `store` 设为 true 后重新请求。",
    ),
    "previous_response_not_found": Row(
        400,
        INVALID,
        "The conversation before this turn is not here: `{id}` or one before it was deleted, has expired or was not "
        "stored. Send the conversation in `input`.",
        "此前的对话不存在：`{id}` 或更早的响应已删除、过期或未保存。请在 `input` 中发送完整对话。",
    ),
    "response_not_background": Row(
        400,
        INVALID,
        "Response `{id}` was not asked for with `background`: true, so it cannot be cancelled. Close its connection instead.",
        "响应 `{id}` 并非以 `background` 为 true 请求，无法取消；请直接关闭其连接。",
    ),
    "sessions_off": Row(
        400,
        INVALID,
        "`{field}` needs stored responses, and this server stores none. Send the conversation in `input`, or turn "
        "`sessions.keep` on.",
        "`{field}` 需要保存响应，而本服务不保存。请在 `input` 中发送完整对话，或打开 `sessions.keep`。",
    ),
    "sessions_unavailable": Row(
        503,
        "server_error",
        "Stored responses cannot be read or written now. Try again shortly; see `zhongshu doctor`.",
        "目前无法读写已保存的响应。请稍后重试；参见 `zhongshu doctor`。",
    ),
    "turn_not_kept": Row(
        404,
        INVALID,
        "Turn `{turn}` cannot be taken up again from there: it is unknown, another key's, or its pieces are not kept any "
        "more. Ask again; the ledger holds what was answered.",
        "无法从该处继续请求 `{turn}`：编号未知、属于其他密钥，或内容已不再保留。请重新提问；账本中有已生成的回答。",
    ),
    "too_many_turns": Row(
        429,
        "rate_limit_error",
        "This connection already has {limit} turns open. Wait for one to end, or raise `websocket.max_turns`.",
        "此连接已有 {limit} 个进行中的请求。请等其中一个结束，或调高 `websocket.max_turns`。",
    ),
    "turn_not_found": Row(
        404,
        INVALID,
        "The ledger holds no turn `{trace}`. It may be past its retention; see `zhongshu ledger find`.",
        "账本中没有编号为 `{trace}` 的请求，可能已过保存期限。请查看 `zhongshu ledger find`。",
    ),
    "sample_not_found": Row(
        404,
        INVALID,
        "No sample of routing was taken of the turn `{trace}`. `zhongshu route samples` lists those there are.",
        "没有对请求 `{trace}` 做过路由抽样。请用 `zhongshu route samples` 查看已有抽样。",
    ),
    "nothing_judged": Row(
        404,
        INVALID,
        "Nothing was judged in this period. Set `router.samples.share`, or send labels to POST /admin/v1/route/report.",
        "该时段没有已评判的抽样。请设置 `router.samples.share`，或向 POST /admin/v1/route/report 提交标签。",
    ),
    "text_unreadable": Row(
        500,
        "server_error",
        "The text of turn `{trace}` does not open: the journal or its keys were changed. Run `zhongshu ledger verify`.",
        "请求 `{trace}` 的原文无法解密：日志或其密钥已被改动。请运行 `zhongshu ledger verify`。",
    ),
}

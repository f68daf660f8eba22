"""Everything that can go wrong for a caller, as rows, and the two ways it travels.

    Problem            what the caller is told: code, status, sentence, remedy. A value
      Refusal          a stage said no (admit: over a limit; route: no such model). Returned, never raised
      Fault            something broke (upstream, disk, engine). Raised, carries a Problem

A sentence never contains the user's text: `facts` are names, numbers and limits only.
Every code has a line in docs/errors.md (a test compares the lists).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """What a caller is told. `message` names the field and the remedy, in English and Chinese. upstream_status: the
    HTTP status of the upstream behind it, where that is a fact of the sentence; told to records only."""

    code: str
    status: int
    type: str
    message: str
    message_zh: str
    param: str | None = None
    retry_after_s: float | None = None
    upstream_status: int = 0


class Refusal(msgspec.Struct, frozen=True):
    """A stage declined the turn. `stage` is the pipeline stage's name, such as "admit"."""

    stage: str
    problem: Problem


class Fault(Exception):
    """Something broke; carries what the caller may be told. Its text is the code, never user text."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class Said(NamedTuple):
    """A fact that reads differently in the two sentences, such as a unit."""

    en: str
    zh: str


class _Row(NamedTuple):
    status: int
    type: str
    en: str
    zh: str


_BAD = "invalid_request_error"
_ROWS: dict[str, _Row] = {
    # the request itself
    "invalid_json": _Row(
        400,
        _BAD,
        "The body is not valid JSON: {why}. Send one JSON object in UTF-8.",
        "请求体不是合法的 JSON：{why}。请发送一个 UTF-8 编码的 JSON 对象。",
    ),
    "invalid_value": _Row(400, _BAD, "Field `{field}` is not usable: {why}.", "字段 `{field}` 不可用：{why}。"),
    "missing_field": _Row(400, _BAD, "Field `{field}` is required.", "缺少必填字段 `{field}`。"),
    "unsupported": _Row(
        400, _BAD, "`{field}` is not supported by {what}. {remedy}", "{what} 不支持 `{field}`。{remedy}"
    ),
    "context_length_exceeded": _Row(
        400,
        _BAD,
        "The prompt needs {needed} tokens but `{model}` holds {limit}. Shorten it, lower `max_tokens`, "
        "or ask for a model with a longer context.",
        "提示需要 {needed} 个词元，而 `{model}` 只能容纳 {limit} 个。请缩短提示、调低 `max_tokens`，或改用上下文更长的模型。",
    ),
    "body_too_large": _Row(
        413,
        _BAD,
        "The body is larger than {limit} bytes. Send less, or raise `server.max_body_bytes`.",
        "请求体超过 {limit} 字节。请减少内容，或调高 `server.max_body_bytes`。",
    ),
    "body_too_slow": _Row(
        408,
        _BAD,
        "The body did not arrive within {limit} seconds. Send it faster or in one piece.",
        "请求体未能在 {limit} 秒内到达。请加快发送或一次发完。",
    ),
    "head_too_large": _Row(
        431,
        _BAD,
        "The request line and headers are larger than {limit} bytes. Send fewer or shorter headers.",
        "请求行与请求头超过 {limit} 字节。请减少或缩短请求头。",
    ),
    "malformed_http": _Row(
        400,
        _BAD,
        "This is not an HTTP/1.1 request that can be read. Check the request line, the headers (one Host) and "
        "Content-Length.",
        "无法识别为 HTTP/1.1 请求。请检查请求行、请求头（Host 恰为一个）和 Content-Length。",
    ),
    "not_served": _Row(404, _BAD, "`{path}` is not served here. {instead}.", "此处不提供 `{path}`。{instead}。"),
    "not_found": _Row(
        404, _BAD, "There is nothing at this address. See /docs for what there is.", "此地址不存在。可用接口见 /docs。"
    ),
    "method_not_allowed": _Row(
        405,
        _BAD,
        "This address does not take {method}. Use {allowed}.",
        "此地址不接受 {method} 方法，请使用 {allowed}。",
    ),
    "unsupported_media_type": _Row(
        415,
        _BAD,
        "The body must be JSON (Content-Type: application/json).",
        "请求体必须是 JSON（Content-Type: application/json）。",
    ),
    "invalid_form": _Row(
        400,
        _BAD,
        "The body is not a form that can be read: {why}. Send multipart/form-data as the official SDKs do.",
        "请求体不是可读取的表单：{why}。请像官方 SDK 那样发送 multipart/form-data。",
    ),
    "file_not_found": _Row(
        404,
        _BAD,
        "There is no file `{file}`. It may have expired; see GET /v1/files.",
        "没有文件 `{file}`，可能已过期。请查看 GET /v1/files。",
    ),
    "file_too_large": _Row(
        413,
        _BAD,
        "The file is larger than {limit} bytes. Send a smaller one, or raise `files.max_file_bytes`.",
        "文件超过 {limit} 字节。请发送更小的文件，或调高 `files.max_file_bytes`。",
    ),
    "file_quota_exceeded": _Row(
        413,
        _BAD,
        "The files of this tenant may take {limit} bytes, and this one does not fit. Delete some, or raise "
        "`files.tenant_bytes`.",
        "此租户的文件总量上限为 {limit} 字节，已放不下此文件。请删除一些文件，或调高 `files.tenant_bytes`。",
    ),
    "batch_not_found": _Row(
        404,
        _BAD,
        "There is no batch `{batch}`. See GET /v1/batches.",
        "没有批次 `{batch}`。请查看 GET /v1/batches。",
    ),
    "batch_over": _Row(
        409,
        _BAD,
        "Batch `{batch}` is {state} and cannot be cancelled any more. See GET /v1/batches for those under way.",
        "批次 `{batch}` 的状态为 {state}，已无法取消。进行中的批次见 GET /v1/batches。",
    ),
    "batch_under_way": _Row(
        409,
        _BAD,
        "Batch `{batch}` has not ended, so it has no results yet. Ask for the batch until it has.",
        "批次 `{batch}` 尚未结束，还没有结果。请查询该批次直到其结束。",
    ),
    "batch_expired": _Row(
        408,
        _BAD,
        "The batch expired before this request was answered. Send what is left in another batch.",
        "批次在处理此请求前已过期。请将剩余请求放入新的批次。",
    ),
    "turn_not_kept": _Row(
        404,
        _BAD,
        "Turn `{turn}` cannot be taken up again from there: it is unknown, another key's, or its pieces are not kept any "
        "more. Ask again; the ledger holds what was answered.",
        "无法从该处继续请求 `{turn}`：编号未知、属于其他密钥，或内容已不再保留。请重新提问；账本中有已生成的回答。",
    ),
    "too_many_turns": _Row(
        429,
        "rate_limit_error",
        "This connection already has {limit} turns open. Wait for one to end, or raise `websocket.max_turns`.",
        "此连接已有 {limit} 个进行中的请求。请等其中一个结束，或调高 `websocket.max_turns`。",
    ),
    "conflict": _Row(409, _BAD, "`{what}` is already there. Choose another name.", "`{what}` 已存在，请换一个名称。"),
    # who asks
    "missing_key": _Row(
        401,
        "authentication_error",
        "No API key was sent. Send `Authorization: Bearer <key>`; make one with `zhongshu keys create`.",
        "未提供 API 密钥。请发送 `Authorization: Bearer <key>`；用 `zhongshu keys create` 创建。",
    ),
    "invalid_api_key": _Row(
        401,
        "authentication_error",
        "This API key is unknown, expired or revoked. Make a new one with `zhongshu keys create`.",
        "此 API 密钥无效、已过期或已吊销。请用 `zhongshu keys create` 新建。",
    ),
    "forbidden": _Row(403, "permission_error", "This key may not do that: {why}.", "此密钥无权执行该操作：{why}。"),
    "rate_limit_exceeded": _Row(
        429,
        "rate_limit_error",
        "The limit of this {scope} ({limit}) is used up. Try again in {retry_after_s:.0f} s.",
        "此{scope}的限额（{limit}）已用完。请在 {retry_after_s:.0f} 秒后重试。",
    ),
    "concurrency_exceeded": _Row(
        429,
        "rate_limit_error",
        "This {scope} already has {limit} turns in flight. Wait for one to end.",
        "此{scope}已有 {limit} 个请求在处理中，请等其中一个结束。",
    ),
    "insufficient_quota": _Row(
        429,
        "insufficient_quota",
        "What is left of this {scope}'s money budget does not cover this turn. Lower `max_tokens`, raise the budget with "
        "{remedy}, or wait for its next period.",
        "此{scope}的预算余额不足以支付本次请求。请调低 `max_tokens`、用 {remedy} 调高预算，或等待下一个周期。",
    ),
    "budget_too_small": _Row(
        429,
        "insufficient_quota",
        "This turn may cost up to {needed}, and {left} is left of this {scope}'s money budget. Lower `max_tokens` or "
        "send less, or raise the budget with {remedy}. Waiting does not help.",
        "本次请求最多需 {needed}，而此{scope}的预算仅剩 {left}。请调低 `max_tokens` 或减少内容，或用 {remedy} 调高预算；等待无济于事。",
    ),
    "budget_reserved": _Row(
        429,
        "rate_limit_error",
        "This turn may cost up to {needed}, and what is left of this {scope}'s money budget is reserved by turns in "
        "flight. Try again shortly.",
        "本次请求最多需 {needed}，而此{scope}的剩余预算正被处理中的请求占用，请稍后重试。",
    ),
    "budget_without_rate": _Row(
        503,
        "server_error",
        "A budget of this caller is in {currency}, and the settings no longer say what that is worth in {home}. Add a row "
        "to [[rates]], or give the budget in {home}.",
        "此调用方的预算以 {currency} 计，而设置中已没有其折合 {home} 的汇率。请在 [[rates]] 中添加一行，或改以 {home} 设置预算。",
    ),
    "tokens_over_limit": _Row(
        400,
        _BAD,
        "This turn may come to {needed} tokens, but only {limit} a minute are allowed. Lower `max_tokens` or shorten "
        "the prompt; raise the limit with `zhongshu keys set-limits` or `zhongshu tenants set-limits`.",
        "此请求最多可能用到 {needed} 个词元，而每分钟只允许 {limit} 个。请调低 `max_tokens` 或缩短提示；"
        "也可用 `zhongshu keys set-limits` 或 `zhongshu tenants set-limits` 调高限额。",
    ),
    "limits_unavailable": _Row(
        503,
        "server_error",
        "The limits of this key cannot be checked now, so nothing was let in. Try again shortly; see `zhongshu doctor`.",
        "目前无法检查此密钥的限额，因此未放行。请稍后重试；参见 `zhongshu doctor`。",
    ),
    # what is managed
    "tenant_not_found": _Row(
        404,
        _BAD,
        "There is no tenant `{tenant}`. See `zhongshu tenants list`; make one with `zhongshu tenants create`.",
        "没有名为 `{tenant}` 的租户。请查看 `zhongshu tenants list`，或用 `zhongshu tenants create` 新建。",
    ),
    "key_not_found": _Row(
        404,
        _BAD,
        "There is no key `{key}`. See `zhongshu keys list`.",
        "没有编号为 `{key}` 的密钥。请查看 `zhongshu keys list`。",
    ),
    "turn_not_found": _Row(
        404,
        _BAD,
        "The ledger holds no turn `{trace}`. It may be past its retention; see `zhongshu ledger find`.",
        "账本中没有编号为 `{trace}` 的请求，可能已过保存期限。请查看 `zhongshu ledger find`。",
    ),
    "sample_not_found": _Row(
        404,
        _BAD,
        "No sample of routing was taken of the turn `{trace}`. `zhongshu route samples` lists those there are.",
        "没有对请求 `{trace}` 做过路由抽样。请用 `zhongshu route samples` 查看已有抽样。",
    ),
    "nothing_judged": _Row(
        404,
        _BAD,
        "Nothing was judged in this period. Set `router.samples.share`, or send labels to POST /admin/v1/route/report.",
        "该时段没有已评判的抽样。请设置 `router.samples.share`，或向 POST /admin/v1/route/report 提交标签。",
    ),
    "text_unreadable": _Row(
        500,
        "server_error",
        "The text of turn `{trace}` does not open: the journal or its keys were changed. Run `zhongshu ledger verify`.",
        "请求 `{trace}` 的原文无法解密：日志或其密钥已被改动。请运行 `zhongshu ledger verify`。",
    ),
    "response_not_found": _Row(
        404,
        _BAD,
        "There is no response `{id}`: it is past its retention, was deleted, or was not stored. Ask again with `store`: true.",
        "没有编号为 `{id}` 的响应：已过保存期限、已删除，或当时未保存。请将 `store` 设为 true 后重新请求。",
    ),
    "previous_response_not_found": _Row(
        400,
        _BAD,
        "The conversation before this turn is not here: `{id}` or one before it was deleted, has expired or was not "
        "stored. Send the conversation in `input`.",
        "此前的对话不存在：`{id}` 或更早的响应已删除、过期或未保存。请在 `input` 中发送完整对话。",
    ),
    "response_not_background": _Row(
        400,
        _BAD,
        "Response `{id}` was not asked for with `background`: true, so it cannot be cancelled. Close its connection instead.",
        "响应 `{id}` 并非以 `background` 为 true 请求，无法取消；请直接关闭其连接。",
    ),
    "sessions_off": _Row(
        400,
        _BAD,
        "`{field}` needs stored responses, and this server stores none. Send the conversation in `input`, or turn "
        "`sessions.keep` on.",
        "`{field}` 需要保存响应，而本服务不保存。请在 `input` 中发送完整对话，或打开 `sessions.keep`。",
    ),
    "sessions_unavailable": _Row(
        503,
        "server_error",
        "Stored responses cannot be read or written now. Try again shortly; see `zhongshu doctor`.",
        "目前无法读写已保存的响应。请稍后重试；参见 `zhongshu doctor`。",
    ),
    "upstream_not_found": _Row(
        404,
        _BAD,
        "There is no upstream `{upstream}`. See `zhongshu upstreams list`.",
        "没有名为 `{upstream}` 的上游。请查看 `zhongshu upstreams list`。",
    ),
    # what is asked for
    "model_not_found": _Row(
        404,
        _BAD,
        "There is no model `{model}` here. See GET /v1/models.",
        "没有名为 `{model}` 的模型。请查看 GET /v1/models。",
    ),
    "release_not_found": _Row(
        404,
        _BAD,
        "There is no release `{release}`. Its model has {known}; add a [[models]] row of that version to the settings.",
        "没有版本 `{release}`。该模型现有版本：{known}；请在设置中添加该版本的 [[models]] 行。",
    ),
    "canary_running": _Row(
        409,
        _BAD,
        "A canary of `{model}` is under way (release {release}). Let it end, or end it with "
        "`zhongshu releases promote` or `zhongshu releases rollback`.",
        "`{model}` 正在进行灰度发布（版本 {release}）。请等待其结束，或用 `zhongshu releases promote` 或 "
        "`zhongshu releases rollback` 结束。",
    ),
    "nothing_to_roll_back": _Row(
        409,
        _BAD,
        "There is no such change of `{model}` to go back from. See `zhongshu releases history`.",
        "`{model}` 没有可回退的此项变更。请查看 `zhongshu releases history`。",
    ),
    "model_cannot": _Row(400, _BAD, "`{model}` cannot do {what}. {remedy}", "`{model}` 不支持 {what}。{remedy}"),
    # who answers
    "upstream_unreachable": _Row(
        502,
        "upstream_error",
        "Upstream `{upstream}` could not be reached. Check its address and network with `zhongshu doctor`.",
        "无法连接上游 `{upstream}`。请用 `zhongshu doctor` 检查其地址和网络。",
    ),
    "upstream_timeout": _Row(
        504,
        "upstream_error",
        "Upstream `{upstream}` did not answer in time ({phase}, {limit_s:g} s). Send it again, or raise its limits.",
        "上游 `{upstream}` 未能及时响应（{phase}，{limit_s:g} 秒）。请重试，或调高其时限。",
    ),
    "upstream_error": _Row(
        502,
        "upstream_error",
        "Upstream `{upstream}` failed with status {upstream_status}. Send it again; see the provider's status.",
        "上游 `{upstream}` 返回错误状态 {upstream_status}。请重试，并查看服务商状态。",
    ),
    "upstream_refused": _Row(
        400, _BAD, "Upstream `{upstream}` refused the request: {why}", "上游 `{upstream}` 拒绝了请求：{why}"
    ),
    "upstream_rate_limited": _Row(
        429,
        "rate_limit_error",
        "Upstream `{upstream}` is over its own rate limit. Wait for Retry-After, or have the provider raise it.",
        "上游 `{upstream}` 达到了自身的速率限制。请按 Retry-After 等待，或请服务商提高限额。",
    ),
    "upstream_auth": _Row(
        502,
        "upstream_error",
        "Upstream `{upstream}` refused our credential. Check its `key` setting.",
        "上游 `{upstream}` 拒绝了我们的凭据。请检查其 `key` 设置。",
    ),
    "upstream_unpaid": _Row(
        502,
        "upstream_error",
        "The account at upstream `{upstream}` has no credit left. Top it up with the provider.",
        "上游 `{upstream}` 的账户余额不足。请到服务商处充值。",
    ),
    "upstream_malformed": _Row(
        502,
        "upstream_error",
        "Upstream `{upstream}` sent something that is not an answer: {why}. Check its `base_url`.",
        "上游 `{upstream}` 返回的内容不是有效的回答：{why}。请检查其 `base_url`。",
    ),
    "upstream_cut": _Row(
        502,
        "upstream_error",
        "Upstream `{upstream}` broke off in the middle of the answer. Send it again.",
        "上游 `{upstream}` 在回答中途断开。请重试。",
    ),
    "upstream_resting": _Row(
        503,
        "upstream_error",
        "Upstream `{upstream}` is left alone for another {retry_after_s:.0f} s after failures ({why}). Try again then; "
        "`zhongshu upstreams health` shows its state.",
        "上游 `{upstream}` 连续失败（{why}），暂停使用，还需 {retry_after_s:.0f} 秒。请届时重试；状态可用 "
        "`zhongshu upstreams health` 查看。",
    ),
    "engine_unavailable": _Row(
        503,
        "server_error",
        "The embedded engine cannot serve `{model}` now: {why}.",
        "内置引擎目前无法提供 `{model}`：{why}。",
    ),
    "engine_crashed": _Row(
        503,
        "server_error",
        "The engine of `{model}` stopped in the middle of the answer. It is being restarted; send the request again.",
        "`{model}` 的引擎在回答中途停止，正在重启；请重新发送请求。",
    ),
    # local model files
    "local_model_unknown": _Row(
        404,
        _BAD,
        "There is no local model `{model}`. See `zhongshu models list`.",
        "没有名为 `{model}` 的本地模型。请查看 `zhongshu models list`。",
    ),
    "model_not_installed": _Row(
        503,
        "server_error",
        "The file of `{model}` is not here. Fetch it with `zhongshu models pull {model}`.",
        "`{model}` 的模型文件尚未就绪。请用 `zhongshu models pull {model}` 获取。",
    ),
    "model_fetch_failed": _Row(
        502,
        "server_error",
        "`{model}` could not be fetched from any source ({why}). Check the network and the order of sources, run it "
        "again to go on where it stopped, or put the file at {place}.",
        "无法从任何来源获取 `{model}`（{why_zh}）。请检查网络与来源顺序后重试（会从中断处继续），或将文件放到 {place}。",
    ),
    "model_no_space": _Row(
        507,
        "server_error",
        "`{model}` needs {needed_mb} MB of disk and {folder} has {free_mb} MB free. Free some space, or name another "
        "folder in ZHONGSHU_MODELS.",
        "`{model}` 需要 {needed_mb} MB 磁盘空间，而 {folder} 仅剩 {free_mb} MB。请释放空间，或用 ZHONGSHU_MODELS 指定其他目录。",
    ),
    "model_cache_unwritable": _Row(
        500,
        "server_error",
        "The models folder {folder} cannot be used ({why}). Mend its permissions, or name another in ZHONGSHU_MODELS.",
        "模型目录 {folder} 不可用（{why}）。请修正其权限，或用 ZHONGSHU_MODELS 指定其他目录。",
    ),
    "model_file_unreadable": _Row(
        400,
        _BAD,
        "{file} is not a GGUF file that can be read: {why}. Fetch it again.",
        "{file} 不是可读取的 GGUF 文件：{why}。请重新获取。",
    ),
    # ourselves
    "overloaded": _Row(
        503, "server_error", "Too many turns are in flight. Try again shortly.", "当前请求过多，请稍后重试。"
    ),
    "draining": _Row(
        503,
        "server_error",
        "This server is shutting down. Try again; another one will answer.",
        "服务正在关闭，请重试，其他实例会应答。",
    ),
    "journal_unavailable": _Row(
        503,
        "server_error",
        "The answer could not be recorded ({why}), so it was not given. Free some disk space; see `zhongshu doctor`.",
        "无法记录本次回答（{why}），因此未予返回。请释放磁盘空间；参见 `zhongshu doctor`。",
    ),
    "internal_error": _Row(
        500,
        "server_error",
        "Something broke on our side. The trace id finds it in the log.",
        "服务内部出错。可凭追踪号在日志中查到原因。",
    ),
}


def problem(
    code: str,
    *,
    param: str | None = None,
    retry_after_s: float | None = None,
    status: int | None = None,
    **facts: object,
) -> Problem:
    """Make the Problem of a code. `facts` fill the sentence's blanks; `status` overrides the row's (pass-through)."""
    row = _ROWS[code]
    if retry_after_s is not None:
        facts.setdefault("retry_after_s", retry_after_s)
    return Problem(
        code=code,
        status=status or row.status,
        type=row.type,
        message=row.en.format(**{name: fact.en if isinstance(fact, Said) else fact for name, fact in facts.items()}),
        message_zh=row.zh.format(**{name: fact.zh if isinstance(fact, Said) else fact for name, fact in facts.items()}),
        param=param,
        retry_after_s=retry_after_s,
        upstream_status=status_there if isinstance(status_there := facts.get("upstream_status"), int) else 0,
    )


def fault(
    code: str,
    *,
    param: str | None = None,
    retry_after_s: float | None = None,
    status: int | None = None,
    **facts: object,
) -> Fault:
    """`raise fault("upstream_timeout", upstream="x", phase="first byte", limit_s=30)`."""
    return Fault(problem(code, param=param, retry_after_s=retry_after_s, status=status, **facts))


def codes() -> tuple[str, ...]:
    """Every code there is, for the documentation test."""
    return tuple(_ROWS)


class Documented(NamedTuple):
    """A code as the documentation shows it; the sentences have `{blanks}` for the facts."""

    code: str
    status: int
    type: str
    en: str
    zh: str


def documented() -> tuple[Documented, ...]:
    """Every code with its sentences, in the order of the rows."""
    return tuple(Documented(code, *row) for code, row in _ROWS.items())


LEFT = Problem("left", 499, "client", "The client closed the connection.", "客户端已断开连接。")
"""Told to nobody: how a stream ended whose reader went away."""

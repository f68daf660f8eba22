"""Who asks, within which limits and budgets; tenants and keys as they are managed."""

from __future__ import annotations

from zhongshu.core.problems.row import INVALID, Row

ACCESS: dict[str, Row] = {
    "missing_key": Row(
        401,
        "authentication_error",
        "No API key was sent. Send `Authorization: Bearer <key>`; make one with `zhongshu keys create`.",
        "未提供 API 密钥。请发送 `Authorization: Bearer <key>`；用 `zhongshu keys create` 创建。",
    ),
    "invalid_api_key": Row(
        401,
        "authentication_error",
        "This API key is unknown, expired or revoked. Make a new one with `zhongshu keys create`.",
        "此 API 密钥无效、已过期或已吊销。请用 `zhongshu keys create` 新建。",
    ),
    "forbidden": Row(403, "permission_error", "This key may not do that: {why}.", "此密钥无权执行该操作：{why}。"),
    "rate_limit_exceeded": Row(
        429,
        "rate_limit_error",
        "The limit of this {scope} ({limit}) is used up. Try again in {retry_after_s:.0f} s.",
        "此{scope}的限额（{limit}）已用完。请在 {retry_after_s:.0f} 秒后重试。",
    ),
    "concurrency_exceeded": Row(
        429,
        "rate_limit_error",
        "This {scope} already has {limit} turns in flight. Wait for one to end.",
        "此{scope}已有 {limit} 个请求在处理中，请等其中一个结束。",
    ),
    "insufficient_quota": Row(
        429,
        "insufficient_quota",
        "What is left of this {scope}'s money budget does not cover this turn. Lower `max_tokens`, raise the budget with "
        "{remedy}, or wait for its next period.",
        "此{scope}的预算余额不足以支付本次请求。请调低 `max_tokens`、用 {remedy} 调高预算，或等待下一个周期。",
    ),
    "budget_too_small": Row(
        429,
        "insufficient_quota",
        "This turn may cost up to {needed}, and {left} is left of this {scope}'s money budget. Lower `max_tokens` or "
        "send less, or raise the budget with {remedy}. Waiting does not help.",
        "本次请求最多需 {needed}，而此{scope}的预算仅剩 {left}。请调低 `max_tokens` 或减少内容，或用 {remedy} 调高预算；等待无济于事。",
    ),
    "budget_reserved": Row(
        429,
        "rate_limit_error",
        "This turn may cost up to {needed}, and what is left of this {scope}'s money budget is reserved by turns in "
        "flight. Try again shortly.",
        "本次请求最多需 {needed}，而此{scope}的剩余预算正被处理中的请求占用，请稍后重试。",
    ),
    "budget_without_rate": Row(
        503,
        "server_error",
        "A budget of this caller is in {currency}, and the settings no longer say what that is worth in {home}. Add a row "
        "to [[rates]], or give the budget in {home}.",
        "此调用方的预算以 {currency} 计，而设置中已没有其折合 {home} 的汇率。请在 [[rates]] 中添加一行，或改以 {home} 设置预算。",
    ),
    "tokens_over_limit": Row(
        400,
        INVALID,
        "This turn may come to {needed} tokens, but only {limit} a minute are allowed. Lower `max_tokens` or shorten "
        "the prompt; raise the limit with `zhongshu keys set-limits` or `zhongshu tenants set-limits`.",
        "此请求最多可能用到 {needed} 个词元，而每分钟只允许 {limit} 个。请调低 `max_tokens` 或缩短提示；"
        "也可用 `zhongshu keys set-limits` 或 `zhongshu tenants set-limits` 调高限额。",
    ),
    "limits_unavailable": Row(
        503,
        "server_error",
        "The limits of this key cannot be checked now, so nothing was let in. Try again shortly; see `zhongshu doctor`.",
        "目前无法检查此密钥的限额，因此未放行。请稍后重试；参见 `zhongshu doctor`。",
    ),
    "tenant_not_found": Row(
        404,
        INVALID,
        "There is no tenant `{tenant}`. See `zhongshu tenants list`; make one with `zhongshu tenants create`.",
        "没有名为 `{tenant}` 的租户。请查看 `zhongshu tenants list`，或用 `zhongshu tenants create` 新建。",
    ),
    "key_not_found": Row(
        404,
        INVALID,
        "There is no key `{key}`. See `zhongshu keys list`.",
        "没有编号为 `{key}` 的密钥。请查看 `zhongshu keys list`。",
    ),
}

"""What upstreams do instead of answering."""

from __future__ import annotations

from zhongshu.core.problems.row import INVALID, Row

UPSTREAMS: dict[str, Row] = {
    "upstream_not_found": Row(
        404,
        INVALID,
        "There is no upstream `{upstream}`. See `zhongshu upstreams list`.",
        "没有名为 `{upstream}` 的上游。请查看 `zhongshu upstreams list`。",
    ),
    "upstream_unreachable": Row(
        502,
        "upstream_error",
        "Upstream `{upstream}` could not be reached. Check its address and network with `zhongshu doctor`.",
        "无法连接上游 `{upstream}`。请用 `zhongshu doctor` 检查其地址和网络。",
    ),
    "upstream_timeout": Row(
        504,
        "upstream_error",
        "Upstream `{upstream}` did not answer in time ({phase}, {limit_s:g} s). Send it again, or raise its limits.",
        "上游 `{upstream}` 未能及时响应（{phase}，{limit_s:g} 秒）。请重试，或调高其时限。",
    ),
    "upstream_error": Row(
        502,
        "upstream_error",
        "Upstream `{upstream}` failed with status {upstream_status}. Send it again; see the provider's status.",
        "上游 `{upstream}` 返回错误状态 {upstream_status}。请重试，并查看服务商状态。",
    ),
    "upstream_refused": Row(
        400, INVALID, "Upstream `{upstream}` refused the request: {why}", "上游 `{upstream}` 拒绝了请求：{why}"
    ),
    "upstream_rate_limited": Row(
        429,
        "rate_limit_error",
        "Upstream `{upstream}` is over its own rate limit. Wait for Retry-After, or have the provider raise it.",
        "上游 `{upstream}` 达到了自身的速率限制。请按 Retry-After 等待，或请服务商提高限额。",
    ),
    "upstream_auth": Row(
        502,
        "upstream_error",
        "Upstream `{upstream}` refused our credential. Check its `key` setting.",
        "上游 `{upstream}` 拒绝了我们的凭据。请检查其 `key` 设置。",
    ),
    "upstream_unpaid": Row(
        502,
        "upstream_error",
        "The account at upstream `{upstream}` has no credit left. Top it up with the provider.",
        "上游 `{upstream}` 的账户余额不足。请到服务商处充值。",
    ),
    "upstream_malformed": Row(
        502,
        "upstream_error",
        "Upstream `{upstream}` sent something that is not an answer: {why}. Check its `base_url`.",
        "上游 `{upstream}` 返回的内容不是有效的回答：{why}。请检查其 `base_url`。",
    ),
    "upstream_cut": Row(
        502,
        "upstream_error",
        "Upstream `{upstream}` broke off in the middle of the answer. Send it again.",
        "上游 `{upstream}` 在回答中途断开。请重试。",
    ),
    "upstream_resting": Row(
        503,
        "upstream_error",
        "Upstream `{upstream}` is left alone for another {retry_after_s:.0f} s after failures ({why}). Try again then; "
        "`zhongshu upstreams health` shows its state.",
        "上游 `{upstream}` 连续失败（{why}），暂停使用，还需 {retry_after_s:.0f} 秒。请届时重试；状态可用 "
        "`zhongshu upstreams health` 查看。",
    ),
}

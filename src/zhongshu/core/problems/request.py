"""What can be wrong with a request itself: its form, its fields, its address."""

from __future__ import annotations

from zhongshu.core.problems.row import INVALID, Row

REQUEST: dict[str, Row] = {
    "invalid_json": Row(
        400,
        INVALID,
        "The body is not valid JSON: {why}. Send one JSON object in UTF-8.",
        "请求体不是合法的 JSON：{why}。请发送一个 UTF-8 编码的 JSON 对象。",
    ),
    "invalid_value": Row(400, INVALID, "Field `{field}` is not usable: {why}.", "字段 `{field}` 不可用：{why}。"),
    "missing_field": Row(400, INVALID, "Field `{field}` is required.", "缺少必填字段 `{field}`。"),
    "unsupported": Row(
        400, INVALID, "`{field}` is not supported by {what}. {remedy}", "{what} 不支持 `{field}`。{remedy}"
    ),
    "context_length_exceeded": Row(
        400,
        INVALID,
        "The prompt needs {needed} tokens but `{model}` holds {limit}. Shorten it, lower `max_tokens`, "
        "or ask for a model with a longer context.",
        "提示需要 {needed} 个词元，而 `{model}` 只能容纳 {limit} 个。请缩短提示、调低 `max_tokens`，或改用上下文更长的模型。",
    ),
    "body_too_large": Row(
        413,
        INVALID,
        "The body is larger than {limit} bytes. Send less, or raise `server.max_body_bytes`.",
        "请求体超过 {limit} 字节。请减少内容，或调高 `server.max_body_bytes`。",
    ),
    "body_too_slow": Row(
        408,
        INVALID,
        "The body did not arrive within {limit} seconds. Send it faster or in one piece.",
        "请求体未能在 {limit} 秒内到达。请加快发送或一次发完。",
    ),
    "head_too_large": Row(
        431,
        INVALID,
        "The request line and headers are larger than {limit} bytes. Send fewer or shorter headers.",
        "请求行与请求头超过 {limit} 字节。请减少或缩短请求头。",
    ),
    "malformed_http": Row(
        400,
        INVALID,
        "This is not an HTTP/1.1 request that can be read. Check the request line, the headers (one Host) and "
        "Content-Length.",
        "无法识别为 HTTP/1.1 请求。请检查请求行、请求头（Host 恰为一个）和 Content-Length。",
    ),
    "not_served": Row(404, INVALID, "`{path}` is not served here. {instead}.", "此处不提供 `{path}`。{instead}。"),
    "not_found": Row(
        404,
        INVALID,
        "There is nothing at this address. See /docs for what there is.",
        "此地址不存在。可用接口见 /docs。",
    ),
    "method_not_allowed": Row(
        405,
        INVALID,
        "This address does not take {method}. Use {allowed}.",
        "此地址不接受 {method} 方法，请使用 {allowed}。",
    ),
    "unsupported_media_type": Row(
        415,
        INVALID,
        "The body must be JSON (Content-Type: application/json).",
        "请求体必须是 JSON（Content-Type: application/json）。",
    ),
    "invalid_form": Row(
        400,
        INVALID,
        "The body is not a form that can be read: {why}. Send multipart/form-data as the official SDKs do.",
        "请求体不是可读取的表单：{why}。请像官方 SDK 那样发送 multipart/form-data。",
    ),
    "conflict": Row(409, INVALID, "`{what}` is already there. Choose another name.", "`{what}` 已存在，请换一个名称。"),
}

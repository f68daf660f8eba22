"""Problems -> OpenAI's error object, in the caller's language, with the standard retry headers."""

from __future__ import annotations

import msgspec

from zhongshu.api.asgi import JSON_TYPE, Headers, Scope, Send, header, send_reply
from zhongshu.core.problems import Problem

_encode = msgspec.json.Encoder().encode


def error_body(problem: Problem, *, chinese: bool = False, trace: str = "") -> bytes:
    """`{"error": {"message", "type", "param", "code"}}`."""
    return _encode(
        {
            "error": {
                "message": problem.message_zh if chinese else problem.message,
                "type": problem.type,
                "param": problem.param,
                "code": problem.code,
            },
            "zhongshu": {"trace": trace or None, "message_zh": problem.message_zh},
        }
    )


def error_headers(problem: Problem, trace: str) -> Headers:
    """Content type, trace and Retry-After (whole seconds, rounded up; also in milliseconds as OpenAI does)."""
    headers: Headers = [JSON_TYPE]
    if trace:
        headers += [(b"x-request-id", trace.encode()), (b"x-zhongshu-trace", trace.encode())]
    if problem.retry_after_s is not None:
        headers += [
            (b"retry-after", b"%d" % max(1, -int(-problem.retry_after_s // 1))),
            (b"retry-after-ms", b"%d" % max(1, int(problem.retry_after_s * 1000))),
        ]
    if problem.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    return headers


def prefers_chinese(scope: Scope) -> bool:
    """Whether the caller's first language is Chinese."""
    return header(scope, b"accept-language")[:2].lower() == b"zh"


async def send_problem(
    scope: Scope, send: Send, problem: Problem, trace: str = "", more: Headers | None = None
) -> None:
    """Answer with an error."""
    body = error_body(problem, chinese=prefers_chinese(scope), trace=trace)
    await send_reply(send, problem.status, error_headers(problem, trace) + (more or []), body)

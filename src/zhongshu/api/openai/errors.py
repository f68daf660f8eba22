"""Problems -> OpenAI's error object, in the caller's language."""

from __future__ import annotations

import msgspec

from zhongshu.api.asgi import Headers, Scope, Send, send_reply
from zhongshu.api.errors import error_headers, prefers_chinese
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


async def send_problem(
    scope: Scope, send: Send, problem: Problem, trace: str = "", more: Headers | None = None
) -> None:
    """Answer with an error."""
    body = error_body(problem, chinese=prefers_chinese(scope), trace=trace)
    await send_reply(send, problem.status, error_headers(problem, trace) + (more or []), body)

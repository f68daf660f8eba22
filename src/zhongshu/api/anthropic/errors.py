"""Problems -> Anthropic's error object, and what its clients expect in the head of a reply."""

from __future__ import annotations

from collections.abc import Awaitable

import msgspec

from zhongshu.api.asgi import App, Message, Receive, Scope, Send
from zhongshu.core.problems import Problem

_encode = msgspec.json.Encoder().encode

OVERLOADED = 529
# Anthropic's own list of error types by status; other 4xx are the request's fault, other 5xx ours.
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    OVERLOADED: "overloaded_error",
}


def error_body(problem: Problem, *, chinese: bool = False, trace: str = "") -> bytes:
    """`{"type": "error", "error": {"type", "message"}, "request_id"}`, and our code beside it."""
    status = problem.status
    kind = _TYPES.get(status) or ("invalid_request_error" if status < 500 else "api_error")
    return _encode(
        {
            "type": "error",
            "error": {"type": kind, "message": problem.message_zh if chinese else problem.message},
            "request_id": trace or None,
            "zhongshu": {
                "code": problem.code,
                "param": problem.param,
                "trace": trace or None,
                "message_zh": problem.message_zh,
            },
        }
    )


class AnthropicHead:
    """An onion layer: names the request id as Anthropic does, and says 529 where HTTP says 503 (not able to answer
    now), because that is what its clients know to wait for."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        def named(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                headers += [(b"request-id", value) for name, value in headers if name == b"x-request-id"]
                if message["status"] == 503:
                    message["status"] = OVERLOADED
            return send(message)

        await self._app(scope, receive, named)

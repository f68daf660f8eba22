"""What the small endpoints of this protocol share: whose key it is, and how a refusal is written."""

from __future__ import annotations

from zhongshu.api.asgi import Headers, Scope, Send, send_reply
from zhongshu.api.errors import error_headers, prefers_chinese
from zhongshu.api.gemini.dialect import credential
from zhongshu.api.gemini.errors import error_body
from zhongshu.core.access import Caller
from zhongshu.core.problems import Problem, Refusal, problem
from zhongshu.pipeline.stages import Rooms


async def caller_of(rooms: Rooms, scope: Scope) -> Caller | Refusal:
    """Whose key it is."""
    key = credential(dict(scope["headers"]), scope["query_string"])
    return await rooms.gate.identify(key) if key else Refusal("admit", problem("missing_key"))


async def refuse(scope: Scope, send: Send, problem: Problem, more: Headers | None = None) -> None:
    """Answer with an error. more: headers beside the usual ones."""
    body = error_body(problem, chinese=prefers_chinese(scope))
    await send_reply(send, problem.status, error_headers(problem, "") + (more or []), body)

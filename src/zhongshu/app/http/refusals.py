"""Replies to what never becomes a request: whole, in JSON, and the connection ends with them."""

from __future__ import annotations

from http import HTTPStatus

from zhongshu.api.openai.errors import error_body
from zhongshu.core.problems import Problem, problem

MAX_HEAD_BYTES = 64 * 1024


def refusal(why: Problem) -> bytes:
    """The bytes that say why and hang up."""
    body = error_body(why)
    head = f"HTTP/1.1 {why.status} {HTTPStatus(why.status).phrase}\r\ncontent-type: application/json\r\n"
    return b"%bconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (head.encode(), len(body), body)


MALFORMED = refusal(problem("malformed_http"))
HEAD_TOO_LARGE = refusal(problem("head_too_large", limit=MAX_HEAD_BYTES))
BROKEN = refusal(problem("internal_error"))

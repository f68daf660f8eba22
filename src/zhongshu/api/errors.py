"""What every protocol's errors share: the headers that say when to try again, and the caller's language."""

from __future__ import annotations

from zhongshu.api.asgi import JSON_TYPE, Headers, Scope, header
from zhongshu.core.problems import Problem


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

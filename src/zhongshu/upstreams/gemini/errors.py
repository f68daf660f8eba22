"""What Google's refusals mean: google.rpc.Status -> our problems.

400 with API_KEY_INVALID, 401, 403   upstream_auth
400 that counts tokens               context_length_exceeded
400 404 ...                          upstream_refused, with Google's own sentence for the caller
429                                  upstream_rate_limited, with the delay of its RetryInfo
408 504                              upstream_timeout
5xx, no JSON                         upstream_error
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from zhongshu.core.problems import Fault, fault
from zhongshu.upstreams.openai.errors import no_header, retry_after

_MOST_CHARACTERS = 500
# "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)." Seen 2026-11.
_OVERFLOW = re.compile(
    r"input token count \(?(\d+)?\)?.{0,20}exceeds the maximum number of tokens(?: allowed)? \(?(\d+)?"
)
_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")
_STATUSES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class _Detail(msgspec.Struct, rename="camel"):
    reason: str | None = None
    retry_delay: str | None = None


class _Error(msgspec.Struct):
    code: int | str | None = None
    message: str = ""
    status: str = ""
    details: list[_Detail] = []


class _Body(msgspec.Struct):
    error: _Error | str | None = None


_body = msgspec.json.Decoder(_Body, strict=False).decode
_bodies = msgspec.json.Decoder(list[_Body], strict=False).decode
_NOTHING = _Error()


def explain(
    upstream: str, model: str, status: int, body: bytes, header: Callable[[str], str | None] = no_header
) -> Fault:
    """The Fault of a reply that is not an answer. `model` is the name the caller asked for, for the sentence. A status
    of 200 is an error inside a stream: its own code counts."""
    error = _read(body)
    if status == 200:
        status = _own_status(error)
    reasons = {detail.reason for detail in error.details}
    if status in (401, 403) or "API_KEY_INVALID" in reasons:
        return fault("upstream_auth", upstream=upstream)
    if status == 402:
        return fault("upstream_unpaid", upstream=upstream)
    delay = _delay(error, header)
    if status == 429:
        return fault("upstream_rate_limited", upstream=upstream, retry_after_s=delay)
    overflow = _OVERFLOW.search(error.message)
    if overflow is not None:
        needed, limit = overflow[1] or "?", overflow[2] or "?"
        return fault("context_length_exceeded", param="contents", needed=needed, model=model, limit=limit)
    if status in (408, 504):
        return fault("upstream_timeout", upstream=upstream, phase="its own", limit_s=0)
    if 400 <= status < 500:
        why = _sentence(error.message) or f"status {status}, without a reason"
        return fault("upstream_refused", upstream=upstream, why=why, status=status)
    return fault("upstream_error", upstream=upstream, upstream_status=status, retry_after_s=delay)


def _read(body: bytes) -> _Error:
    """The error object of a body, which a stream without `alt=sse` puts into a list."""
    try:
        read = _bodies(body)[0] if body.lstrip().startswith(b"[") else _body(body)
    except (msgspec.DecodeError, UnicodeDecodeError, IndexError):
        return _NOTHING
    if isinstance(read.error, str):
        return _Error(message=read.error)
    return read.error or _NOTHING


def _own_status(error: _Error) -> int:
    code = error.code
    if isinstance(code, int) and 400 <= code < 600:
        return code
    return _STATUSES.get(error.status, 500)


def _delay(error: _Error, header: Callable[[str], str | None]) -> float | None:
    """Seconds to wait: google.rpc.RetryInfo's, else the header's."""
    for detail in error.details:
        found = _DELAY.fullmatch(detail.retry_delay or "")
        if found:
            return float(found[1])
    return retry_after(header("retry-after"))


def _sentence(message: str) -> str:
    words = " ".join(message.split())
    return words if len(words) <= _MOST_CHARACTERS else words[: _MOST_CHARACTERS - 1] + "…"

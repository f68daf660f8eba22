"""What an upstream's refusal means: status, headers and Anthropic's error object -> our problems.

    400 404 413 422 ...  upstream_refused, with the provider's own sentence for the caller
                         context_length_exceeded when that is what the sentence says, in Anthropic's words or others'
                         upstream_unpaid when it says that the credit is used up (a 400 at Anthropic)
    401 403              upstream_auth
    402                  upstream_unpaid
    408 504              upstream_timeout
    429                  upstream_rate_limited, with Retry-After
    529                  upstream_error, told as 529: overloaded, and not our fault
    5xx, 3xx, no JSON    upstream_error

Inside a stream, an error has a type and no status. A provider's sentence may quote the prompt: it goes into the
Problem, which is shown to the caller alone, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

import msgspec

from zhongshu.core.problems import Fault, fault
from zhongshu.upstreams.openai import errors as openai_errors
from zhongshu.upstreams.openai.errors import no_header, retry_after

_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "timeout_error": 504,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "overloaded_error": 529,
}
_OVERFLOW = re.compile(
    r"prompt is too long|exceed(s|ed)? (the )?(model's )?(maximum )?context (limit|length|window)", re.I
)
_COUNTS = (
    re.compile(r"(\d+) tokens > (\d+)"),  # prompt is too long: 213462 tokens > 200000 maximum
    re.compile(r"(\d+) \+ \d+ > (\d+)"),  # input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000
)
_UNPAID = re.compile(r"credit balance is too low", re.I)


class _Complaint(msgspec.Struct, frozen=True):
    type: str = ""
    message: str = ""


def explain(
    upstream: str, model: str, status: int, body: bytes, header: Callable[[str], str | None] = no_header
) -> Fault:
    """The Fault of a reply that is not an answer. `model` is the name the caller asked for, for the sentence.

    A status of 200 is an error object inside an otherwise good reply; its own type says what it is.
    """
    complaint = _read(body)
    if status == 200:
        status = _STATUSES.get(complaint.type, 500)
    message = complaint.message
    after = retry_after(header("retry-after"))
    if status == 402 or _UNPAID.search(message):
        return fault("upstream_unpaid", upstream=upstream)
    if status in (401, 403):
        return fault("upstream_auth", upstream=upstream)
    if status == 429:
        return fault("upstream_rate_limited", upstream=upstream, retry_after_s=after)
    if status in (408, 504):
        return fault("upstream_timeout", upstream=upstream, phase="its own", limit_s=0)
    if status < 500 and _OVERFLOW.search(message):
        return _overflow(message, model)
    if 400 <= status < 500:
        return openai_errors.explain(upstream, model, status, body, header)
    told = 529 if status == 529 else None
    return fault("upstream_error", upstream=upstream, upstream_status=status, status=told, retry_after_s=after)


def _read(body: bytes) -> _Complaint:
    """The error object of a body; anything else (HTML, nothing at all) says nothing."""
    try:
        outer = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Complaint()
    error: Any = outer.get("error")
    if isinstance(error, str):
        return _Complaint(message=error)
    inner = cast("dict[str, Any]", error) if isinstance(error, dict) else outer
    kind, message = inner.get("type"), inner.get("message")
    return _Complaint(kind if isinstance(kind, str) else "", message if isinstance(message, str) else "")


def _overflow(message: str, model: str) -> Fault:
    found = next((match for pattern in _COUNTS if (match := pattern.search(message))), None)
    needed, limit = (int(found[1]), int(found[2])) if found else ("?", "?")
    return fault("context_length_exceeded", param="messages", needed=needed, model=model, limit=limit)

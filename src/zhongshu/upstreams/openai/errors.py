"""What an upstream's refusal means: status, headers and body -> our problems.

    400 404 413 422 ...  upstream_refused, with the provider's own sentence for the caller
                         context_length_exceeded when that is what the sentence says
    401 403              upstream_auth
    402, quota used up   upstream_unpaid
    408 504              upstream_timeout
    429                  upstream_rate_limited, with Retry-After
    5xx, 3xx, no JSON    upstream_error

A provider's sentence may quote the prompt: it goes into the Problem, which is shown to the caller alone, and nowhere
else. Knows no provider by name; the sentences it looks for are dated in the tests that quote them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from math import isfinite
from time import time
from typing import Any

import msgspec

from zhongshu.core.problems import Fault, fault

_MOST_CHARACTERS = 500

_QUOTA = frozenset({"insufficient_quota", "exceeded_current_quota_error", "insufficient_balance", "Arrearage", "1113"})
_OVERFLOW_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error", "1261", "string_above_max_length"})

_OVERFLOW = re.compile(
    r"maximum context length"  # OpenAI, DeepSeek, OpenRouter, vLLM, SGLang
    r"|exceeds? the (available |model's )?(maximum )?context (size|length|window)"  # llama.cpp, SGLang
    r"|longer than the (model's context length|maximum model length)"  # SGLang, vLLM
    r"|context length (is|of) only"  # vLLM, LM Studio
    r"|range of input length should be"  # DashScope
    r"|exceeded model token limit"  # Moonshot
    r"|must be less than max_seq_len"  # SiliconFlow
    r"|prompt (is )?too long|prompt 超长|输入.{0,6}(过长|超长)"  # Zhipu and others
    r"|greater than the context length",  # LM Studio
    re.IGNORECASE,
)
_LIMIT = (
    re.compile(r"context length (?:is|of)(?: only)? (\d+)", re.IGNORECASE),
    re.compile(r"(?:context size|context length|model length|max_seq_len|context window)(?: of| is)? ?\(?(\d+)", re.I),
    re.compile(r"input length should be \[\d+, ?(\d+)\]", re.IGNORECASE),
    re.compile(r"model token limit: ?(\d+)", re.IGNORECASE),
)
_NEEDED = (
    re.compile(r"resulted in (\d+) tokens", re.IGNORECASE),
    re.compile(r"requested (?:a total of |about )?(\d+) tokens", re.IGNORECASE),
    re.compile(r"(?:request|input|prompt|prompt_tokens) \((?:length )?(\d+)", re.IGNORECASE),
    re.compile(r"you passed (\d+) input tokens", re.IGNORECASE),
    re.compile(r"keep the first (\d+) tokens", re.IGNORECASE),
)


class _Complaint(msgspec.Struct, frozen=True):
    """What an error object says, whatever its spelling."""

    message: str = ""
    type: str = ""
    code: str = ""
    param: str | None = None
    needed: int | None = None
    limit: int | None = None


def no_header(_name: str) -> str | None:
    """For errors that came without headers, inside a stream."""
    return None


def explain(
    upstream: str,
    model: str,
    status: int,
    body: bytes,
    header: Callable[[str], str | None] = no_header,
) -> Fault:
    """The Fault of a reply that is not an answer. `model` is the name the caller asked for, for the sentence.

    A status of 200 is an error object inside an otherwise good reply; its own `code` decides if it is an HTTP status.
    """
    complaint = _read(body)
    if status == 200:
        status = _own_status(complaint)
    code, message = str(complaint.code or ""), _sentence(complaint)
    if code in _QUOTA or (complaint.type or "") in _QUOTA or status == 402:
        return fault("upstream_unpaid", upstream=upstream)
    if status in (401, 403):
        return fault("upstream_auth", upstream=upstream)
    if status == 429:
        return fault("upstream_rate_limited", upstream=upstream, retry_after_s=retry_after(header("retry-after")))
    if code in _OVERFLOW_CODES or (complaint.type or "") in _OVERFLOW_CODES or _OVERFLOW.search(message):
        return _overflow(complaint, message, model)
    if status in (408, 504):
        return fault("upstream_timeout", upstream=upstream, phase="its own", limit_s=0)
    if 400 <= status < 500:
        return _refused(upstream, status, complaint, message)
    return fault(
        "upstream_error", upstream=upstream, upstream_status=status, retry_after_s=retry_after(header("retry-after"))
    )


def retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header, which is a number or a date (RFC 9110, section 10.2.3)."""
    if not value:
        return None
    try:
        seconds = float(value)
        return max(seconds, 0.0) if isfinite(seconds) else None
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(value).timestamp() - time(), 0.0)
    except ValueError:
        return None


def _read(body: bytes) -> _Complaint:
    """The error object of a body: OpenAI's `error`, a bare string in its place, or the flat forms of vLLM, DashScope
    and FastAPI. Anything else (HTML, nothing at all) says nothing."""
    try:
        outer = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Complaint()
    error: Any = outer.get("error")
    if isinstance(error, str):
        return _Complaint(message=error, code=_word(outer.get("code")))
    inner: dict[str, Any] = {**outer, **error} if isinstance(error, dict) else outer
    message = next((inner[name] for name in ("message", "msg", "detail") if inner.get(name)), "")
    return _Complaint(
        message=message if isinstance(message, str) else msgspec.json.encode(message).decode(),
        type=_word(inner.get("type")),
        code=_word(inner.get("code")),
        param=_word(inner.get("param")) or None,
        needed=_count(inner.get("n_prompt_tokens")),
        limit=_count(inner.get("n_ctx")),
    )


def _word(value: Any) -> str:
    return str(value) if isinstance(value, str | int) else ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _own_status(complaint: _Complaint) -> int:
    """The HTTP status an error object inside a good reply means: its code if that is one, else its type's."""
    if complaint.code.isdecimal() and 400 <= int(complaint.code) < 600:
        return int(complaint.code)
    words = f"{complaint.type} {complaint.code}".lower()
    if "rate_limit" in words or "throttl" in words:
        return 429
    if "invalid" in words or "badrequest" in words:
        return 400
    return 500


def _overflow(complaint: _Complaint, message: str, model: str) -> Fault:
    needed = complaint.needed or _number(_NEEDED, message) or "?"
    limit = complaint.limit or _number(_LIMIT, message) or "?"
    return fault("context_length_exceeded", param="messages", needed=needed, model=model, limit=limit)


def _number(patterns: tuple[re.Pattern[str], ...], message: str) -> int | None:
    for pattern in patterns:
        found = pattern.search(message)
        if found:
            return int(found.group(1))
    return None


def _refused(upstream: str, status: int, complaint: _Complaint, message: str) -> Fault:
    why = message or f"status {status}, without a reason"
    return fault("upstream_refused", upstream=upstream, why=why, param=complaint.param, status=status)


def _sentence(complaint: _Complaint) -> str:
    """The provider's words on one line, no longer than anyone reads."""
    words = " ".join(complaint.message.split())
    return words if len(words) <= _MOST_CHARACTERS else words[: _MOST_CHARACTERS - 1] + "…"

"""Refusals as Anthropic and followers of its format send them (its reference and error pages, 2026-11-22)."""

import msgspec
import pytest

from zhongshu.upstreams.anthropic.errors import explain


def error(kind: str, message: str = "no") -> bytes:
    return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})


@pytest.mark.parametrize(
    ("status", "body", "code", "told"),
    [
        (400, error("invalid_request_error"), "upstream_refused", 400),
        (404, error("not_found_error"), "upstream_refused", 404),
        (413, error("request_too_large"), "upstream_refused", 413),
        (401, error("authentication_error"), "upstream_auth", 502),
        (403, error("permission_error"), "upstream_auth", 502),
        (402, error("billing_error"), "upstream_unpaid", 502),
        (400, error("invalid_request_error", "Your credit balance is too low to access it."), "upstream_unpaid", 502),
        (429, error("rate_limit_error"), "upstream_rate_limited", 429),
        (504, error("timeout_error"), "upstream_timeout", 504),
        (500, error("api_error"), "upstream_error", 502),
        (529, error("overloaded_error"), "upstream_error", 529),
        (502, b"<html>", "upstream_error", 502),
        (200, error("overloaded_error"), "upstream_error", 529),
        (200, error("rate_limit_error"), "upstream_rate_limited", 429),
        (200, error("api_error"), "upstream_error", 502),
        (200, error("invalid_request_error"), "upstream_refused", 400),
    ],
)
def test_what_a_refusal_means(status: int, body: bytes, code: str, told: int):
    problem = explain("up", "m", status, body).problem
    assert (problem.code, problem.status) == (code, told)


@pytest.mark.parametrize(
    ("message", "needed", "limit"),
    [
        ("prompt is too long: 213462 tokens > 200000 maximum", 213462, 200000),
        ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease them", 190000, 200000),
        ("This model's maximum context length is 4096 tokens. Your messages resulted in 5000 tokens.", 5000, 4096),
    ],
)
def test_a_prompt_that_is_too_long(message: str, needed: int, limit: int):
    problem = explain("up", "m", 400, error("invalid_request_error", message)).problem
    assert problem.code == "context_length_exceeded"
    assert f"{needed} tokens" in problem.message
    assert f"holds {limit}" in problem.message


def test_retry_after_is_kept():
    for status in (429, 529):
        assert explain("up", "m", status, b"{}", {"retry-after": "7"}.get).problem.retry_after_s == 7

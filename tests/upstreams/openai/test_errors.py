"""What upstreams say when they refuse, word for word as documented or seen, and what we make of it."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from zhongshu.core.problems import Problem
from zhongshu.upstreams.openai.errors import explain, retry_after


def read(status: int, body: str | bytes, **headers: str) -> Problem:
    data = body if isinstance(body, bytes) else body.encode()
    return explain("up", "mine", status, data, lambda name: headers.get(name.replace("-", "_"))).problem


OVERFLOWS = [
    # OpenAI, 2026-11
    (
        '{"error":{"message":"This model\'s maximum context length is 8192 tokens. However, your messages resulted in '
        '9011 tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages",'
        '"code":"context_length_exceeded"}}',
        9011,
        8192,
    ),
    # DeepSeek
    (
        '{"error":{"message":"This model\'s maximum context length is 131072 tokens. However, you requested 140000 '
        'tokens (132000 in the messages, 8000 in the completion).","type":"invalid_request_error","param":null,'
        '"code":"invalid_request_error"}}',
        140000,
        131072,
    ),
    # OpenRouter
    (
        '{"error":{"message":"This endpoint\'s maximum context length is 32768 tokens. However, you requested about '
        '40000 tokens (39000 of text input, 1000 in the output).","code":400}}',
        40000,
        32768,
    ),
    # vLLM before and since 0.11
    (
        '{"object":"error","message":"This model\'s maximum context length is 4096 tokens. However, you requested 5000 '
        'tokens in the messages, Please reduce the length of the messages.","type":"BadRequestError","param":null,'
        '"code":400}',
        5000,
        4096,
    ),
    (
        '{"error":{"message":"You passed 5001 input tokens and requested 0 output tokens. However, the model\'s context '
        'length is only 4096 tokens, resulting in a maximum input length of 4096 tokens.","type":"BadRequestError",'
        '"param":"input_tokens","code":400}}',
        5001,
        4096,
    ),
    (
        '{"object":"error","message":"The decoder prompt (length 5001) is longer than the maximum model length of 4096.",'
        '"type":"BadRequestError","code":400}',
        5001,
        4096,
    ),
    # SGLang
    (
        '{"object":"error","message":"The input (5000 tokens) is longer than the model\'s context length (4096 tokens).",'
        '"type":"BadRequestError","code":400}',
        5000,
        4096,
    ),
    (
        '{"object":"error","message":"Requested token count exceeds the model\'s maximum context length of 4096 tokens. '
        'You requested a total of 5000 tokens: 4000 tokens from the input messages and 1000 tokens for the completion.",'
        '"code":400}',
        5000,
        4096,
    ),
    # llama.cpp
    (
        '{"error":{"code":400,"message":"request (5000 tokens) exceeds the available context size (4096 tokens), try '
        'increasing it","type":"exceed_context_size_error","n_prompt_tokens":5000,"n_ctx":4096}}',
        5000,
        4096,
    ),
    (
        '{"error":{"code":500,"message":"the request exceeds the available context size. try increasing the context '
        'size or enable context shift","type":"server_error"}}',
        "?",
        "?",
    ),
    # DashScope (Qwen)
    (
        '{"error":{"code":"invalid_parameter_error","param":null,"message":"<400> InternalError.Algo.InvalidParameter: '
        'Range of input length should be [1, 30720]","type":"invalid_request_error"},"id":"x","request_id":"y"}',
        "?",
        30720,
    ),
    # Moonshot
    (
        '{"error":{"message":"Invalid request: Your request exceeded model token limit: 8192","type":'
        '"invalid_request_error"}}',
        "?",
        8192,
    ),
    # Zhipu
    ('{"error":{"code":"1261","message":"Prompt 超长"}}', "?", "?"),
    # SiliconFlow
    (
        '{"code":20015,"message":"length of prompt_tokens (5000) must be less than max_seq_len (4096).","data":null}',
        5000,
        4096,
    ),
    # LM Studio
    (
        '{"error":"Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with '
        'context length of only 4096 tokens, which is not enough."}',
        5000,
        4096,
    ),
]


@pytest.mark.parametrize(("body", "needed", "limit"), OVERFLOWS)
def test_a_prompt_too_long_is_told_as_such(body: str, needed: object, limit: object) -> None:
    problem = read(400, body)
    assert problem.code == "context_length_exceeded"
    assert f"needs {needed} tokens but `mine` holds {limit}." in problem.message
    assert problem.status == 400


CASES = [
    (400, '{"error":{"message":"bad \'temperature\'","param":"temperature"}}', "upstream_refused"),
    (400, '{"error":"just text"}', "upstream_refused"),
    (400, '{"detail":[{"loc":["body","n"],"msg":"too big"}]}', "upstream_refused"),
    (404, '{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}', "upstream_refused"),
    (413, "<html>413 Request Entity Too Large</html>", "upstream_refused"),
    (415, "", "upstream_refused"),
    (422, '{"message":"unprocessable"}', "upstream_refused"),
    (401, '{"error":{"message":"Incorrect API key provided: sk-x","code":"invalid_api_key"}}', "upstream_auth"),
    (403, "", "upstream_auth"),
    (402, '{"error":{"message":"Insufficient Balance"}}', "upstream_unpaid"),
    (429, '{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}', "upstream_unpaid"),
    (429, '{"error":{"message":"x","type":"exceeded_current_quota_error"}}', "upstream_unpaid"),
    (429, '{"error":{"code":"1113","message":"您的账户已欠费，请充值后重试。"}}', "upstream_unpaid"),
    (400, '{"error":{"code":"Arrearage","message":"Access denied, overdue payment"}}', "upstream_unpaid"),
    (429, '{"error":{"message":"Rate limit reached for tokens: context length 5"}}', "upstream_rate_limited"),
    (429, "", "upstream_rate_limited"),
    (408, "", "upstream_timeout"),
    (504, "<html></html>", "upstream_timeout"),
    (500, '{"error":{"message":"oops"}}', "upstream_error"),
    (502, "<html><body>Bad Gateway</body></html>", "upstream_error"),
    (503, "", "upstream_error"),
    (529, '{"type":"error","error":{"type":"overloaded_error"}}', "upstream_error"),
    (301, "", "upstream_error"),
    (400, b"\xff\xfe not text", "upstream_refused"),
    (400, "[1,2]", "upstream_refused"),
    # error objects inside a reply with status 200
    (200, '{"error":{"message":"Internal","code":502}}', "upstream_error"),
    (200, '{"error":{"message":"slow down","code":429}}', "upstream_rate_limited"),
    (200, '{"error":{"message":"slow down","type":"rate_limit_error"}}', "upstream_rate_limited"),
    (200, '{"error":{"message":"bad","type":"invalid_request_error"}}', "upstream_refused"),
    (200, '{"error":{"message":"it broke"}}', "upstream_error"),
    (200, '{"code":"Throttling.RateQuota","message":"Requests rate limit exceeded"}', "upstream_rate_limited"),
]


@pytest.mark.parametrize(("status", "body", "code"), CASES)
def test_every_refusal_has_its_problem(status: int, body: str | bytes, code: str) -> None:
    assert read(status, body).code == code


def test_a_refusal_carries_the_providers_words_its_field_and_its_status() -> None:
    problem = read(422, '{"error":{"message":"must be\\n  at most 2 {x}","param":"temperature"}}')
    assert problem.message == "Upstream `up` refused the request: must be at most 2 {x}"
    assert (problem.status, problem.param) == (422, "temperature")


def test_a_long_sentence_is_shortened() -> None:
    assert len(read(400, '{"error":{"message":"' + "x" * 10_000 + '"}}').message) < 600


def test_a_credential_in_the_providers_words_is_not_passed_on() -> None:
    problem = read(401, '{"error":{"message":"Incorrect API key provided: sk-secret"}}')
    assert "sk-secret" not in problem.message
    assert "sk-secret" not in str(explain("up", "mine", 401, b"sk-secret"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("soon", None), (None, None), ("", None), ("nan", None), ("inf", None)],
)
def test_retry_after(value: str | None, expected: float | None) -> None:
    assert retry_after(value) == expected


def test_retry_after_as_a_date() -> None:
    seconds = retry_after(formatdate(time.time() + 60, usegmt=True))
    assert seconds is not None
    assert 50 < seconds <= 60
    assert read(429, "", retry_after="7").retry_after_s == 7
    assert read(503, "", retry_after="7").retry_after_s == 7

"""POST /v1/messages, whole: what is asked reaches an upstream of another format, and its answer comes back as a message."""

from __future__ import annotations

import msgspec
import pytest

from tests.api.anthropic.conftest import MessagesHouse
from tests.api.conftest import ANSWER, whole
from zhongshu.api.anthropic.request import messages_turn
from zhongshu.api.endpoint import Bounds, Incoming
from zhongshu.core.problems import fault
from zhongshu.upstreams.memory import Reply

TOOL = {"name": "get_weather", "description": "w", "input_schema": {"type": "object", "properties": {}}}


def answered(message, finish="stop", **usage):
    given = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, **usage}
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return whole({**ANSWER, "choices": [choice], "usage": given})


async def test_a_plain_message():
    house = MessagesHouse(answered({"content": "hi"}, prompt_tokens_details={"cached_tokens": 4}))
    reply = await house.messages()
    said = reply.json()
    extra = said.pop("zhongshu")
    assert said == {
        "id": f"msg_{extra['trace']}",
        "type": "message",
        "role": "assistant",
        "model": "small",
        "content": [{"type": "text", "text": "hi", "citations": None}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": {
            "input_tokens": 6,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 4,
            "cache_creation": None,
            "output_tokens": 5,
            "output_tokens_details": {"thinking_tokens": 0},
            "server_tool_use": None,
            "service_tier": None,
            "inference_geo": None,
        },
    }
    assert extra["label"]["AIGC"]["Label"] == "1"
    assert reply.headers["request-id"] == reply.headers["x-request-id"] == extra["trace"]
    record = house.journal.records[0]
    assert (record.protocol, record.outcome, record.usage.prompt) == ("anthropic.messages", "answered", 10)


@pytest.mark.parametrize("headers", [{"x-api-key": "zs_test"}, {"x-api-key": "", "authorization": "Bearer zs_test"}])
async def test_both_ways_of_sending_a_key(headers):
    assert (await MessagesHouse(whole()).messages(headers)).status == 200


async def test_what_is_asked_reaches_the_upstream_in_its_words():
    house = MessagesHouse(whole())
    await house.messages(
        system=[{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "Be brief."}],
        messages=[
            {"role": "user", "content": [
                {"type": "text", "text": "Look:"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "paper"}, "title": "T"},
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "t1", "name": "get_weather", "input": {"b": 1, "a": 1.5}},
                {"type": "tool_use", "id": "t2", "name": "get_weather", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "sunny"}]},
                {"type": "tool_result", "tool_use_id": "t2", "content": "no", "is_error": True},
                {"type": "text", "text": "Well?"},
            ]},
        ],
        tools=[TOOL], tool_choice={"type": "any", "disable_parallel_tool_use": True}, stop_sequences=["END"],
        temperature=0.5, top_p=0.9, metadata={"user_id": "u-1"}, service_tier="auto",
    )  # fmt: skip
    said = house.sent()
    assert said["messages"] == [
        {"role": "system", "content": "Be kind.\n\nBe brief."},
        {"role": "user", "content": [
            {"type": "text", "text": "Look:"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
            {"type": "text", "text": "T\n\npaper"},
        ]},
        {"role": "assistant", "content": "I look.", "tool_calls": [
            {"id": "t1", "type": "function", "function": {"name": "get_weather", "arguments": '{"b":1,"a":1.5}'}},
            {"id": "t2", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}},
        ]},
        {"role": "tool", "content": "sunny", "tool_call_id": "t1"},
        {"role": "tool", "content": "no", "tool_call_id": "t2"},
        {"role": "user", "content": "Well?"},
    ]  # fmt: skip
    assert said["tools"][0]["function"]["name"] == "get_weather"
    assert (said["tool_choice"], said["parallel_tool_calls"], said["stop"]) == ("required", False, ["END"])
    assert (said["temperature"], said["top_p"], said["max_tokens"], said["user"]) == (0.5, 0.9, 100, "u-1")
    assert house.journal.records[0].user == "u-1"
    assert "service_tier" in house.journal.records[0].dropped


async def test_tool_calls_and_thoughts_come_back_as_blocks():
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": "北京"}'}},
        {"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}},
    ]
    house = MessagesHouse(answered({"content": "ok", "reasoning_content": "hm", "tool_calls": calls}, "tool_calls"))
    said = (await house.messages(tools=[TOOL])).json()
    assert said["stop_reason"] == "tool_use"
    assert [{k: v for k, v in block.items() if v is not None and k != "caller"} for block in said["content"]] == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "ok"},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": "北京"}},
        {"type": "tool_use", "id": "c2", "name": "g", "input": {}},
    ]


async def test_litellm_25836_a_call_under_the_reason_stop_is_still_a_call():
    """Ollama and others end a message with calls by "stop"; a client that sees end_turn never runs them."""
    call = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    said = (await MessagesHouse(answered({"content": None, "tool_calls": call}, "stop")).messages()).json()
    assert said["stop_reason"] == "tool_use"


async def test_arguments_cut_off_by_the_limit_are_kept_in_an_object():
    call = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": "nort'}}]
    said = (await MessagesHouse(answered({"content": None, "tool_calls": call}, "length")).messages()).json()
    assert said["stop_reason"] == "max_tokens"
    assert said["content"][0]["input"] == {"INVALID_JSON": '{"a": "nort'}


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), ("tool_calls", "end_turn")],
)
async def test_stop_reasons(finish, reason):
    assert (await MessagesHouse(answered({"content": "x"}, finish)).messages()).json()["stop_reason"] == reason


@pytest.mark.parametrize(
    ("fields", "effort", "tokens"),
    [
        ({}, None, None),
        ({"thinking": {"type": "disabled"}}, "off", None),
        ({"thinking": {"type": "between_tools"}}, "off", None),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "minimal", 1024),
        ({"thinking": {"type": "enabled", "budget_tokens": 4000, "display": "omitted"}}, "low", 4000),
        ({"thinking": {"type": "enabled", "budget_tokens": 32000}}, "high", 32000),
        ({"thinking": {"type": "adaptive"}}, "high", None),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}, "medium", None),
        ({"output_config": {"effort": "xhigh"}}, "high", None),
    ],
)
async def test_depth_of_thought(fields, effort, tokens):
    body = msgspec.json.encode(
        {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}], **fields}
    )
    turn = messages_turn(Incoming(body, "0" * 32, 0, "/v1/messages", b"", {}))
    assert (turn.effort, turn.thinking_tokens) == (effort, tokens)


async def test_a_schema_for_the_answer():
    house = MessagesHouse(whole())
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False}
    await house.messages(output_config={"format": {"type": "json_schema", "schema": schema}})
    assert house.sent()["response_format"]["json_schema"]["schema"] == schema


BAD = [
    ({"max_tokens": ...}, "max_tokens"),
    ({"max_tokens": "5"}, "max_tokens"),
    ({"messages": []}, "messages"),
    ({"messages": [{"role": "robot", "content": "a"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages[0].content[0].source"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
    ({"temperature": 1.5}, "temperature"),
    ({"temperature": msgspec.Raw(b"1e400")}, "temperature"),
    ({"zhongshu": {"quality": msgspec.Raw(b"1e400")}}, "zhongshu.quality"),
    ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
    ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
    ({"tools": [{"name": "f", "input_schema": 5}]}, "tools[0].input_schema"),
    ({"tool_choice": {"type": "any"}}, "tool_choice"),
    ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "other"}}, "tool_choice.name"),
    ({"tools": [TOOL], "tool_choice": {"type": "tool"}}, "tool_choice.name"),
    ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
    ({"output_config": {"format": {"type": "json_schema", "schema": 5}}}, "output_config.format.schema"),
    ({"model": "nope"}, "model"),
]


@pytest.mark.parametrize(("fields", "param"), BAD)
async def test_bad_requests_name_the_field(fields, param):
    reply = await MessagesHouse(whole()).messages(**fields)
    said = reply.json()
    assert reply.status == (404 if param == "model" else 400)
    assert (said["type"], said["zhongshu"]["param"]) == ("error", param)
    assert said["error"]["type"] == ("not_found_error" if param == "model" else "invalid_request_error")
    assert said["request_id"] == reply.headers["request-id"]


async def test_server_tools_are_refused_by_an_upstream_of_another_format_and_their_blocks_stated():
    house = MessagesHouse(whole())
    refused = await house.messages(tools=[{"type": "web_search_20250305", "name": "web_search"}])
    assert (refused.status, refused.json()["zhongshu"]["code"]) == (400, "model_cannot")
    history = [
        {"role": "user", "content": "find"},
        {"role": "assistant", "content": [
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": 1}},
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
            {"type": "text", "text": "Found."},
        ]},
        {"role": "user", "content": "and?"},
    ]  # fmt: skip
    reply = await house.messages(messages=history)
    assert reply.status == 200
    assert reply.json()["zhongshu"]["dropped"] == ["messages (blocks of the provider's own tools)"]
    assert house.sent()["messages"][1] == {"role": "assistant", "content": "Found."}


@pytest.mark.parametrize("stream", [False, True])
async def test_what_a_user_asks_about_is_not_left_out_of_the_question(stream):
    """Sound, films and whatever has no word here: an upstream of Anthropic's own format may know it, no other does."""
    house = MessagesHouse(whole())
    source = {"type": "base64", "media_type": "audio/wav", "data": "UklGRg=="}
    asked = [{"type": "text", "text": "What is said here?"}, {"type": "audio", "source": source}]
    refused = await house.messages(messages=[{"role": "user", "content": asked}], stream=stream)
    assert (refused.status, refused.json()["zhongshu"]["code"]) == (400, "model_cannot")
    assert refused.json()["zhongshu"]["param"] == "messages[0].content[1]"


async def test_an_answer_that_was_begun_is_stated_where_it_cannot_be_continued():
    begun = [{"role": "user", "content": "Name a colour."}, {"role": "assistant", "content": "My favourite is"}]
    said = (await MessagesHouse(whole()).messages(messages=begun)).json()
    assert said["zhongshu"]["dropped"] == ["messages[1] (an answer to be continued)"]


@pytest.mark.parametrize(
    ("reply", "status", "kind"),
    [
        (Reply(status=429, headers={"retry-after": "7"}, chunks=(b"{}",)), 429, "rate_limit_error"),
        (Reply(status=500, chunks=(b"{}",)), 502, "api_error"),
        (Reply(status=401, chunks=(b"{}",)), 502, "api_error"),
        (Reply(status=404, chunks=(b"{}",)), 404, "not_found_error"),
        (Reply(status=413, chunks=(b"{}",)), 413, "request_too_large"),
        (Reply(chunks=(fault("upstream_timeout", upstream="up", phase="idle", limit_s=1),)), 504, "timeout_error"),
    ],
)
async def test_upstream_failures(reply, status, kind):
    given = await MessagesHouse(reply).messages()
    assert (given.status, given.json()["error"]["type"]) == (status, kind)
    if status == 429:
        assert given.headers["retry-after"] == "7"


async def test_our_own_refusals():
    house = MessagesHouse(whole(), bounds=Bounds(max_body_bytes=10))
    large = await house.messages()
    assert (large.status, large.json()["error"]["type"]) == (413, "request_too_large")
    nobody = await house.messages({"x-api-key": ""})
    assert (nobody.status, nobody.json()["error"]["type"]) == (401, "authentication_error")
    house = MessagesHouse(whole(), bounds=Bounds(max_in_flight=0))
    busy = await house.messages()
    assert (busy.status, busy.json()["error"]["type"]) == (529, "overloaded_error")
    assert "retry-after" in busy.headers


async def test_errors_follow_the_callers_language():
    reply = await MessagesHouse(whole()).messages({"accept-language": "zh-CN"}, max_tokens=...)
    assert reply.json()["error"]["message"] == "缺少必填字段 `max_tokens`。"


async def test_counting_tokens_without_a_counter_is_an_estimate_that_says_so():
    house = MessagesHouse(whole())
    reply = await house.messages(path="/v1/messages/count_tokens", max_tokens=..., tools=[TOOL])
    assert reply.json()["input_tokens"] > 10
    assert reply.json()["zhongshu"] == {"estimated": True}
    assert not house.transport.requests
    wrong = await house.messages(path="/v1/messages/count_tokens", model="nope")
    assert (wrong.status, wrong.json()["error"]["type"]) == (404, "not_found_error")


async def test_models_for_a_client_of_this_protocol():
    house = MessagesHouse(whole())
    mine = {"authorization": "", "x-api-key": "zs_test", "anthropic-version": "2023-06-01"}
    listed = (await house.send("GET", "/v1/models", headers=mine)).json()
    assert [row["id"] for row in listed["data"]] == ["auto", "small"]
    assert (listed["has_more"], listed["first_id"], listed["last_id"]) == (False, "auto", "small")
    one = (await house.send("GET", "/v1/models/small", headers=mine)).json()
    assert (one["type"], one["display_name"]) == ("model", "small")
    other = (await house.send("GET", "/v1/models")).json()
    assert other["object"] == "list"
    missing = await house.send("GET", "/v1/models/nope", headers=mine)
    assert (missing.status, missing.json()["error"]["type"]) == (404, "not_found_error")
    nobody = await house.send("GET", "/v1/models", headers={**mine, "x-api-key": ""})
    assert nobody.status == 401

"""The official anthropic package, unchanged but for the address: sync, async, streams, tools, thoughts, errors.

Each exchange is tried on a model behind an upstream of OpenAI's format ("mock...") and on one behind an upstream of
Anthropic's own ("claude-...").
"""

import json

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic

from tests.running import KEY, SMOL

pytestmark = pytest.mark.engine

HELLO = [{"role": "user", "content": "Say hello."}]
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
BOTH = pytest.mark.parametrize("there", ["mock", "claude"])


@pytest.fixture
def client(house):
    return Anthropic(base_url=house.url, api_key=KEY, max_retries=0)


def named(there: str, what: str = "") -> str:
    return f"{there}{what}"


def test_a_local_answer_with_our_object(client):
    message = client.messages.create(model=SMOL, messages=HELLO, system="Be brief.", max_tokens=12)
    assert message.content[0].text
    assert 0 < message.usage.output_tokens <= 12
    assert message.zhongshu["label"]["AIGC"]["ProduceID"] == message.zhongshu["trace"] == message._request_id


def test_a_local_tool_call(client):
    message = client.messages.create(
        model=SMOL, messages=HELLO, tools=[WEATHER], tool_choice={"type": "tool", "name": "get_weather"}, max_tokens=60
    )
    assert message.stop_reason == "tool_use"
    (call,) = [block for block in message.content if block.type == "tool_use"]
    assert isinstance(call.input["city"], str)


@BOTH
def test_a_key_as_a_bearer_token(house, there):
    client = Anthropic(base_url=house.url, auth_token=KEY, api_key=None, max_retries=0)
    assert client.messages.create(model=named(there), messages=HELLO, max_tokens=50).stop_reason == "end_turn"


@BOTH
def test_plain_and_streamed_are_the_same_message(client, there):
    for what in ("", "-tools", "-thought"):
        asked = {"model": named(there, what), "messages": HELLO, "max_tokens": 100}
        whole = client.messages.create(**asked)
        with client.messages.stream(**asked) as stream:
            text = "".join(stream.text_stream)
            final = stream.get_final_message()
        plain = [block.model_dump(exclude={"parsed_output", "citations", "caller"}) for block in whole.content]
        assert [block.model_dump(exclude={"parsed_output", "citations", "caller"}) for block in final.content] == plain
        assert (final.stop_reason, final.usage.output_tokens) == (whole.stop_reason, whole.usage.output_tokens)
        assert text == "".join(block.text for block in whole.content if block.type == "text")


@BOTH
async def test_async(house, there):
    async with AsyncAnthropic(base_url=house.url, api_key=KEY, max_retries=0) as client:
        whole = await client.messages.create(model=named(there), messages=HELLO, max_tokens=100)
        async with client.messages.stream(model=named(there), messages=HELLO, max_tokens=100) as stream:
            final = await stream.get_final_message()
    assert final.content[0].text == whole.content[0].text


@BOTH
def test_a_conversation_with_tools_goes_on(client, there):
    first = client.messages.create(model=named(there, "-tools"), messages=HELLO, tools=[WEATHER], max_tokens=100)
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": [{"type": "text", "text": "sunny"}]}
        for block in first.content
        if block.type == "tool_use"
    ]
    assert len(results) == 2
    messages = [*HELLO, {"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    second = client.messages.create(model=named(there), messages=messages, tools=[WEATHER], max_tokens=100)
    assert second.stop_reason == "end_turn"


def test_signed_thoughts_go_there_and_back_unchanged(client, scripted):
    asked = {"model": "claude-thought", "max_tokens": 3000, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    with client.messages.stream(messages=HELLO, **asked) as stream:
        first = stream.get_final_message()
    thought = first.content[0]
    assert (thought.type, len(thought.signature) > 20) == ("thinking", True)
    messages = [*HELLO, {"role": "assistant", "content": first.content}, {"role": "user", "content": "And?"}]
    client.messages.create(messages=messages, **asked)
    sent = json.loads(scripted.app._last)["messages"][1]["content"][0]
    assert (sent["thinking"], sent["signature"]) == (thought.thinking, thought.signature)


def test_a_request_passes_untouched_to_an_upstream_of_the_same_format(client, scripted):
    client.beta.messages.create(
        model="claude", messages=HELLO, max_tokens=50, betas=["context-1m-2025-08-07"], extra_body={"x_new": {"a": [1.5]}},
        system=[{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
    )  # fmt: skip
    sent = json.loads(scripted.app._last)
    assert (sent["model"], sent["x_new"]) == ("mock", {"a": [1.5]})
    assert sent["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert dict(scripted.app.last_headers)["anthropic-beta"] == "context-1m-2025-08-07"


def test_the_other_way_an_openai_client_asks_an_anthropic_upstream(house, scripted):
    status, _, said = house.chat("claude-tools", "hi", seed=5, tools=[
        {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
    ])  # fmt: skip
    assert status == 200
    calls = [call["function"]["name"] for call in said["choices"][0]["message"]["tool_calls"]]
    assert (calls, said["choices"][0]["finish_reason"]) == (["get_weather", "get_time"], "tool_calls")
    assert said["zhongshu"]["dropped"] == ["seed"]
    assert json.loads(scripted.app._last)["max_tokens"] == 8192


@BOTH
def test_stop_sequences_limits_and_pictures(client, there):
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    message = client.messages.create(
        model=named(there),
        messages=[{"role": "user", "content": [picture, {"type": "text", "text": "?"}]}],
        max_tokens=2,
        stop_sequences=["END"],
    )
    assert message.stop_reason == "max_tokens"


def test_counting(client):
    asked = {"messages": HELLO, "tools": [WEATHER]}
    client.messages.create(model=SMOL, messages=HELLO, max_tokens=1)
    counted = {m: client.messages.count_tokens(model=m, **asked) for m in ("mock", "claude", SMOL)}
    assert all(count.input_tokens > 0 for count in counted.values())
    assert {m: count.zhongshu["estimated"] for m, count in counted.items()} == {
        "mock": True,
        "claude": False,
        SMOL: False,
    }


def test_models(client):
    names = [model.id for model in client.models.list(limit=3)]
    assert {"auto", "mock", "claude", SMOL} <= set(names)
    assert len(names) == len(set(names))
    assert client.models.retrieve("claude").display_name == "claude"
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("nope")


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("nope", anthropic.NotFoundError),
        ("mock-400", anthropic.BadRequestError),
        ("claude-400", anthropic.BadRequestError),
        ("mock-429", anthropic.RateLimitError),
        ("claude-429", anthropic.RateLimitError),
        ("claude-529", anthropic.OverloadedError),
        ("mock-500", anthropic.InternalServerError),
        ("claude-context", anthropic.BadRequestError),
    ],
)
def test_errors(client, model, error):
    with pytest.raises(error) as refused:
        client.messages.create(model=model, messages=HELLO, max_tokens=50)
    assert refused.value.request_id
    assert refused.value.body["type"] == "error"
    with pytest.raises(error), client.messages.stream(model=model, messages=HELLO, max_tokens=50) as stream:
        stream.get_final_message()


def test_a_wrong_key(house):
    with pytest.raises(anthropic.AuthenticationError):
        Anthropic(base_url=house.url, api_key="zs-wrong", max_retries=0).messages.create(
            model="mock", messages=HELLO, max_tokens=5
        )


@BOTH
def test_a_stream_that_breaks_off_raises(client, there):
    with (
        pytest.raises(anthropic.APIStatusError) as broken,
        client.messages.stream(model=named(there, "-cut"), messages=HELLO, max_tokens=900) as stream,
    ):
        for _ in stream:
            pass
    assert broken.value.body["zhongshu"]["code"] == "upstream_cut"

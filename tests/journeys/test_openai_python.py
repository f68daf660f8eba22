"""The official openai package, unchanged but for the address: sync, async, streaming, tools, schemas, embeddings."""

import json

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.running import E5, KEY, SMOL

pytestmark = pytest.mark.engine


@pytest.fixture
def client(house):
    return OpenAI(base_url=f"{house.url}/v1", api_key=KEY, max_retries=0)


HELLO = [{"role": "user", "content": "Say hello."}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def test_a_local_answer_with_our_object(client):
    answer = client.chat.completions.create(model="auto", messages=HELLO, max_tokens=12, seed=1)
    assert answer.choices[0].message.content
    assert answer.usage.completion_tokens <= 12
    assert answer.zhongshu["label"]["AIGC"]["ProduceID"] == answer.zhongshu["trace"] == answer._request_id
    assert answer.zhongshu["route"]["release"] == f"{SMOL}@1"


def test_the_same_seed_gives_the_same_answer(client):
    texts = {
        client.chat.completions.create(model=SMOL, messages=HELLO, max_tokens=12, seed=7, temperature=1)
        .choices[0]
        .message.content
        for _ in range(2)
    }
    assert len(texts) == 1


def test_a_local_stream(client):
    stream = client.chat.completions.create(
        model=SMOL, messages=HELLO, max_tokens=12, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] in ("stop", "length")
    assert chunks[-1].usage.total_tokens > 0
    assert chunks[-1].zhongshu["label"]["explicit"] is True


def test_n_stop_and_logprobs(client):
    answer = client.chat.completions.create(
        model=SMOL, messages=HELLO, n=2, max_tokens=8, logprobs=True, top_logprobs=2, temperature=1
    )
    assert [c.index for c in answer.choices] == [0, 1]
    assert len(answer.choices[0].logprobs.content[0].top_logprobs) == 2
    stopped = client.chat.completions.create(
        model=SMOL, messages=[{"role": "user", "content": "Count: one two three four five"}], stop=["e"], max_tokens=30
    )
    assert "e" not in stopped.choices[0].message.content


def test_an_answer_in_a_schema(client):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    answer = client.chat.completions.create(
        model=SMOL,
        messages=[{"role": "user", "content": "Ann is 31 years old. Extract her name and age."}],
        response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": schema, "strict": True}},
        max_tokens=60,
    )
    person = json.loads(answer.choices[0].message.content)
    assert set(person) == {"name", "age"}
    assert isinstance(person["age"], int)


def test_a_required_tool_is_called_with_valid_arguments(client):
    answer = client.chat.completions.create(
        model=SMOL,
        messages=[{"role": "user", "content": "What is the weather in Paris?"}],
        tools=[WEATHER],
        tool_choice="required",
        parallel_tool_calls=False,
        max_tokens=60,
    )
    (call,) = answer.choices[0].message.tool_calls
    assert answer.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "get_weather"
    assert isinstance(json.loads(call.function.arguments)["city"], str)


def test_tool_calls_of_an_upstream_stream_as_the_sdk_expects(client):
    with client.chat.completions.stream(
        model="mock-tools", messages=HELLO, tools=[WEATHER, {"type": "function", "function": {"name": "get_time"}}]
    ) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    names = [c.function.name for c in final.choices[0].message.tool_calls]
    assert names == ["get_weather", "get_time"]


@pytest.mark.parametrize("model", ["mock-thought", "mock-thought-reasoning", "mock-thought-details"])
def test_thoughts_come_in_one_spelling(client, model):
    plain = client.chat.completions.create(model=model, messages=HELLO)
    assert plain.choices[0].message.reasoning_content
    pieces = [
        c.choices[0].delta.reasoning_content
        for c in client.chat.completions.create(model=model, messages=HELLO, stream=True)
        if c.choices and getattr(c.choices[0].delta, "reasoning_content", None)
    ]
    assert "".join(pieces) == plain.choices[0].message.reasoning_content


def test_completions(client):
    answer = client.completions.create(model=SMOL, prompt="Once upon a time", max_tokens=8)
    assert answer.choices[0].text
    streamed = "".join(
        c.choices[0].text
        for c in client.completions.create(model=SMOL, prompt="Once", max_tokens=8, stream=True)
        if c.choices
    )
    assert streamed


def test_embeddings_put_like_things_together(client):
    texts = ["query: 猫喜欢吃什么？", "passage: 猫是肉食动物，爱吃鱼和肉。", "passage: 股票市场今天大幅下跌。"]
    for form in ({}, {"encoding_format": "float"}):
        made = client.embeddings.create(model=E5, input=texts, **form)
        ask, cat, stock = (row.embedding for row in made.data)
        assert len(ask) == 384
        assert sum(a * b for a, b in zip(ask, cat, strict=True)) > sum(a * b for a, b in zip(ask, stock, strict=True))
        assert made.usage.prompt_tokens > 0


def test_models_and_their_cards(client):
    names = {model.id for model in client.models.list()}
    assert {"auto", SMOL, E5, "mock"} <= names
    assert client.models.retrieve(SMOL).zhongshu["card"]["context"] == 8192


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        ({"model": "none"}, openai.NotFoundError),
        ({"model": "mock-400"}, openai.BadRequestError),
        ({"model": "mock-429"}, openai.RateLimitError),
        ({"model": "mock-500"}, openai.InternalServerError),
        ({"model": "mock", "temperature": 9}, openai.BadRequestError),
        ({"model": SMOL, "messages": [{"role": "user", "content": "word " * 9000}]}, openai.BadRequestError),
    ],
)
def test_errors_are_the_sdks_own(client, ask, error):
    with pytest.raises(error) as raised:
        client.chat.completions.create(**{"messages": HELLO, **ask})
    assert raised.value.body["message"]


def test_a_stream_that_breaks_raises(client):
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model="mock-error-mid", messages=HELLO, stream=True))


def test_a_wrong_key(house):
    with pytest.raises(openai.AuthenticationError):
        OpenAI(base_url=f"{house.url}/v1", api_key="zs_wrong", max_retries=0).models.list()


async def test_async_plain_and_streaming(house):
    async with AsyncOpenAI(base_url=f"{house.url}/v1", api_key=KEY, max_retries=0) as client:
        answer = await client.chat.completions.create(model="mock", messages=HELLO)
        stream = await client.chat.completions.create(model="mock", messages=HELLO, stream=True)
        text = "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])
        assert text == answer.choices[0].message.content

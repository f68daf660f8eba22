"""The official openai package by the Responses protocol: sync, async, streaming, tools, schemas, conversations."""

import asyncio
import json

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from tests.running import KEY, SMOL

pytestmark = pytest.mark.engine

BOTH = ["", "r-"]
HELLO = "Hello from the scripted upstream. 你好，世界。"


@pytest.fixture
def client(house):
    return OpenAI(base_url=f"{house.url}/v1", api_key=KEY, max_retries=0)


def test_a_local_answer_with_our_object(client):
    answer = client.responses.create(model="auto", input="Say hello.", max_output_tokens=12)
    assert answer.output_text
    assert answer.usage.output_tokens <= 12
    assert answer.zhongshu["route"]["release"] == f"{SMOL}@1"
    assert answer.id == "resp_" + answer.zhongshu["trace"]
    follow = client.responses.create(
        model=SMOL, input="Again.", previous_response_id=answer.id, max_output_tokens=8, instructions="Be brief."
    )
    assert follow.usage.input_tokens > answer.usage.input_tokens


def test_a_local_stream(client):
    with client.responses.stream(model=SMOL, input="Say hello.", max_output_tokens=12) as stream:
        events = list(stream)
    assert events[0].type == "response.created"
    assert events[-1].type in ("response.completed", "response.incomplete")
    final = events[-1].response
    assert final.output_text
    assert final.zhongshu["label"]["explicit"] is True


def test_an_answer_in_a_schema(client):
    class Person(BaseModel):
        name: str
        age: int

    answer = client.responses.parse(model=SMOL, input="Ann is 31 years old.", text_format=Person, max_output_tokens=60)
    assert isinstance(answer.output_parsed.age, int)


def test_a_required_tool_on_the_local_model(client):
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    answer = client.responses.create(
        model=SMOL,
        input="What is the weather in Paris?",
        tools=[{"type": "function", "name": "get_weather", "parameters": parameters, "strict": False}],
        tool_choice="required",
        parallel_tool_calls=False,
        max_output_tokens=60,
    )
    (call,) = answer.output
    assert (call.type, call.name) == ("function_call", "get_weather")
    assert isinstance(json.loads(call.arguments)["city"], str)


@pytest.mark.parametrize("prefix", BOTH)
def test_thoughts_go_out_and_come_back(client, prefix):
    include = ["reasoning.encrypted_content"]
    first = client.responses.create(model=f"{prefix}mock-thought", input="hi", store=False, include=include)
    thought, message = first.output
    assert thought.content[0].text.startswith("The user")
    assert bool(thought.encrypted_content) is (prefix == "r-")
    items = [{"role": "user", "content": "hi"}, *[item.model_dump(exclude_unset=True) for item in first.output]]
    again = client.responses.create(
        model=f"{prefix}mock-thought", input=[*items, {"role": "user", "content": "more"}], store=False, include=include
    )
    assert again.output_text == message.content[0].text == HELLO


@pytest.mark.parametrize("prefix", BOTH)
def test_parallel_calls_of_a_stream(client, prefix):
    with client.responses.stream(model=f"{prefix}mock-tools", input="hi") as stream:
        for _ in stream:
            pass
        final = stream.get_final_response()
    assert [item.name for item in final.output if item.type == "function_call"] == ["get_weather", "get_time"]


@pytest.mark.parametrize("prefix", BOTH)
def test_a_background_stream_taken_up_again(client, prefix):
    seen, name = [], None
    with client.responses.create(model=f"{prefix}mock-long", input="hi", background=True, stream=True) as stream:
        for event in stream:
            name = event.response.id if event.type == "response.created" else name
            seen.append(event.sequence_number)
            if len(seen) == 10:
                break
    rest = list(client.responses.retrieve(name, stream=True, starting_after=seen[-1]))
    assert [event.sequence_number for event in rest] == list(range(10, 10 + len(rest)))
    assert rest[-1].type == "response.completed"
    assert client.responses.retrieve(name).output_text == rest[-1].response.output_text


def test_items_deleting_and_cancelling(client):
    first = client.responses.create(model="mock", input="hi")
    (item,) = client.responses.input_items.list(first.id)
    assert item.content[0].text == "hi"
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)
    slow = client.responses.create(model="mock-slow", input="hi", background=True)
    assert client.responses.cancel(slow.id).status == "cancelled"


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        ({"model": "none"}, openai.NotFoundError),
        ({"model": "mock-400"}, openai.BadRequestError),
        ({"model": "r-mock-429"}, openai.RateLimitError),
        ({"model": "r-mock-500"}, openai.InternalServerError),
        ({"tools": [{"type": "web_search"}]}, openai.BadRequestError),
        ({"previous_response_id": "resp_none"}, openai.BadRequestError),
    ],
)
def test_errors_are_the_sdks_own(client, ask, error):
    with pytest.raises(error) as raised:
        client.responses.create(**{"model": "mock", "input": "hi", **ask})
    assert raised.value.body["message"]


@pytest.mark.parametrize("model", ["mock-error-mid", "mock-cut"])
def test_a_stream_that_breaks_raises(client, model):
    with pytest.raises(openai.APIError):
        list(client.responses.create(model=model, input="hi", stream=True))


async def test_async_and_another_tenant(house):
    house.cli("tenants", "create", "globex")
    made = json.loads(house.cli("keys", "create", "theirs", "--tenant", "globex", "--json"))
    mine = AsyncOpenAI(base_url=f"{house.url}/v1", api_key=KEY, max_retries=0)
    theirs = AsyncOpenAI(base_url=f"{house.url}/v1", api_key=made["secret"], max_retries=0)
    async with mine, theirs:
        first, second = await asyncio.gather(
            mine.responses.create(model="mock", input="mine"), theirs.responses.create(model="mock", input="theirs")
        )
        for client, other in ((mine, second), (theirs, first)):
            with pytest.raises(openai.NotFoundError):
                await client.responses.retrieve(other.id)
            with pytest.raises(openai.BadRequestError):
                await client.responses.create(model="mock", input="x", previous_response_id=other.id)

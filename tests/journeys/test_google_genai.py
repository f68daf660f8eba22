"""The official google-genai package, unchanged but for the address: over an upstream of OpenAI's format and over one of
Google's. And PyPI's llm-comply: every google-genai check over both."""

import asyncio
import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from google import genai
from google.genai import errors, types
from openai import OpenAI

from tests.running import KEY, SMOL, over, platform
from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import SHIPPED, Behaviour, Script
from zhongshu.upstreams.scripted.serve import serving

ONCE = Behaviour(sequence=("mock-tool", "mock"))
ROWS = """
[[upstreams]]
name = "google"
kind = "gemini"
base_url = "http://127.0.0.1:{port}/v1beta"
key = "none"
"""
ROW = """
[[models]]
name = "google/{name}"
upstream = "google"
upstream_model = "{name}"
thinking = "switch"
abilities = ["chat", "tools", "json", "schema", "vision", "embedding", "thinking"]
"""
WIRES = ["", "google/"]


@pytest.fixture(scope="module")
def upstream():
    with serving(ScriptedApp(Script(models={"once": ONCE, "once-streamed": ONCE}))) as served:
        yield served


@pytest.fixture(scope="module")
def place(upstream, tmp_path_factory):
    names = [*SHIPPED, "once", "once-streamed"]
    google = ROWS.format(port=upstream.port) + "".join(ROW.format(name=name) for name in names)
    settings = over(upstream.port, {name: name for name in names}) + google
    with platform(tmp_path_factory.mktemp("google"), settings) as running:
        yield running


@pytest.fixture
def client(place):
    return genai.Client(api_key=KEY, http_options={"base_url": place.url})


def last(upstream):
    """What the upstream was asked last."""
    with urllib.request.urlopen(f"{upstream.base_url}/last") as reply:
        return json.loads(reply.read())


@pytest.mark.parametrize("wire", WIRES)
def test_a_text_and_what_stands_beside_it(client, wire):
    answer = client.models.generate_content(model=wire + "mock", contents="hi")
    assert answer.text == SHIPPED["mock"].text
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    assert answer.usage_metadata.candidates_token_count == 8
    assert answer.response_id
    pinned = client.models.generate_content(model=wire + "mock@1", contents="hi")
    assert pinned.text == answer.text


@pytest.mark.parametrize("wire", WIRES)
def test_a_stream(client, wire):
    pieces = list(client.models.generate_content_stream(model=wire + "mock", contents="hi"))
    assert "".join(piece.text or "" for piece in pieces) == SHIPPED["mock"].text
    assert pieces[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert pieces[-1].usage_metadata.total_token_count > 0


@pytest.mark.parametrize("wire", WIRES)
async def test_at_once(place, wire):
    client = genai.Client(api_key=KEY, http_options={"base_url": place.url}).aio
    answers = await asyncio.gather(
        *[client.models.generate_content(model=wire + "mock-thought", contents="hi") for _ in range(5)]
    )
    assert {answer.text for answer in answers} == {SHIPPED["mock"].text}
    stream = await client.models.generate_content_stream(model=wire + "mock-tools", contents="hi")
    calls = [call.name async for piece in stream for call in piece.function_calls or []]
    assert calls == ["get_weather", "get_time"]
    await client.aclose()


@pytest.mark.parametrize("wire", WIRES)
def test_thoughts(client, wire):
    config = types.GenerateContentConfig(
        thinking_config=types.ThinkingConfig(thinking_budget=2000, include_thoughts=True)
    )
    answer = client.models.generate_content(model=wire + "mock-thought", contents="hi", config=config)
    thoughts = "".join(part.text for part in answer.candidates[0].content.parts if part.thought)
    assert (thoughts, answer.text) == (SHIPPED["mock-thought"].thought, SHIPPED["mock"].text)
    assert answer.usage_metadata.thoughts_token_count == 6


@pytest.mark.parametrize("wire", WIRES)
def test_the_sdk_calls_functions_by_itself(client, upstream, wire):
    asked = []

    def get_weather(city: str, unit: str) -> str:
        """The weather of a city."""
        asked.append((city, unit))
        return "sunny"

    upstream.app.stats.by_model.clear()
    config = types.GenerateContentConfig(tools=[get_weather], system_instruction="be brief")
    answer = client.models.generate_content(model=wire + "once", contents="weather?", config=config)
    assert asked == [("北京", "celsius")]
    assert answer.text == SHIPPED["mock"].text
    assert len(answer.automatic_function_calling_history) == 3
    sent = json.dumps(last(upstream), ensure_ascii=False)
    assert "sunny" in sent
    assert "be brief" in sent


def test_a_conversation_hands_signatures_back(client, upstream):
    """new-api #5530, litellm #27946: signatures lost."""
    upstream.app.stats.by_model.clear()
    chat = client.chats.create(model="google/once")
    part = chat.send_message("weather?").candidates[0].content.parts[0]
    assert part.thought_signature
    result = types.Part.from_function_response(name="get_weather", response={"output": "sunny"})
    result.function_response.id = part.function_call.id
    chat.send_message([result])
    sent = last(upstream)["contents"][1]["parts"][0]
    assert types.Part.model_validate(sent).thought_signature == part.thought_signature
    assert last(upstream)["contents"][2]["parts"][0]["functionResponse"]["id"] == part.function_call.id


@pytest.mark.parametrize("streamed", [False, True])
def test_openais_client_hands_signatures_back_too(place, upstream, streamed):
    """litellm #27946: what the client sends back as it came keeps its signature."""
    client = OpenAI(base_url=f"{place.url}/v1", api_key=KEY)
    hello = {"role": "user", "content": "weather?"}
    if streamed:
        chunks = client.chat.completions.create(model="google/mock-tool", messages=[hello], stream=True)
        pieces = [call for chunk in chunks if chunk.choices for call in chunk.choices[0].delta.tool_calls or []]
        first = pieces[0].model_dump(exclude_none=True)
        first["function"]["arguments"] = "".join(piece.function.arguments or "" for piece in pieces)
        message = {"role": "assistant", "tool_calls": [first]}
    else:
        answer = client.chat.completions.create(model="google/mock-tool", messages=[hello])
        message = answer.choices[0].message.model_dump(exclude_none=True)
    call = message["tool_calls"][0]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "sunny"}
    client.chat.completions.create(model="google/mock", messages=[hello, message, result])
    sent = last(upstream)["contents"][1]["parts"][0]
    assert sent["thoughtSignature"] == call["extra_content"]["google"]["thought_signature"] != ""
    assert sent["functionCall"]["args"] == {"city": "北京", "unit": "celsius"}


@pytest.mark.parametrize("wire", WIRES)
def test_pictures_schemas_and_sampling(client, upstream, wire):
    config = types.GenerateContentConfig(
        response_mime_type="application/json",
        response_schema={"type": "OBJECT", "properties": {"a_b": {"type": "STRING"}}},
        temperature=0.5, top_k=4, max_output_tokens=50, stop_sequences=["x"], candidate_count=2, seed=1,
    )  # fmt: skip
    picture = types.Part.from_bytes(data=bytes(range(256)), mime_type="image/png")
    answer = client.models.generate_content(model=wire + "mock", contents=["see", picture], config=config)
    assert len(answer.candidates) == 2
    sent = json.dumps(last(upstream))
    assert "image/png" in sent
    assert "a_b" in sent


@pytest.mark.parametrize("wire", WIRES)
def test_vectors_models_and_counts(client, wire):
    made = client.models.embed_content(model=wire + "mock", contents=["a", "b"])
    assert [len(vector.values) for vector in made.embeddings] == [8, 8]
    assert f"models/{wire}mock-tools" in [model.name for model in client.models.list()]
    assert client.models.get(model=wire + "mock").name == f"models/{wire}mock"
    counted = client.models.count_tokens(model=wire + "mock", contents="hello" * 100).total_tokens
    assert counted > 100


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("model", "code", "status"),
    [
        ("none", 404, "NOT_FOUND"),
        ("mock-400", 400, "INVALID_ARGUMENT"),
        ("mock-401", 502, "UNAVAILABLE"),
        ("mock-429", 429, "RESOURCE_EXHAUSTED"),
        ("mock-500", 502, "UNAVAILABLE"),
        ("mock-html", 502, "UNAVAILABLE"),
    ],
)
def test_errors(client, wire, model, code, status):
    for ask in (client.models.generate_content, lambda **k: list(client.models.generate_content_stream(**k))):
        with pytest.raises(errors.APIError) as caught:
            ask(model=wire + model, contents="hi")
        assert (caught.value.code, caught.value.status) == (code, status)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("model", ["mock-cut", "mock-reset-mid", "mock-error-mid", "mock-bad-json", "mock-bad-utf8"])
def test_a_stream_that_breaks_raises_after_what_came(client, wire, model):
    pieces = []
    with pytest.raises(errors.ServerError):
        for piece in client.models.generate_content_stream(model=wire + model, contents="hi"):
            pieces.append(piece.text)
    assert "".join(pieces).startswith("Hello from")


def test_a_wrong_key(place):
    stranger = genai.Client(api_key="no", http_options={"base_url": place.url})
    with pytest.raises(errors.ClientError) as caught:
        stranger.models.generate_content(model="mock", contents="x")
    assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("wire", WIRES)
def test_every_check_of_llm_comply(place, wire):
    program = Path(sys.executable).with_name("llm-comply")
    done = subprocess.run(
        [program, "run", "--format", "google-genai", "-u", place.url, "-k", KEY, "-m", f"{wire}mock-thought", "--json"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    results = json.loads(done.stdout)["results"]
    bad = [row for row in results if row["status"] != "passed" or row.get("warnings")]
    assert not bad, json.dumps(bad, indent=1)[:3000]
    assert len(results) == 9


@pytest.mark.engine
def test_a_local_model(house):
    client = genai.Client(api_key=KEY, http_options={"base_url": house.url})
    config = types.GenerateContentConfig(max_output_tokens=8, seed=1, top_k=5)
    stream = list(client.models.generate_content_stream(model=SMOL, contents="Say hello.", config=config))
    assert "".join(piece.text or "" for piece in stream)
    assert stream[-1].usage_metadata.candidates_token_count <= 8

"""Answers of an OpenAI upstream in Google's form: plain, as events and as a growing array."""

import msgspec
import pytest

from tests.api.conftest import ANSWER, chunk, streamed, whole
from zhongshu.access.fake import FakeGate
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.access import Caller
from zhongshu.core.problems import fault
from zhongshu.core.signatures import leaving

CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":'}}
MORE = {"index": 0, "function": {"arguments": "1}"}}
USAGE = {
    "prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16,
    "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 3},
}  # fmt: skip


def answered(message=None, finish="stop", **choice):
    said = {"role": "assistant", "content": "hi", **(message or {})}
    return whole(
        {**ANSWER, "usage": USAGE, "choices": [{"index": 0, "message": said, "finish_reason": finish, **choice}]}
    )


def events(response):
    return [msgspec.json.decode(line[6:]) for line in response.body.split(b"\r\n\r\n") if line]


def parts(said):
    return [
        part for piece in said for c in piece.get("candidates", ()) for part in c.get("content", {}).get("parts", ())
    ]


async def test_a_plain_reply(google):
    here = google(answered())
    reply = (await here.generate()).json()
    assert reply["candidates"] == [
        {"content": {"parts": [{"text": "hi"}], "role": "model"}, "finishReason": "STOP", "index": 0}
    ]
    assert reply["usageMetadata"] == {
        "promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 16, "cachedContentTokenCount": 4,
        "thoughtsTokenCount": 3,
    }  # fmt: skip
    assert reply["modelVersion"] == "small"
    assert reply["responseId"] == reply["zhongshu"]["trace"]
    assert here.asked()["messages"] == [{"role": "user", "content": "hello"}]
    assert here.house.journal.records[-1].protocol == "gemini.generate"


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("stop", "STOP"), ("length", "MAX_TOKENS"), ("content_filter", "SAFETY"), ("tool_calls", "STOP")],
)
async def test_reasons_to_stop(google, finish, reason):
    reply = (await google(answered(finish=finish)).generate()).json()
    assert reply["candidates"][0]["finishReason"] == reason


async def test_thoughts_are_shown_to_those_who_ask(google):
    here = google(answered({"reasoning_content": "hm"}))
    assert parts([(await here.generate()).json()]) == [{"text": "hi"}]
    shown = {"thinkingConfig": {"includeThoughts": True}}
    assert parts([(await here.generate(generationConfig=shown)).json()]) == [
        {"text": "hm", "thought": True},
        {"text": "hi"},
    ]


async def test_signed_thoughts_always_go_out(google):
    details = [{"type": "reasoning.text", "text": "hm", "signature": "sig"}]
    reply = (await google(answered({"reasoning_details": details})).generate()).json()
    assert parts([reply])[0] == {"text": "hm", "thought": True, "thoughtSignature": leaving("openai:sig", "gemini")}


async def test_calls_go_out_whole_plain_and_streamed(google):
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1.50}'}}
    plain = await google(answered({"content": None, "tool_calls": [call]}, "tool_calls")).generate()
    assert b'"args":{"a":1.50}' in plain.body
    stream = streamed(chunk({"tool_calls": [CALL]}), chunk({"tool_calls": [MORE]}), chunk({}, "tool_calls"))
    said = events(await google(stream).generate(method="streamGenerateContent", query=b"alt=sse"))
    assert parts(said)[0] == {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}}
    assert said[-1]["candidates"][0]["finishReason"] == "STOP"


async def test_a_call_whose_arguments_are_no_object_is_told_as_malformed(google):
    bad = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":'}}
    plain = (await google(answered({"content": None, "tool_calls": [bad]}, "tool_calls")).generate()).json()
    assert plain["candidates"][0]["finishReason"] == "MALFORMED_FUNCTION_CALL"
    stream = streamed(chunk({"tool_calls": [CALL]}), chunk({}, "tool_calls"))
    said = events(await google(stream).generate(method="streamGenerateContent", query=b"alt=sse"))
    assert said[-1]["candidates"][0]["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert "functionCall" not in msgspec.json.encode(said).decode()


async def test_probabilities(google):
    entries = [{"token": "hi", "logprob": -0.5, "bytes": None, "top_logprobs": [{"token": "ho", "logprob": -2}]}]
    reply = (await google(answered(logprobs={"content": entries})).generate()).json()["candidates"][0]
    assert reply["avgLogprobs"] == -0.5
    assert reply["logprobsResult"] == {
        "chosenCandidates": [{"token": "hi", "logProbability": -0.5}],
        "topCandidates": [{"candidates": [{"token": "ho", "logProbability": -2}]}],
    }


STREAM = streamed(
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning_content": "hm"}),
    chunk({"content": 'h"i'}),
    chunk({"content": "你好"}),
    chunk({}, "stop"),
    chunk(usage=USAGE),
)


async def test_a_stream_of_events(google):
    here = google(STREAM)
    reply = await here.generate(method="streamGenerateContent", query=b"alt=sse")
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    said = events(reply)
    assert parts(said) == [{"text": 'h"i'}, {"text": "你好"}, {"text": ""}]
    assert ["finishReason" in piece["candidates"][0] for piece in said] == [False, False, True]
    assert said[-1]["usageMetadata"]["thoughtsTokenCount"] == 3
    assert said[-1]["zhongshu"]["usage"]["completion"] == 7
    assert len({piece["responseId"] for piece in said}) == 1
    assert here.asked()["stream_options"] == {"include_usage": True}


async def test_a_stream_as_an_array(google):
    reply = await google(STREAM).generate(method="streamGenerateContent")
    assert reply.headers["content-type"] == "application/json"
    said = msgspec.json.decode(reply.body)
    assert parts(said) == [{"text": 'h"i'}, {"text": "你好"}, {"text": ""}]
    assert said[-1]["zhongshu"]["label"]["explicit"]


async def test_thoughts_in_a_stream(google):
    shown = {"thinkingConfig": {"includeThoughts": True}}
    said = events(
        await google(STREAM).generate(method="streamGenerateContent", query=b"alt=sse", generationConfig=shown)
    )
    assert parts(said)[0] == {"text": "hm", "thought": True}


async def test_several_candidates(google):
    stream = streamed(
        {"id": "c", "choices": [{"index": 1, "delta": {"content": "b"}, "finish_reason": "length"}]},
        {"id": "c", "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]},
    )
    here = google(stream)
    reply = await here.generate(
        method="streamGenerateContent", query=b"alt=sse", generationConfig={"candidateCount": 2}
    )
    reasons = [(c["index"], c.get("finishReason")) for piece in events(reply) for c in piece["candidates"]]
    assert reasons == [(1, None), (1, "MAX_TOKENS"), (0, None), (0, "STOP")] or reasons == [
        (1, None), (1, "MAX_TOKENS"), (0, "STOP"),
    ]  # fmt: skip
    assert here.asked()["n"] == 2


@pytest.mark.parametrize(("query", "array"), [(b"alt=sse", False), (b"", True)])
async def test_a_stream_that_breaks_ends_with_an_error_object(google, query, array):
    broken = streamed(chunk({"content": "a"}), fault("upstream_cut", upstream="up"), done=False)
    reply = await google(broken).generate(method="streamGenerateContent", query=query)
    said = msgspec.json.decode(reply.body) if array else events(reply)
    assert said[-1]["error"]["status"] == "UNAVAILABLE"
    assert next(iter(said[-1])) == "error"  # the official SDK looks for it there
    assert reply.ended


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [(400, 400, "INVALID_ARGUMENT"), (401, 502, "UNAVAILABLE"), (404, 404, "NOT_FOUND"), (500, 502, "UNAVAILABLE")],
)
async def test_errors_in_googles_form(google, status, code, said):
    reply = await google(whole({"error": {"message": "no"}}, status)).generate()
    error = reply.json()["error"]
    assert (reply.status, error["code"], error["status"]) == (code, code, said)
    assert error["details"][0]["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"


async def test_when_to_try_again_is_told_twice(google):
    reply = await google(whole({"error": {"message": "slow down"}}, 429, **{"retry-after": "7"})).generate()
    assert reply.headers["retry-after"] == "7"
    assert reply.json()["error"]["details"][-1] == {
        "@type": "type.googleapis.com/google.rpc.RetryInfo",
        "retryDelay": "7.000s",
    }


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({"x-goog-api-key": "zs_test"}, b"", 200),
        ({"authorization": "Bearer zs_test"}, b"", 200),
        ({}, b"alt=json&key=zs_test", 200),
        ({}, b"", 401),
        ({"x-api-key": "zs_test"}, b"", 401),
    ],
)
async def test_credentials(google, headers, query, status):
    here = google(answered())
    body = {"contents": {"parts": {"text": "x"}}}
    reply = await here.send("POST", "/v1beta/models/small:generateContent", body, query, headers)
    assert reply.status == status
    if status == 401:
        assert reply.json()["error"]["status"] == "UNAUTHENTICATED"


async def test_what_another_dialect_cannot_carry(google):
    here = google(answered())
    reply = await here.generate(safetySettings=[], generationConfig={"topK": 5, "mediaResolution": "X"})
    assert reply.headers["x-zhongshu-dropped"] == "safetySettings, generationConfig.mediaResolution, top_k"
    refused = await here.generate(tools=[{"googleSearch": {}}])
    assert refused.status == 400
    assert refused.json()["error"]["details"][0]["reason"] == "MODEL_CANNOT"


async def test_a_request_as_an_openai_upstream_gets_it(google):
    here = google(answered())
    await here.generate(
        systemInstruction={"parts": {"text": "be brief"}},
        contents=[
            {"role": "user", "parts": [{"text": "see"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"result": "ok"}}}]},
            {"role": "user", "parts": [{"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}}]},
            {"role": "user", "parts": [{"text": "!"}, {"inlineData": {"mimeType": "text/plain", "data": "aGk="}}]},
        ],
        tools={"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]},
        generationConfig={"responseSchema": {"type": "STRING"}, "stopSequences": ["x"]},
    )
    asked = here.asked()
    call = {"id": "call_1_0", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    assert asked["messages"] == [
        {"role": "system", "content": "be brief"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "see"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            ],
        },
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "ok", "name": "f", "tool_call_id": "call_1_0"},
        {
            "role": "user",
            "content": [
                {"type": "file", "file": {"filename": "file.pdf", "file_data": "data:application/pdf;base64,AAAA"}}
            ],
        },
        {"role": "user", "content": [{"type": "text", "text": "!"}, {"type": "text", "text": "hi"}]},
    ]
    assert asked["tools"][0]["function"]["parameters"] == {"type": "object"}
    assert asked["response_format"]["json_schema"]["schema"] == {"type": "string"}


async def test_models_and_methods(google):
    here = google(answered(), models=[
        ModelSettings(name="a/b", upstream="up", context=4096),
        ModelSettings(name="vectors", upstream="up", abilities=("embedding",)),
    ])  # fmt: skip
    listed = (await here.send("GET", "/v1beta/models")).json()["models"]
    assert [row["name"] for row in listed][-2:] == ["models/a/b", "models/vectors"]
    assert (await here.send("GET", "/v1beta/models/a/b")).json()["inputTokenLimit"] == 4096
    assert (await here.send("GET", "/v1/models")).json()["models"] == listed
    openai = await here.send("GET", "/v1/models", headers={"authorization": "Bearer zs_test"})
    assert openai.json()["object"] == "list"
    page = (await here.send("GET", "/v1beta/models", query=b"pageSize=1")).json()
    assert len(page["models"]) == 1
    rest = (
        await here.send("GET", "/v1beta/models", query=b"pageSize=9&pageToken=" + page["nextPageToken"].encode())
    ).json()
    assert page["models"] + rest["models"] == listed
    missing = await here.send("GET", "/v1beta/models/none")
    assert (missing.status, missing.json()["error"]["status"]) == (404, "NOT_FOUND")
    assert (await here.send("POST", "/v1beta/models/a/b:dance", {})).status == 404
    assert (await here.send("PUT", "/v1beta/models/a/b:generateContent", {})).status == 405
    assert (await here.send("POST", "/v1/models/a/b", {})).status == 405


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("pageSize=many", "pageSize"),
        ("pageSize=-1", "pageSize"),
        ("pageSize=9999999999", "pageSize"),
        ("pageToken=next", "pageToken"),
        ("pageSize=0", None),
        ("pageSize=5000&pageToken=", None),
    ],
)
async def test_a_page_that_cannot_be_is_refused(google, query, param):
    reply = await google(answered()).send("GET", "/v1beta/models", query=query.encode())
    assert reply.status == (400 if param else 200)
    assert param is None or f"`{param}`" in reply.json()["error"]["message"]


async def test_a_key_sees_its_own_models_alone(google):
    here = google(answered(), gate=FakeGate(Caller("default", "k", "user", ("vectors",))))
    listed = (await here.send("GET", "/v1beta/models")).json()["models"]
    assert [row["name"] for row in listed] == ["models/vectors"]
    counted = await here.send("POST", "/v1beta/models/small:countTokens", {"contents": {"parts": {"text": "x"}}})
    assert counted.status == 404


async def test_tokens_are_counted_here(google):
    here = google(answered())
    body = {"contents": [{"parts": [{"text": "hello there, how are you"}]}]}
    counted = (await here.send("POST", "/v1beta/models/small:countTokens", body)).json()
    assert counted == {"totalTokens": 12, "zhongshu": {"estimated": True}}
    inner = {"generateContentRequest": {"model": "models/small", **body}}
    assert (await here.send("POST", "/v1beta/models/small:countTokens", inner)).json() == counted
    assert (await here.send("POST", "/v1beta/models/small:countTokens", {})).status == 400
    assert here.house.transport.requests == []


async def test_vectors(google):
    def reply(_):
        data = [{"index": n, "embedding": [0.5, n]} for n in range(2)]
        return whole({"data": data, "model": "e", "usage": {"prompt_tokens": 2, "total_tokens": 2}})

    here = google(reply)
    body = {"requests": [{"content": {"parts": [{"text": "a"}]}}, {"content": {"parts": [{"text": "b"}]}}]}
    many = await here.send("POST", "/v1beta/models/vectors:batchEmbedContents", body)
    assert many.json()["embeddings"] == [{"values": [0.5, 0.0]}, {"values": [0.5, 1.0]}]
    assert here.asked()["input"] == ["a", "b"]
    one = await here.send("POST", "/v1beta/models/vectors:embedContent", {"content": {"parts": {"text": "a"}}})
    assert one.json()["embedding"] == {"values": [0.5, 0.0]}


async def test_bad_requests_cost_nothing(google):
    here = google(answered())
    reply = await here.send("POST", "/v1beta/models/small:generateContent", b"{}")
    assert reply.status == 400
    assert reply.json()["error"]["details"][1]["fieldViolations"][0]["field"] == "contents"
    assert here.house.transport.requests == []

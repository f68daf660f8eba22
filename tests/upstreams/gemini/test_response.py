"""Reading Google's replies, plain and in pieces."""

import contextlib
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.core.answers import Choice, Event, Fold, Usage
from zhongshu.core.problems import Fault
from zhongshu.core.turns import Thought, ToolCall
from zhongshu.upstreams.gemini.errors import explain
from zhongshu.upstreams.gemini.response import PieceReader, read_answer, read_embeddings, read_models, read_pieces
from zhongshu.upstreams.memory import MemoryOpened, Reply
from zhongshu.upstreams.sse_stream import SseStream

PARTS = [
    {"text": "hm ", "thought": True},
    {"text": "yes", "thought": True, "thoughtSignature": "s1"},
    {"text": "你好 "},
    {"text": "there"},
    {"functionCall": {"name": "f", "args": {"a": "é", "b": 1.5}}, "thoughtSignature": "s2"},
    {"functionCall": {"id": "given", "name": "g"}},
]
USAGE = {
    "promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 3, "cachedContentTokenCount": 4,
    "toolUsePromptTokenCount": 2, "totalTokenCount": 20,
}  # fmt: skip


def body(parts, reason="STOP", usage=None, **more):
    candidate = {"content": {"parts": parts, "role": "model"}, "index": 0}
    said = {"candidates": [candidate | ({"finishReason": reason} if reason else {})], "modelVersion": "gemini-x"}
    return msgspec.json.encode(said | ({"usageMetadata": usage} if usage else {}) | more)


def stream_of(pieces, end=b"\r\n\r\n"):
    return b"".join([b"data: " + piece + end for piece in pieces])


PIECES = [body([part], None) for part in PARTS] + [body([{"text": ""}], "STOP", USAGE)]
STREAM = stream_of(PIECES)


async def read(stream, cuts=()):
    edges = [0, *sorted(cuts), len(stream)]
    chunks = tuple([stream[a:b] for a, b in pairwise(edges) if a != b])
    opened = MemoryOpened(Reply(chunks=chunks))
    made = SseStream(opened, PieceReader("up"), "up", 1 << 20)
    return [event async for event in made]


def folded(events: list[Event]):
    fold = Fold()
    for event in events:
        fold.add(event)
    return fold.answer()


WHOLE = Choice(
    index=0,
    text="你好 there",
    thought="hm yes",
    tool_calls=(
        ToolCall("call_0_0_f", "f", '{"a":"é","b":1.5}', "gemini:s2"),
        ToolCall("given", "g", "{}"),
    ),
    stop="tool_calls",
    thoughts=(Thought("hm yes", "gemini:s1"),),
)


def test_a_plain_reply():
    answer = read_answer(body(PARTS, "STOP", USAGE), "up")
    assert answer.choices == (WHOLE,)
    assert answer.usage == Usage(prompt=12, completion=8, cached=4, thinking=3)
    assert (answer.model, answer.dialect) == ("gemini-x", "gemini.generate")
    assert answer.wire == body(PARTS, "STOP", USAGE)


async def test_a_stream_amounts_to_the_plain_reply():
    events = await read(STREAM)
    answer = folded(events)
    assert answer.choices == (WHOLE,)
    assert answer.usage == Usage(prompt=12, completion=8, cached=4, thinking=3)
    assert [event.wire for event in events] == PIECES


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=12), end=st.sampled_from([b"\r\n\r\n", b"\n\n", b"\r\r"]))
async def test_any_chunking_gives_the_same_answer(cuts, end):
    """litellm #25321 #25836 #26167, bifrost #3638 -> #6123: translation while streaming."""
    stream = stream_of(PIECES, end)
    assert folded(await read(stream, [min(cut, len(stream)) for cut in cuts])).choices == (WHOLE,)


def test_a_signature_on_text_is_a_block_without_words():
    choice = read_answer(body([{"text": "so", "thoughtSignature": "s"}]), "up").choices[0]
    assert (choice.text, choice.thoughts) == ("so", (Thought("", "gemini:s"),))


def test_what_google_ran_or_drew_is_not_lost():
    parts = [
        {"executableCode": {"language": "PYTHON", "code": "1+1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
    ]
    assert read_answer(body(parts), "up").choices[0].text == (
        "```python\n1+1\n```\n```\n2\n```\n![](data:image/png;base64,AAAA)"
    )


def test_tokens_of_sound_and_pictures_are_told_apart():
    """litellm #37923: usage and money wrong."""
    said = {
        "promptTokenCount": 100, "candidatesTokenCount": 20, "cachedContentTokenCount": 30,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 40}, {"modality": "AUDIO", "tokenCount": 60}],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 30}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 15}, {"modality": "TEXT", "tokenCount": 5}],
    }  # fmt: skip
    usage = read_answer(body([{"text": "x"}], usage=said), "up").usage
    assert usage == Usage(100, 20, cached=30, audio_in=30, image_out=15)
    text = {"promptTokenCount": 4, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 4}]}
    assert read_answer(body([{"text": "x"}], usage=text), "up").usage == Usage(4, 0)


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("MISSING_THOUGHT_SIGNATURE", "error"),
        ("OTHER", "error"),
        ("SOMETHING_NEW", "stop"),
    ],
)
def test_reasons_to_stop(reason, stop):
    assert read_answer(body([{"text": "x"}], reason), "up").choices[0].stop == stop


async def test_a_blocked_prompt_is_a_filtered_answer():
    blocked = b'{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4}}'
    answer = read_answer(blocked, "up")
    assert (answer.choices, answer.usage) == ((Choice(0, stop="content_filter"),), Usage(prompt=4))
    assert folded(await read(stream_of([blocked]))).choices == (Choice(0, stop="content_filter"),)


def test_probabilities():
    result = {
        "chosenCandidates": [{"token": "hi", "logProbability": -0.5}],
        "topCandidates": [{"candidates": [{"token": "ho", "logProbability": -2}]}],
    }
    candidate = {"content": {"parts": [{"text": "hi"}]}, "finishReason": "STOP", "logprobsResult": result}
    (entry,) = read_answer(msgspec.json.encode({"candidates": [candidate]}), "up").choices[0].logprobs
    assert msgspec.json.decode(entry) == {
        "token": "hi", "logprob": -0.5, "bytes": [104, 105],
        "top_logprobs": [{"token": "ho", "logprob": -2.0, "bytes": [104, 111]}],
    }  # fmt: skip


def test_an_array_in_place_of_events():
    array = b"[" + b",\r\n".join(PIECES) + b"]"
    assert folded(list(read_pieces(array, "up"))).choices == (WHOLE,)
    assert folded(list(read_pieces(body(PARTS), "up"))).choices == (WHOLE,)


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        (stream_of(PIECES[:-1]), "upstream_cut"),
        (stream_of(PIECES)[:-60], "upstream_cut"),
        (b"", "upstream_cut"),
        (stream_of([b"{nonsense"]), "upstream_malformed"),
        (stream_of([b'{"hello":1}']), "upstream_malformed"),
        (stream_of([b"\xff\xfe{}"]), "upstream_malformed"),
        (
            stream_of([b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":"\xff"}}}]}}]}']),
            "upstream_malformed",
        ),
        (
            stream_of([PIECES[0], b'{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}']),
            "upstream_error",
        ),
        (
            stream_of([PIECES[0], b'{"error":{"message":"slow","status":"RESOURCE_EXHAUSTED"}}']),
            "upstream_rate_limited",
        ),
    ],
)
async def test_streams_that_break(stream, code):
    with pytest.raises(Fault) as caught:
        await read(stream)
    assert caught.value.problem.code == code


@pytest.mark.parametrize(
    ("status", "text", "code", "retry"),
    [
        (
            400,
            b'{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"@type":'
            b'"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}',
            "upstream_auth",
            None,
        ),
        (403, b'{"error":{"code":403,"status":"PERMISSION_DENIED"}}', "upstream_auth", None),
        (
            429,
            b'{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED","details":[{"@type":'
            b'"type.googleapis.com/google.rpc.QuotaFailure"},{"@type":"type.googleapis.com/google.rpc.RetryInfo",'
            b'"retryDelay":"38.5s"}]}}',
            "upstream_rate_limited",
            38.5,
        ),
        (429, b"", "upstream_rate_limited", 9.0),
        (
            400,
            b'[{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens '
            b'allowed (1048576).","status":"INVALID_ARGUMENT"}}]',
            "context_length_exceeded",
            None,
        ),
        (400, b'{"error":{"code":400,"message":"Bad","status":"INVALID_ARGUMENT"}}', "upstream_refused", None),
        (404, b'{"error":{"code":404,"message":"no model"}}', "upstream_refused", None),
        (503, b'{"error":{"code":503,"message":"overloaded"}}', "upstream_error", 9.0),
        (504, b"{}", "upstream_timeout", None),
        (502, b"<html>", "upstream_error", 9.0),
    ],
)
def test_refusals(status, text, code, retry):
    problem = explain("up", "m", status, text, lambda name: "9" if name == "retry-after" else None).problem
    assert problem.code == code
    if code in ("upstream_rate_limited", "upstream_error"):
        assert problem.retry_after_s == retry
    if code == "context_length_exceeded":
        assert "1200000" in problem.message
        assert "1048576" in problem.message


@pytest.mark.parametrize("text", [b"<html>", b"{}", b"[]", b'{"candidates":[]}', b'{"candidates":7}'])
def test_what_is_no_answer(text):
    with pytest.raises(Fault) as caught:
        read_answer(text, "up")
    assert caught.value.problem.code == "upstream_malformed"


def test_vectors_and_models():
    made = read_embeddings(b'{"embeddings":[{"values":[1,2]},{"values":[3,4]}]}', "up")
    assert made.vectors == ((1.0, 2.0), (3.0, 4.0))
    assert read_models(b'{"models":[{"name":"models/a"},{"name":"tunedModels/b"}]}', "up") == ("a", "tunedModels/b")
    for bad in (b"[]", b"{}"):
        with pytest.raises(Fault):
            read_embeddings(bad, "up")


NAMES = [
    "candidates", "content", "parts", "text", "thought", "thoughtSignature", "functionCall", "name", "args", "id",
    "finishReason", "index", "usageMetadata", "promptTokenCount", "promptTokensDetails", "modality", "tokenCount",
    "promptFeedback", "blockReason", "error", "code", "message", "status", "details", "retryDelay", "logprobsResult",
    "chosenCandidates", "topCandidates", "inlineData", "data", "mimeType", "executableCode",
]  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers(-3, 600) | st.sampled_from(["", "x", "STOP", "AUDIO", "7s"])
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
)
PART = st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=4)
PIECE = st.fixed_dictionaries(
    {}, optional={"candidates": st.lists(st.fixed_dictionaries({"content": st.fixed_dictionaries({"parts": st.lists(PART)})})),
                  "usageMetadata": ANYTHING, "error": ANYTHING}
)  # fmt: skip


@given(PIECE | ANYTHING)
def test_anything_is_an_event_or_a_fault(piece):
    with contextlib.suppress(Fault):
        PieceReader("up").read(msgspec.json.encode(piece))
    explain("up", "m", 400, msgspec.json.encode(piece))
    explain("up", "m", 200, msgspec.json.encode([piece]))

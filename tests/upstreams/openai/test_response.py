"""Whole replies: what is read of them, in every spelling, and what is passed on."""

from __future__ import annotations

import msgspec
import pytest

from zhongshu.core.answers import Fold, Usage
from zhongshu.core.problems import Fault
from zhongshu.core.signatures import signed
from zhongshu.core.turns import Thought, ToolCall
from zhongshu.upstreams.openai.response import read_answer, read_embeddings, read_models
from zhongshu.upstreams.openai.stream import ChunkReader


def reply(message: str, usage: str = "null", **choice: object) -> bytes:
    more = "".join(f',"{name}":{msgspec.json.encode(value).decode()}' for name, value in choice.items())
    return (
        f'{{"id":"c-1","object":"chat.completion","model":"m","choices":[{{"index":0,"message":{{{message}}}{more}}}],'
        f'"usage":{usage}}}'
    ).encode()


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ("null", None),
        ("{}", None),
        ('{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}', Usage(3, 4)),
        ('{"prompt_tokens":3,"total_tokens":7}', Usage(3, 4)),
        ('{"completion_tokens":4,"total_tokens":7}', Usage(3, 4)),
        ('{"total_tokens":7}', Usage(0, 7)),
        ('{"prompt_tokens":3.0,"completion_tokens":4}', Usage(3, 4)),
        ('{"prompt_tokens":3,"completion_tokens":null}', Usage(3, 0)),
        ('{"prompt_tokens":3,"completion_tokens":4,"cached_tokens":2}', Usage(3, 4, 2)),
        ('{"prompt_tokens":3,"completion_tokens":4,"prompt_cache_hit_tokens":2}', Usage(3, 4, 2)),
        ('{"prompt_tokens":3,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":9}}', Usage(3, 4, 3)),
        ('{"prompt_tokens":3,"completion_tokens":4,"prompt_tokens_details":null}', Usage(3, 4)),
        ('{"prompt_tokens":3,"completion_tokens":4,"completion_tokens_details":{"reasoning_tokens":2}}', Usage(3, 4, 0, 2)),
        ('{"prompt_tokens":-3,"completion_tokens":-4}', Usage(0, 0)),
    ],
)  # fmt: skip
def test_usage_in_every_spelling(usage: str, expected: Usage | None) -> None:
    assert read_answer(reply('"content":"x"', usage), "up").usage == expected


@pytest.mark.parametrize(
    ("message", "thought", "signature"),
    [
        ('"content":"x"', "", None),
        ('"content":"x","reasoning_content":"T"', "T", None),
        ('"content":"x","reasoning":"T"', "T", None),
        ('"content":"x","reasoning":null,"reasoning_content":null', "", None),
        ('"content":"x","reasoning":"T","reasoning_content":"T"', "T", None),
        ('"content":"x","reasoning_details":[{"type":"reasoning.text","text":"T","signature":"s"}]', "T", "s"),
        ('"content":"x","reasoning_details":[{"type":"reasoning.summary","summary":"T"}]', "T", None),
        ('"content":"x","reasoning_details":[{"type":"reasoning.encrypted","data":"opaque"}]', "", "opaque"),
        ('"content":[{"type":"thinking","thinking":"T"},{"type":"text","text":"x"}]', "T", None),
    ],
)
def test_thoughts_in_every_spelling(message: str, thought: str, signature: str | None) -> None:
    body = reply(message, finish_reason="stop")
    answer = read_answer(body, "up")
    choice = answer.choices[0]
    assert (choice.text, choice.thought, choice.thoughts[0].signature if choice.thoughts else None) == (
        "x",
        thought,
        signed("openai", signature),
    )
    assert answer.wire is not None
    passed = msgspec.json.decode(answer.wire)["choices"][0]["message"]
    if thought:
        assert passed["reasoning_content"] == "T"
    else:
        assert answer.wire == body


def test_a_value_called_reasoning_is_left_alone() -> None:
    body = reply('"content":"\\"reasoning\\"","kind":"reasoning","reasoning":"T"')
    passed = msgspec.json.decode(read_answer(body, "up").wire or b"")["choices"][0]["message"]
    assert passed == {"content": '"reasoning"', "kind": "reasoning", "reasoning_content": "T"}


@pytest.mark.parametrize(
    ("message", "calls"),
    [
        ('"content":null', ()),
        (
            '"content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]',
            (ToolCall("a", "f", "{}"),),
        ),
        (
            '"content":null,"tool_calls":[{"function":{"name":"f","arguments":{"x":1}}},{"function":{"name":"g"}}]',
            (ToolCall("call_c1_0_0", "f", '{"x":1}'), ToolCall("call_c1_0_1", "g", "")),
        ),
        ('"function_call":{"name":"f","arguments":"{}"}', (ToolCall("call_c1_0_0", "f", "{}"),)),
    ],
)
def test_tool_calls(message: str, calls: tuple[ToolCall, ...]) -> None:
    choice = read_answer(reply(message), "up").choices[0]
    assert choice.tool_calls == calls
    assert choice.stop == ("tool_calls" if calls else "stop")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "upstream_malformed"),
        (b"<html></html>", "upstream_malformed"),
        (b"[]", "upstream_malformed"),
        (b"{}", "upstream_malformed"),
        (b'{"choices":[]}', "upstream_malformed"),
        (b'{"choices":null}', "upstream_malformed"),
        (b'{"choices":[{"message":{"content":5}}]}', "upstream_malformed"),
        (b'{"choices":[{"message":{"content":"\xff"}}]}', "upstream_malformed"),
        (b'{"error":{"message":"x","code":503}}', "upstream_error"),
        (b'{"error":"x"}', "upstream_error"),
        (b'{"object":"error","message":"x","code":400}', "upstream_refused"),
    ],
)
def test_what_is_no_answer(body: bytes, code: str) -> None:
    with pytest.raises(Fault) as caught:
        read_answer(body, "up")
    assert caught.value.problem.code == code


def test_embeddings_come_in_order() -> None:
    body = b'{"data":[{"index":1,"embedding":[3,4.5]},{"index":0,"embedding":"AACAPwAAAEA="}],"model":"e"}'
    assert read_embeddings(body, "up").vectors == ((1.0, 2.0), (3.0, 4.5))


@pytest.mark.parametrize("body", [b"", b"{}", b'{"data":[{"embedding":"?"}]}', b'{"data":[{"embedding":"AAA="}]}'])
def test_what_is_no_embedding(body: bytes) -> None:
    with pytest.raises(Fault, match="upstream_malformed"):
        read_embeddings(body, "up")


def test_models() -> None:
    assert read_models(b'{"object":"list","data":[{"id":"a"},{"id":"b","x":1}]}', "up") == ("a", "b")
    with pytest.raises(Fault, match="upstream_malformed"):
        read_models(b"[]", "up")


SEVERAL = (
    '"content":"x"%s,"reasoning_details":[{"type":"reasoning.text","text":"One. "},'
    '{"type":"reasoning.text","text":"Two.","signature":"s1"},{"type":"reasoning.encrypted","data":"hidden"},'
    '{"type":"reasoning.summary","summary":"Three."}]'
)


@pytest.mark.parametrize("beside", ["", ',"reasoning":"One. Two.Three."', ',"reasoning":"In other words."'])
def test_every_signed_detail_is_kept_whole_and_streamed(beside: str) -> None:
    """litellm #27946: of several signed details in one message or delta none is lost, in their order."""
    body = reply(SEVERAL % beside, finish_reason="stop")
    choice = read_answer(body, "up").choices[0]
    reader, fold = ChunkReader("up"), Fold()
    for payload in (body.replace(b'"message"', b'"delta"'), b"[DONE]"):
        event = reader.read(payload)
        if event is not None:
            fold.add(event)
    assert fold.answer().choices[0].thoughts == choice.thoughts
    assert [t.signature for t in choice.thoughts if t.signature] == ["openai:s1", "openai:hidden"]
    assert choice.thoughts[1] == Thought("", "openai:hidden", redacted=True)
    assert choice.thought == ("In other words." if "words" in beside else "One. Two.Three.")

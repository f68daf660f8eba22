"""Items -> messages, cell by cell; items as they are kept; requests as they are read."""

import msgspec
import pytest
from msgspec import Raw

from zhongshu.api.responses.items import conversation_of, input_items
from zhongshu.api.responses.request import read_request
from zhongshu.core.turns import Message, Thought, ToolCall


def raw(*items):
    return [Raw(msgspec.json.encode(item)) for item in items]


def assistant(text, **more):
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}], **more}


CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
THOUGHT = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}


@pytest.mark.parametrize(
    ("items", "messages"),
    [
        ([{"role": "user", "content": "a"}], (Message("user", "a"),)),
        (
            [assistant("a"), assistant("b", phase="final_answer")],
            (Message("assistant", "a"), Message("assistant", "b")),
        ),
        (
            [THOUGHT, assistant("a"), CALL],
            (Message("assistant", "a", thoughts=(Thought("hm"),), tool_calls=(ToolCall("c", "f", "{}"),)),),
        ),
        (
            [CALL, CALL | {"call_id": "d", "thought_signature": "sig"}],
            (Message("assistant", tool_calls=(ToolCall("c", "f", "{}"), ToolCall("d", "f", "{}", "gemini:sig"))),),
        ),
        (
            [CALL, {"type": "function_call_output", "call_id": "c", "output": "4"}, assistant("so")],
            (
                Message("assistant", tool_calls=(ToolCall("c", "f", "{}"),)),
                Message("tool", "4", tool_call_id="c"),
                Message("assistant", "so"),
            ),
        ),
        (
            [assistant("a"), THOUGHT, assistant("b")],
            (Message("assistant", "a"), Message("assistant", "b", thoughts=(Thought("hm"),))),
        ),
        (
            [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": "e"}],
            (Message("assistant", thoughts=(Thought("s", "responses:e"),)),),
        ),
        (
            [{"type": "reasoning", "summary": [], "encrypted_content": "e"}],
            (Message("assistant", thoughts=(Thought("", "responses:e", redacted=True),)),),
        ),
        ([{"type": "reasoning", "summary": []}], ()),
        ([{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}], (Message("assistant", "no"),)),
    ],
)
def test_items_become_messages(items, messages):
    assert conversation_of(raw(*items)) == (messages, ())


def test_what_is_foreign_is_named_not_dropped():
    read = conversation_of(raw({"type": "web_search_call", "id": "w"}, assistant("a"), {"type": "mcp_call"}))
    assert read == ((Message("assistant", "a"),), ("input.web_search_call", "input.mcp_call"))


def test_items_are_kept_complete():
    kept = [msgspec.json.decode(item) for item in input_items("hi", "t")]
    assert kept == [
        {
            "id": "msg_ti0", "type": "message", "role": "user", "status": "completed",
            "content": [{"type": "input_text", "text": "hi"}],
        }
    ]  # fmt: skip
    given = raw(assistant("a", id="msg_1", status="completed"), {"type": "item_reference", "id": "x"})
    assert list(input_items(given, "t")) == given
    (call,) = input_items(raw(CALL), "t")
    assert msgspec.json.decode(call) == {**CALL, "id": "fc_ti0"}


def read(**fields):
    return read_request(msgspec.json.encode({"model": "m", "input": "hi", **fields}), "t", 1)


def test_a_request_in_our_words():
    asked = read(
        instructions="Be brief.", reasoning={"effort": "xhigh"}, max_output_tokens=5, user="u", metadata={"a": "b"},
        zhongshu={"cache": "refresh"}, stream=True,
    )  # fmt: skip
    turn = asked.turn
    assert turn.messages == (Message("system", "Be brief."), Message("user", "hi"))
    assert (turn.effort, turn.sampling.max_tokens, turn.user, turn.stream) == ("high", 5, "u", True)
    assert turn.wishes.cache == "refresh"
    assert turn.wire.unread() == []
    assert asked.stored
    assert not read(store=False).stored


def test_what_a_built_in_tool_did_is_not_cached():
    turn = read(tools=[{"type": "web_search"}]).turn
    assert turn.wire.needed == ("tools.web_search",)
    assert turn.wishes.cache == "no-store"
    assert read().turn.wishes.cache == "use"


@pytest.mark.parametrize(("summary", "wanted"), [(None, False), ("auto", True), ("detailed", True), ("none", False)])
def test_summaries_are_given_where_they_are_asked_for(summary, wanted):
    assert read(reasoning={"summary": summary}).summarised is wanted

"""A recorded request read again, in the words of every protocol: what was asked, and what it took to answer it."""

import json

import pytest

from zhongshu.core.records import Record
from zhongshu.core.turns import Audio, File, Image
from zhongshu.router.reopened import reopened

ASKED = "What is this?"


def read(body, **record):
    return reopened(Record("a" * 32, 5, "answered", asked="auto", **record), json.dumps(body).encode())


def chat(*parts, **fields):
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": ASKED}, *parts]}], **fields}


def google(*parts, **fields):
    return {"contents": [{"role": "user", "parts": [{"text": ASKED}, *parts]}], **fields}


@pytest.mark.parametrize(
    ("body", "brought"),
    [
        (chat(), []),
        (chat({"type": "image_url", "image_url": {"url": "x"}}), [Image]),
        (chat({"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}}), [Audio]),
        (chat({"type": "file", "file": {"file_data": "x"}}), [File]),
        (
            {"input": [{"role": "user", "content": [{"type": "input_text", "text": ASKED}, {"type": "input_image"}]}]},
            [Image],
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_text", "text": ASKED}, {"type": "input_file"}]}]},
            [File],
        ),
        (chat({"type": "image", "source": {"type": "base64", "data": "x"}}), [Image]),
        (chat({"type": "document", "source": {"type": "base64", "data": "x"}}), [File]),
        (chat({"type": "document", "source": {"type": "text", "data": "x"}}), []),
        (google({"inlineData": {"mimeType": "image/png", "data": "x"}}), [Image]),
        (google({"fileData": {"mimeType": "application/pdf", "fileUri": "x"}}), [File]),
        (google({"inlineData": {"mimeType": "audio/wav", "data": "x"}}), [Audio]),
    ],
)
def test_what_came_beside_the_words(body, brought):
    turn = read(body)
    assert turn.messages[-1].text() == ASKED
    content = turn.messages[-1].content
    assert [type(part) for part in content[1:] if not isinstance(content, str)] == brought
    assert isinstance(read(body, read=("picture: eyes",)).messages[-1].content, str), (
        "made into text, it asks for nothing"
    )


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (chat(), "text"),
        (chat(response_format={"type": "json_object"}), "json"),
        (chat(response_format={"type": "json_schema", "json_schema": {}}), "schema"),
        (chat(text={"format": {"type": "json_schema"}}), "schema"),
        (google(generationConfig={"responseMimeType": "application/json"}), "json"),
        (
            google(generationConfig={"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT"}}),
            "schema",
        ),
    ],
)
def test_the_shape_of_the_answer(body, kind):
    assert read(body).format.kind == kind


def test_tools_and_length():
    assert read(chat(tools=[{"type": "function"}], max_tokens=5)).tools
    assert read(chat(tools=[{"type": "function"}], tool_choice="none")).tool_choice.mode == "none"
    assert not read(chat(tools=[])).tools
    assert read(google(generationConfig={"maxOutputTokens": 7})).sampling.max_tokens == 7


@pytest.mark.parametrize(
    "body", [[], {}, {"messages": 5}, {"messages": [5, {"role": "user", "content": {"type": []}}]}, {"contents": [{"parts": [{"inlineData": 5}]}]},
             {"messages": [{"role": "user", "content": [{"type": "document", "source": {"a": []}}]}], "text": 5, "generationConfig": 5}]
)  # fmt: skip
def test_what_is_of_no_shape_breaks_nothing(body):
    read(body)

"""What the model is told of tools, how its choice is read, and a JSON string read out piece by piece."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from zhongshu.core.turns import Tool
from zhongshu.upstreams.embedded.link import Token
from zhongshu.upstreams.embedded.tools import (
    StringReader,
    arguments_schema,
    briefing,
    names_grammar,
    reply_name,
    wants_call,
)

WEATHER = Tool("get_weather", "Weather of a city.", Raw(b'{"type":"object","properties":{"city":{"type":"string"}}}'))
ORDERS = Tool("search_orders")


def cut(text: str, places: list[int]) -> list[str]:
    at = sorted({min(place, len(text)) for place in places})
    return [text[a:b] for a, b in zip([0, *at], [*at, len(text)], strict=True)]


@given(st.text(), st.lists(st.integers(0, 60)), st.booleans())
def test_a_string_is_read_the_same_however_it_is_cut(text: str, places: list[int], ascii: bool):
    reader = StringReader()
    written = json.dumps(text, ensure_ascii=ascii)[1:]
    assert "".join(reader.feed(piece) for piece in cut(written, places)) == text


def test_text_goes_out_as_soon_as_it_is_whole():
    reader = StringReader()
    assert [reader.feed(piece) for piece in ("Hi\\", "n\\u4f", "60\\ud83d", "\\ude00!", '"}}')] == [
        "Hi",
        "\n",
        "你",
        "😀!",
        "",
    ]


@pytest.mark.parametrize(
    ("first", "another", "calls"),
    [
        ({"get": 0.96, "reply": 0.03}, False, True),
        ({"get": 0.34, "reply": 0.64}, False, False),
        ({"get": 0.56, "reply": 0.39}, False, False),
        ({"translate": 0.96, "get": 0.01, "reply": 0.001}, False, False),
        ({"翻译": 0.98}, False, False),  # a name that is none: nothing fits
        ({"login": 0.49, "search": 0.25, "reply": 0.07}, False, True),
        ({"get": 0.48, "reply": 0.42}, True, False),
        ({"get": 0.998, "reply": 0.001}, True, True),
        ({'get_weather"': 0.9}, False, True),
        ({"get_weather_now": 0.9, 'reply"': 0.1}, False, False),
        ({}, False, False),
    ],
)
def test_a_call_is_made_when_a_tools_name_is_likelier_than_the_replys(
    first: dict[str, float], another: bool, calls: bool
):
    tokens = [Token(token=text, logprob=math.log(share)) for text, share in first.items()]
    assert wants_call(tokens, (WEATHER, ORDERS), "reply", another=another) is calls


def test_the_reply_has_a_name_that_no_tool_begins_with():
    assert reply_name((WEATHER, ORDERS)) == "reply"
    assert reply_name((Tool("reply_mail"), WEATHER)) == "answer_user"


def test_the_briefing_names_every_tool_in_the_callers_language():
    english, chinese = (briefing((WEATHER, ORDERS), zh=zh) for zh in (False, True))
    for text in (english, chinese):
        assert text.index('"reply"') < text.index('"get_weather"') < text.index('"search_orders"')
    assert "问候" in chinese
    assert "问候" not in english


def test_the_names_and_nothing_else_may_be_written():
    assert names_grammar((WEATHER, ORDERS)) == 'root ::= ("get_weather" | "search_orders") "\\""'


@pytest.mark.parametrize(
    ("parameters", "schema"),
    [
        ("{}", {"type": "object"}),
        (
            '{"properties":{"a":{"type":"string"}}}',
            {"type": "object", "additionalProperties": False, "properties": {"a": {"type": "string"}}},
        ),
        (
            '{"type":"object","additionalProperties":true,"properties":{"a":{}}}',
            {"type": "object", "additionalProperties": True, "properties": {"a": {}}},
        ),
    ],
)
def test_arguments_are_an_object_and_closed_unless_the_schema_opens_them(parameters: str, schema: dict[str, object]):
    assert arguments_schema(Tool("t", parameters=Raw(parameters.encode()))) == schema

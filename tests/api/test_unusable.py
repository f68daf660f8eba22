"""What is wrong with a field is said in both languages, with what may stand there and never what was sent."""

import msgspec
import pytest

from zhongshu.api.openai.request import decode_chat, decode_completion, decode_embedding
from zhongshu.core.problems import Fault

_ASK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def _said(decode, body):
    with pytest.raises(Fault) as caught:
        decode(body if isinstance(body, bytes) else msgspec.json.encode(body))
    return caught.value.problem


@pytest.mark.parametrize(
    ("change", "param", "english", "chinese"),
    [
        ({"n": 0}, "n", "Expected `int` >= 1", "应为 `int` >= 1"),
        ({"stream": "yes"}, "stream", "got `str`", "实为 `str`"),
        ({"messages": []}, "messages", "of length >= 1", "长度 >= 1"),
        ({"reasoning_effort": "SECRET"}, "reasoning_effort", '"none", "off"', "须为以下之一"),
        ({"messages": [{"role": "SECRET", "content": "x"}]}, "messages[0].role", '"system"', "须为以下之一"),
        (
            {"messages": [{"role": "user", "content": [{"type": "SECRET"}]}]},
            "messages[0].content[0].type",
            '"image_url"',
            "须为以下之一",
        ),
        ({"response_format": {"type": "SECRET"}}, "response_format.type", '"json_schema"', "须为以下之一"),
        ({"messages": [{"content": "x"}]}, "messages[0].role", "is required", "缺少必填字段"),
    ],
)
def test_a_field(change, param, english, chinese):
    problem = _said(decode_chat, {**_ASK, **change})
    assert problem.param == param
    assert english in problem.message
    assert chinese in problem.message_zh
    assert "SECRET" not in problem.message + problem.message_zh


def test_a_body():
    assert "Expected `object`" in _said(decode_completion, []).message
    assert "数据不完整" in _said(decode_chat, b"{").message_zh
    assert "编码不是 UTF-8" in _said(decode_chat, b'{"model":"\xff"}').message_zh
    assert '"base64"' in _said(decode_embedding, {"model": "m", "input": "x", "encoding_format": "hex"}).message


def test_a_good_body_is_no_complaint():
    assert decode_chat(msgspec.json.encode({**_ASK, "reasoning_effort": "high"})).model == "m"

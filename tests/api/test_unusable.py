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
        ({"n": 0}, "n", "give a whole number from 1 to 128.", "请填写 1 到 128 之间的整数。"),
        ({"stream": "yes"}, "stream", "give true or false, not a text", "请填写 true 或 false，而不是文本"),
        ({"messages": []}, "messages", "a list of 1 to 10000 items", "1 到 10000 项的列表"),
        (
            {"stop": 3},
            "stop",
            "a text, or a list of at most 16 items, not a whole number",
            "文本，或不超过 16 项的列表",
        ),
        (
            {"zhongshu": {"quality": "SECRET"}},
            "zhongshu.quality",
            "give a number from 0 to 1, not a text",
            "0 到 1 之间",
        ),
        ({"zhongshu": {"quality": 2}}, "zhongshu.quality", "give a number from 0 to 1.", "0 到 1 之间的数。"),
        ({"zhongshu": {"max_cost": -1}}, "zhongshu.max_cost", "a number of at least 0", "不小于 0 的数"),
        ({"zhongshu": {"max_seconds": 0}}, "zhongshu.max_seconds", "a number above 0", "大于 0 的数"),
        (
            {"zhongshu": {"depth": "SECRET"}},
            "zhongshu.depth",
            '"medium", "minimal", "off", or a whole number of tokens from 1 to 1000000.',
            "或 1 到 1000000 之间的整数（词元数）。",
        ),
        ({"zhongshu": {"depth": []}}, "zhongshu.depth", "number of tokens from 1 to 1000000, not a list", "而不是列表"),
        ({"zhongshu": {"SECRET": 1}}, "zhongshu", "known are `cache`, `priority`, `quality`", "未知的字段"),
        ({"reasoning_effort": "SECRET"}, "reasoning_effort", '"none", "off"', "以下之一"),
        ({"messages": [{"role": "SECRET", "content": "x"}]}, "messages[0].role", '"system"', "以下之一"),
        (
            {"messages": [{"role": "user", "content": [{"type": "SECRET"}]}]},
            "messages[0].content[0].type",
            '"image_url"',
            "以下之一",
        ),
        ({"response_format": {"type": "SECRET"}}, "response_format.type", '"json_schema"', "以下之一"),
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
    assert "give an object, not a list" in _said(decode_completion, []).message
    assert "数据不完整" in _said(decode_chat, b"{").message_zh
    assert "第 9 字节处语法有误" in _said(decode_chat, b'{"model" 1}').message_zh
    assert "编码不是 UTF-8" in _said(decode_chat, b'{"model":"\xff"}').message_zh
    assert '"base64"' in _said(decode_embedding, {"model": "m", "input": "x", "encoding_format": "hex"}).message


def test_a_good_body_is_no_complaint():
    assert decode_chat(msgspec.json.encode({**_ASK, "reasoning_effort": "high"})).model == "m"

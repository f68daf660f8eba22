"""Thoughts between tags in the content, however the text is cut."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.core.answers import Fold
from zhongshu.upstreams.memory import MemoryOpened, Reply
from zhongshu.upstreams.openai.response import read_answer
from zhongshu.upstreams.openai.stream import ChunkReader
from zhongshu.upstreams.openai.tags import TagSplitter, split
from zhongshu.upstreams.sse_stream import SseStream

CASES = [
    ("<think>hm</think>yes", ("hm", "yes")),
    (" \n<think>\nhm\n</think>\n\nyes", ("hm\n", "yes")),
    ("<think>\n\n</think>\n\nyes", ("", "yes")),
    ("<THINK>hm</Think>yes", ("hm", "yes")),
    ("\n<Think>\n a b", ("a b", "")),
    ("<think>a<think>b</think>c</think>d", ("a<think>b", "c</think>d")),
    ("<think>so:\n```html\n<think>\n```\nok</think>d", ("so:\n```html\n<think>\n```\nok", "d")),
    ("```\n<think>a</think>\n```", ("", "```\n<think>a</think>\n```")),
    ("<thinK", ("", "<thinK")),
    ("<thin\u212a>x</think>y", ("", "<thin\u212a>x</think>y")),
    ("<think>x</thin\u212a>y", ("x</thin\u212a>y", "")),
    ("<think></think>yes", ("", "yes")),
    ("<think>cut off", ("cut off", "")),
    ("<think>a</thin> b</think>c", ("a</thin> b", "c")),
    ("<think>a</think>b</think>c<think>d</think>", ("a", "b</think>c<think>d</think>")),
    ("plain", ("", "plain")),
    ("  <thinking>x", ("", "  <thinking>x")),
    ("a tag: <think>x</think>", ("", "a tag: <think>x</think>")),
    ("<thi", ("", "<thi")),
    ("", ("", "")),
    ("<think>x</th", ("x</th", "")),
]
OPENED = [
    ("hm</think>\nyes", ("hm", "yes")),
    ("<think>hm</think>yes", ("hm", "yes")),
    ("never ends", ("never ends", "")),
    ("\n\n</THINK>\nyes", ("", "yes")),
]
ALL = [(*case, False) for case in CASES] + [(*case, True) for case in OPENED]


@pytest.mark.parametrize(("content", "parts", "already_open"), ALL)
def test_whole(content, parts, already_open):
    assert tuple(split(content, already_open=already_open)) == parts


@given(case=st.sampled_from(ALL), data=st.data())
def test_any_cutting_gives_the_same(case, data):
    content, parts, already_open = case
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    splitter = TagSplitter(already_open=already_open)
    pieces = [splitter.feed(content[a:b]) for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    pieces.append(splitter.finish())
    assert ("".join(p.thought for p in pieces), "".join(p.text for p in pieces)) == parts


def chunk(content=None, finish=None):
    delta = {} if content is None else {"content": content}
    return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


async def folded(chunks, thoughts):
    data = b"".join([b"data: %b\n\n" % msgspec.json.encode(c) for c in chunks]) + b"data: [DONE]\n\n"
    opened = MemoryOpened(Reply(chunks=(data,)))
    fold, events = Fold(), []
    async for event in SseStream(opened, ChunkReader("up", thoughts=thoughts), "up", 1 << 20):
        fold.add(event)
        events.append(event)
    return fold.answer(), events


@pytest.mark.parametrize(("content", "parts", "already_open"), ALL)
async def test_a_stream_and_a_plain_reply_say_the_same(content, parts, already_open):
    way = "tags-open" if already_open else "tags"
    streamed, events = await folded([*[chunk(letter) for letter in content], chunk(finish="stop")], way)
    message = {"role": "assistant", "content": content}
    body = msgspec.json.encode({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    plain = read_answer(body, "up", thoughts=way)
    for answer in (streamed, plain):
        assert (answer.choices[0].thought, answer.choices[0].text, answer.choices[0].stop) == (*parts, "stop")
    assert all(event.wire is None for event in events)
    assert (plain.wire is None) == (parts != ("", content))


async def test_a_row_that_says_nothing_leaves_tags_alone():
    answer, events = await folded([chunk("<think>x</think>y"), chunk(finish="stop")], "field")
    assert (answer.choices[0].thought, answer.choices[0].text) == ("", "<think>x</think>y")
    assert all(event.wire for event in events)


async def test_thoughts_in_a_field_of_their_own_stay_there():
    first = {"id": "c", "choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]}
    answer, _ = await folded([first, chunk("yes"), chunk(finish="stop")], "tags")
    assert (answer.choices[0].thought, answer.choices[0].text) == ("hm", "yes")


async def test_what_was_held_comes_before_the_stop_even_when_nothing_says_so():
    answer, _ = await folded([chunk("<think>x</th")], "tags")
    assert (answer.choices[0].thought, answer.choices[0].stop) == ("x</th", "stop")

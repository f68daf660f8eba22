"""Writing streams from our words: whatever was folded can be read again."""

import msgspec
import pytest

from zhongshu.api.gemini.stream import ChunkWriter
from zhongshu.core.answers import Answer, Choice, Event, Fold, TextDelta, Usage, unfold
from zhongshu.core.problems import Fault
from zhongshu.core.turns import Sampling, Thought, ToolCall, Turn
from zhongshu.upstreams.gemini.response import PieceReader

TURN = Turn("0" * 32, 0, "chat", "gemini.generate", "m", stream=True, sampling=Sampling(n=1))
SIGNED = Choice(
    0,
    text='so "it" 是\n',
    thought="why",
    thoughts=(Thought("why", "gemini:s1"), Thought("", "gemini:s2", redacted=True), Thought("", "gemini:s3")),
    tool_calls=(ToolCall("a", "f", '{"x":1}', "gemini:s4"), ToolCall("b", "g", "{}")),
    stop="tool_calls",
)


class Ours(msgspec.Struct):
    trace: str = "t"


def written(events, *, array=False):
    writer = ChunkWriter(TURN, thoughts=True, array=array)
    body = b"".join([writer.write((event,)) for event in events])
    body += writer.close(Usage(3, 2), Ours())
    if array:
        return [msgspec.json.encode(piece) for piece in msgspec.json.decode(body)]
    return [line[6:] for line in body.split(b"\r\n\r\n") if line]


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize(
    "choice",
    [
        SIGNED,
        Choice(0, text="plain"),
        Choice(0, thought="hm", text="x", stop="length"),
        Choice(0, stop="content_filter"),
        Choice(0, tool_calls=(ToolCall("a", "f", "{}"),), stop="tool_calls"),
    ],
)
def test_what_is_written_reads_the_same(choice, array):
    event = unfold(Answer((choice,), None))
    reader, fold = PieceReader("up"), Fold()
    for piece in written([Event((delta,)) for delta in event.deltas], array=array):
        fold.add(reader.read(piece))
    reader.finish()
    answer = fold.answer()
    assert answer.choices == (choice,)
    assert answer.usage == Usage(3, 2)


def test_an_upstreams_own_pieces_go_on_exactly():
    pieces = [
        b'{"candidates": [{"content":{"parts":[{"text":"\\u4f60"}]}}],"x":1.50}',
        b'{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1},"y":12345678901234567890}',
    ]
    reader = PieceReader("up")
    said = written([reader.read(piece) for piece in pieces])
    assert said == [pieces[0], pieces[1][:-1] + b',"zhongshu":{"trace":"t"}}']


def test_usage_is_filled_in_where_the_upstream_gave_none():
    piece = b'{"candidates":[{"finishReason":"STOP"}]}'
    (said,) = written([PieceReader("up").read(piece)])
    assert msgspec.json.decode(said)["usageMetadata"]["totalTokenCount"] == 5


def test_an_array_that_breaks_off_is_still_json():
    writer = ChunkWriter(TURN, thoughts=False, array=True)
    body = writer.write((Event((TextDelta(0, "a"),)),)) + writer.broken(b'{"error":{}}')
    assert len(msgspec.json.decode(body)) == 2
    assert msgspec.json.decode(ChunkWriter(TURN, thoughts=False, array=True).broken(b'{"error":{}}')) == [{"error": {}}]


def test_a_stream_that_never_stopped_is_no_answer():
    reader = PieceReader("up")
    reader.read(b'{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}')
    with pytest.raises(Fault):
        reader.finish()

"""Requests handed on: only the model's name changes, usage is read however it is spelt, streams are counted and hashed."""

import hashlib

import msgspec
import pytest

from zhongshu.core.answers import DataDelta, Fold, StopDelta, TextDelta, Usage, UsageDelta
from zhongshu.core.models import ModelCard, Offer, Release
from zhongshu.core.ports import Call
from zhongshu.core.problems import Fault
from zhongshu.core.turns import Form, Turn, Wire
from zhongshu.upstreams.memory import MemoryTransport, Reply
from zhongshu.upstreams.openai.hand_on import read_passed, request_of
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.openai.upstream import OpenAIUpstream

OFFER = Offer(Release(model="asked", version="1", upstream="up", upstream_model="there"), ModelCard(name="asked"))


def call_of(kind, body=None, form=None, stream=False):
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw]) if body else {}
    wire = Wire(f"openai.{kind}", fields, form=form)
    return Call(Turn("0" * 32, 0, kind, f"openai.{kind}", "asked", stream=stream, wire=wire), OFFER)


def test_unknown_fields_go_on_exactly_and_ours_does_not():
    sent = request_of(call_of("rerank", b'{"model":"asked","query":"q","x":[1.50,12345678901234567890],"zhongshu":{}}'))
    assert sent.path == "/rerank"
    assert sent.body == b'{"model":"there","query":"q","x":[1.50,12345678901234567890]}'


def test_a_form_goes_on_with_the_models_name_in_its_place():
    form = Form(b"--b\r\n..asked..\r\n", "multipart/form-data; boundary=b", (7, 12), b"{}")
    sent = request_of(call_of("transcription", form=form))
    assert sent.body == b"--b\r\n..there..\r\n"
    assert sent.headers == (("content-type", "multipart/form-data; boundary=b"),)
    assert request_of(call_of("image", form=form)).path == "/images/edits"


def test_a_turn_without_its_wire_is_refused():
    with pytest.raises(Fault) as raised:
        request_of(Call(Turn("0" * 32, 0, "speech", "x", "asked"), OFFER))
    assert raised.value.problem.code == "model_cannot"


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (b'{"usage":{"total_tokens":9,"prompt_tokens":9}}', Usage(prompt=9)),
        (b'{"usage":{"total_tokens":9}}', Usage(prompt=9)),
        (
            b'{"usage":{"type":"tokens","input_tokens":4,"output_tokens":2,"total_tokens":6}}',
            Usage(prompt=4, completion=2),
        ),
        (b'{"meta":{"billed_units":{"search_units":1},"tokens":{"input_tokens":7}}}', Usage(prompt=7, searches=1)),
        (b'{"meta":{"billed_units":{"search_units":3}}}', Usage(searches=3)),
        (b'{"meta":{"billed_units":{"search_units":-3}}}', None),
        (b'{"meta":{"billed_units":{"input_tokens":3}}}', None),
        (b'{"usage":{"type":"duration","seconds":3.5}}', None),
        (b'{"text":"x"}', None),
        (b"not json", None),
    ],
)
def test_usage_however_it_is_spelt(body, usage):
    assert read_passed(body, "application/json", "rerank").usage == usage


@pytest.mark.parametrize(
    ("kind", "usage", "read"),
    [
        ("image", {"input_tokens": 9, "output_tokens": 100}, Usage(prompt=9, completion=100, image_out=100)),
        (
            "image",
            {"input_tokens": 9, "output_tokens": 100, "input_tokens_details": {"image_tokens": 4, "text_tokens": 5}},
            Usage(prompt=9, completion=100, image_in=4, image_out=100),
        ),
        (
            "transcription",
            {"input_tokens": 9, "output_tokens": 5, "input_token_details": {"audio_tokens": 8}},
            Usage(prompt=9, completion=5, audio_in=8),
        ),
        ("speech", {"input_tokens": 9, "output_tokens": 50}, Usage(prompt=9, completion=50, audio_out=50)),
        (
            "image",
            {"input_tokens": 1, "output_tokens": 2, "output_tokens_details": {"image_tokens": 99}},
            Usage(prompt=1, completion=2, image_out=2),
        ),
    ],
)
def test_sound_and_pictures_are_told_apart(kind, usage, read):
    assert read_passed(msgspec.json.encode({"usage": usage}), "application/json", kind).usage == read


async def streamed(*chunks, content_type="audio/mpeg"):
    reply = Reply(headers={"content-type": content_type}, chunks=chunks)
    upstream = OpenAIUpstream("up", Manner(), MemoryTransport(lambda _: reply))
    stream = await upstream.stream(call_of("speech", b'{"model":"asked","input":"x"}', stream=True))
    events = []
    try:
        async for batch in stream.batches():
            events += batch
    finally:
        await stream.aclose()
    return events


async def test_sound_is_passed_on_counted_and_hashed():
    events = await streamed(b"\x00\xff" * 10, b"abc")
    assert b"".join(e.wire for e in events if e.wire) == b"\x00\xff" * 10 + b"abc"
    assert {e.dialect for e in events if e.wire} == {"audio/mpeg"}
    fold = Fold()
    for event in events:
        fold.add(event)
    digest = hashlib.sha256(b"\x00\xff" * 10 + b"abc").hexdigest()
    assert fold.answer().choices[0].text == f"audio/mpeg, 23 bytes, SHA-256 {digest}"
    assert fold.complete


async def test_an_event_stream_tells_its_text_and_usage():
    done = b'data: {"type":"transcript.text.done","usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5}}\n\n'
    events = await streamed(
        b'data: {"type":"transcript.text.delta","del', b'ta":"hi"}\n\n', done, content_type="text/event-stream"
    )
    deltas = [d for e in events for d in e.deltas if not isinstance(d, DataDelta)]
    assert deltas == [TextDelta(0, "hi"), UsageDelta(Usage(prompt=3, completion=2, audio_out=2)), StopDelta(0, "stop")]


async def test_an_error_inside_an_event_stream_is_raised():
    with pytest.raises(Fault) as raised:
        await streamed(b'data: {"error":{"message":"no","code":500}}\n\n', content_type="text/event-stream")
    assert raised.value.problem.code == "upstream_error"

"""Chat completions, streaming: pieces as they come, the end only when the record is durable."""

import asyncio
import contextlib

import msgspec
import pytest

from tests.api.conftest import House, chunk, streamed, whole
from tests.waiting import eventually
from zhongshu.core.problems import fault
from zhongshu.safety.settings import LabelSettings

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
HELLO = (
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "he"}),
    chunk({"content": "llo"}),
    chunk(finish="stop"),
)


def text_of(reply):
    chunks = [msgspec.json.decode(e) for e in reply.events() if e != "[DONE]"]
    return "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])


async def test_chunks_pass_and_the_last_one_carries_our_object():
    house = House(streamed(*HELLO, chunk(usage=USAGE)))
    reply = await house.chat(stream=True)
    events = reply.events()
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert text_of(reply) == "hello"
    assert events[-1] == "[DONE]"
    last = msgspec.json.decode(events[-2])
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["zhongshu"]["usage"] == {"prompt": 3, "completion": 2, "cached": 0, "thinking": 0, "estimated": False}
    assert last["zhongshu"]["label"]["AIGC"]["Label"] == "1"
    assert not any("zhongshu" in event for event in events[:-2])
    assert house.journal.records[0].outcome == "answered"
    assert msgspec.json.decode(house.journal.records[0].answer)[0]["text"] == "hello"


@pytest.mark.parametrize("every", [1, 2, 3, 1000])
async def test_a_client_that_reads_slowly_now_and_then_gets_every_piece_in_order(every):
    """Pieces are written as they arrive; one that cannot be goes the long way, and those behind it wait for it."""
    words = [f"{number} " for number in range(40)]
    house = House(streamed(*HELLO[:2], *(chunk({"content": word}) for word in words), *HELLO[3:], chunk(usage=USAGE)))
    plain, asked = house.app, 0

    async def with_pieces(scope, receive, send):
        async def sending(message):
            await send(message)

        def piece(body):
            nonlocal asked
            asked += 1
            if asked % every:
                with contextlib.suppress(StopIteration):  # an awaitable that never waits
                    send({"type": "http.response.body", "body": body, "more_body": True}).send(None)
            return asked % every > 0

        sending.piece = piece
        await plain(scope, receive, sending)

    house.app = with_pieces
    reply = await house.chat(stream=True)
    assert text_of(reply) == "he" + "".join(words)
    assert reply.events()[-1] == "[DONE]"
    assert len(reply.pieces) >= 40
    assert msgspec.json.decode(house.journal.records[0].answer)[0]["text"] == text_of(reply)


async def test_usage_is_always_asked_for_and_shown_only_when_wanted():
    house = House(streamed(*HELLO, chunk(usage=USAGE)))
    plain = await house.chat(stream=True)
    assert '"include_usage":true' in house.transport.requests[0].body.decode()
    assert all(msgspec.json.decode(e)["choices"] for e in plain.events()[:-1])
    wanted = await house.chat(stream=True, stream_options={"include_usage": True})
    last = msgspec.json.decode(wanted.events()[-2])
    assert (last["choices"], last["usage"]["total_tokens"]) == ([], 5)
    assert "zhongshu" in last


async def test_the_end_waits_for_the_journal():
    house = House(streamed(*HELLO))
    written, order = asyncio.Event(), []

    async def slow(record):
        await asyncio.sleep(0.05)
        order.append("durable")
        written.set()

    house.journal.write = slow
    reply = await house.chat(stream=True)
    assert written.is_set()
    assert b'finish_reason":"stop' not in b"".join(reply.pieces[:-1])
    assert b"[DONE]" in reply.pieces[-1]


async def test_a_journal_that_breaks_at_the_end_is_an_error_not_an_end():
    house = House(streamed(*HELLO))

    async def broken(record):
        raise fault("journal_unavailable", why="disk full")

    house.journal.write = broken
    reply = await house.chat(stream=True)
    assert '"code":"journal_unavailable"' in reply.body.decode()
    assert '"finish_reason":"stop"' not in reply.body.decode()


async def test_what_fails_before_the_first_piece_is_a_plain_error():
    reply = await House(whole({"error": {"message": "no"}}, status=500)).chat(stream=True)
    assert (reply.status, reply.headers["content-type"]) == (502, "application/json")
    broken = await House(streamed(fault("upstream_cut", upstream="up"), done=False)).chat(stream=True)
    assert (broken.status, broken.json()["error"]["code"]) == (502, "upstream_cut")


async def test_a_stream_cut_after_content_ends_with_an_error_event():
    house = House(streamed(*HELLO[:2], fault("upstream_cut", upstream="up"), done=False))
    reply = await house.chat(stream=True)
    assert reply.status == 200
    assert text_of_before_error(reply) == "he"
    assert msgspec.json.decode(reply.events()[-2])["error"]["code"] == "upstream_cut"
    (record,) = house.journal.records
    assert (record.outcome, record.error) == ("cut", "upstream_cut")
    assert record.usage.estimated
    assert msgspec.json.decode(record.answer)[0]["text"] == "he"
    assert house.gate.permits[0].settled is not None


def text_of_before_error(reply):
    chunks = [msgspec.json.decode(e) for e in reply.events() if e != "[DONE]"]
    return "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c.get("choices"))


async def test_a_client_that_leaves_cancels_the_upstream_and_is_recorded():
    house = House(streamed(*HELLO[:2], 600.0, *HELLO[2:]))
    await house.chat(stream=True, leave_after=3)
    assert house.transport.opened[0].left
    (record,) = house.journal.records
    assert record.outcome == "left"
    assert record.usage.completion >= 1
    assert house.gate.permits[0].settled is not None
    assert house.load.in_flight == 0


async def test_a_client_that_leaves_before_the_first_piece():
    house = House(streamed(600.0, *HELLO))
    task = asyncio.create_task(house.chat(stream=True, leave_after=1))
    await eventually(lambda: house.transport.opened)
    task.cancel()  # stands for the server's cancel: nothing has been sent yet
    await asyncio.gather(task, return_exceptions=True)
    assert house.journal.records[0].outcome == "left"


async def test_a_stream_that_never_says_why_it_stopped_is_put_right():
    house = House(streamed(*HELLO[:3]))
    reply = await house.chat(stream=True)
    assert msgspec.json.decode(reply.events()[-2])["choices"][0]["finish_reason"] == "stop"


async def test_label_words_in_a_stream():
    house = House(streamed(*HELLO), label=LabelSettings(text="start"))
    assert text_of(await house.chat(stream=True)) == "This content was generated by AI.\n\nhello"
    house = House(streamed(*HELLO), label=LabelSettings(text="end"))
    assert text_of(await house.chat(stream=True)) == "hello\n\nThis content was generated by AI."


async def test_tool_calls_pass_as_they_come():
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": '{"a":1}'}}
    house = House(
        streamed(
            chunk({"role": "assistant", "tool_calls": [call]}),
            chunk({"tool_calls": [more]}),
            chunk(finish="tool_calls"),
        )
    )
    reply = await house.chat(stream=True, tools=[{"type": "function", "function": {"name": "f"}}])
    kept = msgspec.json.decode(house.journal.records[0].answer)[0]
    assert kept["tool_calls"] == [{"id": "call_1", "name": "f", "arguments": '{"a":1}'}]
    assert '"finish_reason":"tool_calls"' in reply.body.decode()


async def test_all_chunks_of_a_stream_have_one_id_whoever_wrote_them():
    house = House(streamed(*HELLO, chunk(usage=USAGE)), label=LabelSettings(text="end"))
    reply = await house.chat(stream=True, stream_options={"include_usage": True})
    chunks = [msgspec.json.decode(event) for event in reply.events()[:-1]]
    assert len(chunks) > len(HELLO)
    assert len({(c["id"], c["model"]) for c in chunks}) == 1
    roles = [c["choices"][0]["delta"].get("role") for c in chunks if c["choices"]]
    assert roles.count("assistant") == 1

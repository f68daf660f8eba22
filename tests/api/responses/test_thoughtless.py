"""A key that is shown no thoughts reads what another key of its tenant, which is shown them, has stored."""

import json

import pytest

from tests.api.responses.test_background import ended
from zhongshu.api.responses import thoughtless

THOUGHT = "The user greets me."


def told(body: bytes) -> str:
    """Every text in events or in JSON, joined: a thought comes in pieces."""
    lines = [line.removeprefix("data: ") for line in body.decode().split("\n") if line.startswith("data: ")]
    return "".join(json.loads(line).get("delta", "") for line in lines) + body.decode()


@pytest.mark.parametrize("model", ["mock-thought", "r-mock-thought"])
async def test_a_stored_response_is_read_without_its_thoughts(open_house, model):
    house = open_house(hidden=("k3",))
    first = (await house.ask(model=model, background=True, stream=True)).events[0]["response"]
    name = first["id"]
    assert (await ended(house, name))["status"] == "completed"
    later = (await house.ask("and?", model=model, previous_response_id=name)).json["id"]
    for path in (f"{name}", f"{name}?stream=true", f"{name}?stream=true&starting_after=2", f"{later}/input_items"):
        seen = {key: (await house.send("GET", f"/v1/responses/{path}", key=key)).body for key in ("acme", "acme-2")}
        assert THOUGHT in told(seen["acme"]), path
        assert THOUGHT not in told(seen["acme-2"]), path
        assert b"reasoning_text" not in seen["acme-2"]
        assert b'encrypted_content":"' not in seen["acme-2"].replace(b" ", b"")
        assert b"Hello" in seen["acme-2"]
    shown, hidden = [(await house.send("GET", f"/v1/responses/{name}", key=key)).json for key in ("acme", "acme-2")]
    assert [item["type"] for item in shown["output"]] == ["reasoning", "message"]
    assert hidden == shown | {"output": shown["output"][1:]}


async def test_whoever_is_shown_them_gets_the_very_bytes(open_house):
    house = open_house()
    first = await house.ask(model="mock-thought", background=True, stream=True)
    again = await house.send("GET", f"/v1/responses/{first.events[0]['response']['id']}?stream=true", key="acme-2")
    assert again.body == first.body


async def test_events_that_are_of_no_thought_keep_their_bytes():
    piece = (
        b'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "delta": "x", "n": 1.50}\n\n'
        b'event: response.content_part.added\ndata: {"type":"response.content_part.added","part":{"type":"output_text"}}\n\n'
    )
    odd = b'event: x\ndata: {"item": 5}\n\n'

    async def pieces():
        yield piece
        yield odd

    assert [kept async for kept in thoughtless.events_of(pieces())] == [piece]

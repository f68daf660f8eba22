"""Responses in the background: they run on, are found, cancelled, streamed again, and never seen half."""

import asyncio

import pytest

from tests.waiting import eventually
from zhongshu.api.responses.background import Background, behind
from zhongshu.sessions.kept import Kept, Pieces


async def ended(house, name):
    """The response, once it is no longer under way."""

    async def over():
        response = (await house.send("GET", f"/v1/responses/{name}")).json
        return response if response["status"] not in ("queued", "in_progress") else None

    return await eventually(over)


async def asked(house):
    """Wait until the upstream is at work."""
    await eventually(lambda: house.served.app.stats.in_flight)


async def idle(house):
    """Wait until nothing is under way here."""
    await eventually(lambda: house.load.in_flight == 0)


@pytest.mark.parametrize("prefix", ["", "r-"])
async def test_it_runs_on_after_the_reply(house, prefix):
    first = (await house.ask(model=prefix + "held", background=True)).json
    assert (first["status"], first["background"], first["output"]) == ("queued", True, [])
    assert house.load.in_flight == 1
    house.served.app.let_go()
    done = await ended(house, first["id"])
    assert done["status"] == "completed"
    assert done["output"][0]["content"][0]["text"].startswith("Hello")
    assert done["zhongshu"]["trace"] in first["id"]
    assert done["background"] is True
    await idle(house)
    again = await house.ask("two", previous_response_id=first["id"])
    assert again.status == 200
    assert len(house.sent().get("messages", [])) == 3


async def test_it_cannot_be_gone_on_from_before_it_is_done(house):
    first = (await house.ask(model="held", background=True)).json
    refused = await house.ask(previous_response_id=first["id"])
    assert (refused.status, refused.error["param"]) == (400, "previous_response_id")
    await house.send("POST", f"/v1/responses/{first['id']}/cancel")


async def test_cancelling_stops_the_upstream(house):
    stats = house.served.app.stats
    left = stats.left
    first = (await house.ask(model="held", background=True)).json
    await asked(house)
    reply = await house.send("POST", f"/v1/responses/{first['id']}/cancel")
    assert reply.json["status"] == "cancelled"
    await eventually(lambda: stats.left > left)
    assert stats.left == left + 1
    assert (await house.send("GET", f"/v1/responses/{first['id']}")).json["status"] == "cancelled"
    assert (await house.send("POST", f"/v1/responses/{first['id']}/cancel")).json["status"] == "cancelled"
    assert (await house.ask(previous_response_id=first["id"])).status == 400
    await idle(house)


async def test_another_worker_cancels(house):
    """The state is all that two workers share: a run whose state says so stops by itself."""
    first = (await house.ask(model="held", background=True)).json
    await house.sessions.cancel(first["id"])
    await idle(house)
    assert (await house.send("GET", f"/v1/responses/{first['id']}")).json["status"] == "cancelled"


async def test_deleting_stops_it_too(house):
    first = (await house.ask(model="held", background=True)).json
    assert (await house.send("DELETE", f"/v1/responses/{first['id']}")).status == 200
    await idle(house)
    assert (await house.send("GET", f"/v1/responses/{first['id']}")).status == 404


async def test_what_was_not_in_the_background_cannot_be_cancelled(house):
    done = (await house.ask()).json
    refused = await house.send("POST", f"/v1/responses/{done['id']}/cancel")
    assert (refused.status, refused.error["code"]) == (400, "response_not_background")


async def test_one_that_fails_says_why(house):
    first = (await house.ask(model="mock-500", background=True)).json
    done = await ended(house, first["id"])
    assert done["status"] == "failed"
    assert done["error"]["code"] == "upstream_error"
    assert done["error"]["message"]


async def test_a_server_that_stops_ends_its_runs_as_failed(house):
    first = (await house.ask(model="held", background=True)).json
    await asked(house)
    await house.background.aclose()
    done = (await house.send("GET", f"/v1/responses/{first['id']}")).json
    assert (done["status"], done["error"]["code"]) == ("failed", "draining")
    assert house.load.in_flight == 0


async def test_one_whose_process_is_gone_has_failed(house):
    kept = Kept(id="resp_x", tenant="acme", created_ns=1, state="queued", answered=b'{"status":"queued","output":[]}')
    house.sessions._owner = "1 another boot 7"
    await house.sessions.begin(kept)
    lost = (await house.send("GET", "/v1/responses/resp_x")).json
    assert (lost["status"], lost["error"]["code"]) == ("failed", "server_error")
    assert (await house.ask(previous_response_id="resp_x")).status == 400
    again = await house.send("GET", "/v1/responses/resp_x?stream=true")
    assert again.status == 400


async def test_a_stream_runs_on_without_its_reader_and_is_read_again(house):
    reply = await house.ask(model="mock-thought", background=True, stream=True)
    events = reply.events
    name = events[-1]["response"]["id"]
    again = await house.send("GET", f"/v1/responses/{name}?stream=true")
    assert again.body == reply.body
    for after in (0, 7, len(events) - 2, len(events) - 1):
        rest = await house.send("GET", f"/v1/responses/{name}?stream=true&starting_after={after}")
        assert rest.body == reply.body[len(behind_all(reply.body, after)) :]
    left = await house.ask(model="r-held", background=True, stream=True, leave_after=1)
    name = "resp_" + left.headers["x-zhongshu-trace"]
    assert house.load.in_flight == 1
    house.served.app.let_go()
    whole = await house.send("GET", f"/v1/responses/{name}?stream=true")
    assert whole.events[-1]["type"] == "response.completed"
    assert whole.events[-1]["response"] == (await ended(house, name))


def behind_all(body, after):
    """The bytes of the events up to number `after`."""
    return b"".join(block + b"\n\n" for block in body.split(b"\n\n")[: after + 1])


async def test_a_stream_is_read_by_another_worker_while_it_runs(house):
    reply = await house.ask(model="r-held", background=True, stream=True, leave_after=1)
    name = "resp_" + reply.headers["x-zhongshu-trace"]
    other = Background(house.sessions, lambda: None, house.load)
    mine, house.background._runs = house.background._runs, {}
    assert other.find(name) is None
    reading = asyncio.create_task(house.send("GET", f"/v1/responses/{name}?stream=true"))
    await asyncio.sleep(0.1)
    house.served.app.let_go()
    read = await reading
    house.background._runs = mine
    assert read.events[-1]["type"] == "response.completed"


@pytest.mark.parametrize("query", ["stream=true&starting_after=x", "stream=true&starting_after=-5", "stream=true"])
async def test_what_cannot_be_streamed_again(house, query):
    done = (await house.ask()).json
    assert (await house.send("GET", f"/v1/responses/{done['id']}?{query}")).status == 400


def test_the_rest_of_a_piece():
    piece = Pieces(4, 6, b"event: a\ndata: 4\n\nevent: b\ndata: 5\n\nevent: c\ndata: 6\n\n")
    assert behind(piece, 3) == piece.data
    assert behind(piece, 4) == b"event: b\ndata: 5\n\nevent: c\ndata: 6\n\n"
    assert behind(piece, 6) == b""

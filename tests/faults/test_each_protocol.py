"""Every way in which an upstream fails, over every protocol: what the client is told, and that the record says the same."""

import json
import socket

import pytest

from tests.faults.asking import ask
from tests.faults.conftest import SERVER, port_of
from tests.faults.judging import turn
from tests.faults.test_books_over_http import PATHS, asked
from tests.running import ONE_TRY, platform
from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import Behaviour, Script
from zhongshu.upstreams.scripted.serve import serving

# What is asked -> HTTP status and code, plain or before the first piece of a stream.
BEFORE = {
    "dns": (502, "upstream_unreachable"),
    "tls": (502, "upstream_unreachable"),
    "dead": (502, "upstream_unreachable"),
    "mock-reset": (502, "upstream_unreachable"),
    "mock-429": (429, "upstream_rate_limited"),
    "mock-529": (502, "upstream_error"),
    "mock-500": (502, "upstream_error"),
    "mock-hang": (504, "upstream_timeout"),
}
# After content: the code of the error that ends a stream.
DURING = {
    "mock-cut": "upstream_cut",
    "mock-reset-mid": "upstream_cut",
    "mock-hang-mid": "upstream_timeout",
}
FINE = ("mock-usage-wrong", "mock")
DRIP = Behaviour(each_s=0.1)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with serving(ScriptedApp(Script(models={"drip": DRIP}))) as upstream, socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listened at: whoever connects is refused
        places = {
            "scripted": f"http://127.0.0.1:{upstream.port}/v1",
            "dns": "http://nowhere.invalid/v1",
            "tls": f"https://127.0.0.1:{upstream.port}/v1",
            "dead": f"http://127.0.0.1:{unused.getsockname()[1]}/v1",
        }
        places["hasty"] = places["scripted"]
        text = f'profile = "none"\n{SERVER}\n{ONE_TRY}'
        for name, url in places.items():
            text += f'[[upstreams]]\nname = "{name}"\nkind = "openai-compatible"\nbase_url = "{url}"\nkey = "none"\n'
            text += "first_byte_s = 2.0\nidle_s = 2.0\n" if name == "hasty" else ""
        for name in (*BEFORE, *DURING, *FINE, "mock-bad-sse", "drip"):
            at, there = (name, "mock") if name in places else ("hasty" if "hang" in name else "scripted", name)
            text += f'[[models]]\nname = "{name}"\nupstream = "{at}"\nupstream_model = "{there}"\n'
        with platform(tmp_path_factory.mktemp("each"), text) as running:
            yield running


async def asking(running, protocol, model, stream):
    path, body = asked(protocol, model, "hello", stream)
    return await ask(port_of(running), body, path=path)


def code_of(protocol: str, told) -> str:
    """The code in a protocol's error body."""
    if protocol == "anthropic":
        return told["zhongshu"]["code"]
    if protocol == "gemini":
        return told["error"]["details"][0]["reason"].lower()
    return told["error"]["code"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", BEFORE)
@pytest.mark.parametrize("protocol", PATHS)
async def test_before_anything_was_said(running, protocol, model, stream):
    reply = await asking(running, protocol, model, stream)
    status, code = BEFORE[model]
    assert (reply.status, code_of(protocol, json.loads(reply.body))) == (status, code)
    row = turn(running.home, reply.trace)
    assert (row.outcome, row.error, row.cost_nano) == ("failed", code, 0)


@pytest.mark.parametrize("model", DURING)
@pytest.mark.parametrize("protocol", PATHS)
async def test_in_the_middle_of_a_stream(running, protocol, model):
    reply = await asking(running, protocol, model, True)
    row = turn(running.home, reply.trace)
    code = DURING[model]
    assert (row.outcome, row.error) == ("cut", code)
    assert reply.status == 200
    last = reply.body.decode()[-1500:]
    assert code in last.lower(), "the stream ends with an error that its client reads"
    assert "[DONE]" not in last or protocol == "openai"
    assert row.completion_tokens > 0, "what was used is counted"


@pytest.mark.parametrize("protocol", PATHS)
async def test_a_stream_that_is_no_event_stream_has_said_nothing(running, protocol):
    reply = await asking(running, protocol, "mock-bad-sse", True)
    assert (reply.status, code_of(protocol, json.loads(reply.body))) == (502, "upstream_cut")
    assert turn(running.home, reply.trace).outcome == "failed"


@pytest.mark.parametrize("protocol", PATHS)
async def test_a_stream_that_drips_is_read_to_its_end(running, protocol):
    reply = await asking(running, protocol, "drip", True)
    assert (reply.status, reply.whole, turn(running.home, reply.trace).outcome) == (200, True, "answered")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", FINE)
@pytest.mark.parametrize("protocol", PATHS)
async def test_what_counts_wrong_is_answered(running, protocol, model, stream):
    reply = await asking(running, protocol, model, stream)
    assert (reply.status, reply.whole) == (200, True)
    assert turn(running.home, reply.trace).outcome == "answered"

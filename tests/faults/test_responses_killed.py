"""kill -9 of the workers while responses are being made and stored: afterwards each is whole, failed or absent, never half."""

import asyncio
import http.client
import json
import os
import random
import signal
import urllib.request

import pytest

from tests.running import KEY, over, platform
from tests.waiting import eventually
from zhongshu.upstreams.scripted.serve import serving

WORKER = "zhongshu.app.worker"
HELLO = "Hello from the scripted upstream. 你好，世界。"
SLOW = {"each_s": 0.01}
ROUNDS, MOST = 3, 30


@pytest.fixture(scope="module")
def upstream():
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def running(upstream, tmp_path_factory):
    settings = over(upstream.port, {}, "[server]\nworkers = 2\n") + (
        f'[[upstreams]]\nname = "responses"\nkind = "openai-compatible"\nwire = "responses"\n'
        f'base_url = "http://127.0.0.1:{upstream.port}/v1"\nkey = "none"\nmodels = ["mock"]\n'
    )
    with platform(tmp_path_factory.mktemp("responses"), settings) as up:
        yield up


def begin(running, **fields):
    """One response; its id, as soon as one is known. None when nothing was acknowledged."""
    body = json.dumps({"model": "mock", "input": "hi", "mock": SLOW, **fields}).encode()
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    name = None
    try:
        request = urllib.request.Request(running.url + "/v1/responses", body, headers)
        with urllib.request.urlopen(request, timeout=60) as reply:
            name = "resp_" + reply.headers["x-request-id"]
            ended = b"response.completed" in reply.read()
            return name, ended
    except (OSError, http.client.HTTPException):
        return name, False


def all_ready(running):
    pids = running.children().get(WORKER, ())
    return len(pids) == 2 and all(b"ready, pid %d\n" % pid in running.log.read_bytes() for pid in pids)


async def settled(running, name):
    """The response as it is once nobody is at work on it; None when there is none."""

    async def ended():
        status, _, body = await asyncio.to_thread(running.ask, f"/v1/responses/{name}")
        assert status in (200, 404), body
        return (body if status == 200 else None,) if body.get("status") not in ("queued", "in_progress") else None

    return (await eventually(ended))[0]


async def test_a_stored_response_is_whole_or_failed_or_absent(running, upstream):
    seen = {"completed": 0, "failed": 0, "absent": 0}
    for round_ in range(MOST):
        if round_ >= ROUNDS and seen["failed"] + seen["absent"]:
            break
        await eventually(lambda: all_ready(running))
        kinds = [{"background": True}, {"stream": True}, {"background": True, "stream": True}] * 4
        tasks = [asyncio.create_task(asyncio.to_thread(begin, running, **fields)) for fields in kinds]
        await eventually(lambda: upstream.app.stats.in_flight)
        await asyncio.sleep(random.uniform(0.0, 0.3))
        for pid in running.children()[WORKER]:
            os.kill(pid, signal.SIGKILL)
        begun = await asyncio.gather(*tasks)
        await eventually(lambda: all_ready(running))
        for fields, (name, ended) in zip(kinds, begun, strict=True):
            if name is None:
                continue
            body = await settled(running, name)
            status = body["status"] if body else "absent"
            seen[status] += 1
            if status == "completed":
                assert body["output"][0]["content"][0]["text"] == HELLO
                assert body["usage"]["output_tokens"] == 8
            assert status == "completed" or not ended, "its end was acknowledged"
            assert status != "absent" or "background" not in fields, "it was acknowledged as stored"
            if status == "failed":
                assert body["error"]["code"]
                assert body["output"] == []
    assert seen["failed"] + seen["absent"] > 0, seen

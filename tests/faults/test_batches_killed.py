"""kill -9 of workers and of the supervisor while a batch runs: every line is answered, none is in the output twice."""

import asyncio
import json
import os
import signal

from openai import OpenAI

from tests.running import KEY, over, platform
from tests.waiting import until
from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import SHIPPED
from zhongshu.upstreams.scripted.serve import serving

CHAT = "/v1/chat/completions"
LINES = 160
ENDED = ("completed", "failed", "cancelled", "expired")


def batch_file() -> bytes:
    body = {"model": "mock-long", "max_tokens": 8, "messages": [{"role": "user", "content": "hi"}]}
    line = {"method": "POST", "url": CHAT, "body": body}
    return b"".join(json.dumps({"custom_id": f"r{n}", **line}).encode() + b"\n" for n in range(LINES))


def client_of(running) -> OpenAI:
    return OpenAI(base_url=f"{running.url}/v1", api_key=KEY, max_retries=5)


class Halting(ScriptedApp):
    """Answers no more than so many requests until it is told to: a batch is not over before it is to be."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    async def __call__(self, scope, receive, send) -> None:
        while self.stats.requests >= self.most:
            await asyncio.sleep(0.02)
        await super().__call__(scope, receive, send)


def progress(client: OpenAI, id: str, least: int):
    """The batch, once that many lines are done or it is over."""

    def enough():
        batch = client.batches.retrieve(id)
        return batch if batch.status in ENDED or batch.request_counts.completed >= least else None

    return until(enough, seconds=120)


def kill(running, module: str) -> None:
    for pid in running.children().get(module, ()):
        os.kill(pid, signal.SIGKILL)


def test_a_batch_outlives_its_workers_and_its_supervisor(tmp_path):
    with serving(Halting(LINES - 20)) as upstream:
        settings = over(upstream.port, {name: name for name in SHIPPED}, "[server]\nworkers = 2\n")
        with platform(tmp_path, settings) as running:
            client = client_of(running)
            file = client.files.create(file=("in.jsonl", batch_file()), purpose="batch")
            made = client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")
            for least in (10, 40):
                progress(client, made.id, least)
                kill(running, "zhongshu.app.worker")
                running.wait_ready()
            half = progress(client, made.id, 80)
            assert half.status == "in_progress"
            running.process.send_signal(signal.SIGKILL)
            running.process.wait(60)
        upstream.app.most = LINES * LINES
        with platform(tmp_path, settings) as running:
            client = client_of(running)
            done = progress(client, made.id, LINES + 1)
            assert done.status == "completed"
            rows = [json.loads(text) for text in client.files.content(done.output_file_id).text.splitlines()]
            assert not list((tmp_path / "home" / "batches").iterdir())
        assert [row["custom_id"] for row in rows] == [f"r{n}" for n in range(LINES)]
        assert {row["response"]["status_code"] for row in rows} == {200}
        asked = upstream.app.stats.requests
        print(f"{LINES} lines asked {asked} times over 5 killed processes")
        assert LINES <= asked <= LINES + 5 * 4
